"""The smoke preset as a user would run it, its numbers by hand, and refused settings."""

import html
import json
import math
import re

import jax
import numpy as np
import pytest
import scipy.special

import fooljax as fj
from experiments import ensemble
from experiments.ensemble import numbers
from fooljax import study
from fooljax.metrics import Interval
from fooljax.study import Victim, change
from fooljax.study.cells import file_name

CLASSES = 10


# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(ensemble.PRESETS["smoke"], out=str(folder))
    return folder, config, ensemble.main(config)


def unit(folder, index, count, attack, group="same", **more):
    cell = {"group": group, "set": index, "members": count, "attack": attack, **more}
    return dict(np.load(folder / "units" / f"{file_name(cell)}.npz"))


def test_the_networks_are_disjoint_and_say_what_is_said(smoke):
    """Softmax regressions by numpy, from the stored weights alone."""
    from fooljax import data, models
    from fooljax.runtime import checkpoints

    folder, config, _ = smoke
    train = data.load("digits").train
    fresh = models.build("softmax", jax.random.key(0), train.input_shape, CLASSES)
    for index in range(config.ensembles.sets):
        found = unit(folder, index, 2, "ascent")
        pixels = found["images"].reshape(CLASSES, -1).astype(np.float64)
        shares = []
        for name in config.ensembles.names("same", index):
            stored = folder / "networks" / name.replace(" ", "-")
            params = checkpoints.load(stored, fresh.params)["fc"]
            said = pixels @ np.asarray(params["kernel"]) + np.asarray(params["bias"])
            shares.append(scipy.special.softmax(said, axis=1))
        own = scipy.special.softmax(found["own"].astype(np.float64), axis=1)
        np.testing.assert_allclose(own, np.mean(shares, axis=0), atol=1e-4)


def test_numbers_from_the_pieces(smoke):
    folder, config, returned = smoke
    tau = config.joint.tau
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys() and list(summary["growth"]) == ["same"]
    told = lambda attack, count: study.where(
        returned["means"], attack=attack, members=count, alone=None
    )[0]
    for count in config.ensembles.members:
        shares, costs, certain, steps = [], [], [], []
        for index in range(config.ensembles.sets):
            perturbed = unit(folder, index, count, "perturb")
            shares.append(perturbed["success"].mean())
            history = unit(folder, index, count, "direct")["history"]
            when = [
                np.flatnonzero(niche >= tau)[0] + 1 if niche.max() >= tau else np.inf
                for niche in history.T
            ]
            costs.append(config.joint.children * np.median(when))
            climbed = unit(folder, index, count, "ascent")
            own = scipy.special.softmax(climbed["own"], axis=1)
            certain.append(np.mean(own.diagonal() >= tau))
            first = [np.flatnonzero(np.append(one, 1.0) > 0.0)[0] for one in climbed["trace"]]
            steps.append(np.median(np.maximum(first, 1)))
        assert told("perturb", count)["fooled"]["mean"] == pytest.approx(np.mean(shares))
        assert told("ascent", count)["fooled"]["mean"] == pytest.approx(np.mean(certain))
        assert told("ascent", count)["cost"]["mean"] == pytest.approx(np.mean(steps))
        assert told("direct", count)["cost"]["mean"] == np.mean(costs)
    assert min(certain) == 1.0  # whoever follows the gradient gets everything
    joint = [unit(folder, i, 2, "joint") for i in range(2)]
    own = [scipy.special.softmax(one["own"], axis=1).diagonal() for one in joint]
    assert told("joint", 2)["fooled"]["mean"] == np.mean(np.array(own) >= tau)
    assert told("joint", 1)["cost"] == told("ascent", 1)["cost"]


def test_pictures_and_page(smoke):
    from PIL import Image

    folder, _, summary = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 3
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text().replace("&nbsp;", " ")
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
    cell = {"group": "same", "set": 1, "members": 2, "attack": "ascent"}
    (folder / "units" / f"{file_name(cell)}.npz").unlink()
    (folder / "report.html").unlink()
    ensemble.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert (folder / "report.html").stat().st_size > 10_000


def test_one_gradient_attack_or_another():
    say = lambda *sure: {"own": np.diag(np.where(np.array(sure), 9.0, 0.0))}
    config = change(ensemble.PRESETS["smoke"], tau=0.9, members=(3,))
    ways = {"ascent": (1, 0, 0, 0), "joint": (1, 1, 0, 0), "in turn": (0, 0, 0, 1)}
    about = {"set": 0, "members": 3}
    found = tuple(({**about, "attack": way}, say(*sure)) for way, sure in ways.items())
    others = [
        ({**about, "attack": "direct"}, say(1, 1, 1, 1)),
        ({**about, "attack": "ascent", "alone": "mlp"}, say(1, 1, 1, 1)),
    ]
    group = numbers.Group((), [], [], study.Results((*found, *others)), {}, {}, np.empty(0))
    assert numbers.any_gradient(config, group, 3) == 0.75


