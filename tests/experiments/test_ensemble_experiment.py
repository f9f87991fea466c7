"""The smoke preset as a user would run it, its numbers by hand, and refused settings."""

import html
import json
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from experiments import ensemble
from experiments.ensemble import measure, numbers
from fooljax import study
from fooljax.metrics import Interval
from fooljax.study import Victim, change
from fooljax.study.cells import file_name
from fooljax.types import Classifier

CLASSES = 10


# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(ensemble.PRESETS["smoke"], out=str(folder))
    return folder, config, ensemble.main(config)


def unit(folder, index, count, rule, attack):
    cell = {"group": "same", "set": index, "members": count, "rule": rule, "attack": attack}
    return dict(np.load(folder / "units" / f"{file_name(cell)}.npz"))


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
        for place, name in enumerate(measure.names_of(config, "same", index)):
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
    assert summary.keys() == returned.keys() and list(summary["growth"]) == ["same"]
    told = lambda attack, count: study.where(
        returned["means"], attack=attack, members=count, rule="probabilities", alone=None
    )[0]
    for count in config.members:
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
        assert told("perturb", count)["fooled"]["mean"] == pytest.approx(np.mean(shares))
        assert told("ascent", count)["fooled"]["mean"] == pytest.approx(np.mean(certain))
        assert told("ascent", count)["cost"]["mean"] == pytest.approx(np.mean(steps))
        assert told("direct", count)["cost"]["mean"] == np.mean(costs)
    assert min(certain) == 1.0  # whoever follows the gradient gets everything
    joint = [unit(folder, i, 2, "probabilities", "by log_probabilities") for i in range(2)]
    own = [scipy.special.softmax(one["own"], axis=1).diagonal() for one in joint]
    assert told("joint", 2)["fooled"]["mean"] == np.mean(np.array(own) >= config.tau)
    assert told("joint", 1)["cost"] == told("ascent", 1)["cost"]
    cosines = np.array(summary["alignment"]["same"]["images"])
    np.testing.assert_allclose(np.diagonal(cosines, axis1=1, axis2=2), 1.0, atol=1e-5)
    whole = told("joint", 2)
    assert math.isnan(whole["outside_same"]["mean"]) and whole["all_same"]["mean"] == 1.0


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
    assert not re.search(r"\bnan\b", text) and html.escape(summary["conclusion"]["same"]) in text


@pytest.mark.slow
def test_a_resumed_run_gives_the_same_bytes(smoke):
    folder, config, _ = smoke
    names = ("records.csv", "arrays.npz", "same_fooled.png")
    before = {name: (folder / name).read_bytes() for name in names}
    cell = {"group": "same", "set": 1, "members": 2, "rule": "probabilities", "attack": "ascent"}
    (folder / "units" / f"{file_name(cell)}.npz").unlink()
    (folder / "report.html").unlink()
    ensemble.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert (folder / "report.html").stat().st_size > 10_000


def test_who_joins_in_which_set():
    config = change(ensemble.Config(), members=(1, 3), sets=2)
    assert measure.needed(config) == {"lenet": 6, "mlp": 2, "softmax": 2}
    assert measure.names_of(config, "same", 1) == ("lenet 4", "lenet 5", "lenet 6")
    assert measure.names_of(config, "mixed", 1) == ("lenet 4", "mlp 2", "softmax 2")
    config = change(config, members=(1, 5))
    assert measure.names_of(config, "mixed", 1) == (
        *("lenet 6", "mlp 3", "softmax 2", "lenet 7", "mlp 4"),
    )
    own = change(config, models=("a.py:x", "b.py:y"), members=(1, 2), sets=1)
    assert list(measure.groups(own)) == ["mixed"]


def test_growth_by_hand():
    """A cost of ``3 * n ** 2`` quadruples at every doubling, whatever the set's level."""
    sizes = (1, 2, 4)
    squares = np.array([[1.0, 4.0, 16.0], [3.0, 12.0, 48.0]])
    grown = numbers.growth(sizes, squares, 100.0)
    assert grown.per_doubling == pytest.approx((4.0, 4.0, 4.0))
    assert grown.whole_range.mean == pytest.approx(16.0)
    assert grown.verdict == "harder" and grown.censored == 0
    assert numbers.growth(sizes, 1.0 / squares, 1.0).verdict == "easier"
    level = numbers.growth(sizes, np.full((2, 3), np.inf), 0.3)
    assert level.verdict == "unclear" and level.censored == 6
    both_ways = np.array([[1.0, 2.0, 4.0], [4.0, 2.0, 1.0]])
    assert numbers.growth(sizes, both_ways, 1.0).verdict == "unclear"
    assert numbers.growth(sizes, np.full((2, 3), np.inf), np.nan).verdict == "unmeasured"
    assert numbers.growth(sizes, squares[:1], 1.0).verdict == "unclear"  # one set
    assert numbers.growth((2,), squares[:, :1], 1.0) is None
    logs = [1.0, 2.0, 4.0]
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(logs), scipy.stats.sem(logs))
    assert numbers.interval(logs) == pytest.approx((np.mean(logs), low, high))


