"""The smoke preset as a user would run it, its numbers by hand, and refused settings."""

import dataclasses
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from experiments import ensemble, ensemble_numbers, ensemble_results, ensemble_units
from fooljax.runtime.victim import Victim
from fooljax.types import Classifier

CLASSES = 10


# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = dataclasses.replace(ensemble.PRESETS["smoke"], out=str(folder))
    return folder, config, ensemble.main(config)


def unit(folder, index, count, rule, attack):
    name = ensemble_units.unit_name("same", index, count, rule, attack)
    return dict(np.load(folder / "units" / f"{name}.npz"))


def test_the_networks_are_disjoint_and_say_what_is_said(smoke):
    """Softmax regressions by numpy, from the stored weights alone."""
    from fooljax import data, models
    from fooljax.runtime import checkpoints

    folder, config, _ = smoke
    train = data.load("digits").train
    fresh = models.build("softmax", jax.random.key(0), train.input_shape, CLASSES)
    for index in range(config.sets):
        found = unit(folder, index, 2, "probabilities", "ascent")
        pixels = found["images"].reshape(CLASSES, -1).astype(np.float64)
        shares = []
        for place, name in enumerate(ensemble_units.names_of(config, "same", index)):
            stored = folder / "networks" / name.replace(" ", "-")
            params = checkpoints.load(stored, fresh.params)["fc"]
            said = pixels @ np.asarray(params["kernel"]) + np.asarray(params["bias"])
            np.testing.assert_allclose(found["logits"][place], said, rtol=1e-3, atol=1e-3)
            shares.append(scipy.special.softmax(said, axis=1))
        own = scipy.special.softmax(found["own"].astype(np.float64), axis=1)
        np.testing.assert_allclose(own, np.mean(shares, axis=0), atol=1e-4)


def test_numbers_from_the_pieces(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys() and list(summary["groups"]) == ["same"]
    found = summary["groups"]["same"]
    for place, count in enumerate(config.members):
        shares, costs, certain, steps = [], [], [], []
        for index in range(config.sets):
            perturbed = unit(folder, index, count, "probabilities", "perturb")
            shares.append(perturbed["success"].mean())
            history = unit(folder, index, count, "probabilities", "direct")["history"]
            when = [
                np.flatnonzero(niche >= config.tau)[0] + 1 if niche.max() >= config.tau else np.inf
                for niche in history.T
            ]
            costs.append(config.children * np.median(when))
            climbed = unit(folder, index, count, "probabilities", "ascent")
            own = scipy.special.softmax(climbed["own"], axis=1)
            certain.append(np.mean(own.diagonal() >= config.tau))
            first = [np.flatnonzero(np.append(one, 1.0) > 0.0)[0] for one in climbed["trace"]]
            steps.append(np.median(np.maximum(first, 1)))
        attacks = found["attacks"]
        assert attacks["perturb"]["fooled"][place]["mean"] == pytest.approx(np.mean(shares))
        assert attacks["ascent"]["fooled"][place]["mean"] == pytest.approx(np.mean(certain))
        assert attacks["ascent"]["cost_median"][place] == pytest.approx(np.median(steps))
        told = attacks["direct"]["cost_per_set"]
        assert [np.inf if row[place] is None else row[place] for row in told] == costs
    assert min(certain) == 1.0  # whoever follows the gradient gets everything
    joint = [unit(folder, i, 2, "probabilities", "by-log_probabilities") for i in range(2)]
    own = [scipy.special.softmax(one["own"], axis=1).diagonal() for one in joint]
    assert found["attacks"]["joint"]["fooled"][1]["mean"] == np.mean(np.array(own) >= config.tau)
    single = found["attacks"]["joint"]["cost_per_set"], found["attacks"]["ascent"]["cost_per_set"]
    assert [row[0] for row in single[0]] == [row[0] for row in single[1]]
    cosines = np.array(found["alignment"]["images"]["matrix"])
    np.testing.assert_allclose(np.diagonal(cosines), 1.0, atol=1e-5)
    whole = found["transfer"]["joint"][-1]
    assert whole["one_outside_same"] is None and whole["all_same"]["mean"] == 1.0


def test_pictures_and_page(smoke):
    from PIL import Image

    folder, _, summary = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 6
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    assert "python -m experiments.ensemble --train-steps 60 --models softmax" in page
    text = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"\bnan\b", text) and summary["conclusion"]["same"] in text


@pytest.mark.slow
def test_a_resumed_run_gives_the_same(smoke):
    folder, config, summary = smoke
    before = (folder / "images.npz").read_bytes()
    lost = ensemble_units.unit_name("same", 1, 2, "probabilities", "ascent")
    (folder / "units" / f"{lost}.npz").unlink()
    (folder / "report.html").unlink()
    again = ensemble.main(dataclasses.replace(config, out=None, resume=str(folder)))
    assert (folder / "images.npz").read_bytes() == before
    assert again["conclusion"] == summary["conclusion"]
    assert (folder / "report.html").stat().st_size > 10_000