def test_the_hardest_member_by_hand():
    """Two sets; in the first the other architecture is the dearer one alone."""
    config = change(ensemble.Config(), models=("mlp", "softmax"), members=(1, 2))
    about = {"group": "mixed", "attack": "perturb"}
    costs = {(1, None): (2.0, 4.0), (1, "softmax"): (4.0, 1.0), (2, None): (8.0, 16.0)}
    records = [
        {**about, "attack": attack, "set": place, "members": size, "alone": alone, "cost": cost}
        for (size, alone), both in costs.items()
        for place, cost in enumerate(both)
        for attack in ("perturb", "ascent", "joint", "direct")
    ]
    own = {"own": np.eye(2), "seconds": 0.0}
    cells = study.grid(group=["same", "mixed"], set=[0, 1], members=[1, 2],
                       attack=["ascent", "joint", "in turn"])  # fmt: skip
    results = study.Results(tuple((cell, own) for cell in cells))
    same = [{**one, "group": "same"} for one in records if one["alone"] is None]
    found = numbers.gather(config, ("a", "b"), results, [*same, *records]).groups
    assert found["same"].hardest == {} and len(found["same"].growth) == 4
    times = found["mixed"].hardest["perturb"].times
    assert times.mean == pytest.approx(np.sqrt((8.0 / 4.0) * (16.0 / 4.0)))
    assert found["mixed"].growth["direct"].per_doubling.mean == pytest.approx(4.0)


def test_the_conclusion_follows_the_numbers():
    config = change(ensemble.PRESETS["smoke"], members=(1, 2))
    exactly = lambda value: Interval(value, value, value)

    def say(verdict, best, ends, hardest=None):
        """``ends``: shares of real images fooled by one network and by two, in each set."""
        grown = fj.analysis.CostGrowth(exactly(1.5), exactly(1.5), 1, verdict)
        growth = {"ascent": grown, "joint": grown, "perturb": grown._replace(censored=0)}
        shares = {"ascent": ([1.0, 0.2],) * 2, "joint": ([1.0, 0.2],) * 2}
        shares |= {"in turn": ([1.0, 0.3],) * 2, "perturb": ends}
        about = {"alone": None}
        records = [
            {**about, "set": place, "members": size, "attack": attack, "fooled": row[size - 1]}
            for attack, rows in shares.items()
            for place, row in enumerate(rows)
            for size in (1, 2)
        ]
        one = numbers.Group(
            ("softmax",) * 2, records, [], None, growth, hardest or {}, np.array([0.9, best])
        )
        return numbers.conclude(config, one).replace("\N{NO-BREAK SPACE}", " ")

    harder = say("dearer", 0.9, ([0.9, 0.4], [0.9, 0.401]))
    assert "dearer to fool by 3 of 3 attacks and cheaper by 0" in harder
    assert "joint gradient at least 1.50, nearest mistake 1.50." in harder
    assert "no fooling image is kept out" in harder and "a fall beyond chance" in harder
    assert "20 % along the gradient of the answer" in harder and "30 % one member" in harder
    ratio = lambda value: fj.analysis.CostRatio(exactly(value), 3)
    hardest = {"ascent": ratio(1.2), "perturb": ratio(math.nan)}
    unclear = say("unclear", 0.5, ([0.9, 0.1], [0.9, 0.95]), hardest)
    assert "dearer to fool by 0 of 3" in unclear and "1.50 (within chance)" in unclear
    assert "so some are kept out" in unclear and "images instead of 90 % (within" in unclear
    assert "joint gradient at least 1.20, nearest mistake unknown" in unclear
    unmeasured = say("unmeasured", 0.9, ([0.3, 0.4], [0.3, 0.401]))
    assert "not measured. Too often without success to be measured: " in unmeasured
    assert "Too often" not in unclear
    cheaper = say("cheaper", 0.9, ([0.3, 0.4], [0.3, 0.401]))
    assert "cheaper by 3" in cheaper and "a rise beyond chance" in cheaper


IMPOSSIBLE = {
    "--members must be at least 1, got 0": {"members": (0, 1)},
    "--members must name at least 1, each once": {"members": ()},
    "--members must name at least 1, each once, got 2 2": {"members": (2, 2)},
    "--members must ascend, got 3 1": {"members": (3, 1)},
    "--sets must be at least 1, got 0": {"sets": 0},
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


@pytest.mark.slow
def test_mixed_architectures(tmp_path):
    folder = tmp_path / "run"
    config = change(ensemble.PRESETS["smoke"], models=("softmax", "mlp"), out=str(folder))
    summary = ensemble.main(config)
    assert set(summary["growth"]) == set(summary["conclusion"]) == {"same", "mixed"}
    means = lambda **keys: study.where(summary["means"], **keys)
    assert {one["alone"] for one in means(group="mixed")} == {None, "mlp"}
    assert {one["alone"] for one in means(group="same")} == {None}
    alone = unit(folder, 0, 1, "perturb", group="mixed", alone="mlp")
    first = unit(folder, 0, 1, "perturb", group="mixed")
    assert np.abs(alone["own"] - first["own"]).max() > 0.1  # another network, the same images
    told = means(group="mixed", attack="perturb", alone="mlp")[0]["cost"]["mean"]
    costs = [
        np.median(unit(folder, place, 1, "perturb", group="mixed", alone="mlp")["l2"])
        for place in range(config.ensembles.sets)
    ]
    assert told == pytest.approx(np.mean(costs))
    assert len(list(folder.glob("*.png"))) == 6
    page = (folder / "report.html").read_text()
    assert "Times the hardest" in page and "Mixed architectures" in page


@pytest.mark.slow
def test_fewer_members_leave_the_rest_as_it_is(smoke, tmp_path):
    """Another number of members decides nothing of what happens to one."""
    folder, config, _ = smoke
    ensemble.main(change(config, members=(2,), out=str(tmp_path / "run")))
    lines = (folder / "records.csv").read_text().splitlines()
    kept = [line for line in lines[1:] if line.split(",")[3] == "2"]
    assert (tmp_path / "run" / "records.csv").read_text().splitlines()[1:] == kept