def test_what_a_turn_does_to_the_others_by_hand():
    """Two members, one round, one class: the second turn costs the first member its win."""
    before = np.array([[-1.0], [-2.0]])
    after = np.array([[[[3.0], [-4.0]], [[-1.0], [5.0]]]])
    changed, undone = numbers.others(before, after)
    assert changed == pytest.approx(((-4.0 + 2.0) + (-1.0 - 3.0)) / 2)
    assert undone == 1.0
    assert numbers.others(before, after[:, :1].repeat(2, 1))[1] == 0.0


def test_the_hardest_member_by_hand():
    """Two sets; a whole that was not reached counts as 64."""
    together, single = np.array([8.0, np.inf]), [np.array([2.0, 4.0]), np.array([4.0, 16.0])]
    times, censored = numbers.times_hardest(together, single, 64.0)
    assert times.mean == pytest.approx(np.sqrt(2.0 * 4.0)) and censored == 1
    assert numbers.times_hardest(single[1], single, 64.0)[0].mean == 1.0
    assert np.isnan(numbers.times_hardest(together, [*single, together], 64.0)[0].mean)


def test_one_gradient_attack_or_another():
    say = lambda *sure: {"own": np.diag(np.where(np.array(sure), 9.0, 0.0))}
    config = change(ensemble.PRESETS["smoke"], tau=0.9, members=(3,))
    ways = {"ascent": (1, 0, 0, 0), "by log_probabilities": (1, 1, 0, 0), "in turn": (0, 0, 0, 1)}
    about = {"set": 0, "members": 3, "rule": "probabilities"}
    found = tuple(({**about, "attack": way}, say(*sure)) for way, sure in ways.items())
    other = ({**about, "attack": "by margins"}, say(1, 1, 1, 1))
    assert numbers.any_gradient(config, study.Results((*found, other))) == [0.75]


def test_the_conclusion_follows_the_numbers():
    config = change(ensemble.PRESETS["smoke"], members=(1, 2))
    exactly = lambda value: Interval(value, value, value)

    def say(verdict, best, ends, hardest=None):
        """``ends``: shares of real images fooled by one network and by two, in each set."""
        grown = numbers.Growth(exactly(1.5), exactly(1.5), 1, verdict)
        growth = {"ascent": grown, "joint": grown, "perturb": grown._replace(censored=0)}
        shares = {"ascent": ([1.0, 0.2],) * 2, "joint": ([1.0, 0.2],) * 2}
        shares |= {"in turn": ([1.0, 0.3],) * 2, "perturb": ends}
        about = {"rule": "probabilities", "alone": None}
        records = [
            {**about, "set": place, "members": size, "attack": attack, "fooled": row[size - 1]}
            for attack, rows in shares.items()
            for place, row in enumerate(rows)
            for size in (1, 2)
        ]
        one = numbers.Group(
            ("softmax",) * 2, records, None, growth, hardest or {}, {}, np.array([0.9, best])
        )
        return numbers.conclude(config, one).replace("\N{NO-BREAK SPACE}", " ")

    harder = say("harder", 0.9, ([0.9, 0.4], [0.9, 0.401]))
    assert "dearer to fool by 3 of 3 attacks and cheaper by 0" in harder
    assert "joint gradient at least 1.50, nearest mistake 1.50." in harder
    assert "no fooling image is kept out" in harder and "a fall beyond chance" in harder
    assert "20 % along the gradient of the answer" in harder and "30 % one member" in harder
    hardest = {"ascent": (exactly(1.2), 3), "perturb": (exactly(math.nan), 3)}
    unclear = say("unclear", 0.5, ([0.9, 0.1], [0.9, 0.95]), hardest)
    assert "dearer to fool by 0 of 3" in unclear and "1.50 (within chance)" in unclear
    assert "so some are kept out" in unclear and "images instead of 90 % (within" in unclear
    assert "joint gradient at least 1.20, nearest mistake unknown" in unclear
    easier = say("easier", 0.9, ([0.3, 0.4], [0.3, 0.401]))
    assert "cheaper by 3" in easier and "a rise beyond chance" in easier


