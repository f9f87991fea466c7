"""The smoke preset as a user would run it, its numbers by hand, and refused settings."""

import html
import json
import re

import jax
import numpy as np
import pytest
import scipy.special

from experiments import members
from fooljax import study
from fooljax.study import change
from fooljax.study.cells import file_name

CLASSES = 10

# dozens of programs; what they do is tested with attacks, analysis and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(members.PRESETS["smoke"], out=str(folder))
    return folder, config, members.main(config)


def unit(folder, index, count, attack):
    cell = {"group": "same", "set": index, "members": count, "attack": attack}
    return dict(np.load(folder / "units" / f"{file_name(cell)}.npz"))


def test_who_is_asked(smoke):
    """The members, all as one, and those outside: softmax regressions by numpy."""
    from fooljax import data, models
    from fooljax.runtime import checkpoints

    folder, config, _ = smoke
    train = data.load("digits").train
    fresh = models.build("softmax", jax.random.key(0), train.input_shape, CLASSES)
    for index in range(config.ensembles.sets):
        found = unit(folder, index, 1, "joint")
        pixels = found["images"].reshape(CLASSES, -1).astype(np.float64)
        shares = []
        for name in config.ensembles.names("same", index):
            stored = folder / "networks" / name.replace(" ", "-")
            params = checkpoints.load(stored, fresh.params)["fc"]
            said = pixels @ np.asarray(params["kernel"]) + np.asarray(params["bias"])
            shares.append(scipy.special.softmax(said, axis=1))
        asked = scipy.special.softmax(found["logits"].astype(np.float64), axis=2)
        first, second = shares
        np.testing.assert_allclose(asked, [first, (first + second) / 2, second], atol=1e-4)


def test_numbers_from_the_pieces(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    told = lambda attack, count: study.where(returned["means"], attack=attack, members=count)[0]
    targets = np.arange(CLASSES)
    for attack in ("direct", "joint"):
        answers = [unit(folder, place, 1, attack)["logits"].argmax(axis=2) for place in (0, 1)]
        shares = np.mean([one == targets for one in answers], axis=(0, 2))
        assert told(attack, 1)["all_same"]["mean"] == pytest.approx(shares[1])
        assert told(attack, 1)["outside_same"]["mean"] == pytest.approx(shares[2])
        logits = np.stack([unit(folder, place, 1, attack)["logits"] for place in (0, 1)], 1)
        sure = np.max(np.exp(logits - scipy.special.logsumexp(logits, -1, keepdims=True)), -1)
        shares = np.mean(sure >= config.joint.tau, axis=(1, 2))
        assert told(attack, 1)["all_any"]["mean"] == pytest.approx(shares[1])
        assert told(attack, 1)["outside_any"]["mean"] == pytest.approx(shares[2])
    for image in ("all", "outside"):  # of real images any wrong class counts, however uncertain
        found = told("perturb", 1)
        assert found[f"{image}_any"]["mean"] >= found[f"{image}_same"]["mean"] > 0.0
    assert np.isnan(told("joint", 2)["outside_same"]["mean"])
    assert told("joint", 2)["all_same"]["mean"] == 1.0
    turns = [unit(folder, place, 2, "in turn") for place in (0, 1)]
    changes = []
    for one in turns:
        states = [one["before"], *one["after"].reshape(-1, 2, CLASSES)]
        waits = [states[turn + 1][1 - turn % 2] - states[turn][1 - turn % 2]
                 for turn in range(len(states) - 1)]  # fmt: skip
        changes.append(np.mean(waits))
    assert told("in turn", 2)["change"]["mean"] == pytest.approx(np.mean(changes), rel=1e-4)
    cosines = np.array(summary["alignment"]["same"]["images"])
    np.testing.assert_allclose(np.diagonal(cosines, axis1=1, axis2=2), 1.0, atol=1e-5)
    assert cosines.shape == (config.ensembles.sets, 2, 2)


def test_page(smoke):
    folder, _, summary = smoke
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert pictures == ["same_alignment.png", "same_transfer.png", "same_turns.png"]
    page = (folder / "report.html").read_text().replace("&nbsp;", " ")
    assert page.count("data:image/png;base64,") == len(pictures)
    text = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"\bnan\b", text) and html.escape(summary["conclusion"]["same"]) in text


def test_the_conclusion_follows_the_numbers():
    config = members.PRESETS["smoke"]

    def say(*changes):
        """Changes of the others' log-odds, in each set."""
        about = {"members": 2, "attack": "in turn", "undone": 0.25}
        records = [{**about, "set": i, "change": one} for i, one in enumerate(changes)]
        for count, outside in ((1, 0.75), (2, None)):  # with two of two nobody is outside
            row = {"attack": "joint", "members": count, "outside_same": outside}
            records += [{**row, "set": i} for i in range(len(changes))]
        cosines = np.full((2, 2, 3), 0.5)
        arrays = {"cosines_images": cosines, "cosines_noise": -cosines}
        results = study.Results((({"attack": "alignment"}, arrays),) * 2)
        one = members.Group(("softmax 1", "softmax 2"), records, results)
        return members.conclude(config, one).replace("\N{NO-BREAK SPACE}", " ")

    assert "helps with the others too" in say(1.0, 1.01) and "loses 25 %" in say(1.0, 1.01)
    assert "undoes some of that with the others" in say(-1.0, -1.01)
    assert "neither helps nor hurts the others beyond chance" in say(1.0, -1.0)
    outside = "by the joint gradient get the same label from a network that had no part."
    assert f" 75 % (in every repeat) of the images made for 1 of 2 {outside}" in say(1.0, 1.0)
    assert "is 0.5 (in every repeat) at test images and -0.5 (in every repeat)" in say(1.0, 1.0)


def test_few_lines_can_be_told_apart():
    few = lambda *sizes: members.few(change(members.Config(), members=sizes))
    assert few(1, 2, 3, 5) == [2, 3] and few(1, 5, 8) == [5]


IMPOSSIBLE = {
    "--members must name 2 or more": {"members": (1,)},
    "--members must ascend, got 3 1": {"members": (3, 1)},
    "--rounds must be at most --steps 20, got 21": {"rounds": 21},
    "--dataset: real images are needed": {"victim": study.Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(members.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        members.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