def test_who_joins_in_which_set():
    config = dataclasses.replace(ensemble.Config(), members=(1, 3), sets=2)
    assert ensemble_units.networks_needed(config) == {"lenet": 6, "mlp": 2, "softmax": 2}
    assert ensemble_units.names_of(config, "same", 1) == ("lenet 4", "lenet 5", "lenet 6")
    assert ensemble_units.names_of(config, "mixed", 1) == ("lenet 4", "mlp 2", "softmax 2")
    config = dataclasses.replace(config, members=(1, 5))
    assert ensemble_units.names_of(config, "mixed", 1) == (
        *("lenet 6", "mlp 3", "softmax 2", "lenet 7", "mlp 4"),
    )
    own = dataclasses.replace(config, models=("a.py:x", "b.py:y"), members=(1, 2), sets=1)
    assert list(ensemble_units.groups(own)) == ["mixed"]


def test_growth_by_hand():
    """A cost of ``3 * n ** 2`` quadruples at every doubling, whatever the set's level."""
    sizes = (1, 2, 4)
    squares = np.array([[1.0, 4.0, 16.0], [3.0, 12.0, 48.0]])
    grown = ensemble_numbers.growth(sizes, squares, 100.0)
    assert grown["per_doubling"] == pytest.approx({"mean": 4.0, "low": 4.0, "high": 4.0})
    assert grown["whole_range"]["mean"] == pytest.approx(16.0)
    assert grown["verdict"] == "harder" and grown["censored"] == 0
    assert ensemble_numbers.growth(sizes, 1.0 / squares, 1.0)["verdict"] == "easier"
    level = ensemble_numbers.growth(sizes, np.full((2, 3), np.inf), 0.3)
    assert level["verdict"] == "unclear" and level["censored"] == 6
    both_ways = np.array([[1.0, 2.0, 4.0], [4.0, 2.0, 1.0]])
    assert ensemble_numbers.growth(sizes, both_ways, 1.0)["verdict"] == "unclear"
    never = ensemble_numbers.growth(sizes, np.full((2, 3), np.inf), np.nan)
    assert never["verdict"] == "unmeasured"
    assert ensemble_numbers.growth(sizes, squares[:1], 1.0)["verdict"] == "unclear"  # one set
    assert ensemble_numbers.growth((2,), squares[:, :1], 1.0) is None
    logs = [1.0, 2.0, 4.0]
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(logs), scipy.stats.sem(logs))
    assert ensemble_numbers.interval(logs) == pytest.approx((np.mean(logs), low, high))


def test_what_a_turn_does_to_the_others_by_hand():
    """Two members, one round, one class: the second turn costs the first member its win."""
    before = np.array([[-1.0], [-2.0]])
    after = np.array([[[[3.0], [-4.0]], [[-1.0], [5.0]]]])
    change, undone = ensemble_numbers.others(before, after)
    assert change == pytest.approx(((-4.0 + 2.0) + (-1.0 - 3.0)) / 2)
    assert undone == 1.0
    assert ensemble_numbers.others(before, after[:, :1].repeat(2, 1))[1] == 0.0


def test_the_hardest_member_by_hand():
    """Two sets; a whole that was not reached counts as 64."""
    together, single = np.array([8.0, np.inf]), [np.array([2.0, 4.0]), np.array([4.0, 16.0])]
    times = ensemble_numbers.times_hardest(together, single, 64.0)
    assert times["mean"] == pytest.approx(np.sqrt(2.0 * 4.0)) and times["censored"] == 1
    assert ensemble_numbers.times_hardest(single[1], single, 64.0)["mean"] == 1.0
    unknown = ensemble_numbers.times_hardest(together, [*single, together], 64.0)
    assert np.isnan(unknown["mean"])


def test_one_gradient_attack_or_another():
    say = lambda *sure: {"own": np.diag(np.where(np.array(sure), 9.0, 0.0))}
    config = dataclasses.replace(ensemble.PRESETS["smoke"], tau=0.9)
    ways = [say(1, 0, 0, 0), say(1, 1, 0, 0), say(0, 0, 0, 1)]
    assert ensemble_numbers.any_gradient(config, ways) == 0.75