IMPOSSIBLE = {
    "--members must be at least 1, got 0": {"members": (0, 1)},
    "--members must name at least 1, each once": {"members": ()},
    "--members must name at least 1, each once, got 2 2": {"members": (2, 2)},
    "--members must ascend, got 3 1": {"members": (3, 1)},
    "--sets must be at least 1, got 0": {"sets": 0},
    "--rule-sizes must be among --members, got 3": {"rule_sizes": (2, 3)},
    "--rules must name .*each once": {"rules": ("logits", "logits")},
    "--encodings must name at least 1": {"encodings": ()},
    "--rounds must be at most --steps 20, got 21": {"rounds": 21},
    r"--step-size must be in \(0, 1\], got 0": {"step_size": 0.0},
    r"--epsilon must be in \(0, 1\], got nan": {"epsilon": float("nan")},
    r"--tau must be in \(0, 1\), got 1.0": {"tau": 1.0},
    "--model: give --models mlp another": {"victim": Victim(model="mlp")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "--models must name at least 1, each once": {"models": ("mlp", "mlp")},
    "--models: a.py:b has but one set of weights": {"models": ("a.py:b", "mlp")},
    "--members: 2 members, but --models names 1:": {
        "models": ("a.py:b",),
        "sets": 1,
    },
    "--models nope: unknown network": {"models": ("nope",)},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(ensemble.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        ensemble.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


def test_too_many_images():
    from fooljax import data

    config, splits = change(ensemble.PRESETS["smoke"], images=300), data.load("digits")
    wrong = lambda params, images: jnp.zeros((len(images), CLASSES)) + params
    network = Classifier(jnp.zeros(()), wrong, (28, 28, 1), CLASSES)
    prepared = study.Prepared(network, splits.test.class_names, 0.1, "made up", splits)
    networks = {f"softmax {i + 1}": prepared for i in range(measure.needed(config)["softmax"])}
    with pytest.raises(ValueError, match=r"--images: .* right about \d+ test images only, got 300"):
        ensemble.set_scenes(config, networks)


@pytest.mark.slow
def test_mixed_architectures_and_all_rules(tmp_path):
    folder = tmp_path / "run"
    config = change(
        ensemble.PRESETS["smoke"],
        models=("softmax", "mlp"),
        rules=("majority_vote", "unanimous"),
        rule_sizes=(2,),
        out=str(folder),
    )
    summary = ensemble.main(config)
    means = lambda **keys: study.where(summary["means"], **keys)
    assert measure.groups(config)["mixed"] == ("softmax", "mlp")
    assert not [one for one in means(group="mixed") if one["rule"] != "probabilities"]
    assert {one["alone"] for one in means(group="mixed")} == {None, "mlp"}
    assert {one["alone"] for one in means(group="same")} == {None}
    for rule in ("probabilities", "majority_vote", "unanimous"):
        keys = {"group": "same", "members": 2, "rule": rule}
        (told,) = means(attack="perturb", **keys)
        perturbed = [unit(folder, i, 2, rule, "perturb") for i in range(config.sets)]
        clean = np.array([one["clean"] for one in perturbed])
        assert told["rejected"]["mean"] == pytest.approx(np.mean(clean == CLASSES))
        assert (told["rejected"]["mean"] > 0.0) == (rule == "unanimous")
        assert told["accuracy"]["mean"] > 0.8 and told["fooled"]["mean"] > 0.5
        climbed = [unit(folder, i, 2, rule, "ascent")["own"] for i in range(config.sets)]
        right = np.mean([one.argmax(axis=1) == np.arange(CLASSES) for one in climbed])
        assert means(attack="ascent", **keys)[0]["named"]["mean"] == pytest.approx(right)
        assert right > 0.5
    assert len(list(folder.glob("*.png"))) == 12
    page = (folder / "report.html").read_text()
    assert "unanimous or reject" in page and "mean of margins" in page


@pytest.mark.slow
def test_fewer_rules_leave_the_rest_as_it_is(smoke, tmp_path):
    """Another number of members, another encoding: none decides what happens to one."""
    folder, config, _ = smoke
    ensemble.main(change(config, members=(2,), out=str(tmp_path / "run")))
    lines = (folder / "records.csv").read_text().splitlines()
    kept = [line for line in lines[1:] if line.split(",")[3] == "2"]
    assert (tmp_path / "run" / "records.csv").read_text().splitlines()[1:] == kept
