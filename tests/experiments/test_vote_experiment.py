"""The smoke preset as a user would run it, its numbers by hand, and refused settings."""

import html
import math
import re

import numpy as np
import pytest
import scipy.special

from experiments import vote
from fooljax import study
from fooljax.study import change
from fooljax.study.cells import file_name

CLASSES = 10

# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(vote.PRESETS["smoke"], out=str(folder))
    return folder, config, vote.main(config)


def unit(folder, index, rule, attack):
    cell = {"group": "same", "set": index, "members": 2, "rule": rule, "attack": attack}
    return dict(np.load(folder / "units" / f"{file_name(cell)}.npz"))


def test_numbers_from_the_pieces(smoke):
    folder, config, summary = smoke
    means = lambda **keys: study.where(summary["means"], group="same", members=2, **keys)[0]
    sets = range(config.ensembles.sets)
    for rule in ("probabilities", *config.rules):
        told = means(rule=rule, attack="perturb")
        perturbed = [unit(folder, place, rule, "perturb") for place in sets]
        clean = np.array([one["clean"] for one in perturbed])
        assert told["rejected"]["mean"] == pytest.approx(np.mean(clean == CLASSES))
        assert (told["rejected"]["mean"] > 0.0) == (rule == "unanimous")
        assert told["accuracy"]["mean"] > 0.8 and told["fooled"]["mean"] > 0.5
        climbed = [unit(folder, place, rule, "ascent")["own"] for place in sets]
        right = np.mean([one.argmax(axis=1) == np.arange(CLASSES) for one in climbed])
        assert means(rule=rule, attack="ascent")["named"]["mean"] == pytest.approx(right)
        assert right > 0.5
    for objective in config.objectives:
        told = means(rule="probabilities", attack=f"by {objective}")
        found = [unit(folder, place, "probabilities", f"by {objective}") for place in sets]
        own = [scipy.special.softmax(one["own"], axis=1).diagonal() for one in found]
        assert told["fooled"]["mean"] == np.mean(np.array(own) >= config.joint.tau)
        assert told["pgd"]["mean"] == pytest.approx(np.mean([one["pgd_success"] for one in found]))


def test_the_unanimous_answer_only_if_all_do(smoke):
    """Where the two networks of a set differ, the whole rejects: by votes and by unanimity."""
    folder, config, _ = smoke
    for place in range(config.ensembles.sets):
        unanimous = unit(folder, place, "unanimous", "perturb")["clean"]
        votes = unit(folder, place, "majority_vote", "perturb")["clean"]
        agreed = unanimous < CLASSES
        assert 0.5 < agreed.mean() < 1.0
        np.testing.assert_array_equal(unanimous[agreed], votes[agreed])


def test_page(smoke):
    folder, _, summary = smoke
    page = (folder / "report.html").read_text().replace("&nbsp;", " ")
    assert page.count("data:image/png;base64,") == len(list(folder.glob("*.png"))) == 1
    assert "unanimous or reject" in page and "mean of margins" in page
    text = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"\bnan\b", text) and html.escape(summary["conclusion"][0]) in text


def test_the_conclusion_follows_the_numbers():
    config = change(
        vote.PRESETS["smoke"],
        rules=("majority_vote", "unanimous", "logits"),
        objectives=("margins",),
    )

    def record(rule, attack, place, **numbers):
        about = {"group": "same", "members": 2, "rule": rule, "attack": attack, "set": place}
        return {**about, "rejected": 0.0, **numbers}

    near = {"probabilities": (1.0, 2.0), "majority_vote": (2.0, 4.0), "unanimous": (2.0, 1.0)}
    near["logits"] = (2.0, math.inf)
    records = [
        record(rule, "perturb", place, cost=cost, rejected=0.25 * (rule == "unanimous"))
        for rule, costs in near.items()
        for place, cost in enumerate(costs)
    ]
    records += [record(rule, "ascent", place, fooled=0.5) for rule in near for place in (0, 1)]
    records += [
        record("probabilities", "by margins", place, fooled=share)
        for place, share in enumerate((0.7, 0.701))
    ]
    (words,) = vote.conclude(vote.Found(config, (), None, records))
    words = words.replace("\N{NO-BREAK SPACE}", " ")
    assert words.startswith("One architecture, 2 members: a gradient attack makes the mean of")
    assert (
        "majority vote puts the nearest mistake 2 (in every repeat) times as far away (f" in words
    )
    assert "(farther beyond chance)" in words and "reject puts the nearest mistake 1 (" in words
    assert "times as far away (within chance)" in words
    assert "mean of logits cannot be compared by the nearest mistake" in words
    assert "rejects 25 % of the test images" in words
    assert "by the mean of margins 70 % (more beyond chance)" in words


IMPOSSIBLE = {
    "--members must be at least 2, got 1": {"members": (1, 2)},
    "--members must ascend, got 3 2": {"members": (3, 2)},
    "--rules must name .*each once": {"rules": ("logits", "logits")},
    "--objectives must be ": {"objectives": ("nothing",)},
    r"--tau must be in \(0, 1\), got 1.0": {"tau": 1.0},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(vote.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        vote.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