def test_the_conclusion_follows_the_numbers():
    config = dataclasses.replace(ensemble.PRESETS["smoke"], encodings=())
    rows = lambda first, last: np.array([[first, last]] * 2)

    def say(verdict, best, change, alone=None):
        grown = {"verdict": verdict, "censored": 1, "per_doubling": {"mean": 1.5}}
        climbed = {"growth": grown, "fooled_per_set": rows(1.0, 0.2)}
        low, high = change
        perturb = {"growth": {**grown, "censored": 0}, "fooled_per_set": rows(0.9, 0.4)}
        perturb["fooled_change"] = {"mean": -0.5, "low": low, "high": high}
        found = {
            "attacks": {"ascent": climbed, "joint": climbed, "perturb": perturb},
            "in_turn": {"fooled_per_set": rows(1.0, 0.3)},
            "any_gradient": [{"mean": 0.9}, {"mean": best}],
            "alone": alone or {},
        }
        return ensemble_results.conclude(config, {"same": found})["same"]

    harder = say("harder", 0.9, (-0.6, -0.4))
    assert "dearer to fool by 3 of 3 attacks and cheaper by 0" in harder
    assert "joint gradient at least 1.50, nearest mistake 1.50." in harder
    assert "no fooling image is kept out" in harder and "a fall beyond chance" in harder
    assert "20 % along the gradient of the answer" in harder and "30 % one member" in harder
    hardest = {
        "ascent": {"times_hardest": {"mean": 1.2, "censored": 3}},
        "perturb": {"times_hardest": {"mean": float("nan"), "censored": 3}},
    }
    unclear = say("unclear", 0.5, (-1.0, 0.2), hardest)
    assert "dearer to fool by 0 of 3" in unclear and "1.50 (within chance)" in unclear
    assert "so some are kept out" in unclear and "images instead of 90 % (within" in unclear
    assert "joint gradient at least 1.20, nearest mistake unknown" in unclear
    easier = say("easier", 0.9, (0.1, 0.2))
    assert "cheaper by 3" in easier and "a rise beyond chance" in easier


IMPOSSIBLE = {
    "--members must be at least 1, got 0": {"members": (0, 1)},
    "--members: give at least one, each once, got none": {"members": ()},
    "--members: give at least one, each once, got 2 2": {"members": (2, 2)},
    "--members must ascend, got 3 1": {"members": (3, 1)},
    "--sets must be at least 1, got 0": {"sets": 0},
    "--rule-sizes must be among --members, got 3": {"rule_sizes": (2, 3)},
    "--rules: give each once": {"rules": ("logits", "logits")},
    "--encodings: give at least one": {"encodings": ()},
    "--rounds must be at most --steps 20, got 21": {"rounds": 21},
    r"--step-size must be in \(0, 1\], got 0": {"step_size": 0.0},
    r"--epsilon must be in \(0, 1\], got nan": {"epsilon": float("nan")},
    r"--tau must be in \(0, 1\), got 1.0": {"tau": 1.0},
    "--model: give --models mlp another": {"victim": Victim(model="mlp")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "--models: give at least one, each once": {"models": ("mlp", "mlp")},
    "--models: a.py:b has but one set of weights": {"models": ("a.py:b", "mlp")},
    "--members: 2 members, but --models names 1:": {
        "models": ("a.py:b",),
        "sets": 1,
    },
    "--models nope: unknown network": {"models": ("nope",)},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = dataclasses.replace(ensemble.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        ensemble.main(dataclasses.replace(config, **changes))
    assert not list(tmp_path.iterdir())


def test_too_many_images(smoke):
    _, config, _ = smoke
    wrong = lambda params, images: jnp.zeros((len(images), CLASSES)) + params
    from fooljax import data

    names = ensemble_units.networks_needed(config)
    names = [f"softmax {i + 1}" for i in range(names["softmax"])]
    networks = {name: Classifier(jnp.zeros(()), wrong, (28, 28, 1), CLASSES) for name in names}
    config = dataclasses.replace(config, images=300)
    with pytest.raises(ValueError, match=r"--images: .* right about \d+ test images only, got 300"):
        ensemble_units.set_scenes(config, networks, data.load("digits"))


@pytest.mark.slow
def test_mixed_architectures_and_all_rules(tmp_path):
    folder = tmp_path / "run"
    config = dataclasses.replace(
        ensemble.PRESETS["smoke"],
        models=("softmax", "mlp"),
        rules=("majority_vote", "unanimous"),
        rule_sizes=(2,),
        out=str(folder),
    )
    summary = ensemble.main(config)
    assert summary["groups"]["mixed"]["architectures"] == ["softmax", "mlp"]
    assert not summary["groups"]["mixed"]["rules"] and not summary["groups"]["same"]["alone"]
    alone = summary["groups"]["mixed"]["alone"]["ascent"]["cost_per_set"]
    assert list(alone) == ["softmax", "mlp"]
    first = [row[0] for row in summary["groups"]["mixed"]["attacks"]["ascent"]["cost_per_set"]]
    assert list(alone["softmax"]) == first
    rules = summary["groups"]["same"]["rules"]["2"]
    for name, rule in rules.items():
        perturbed = [unit(folder, i, 2, name, "perturb") for i in range(config.sets)]
        clean = np.array([one["clean"] for one in perturbed])
        assert rule["rejected"]["mean"] == pytest.approx(np.mean(clean == CLASSES))
        assert (rule["rejected"]["mean"] > 0.0) == (name == "unanimous")
        assert rule["accuracy"]["mean"] > 0.8 and rule["pgd_success"]["mean"] > 0.5
        climbed = [unit(folder, i, 2, name, "ascent")["own"] for i in range(config.sets)]
        right = np.mean([one.argmax(axis=1) == np.arange(CLASSES) for one in climbed])
        assert rule["ascent"]["named"]["mean"] == pytest.approx(right) and right > 0.5
    assert len(list(folder.glob("*.png"))) == 12
    page = (folder / "report.html").read_text()
    assert "unanimous or reject" in page and "mean of margins" in page
