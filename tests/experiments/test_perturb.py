"""The experiment on networks whose every answer is known in closed form."""

import csv
import dataclasses
import json
import re

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import perturb, perturb_run
from fooljax import data
from fooljax.attacks.findings import Finding
from fooljax.interrupts import Interrupted
from fooljax.runtime import units
from fooljax.runtime.victim import Prepared, Victim
from fooljax.types import Classifier

EPSILONS = (0.005, 0.01, 0.02)
EPSILONS_L2 = (0.05, 0.1, 0.2)
ATTACKS = ("fgsm", "pgd", "pgd-restarts", "deepfool", "pgd-l2", "pgd-targeted")
TINY = perturb.Config(
    attacks=ATTACKS,
    images=40,
    epsilon=0.01,
    epsilon_l2=0.1,
    epsilons=EPSILONS,
    epsilons_l2=EPSILONS_L2,
    steps=6,
    queries=20,
    diagnose=False,
    shown=2,
    batch_size=16,
)
PLANE = np.random.default_rng(3).normal(size=64).astype(np.float32)


def tiny(**changes):
    return dataclasses.replace(TINY, **changes)


def side(params, images):
    score = (images.reshape(len(images), -1) - 0.5) @ params
    return jnp.stack([-score / 2, score / 2], axis=1)


def make(weights=PLANE):
    """Gray images of two classes on both sides of a plane, and a network that knows it."""
    images = np.random.default_rng(0).uniform(0.4, 0.6, (90, 8, 8, 1)).astype(np.float32)
    labels = ((images.reshape(90, -1) - 0.5) @ PLANE > 0).astype(int)
    test = data.from_arrays(images[:60], labels[:60])
    splits = data.Splits(data.from_arrays(images[60:], labels[60:]), test)
    network = Classifier(jnp.asarray(weights), side, (8, 8, 1), 2)
    return Prepared(network, ("below", "above"), 1.0, "a plane", splits)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    return folder, perturb.main(tiny(out=str(folder)), make())


@pytest.fixture(scope="module")
def scores(finished):
    """How far every attacked image is from the plane, in units of the score."""
    saved = np.load(finished[0] / "results.npz")
    images = np.asarray(make().splits.test.images)[saved["places_in_test_set"]]
    np.testing.assert_array_equal(images[:2], saved["originals"])
    return abs((images.reshape(40, -1) - 0.5) @ PLANE), images


def test_rates_and_distances_are_those_of_a_plane(finished, scores):
    summary, (distance, images) = finished[1], scores
    rows, lengths = summary["attacks"], {n: np.linalg.norm(PLANE, n) for n in (1, 2)}
    for name, epsilon, norm in (("fgsm", 0.01, 1), ("pgd", 0.01, 1), ("pgd-l2", 0.1, 2)):
        assert rows[name]["success"] == np.mean(distance < epsilon * lengths[norm])
        assert 0.1 < rows[name]["success"] < 0.9
    assert rows["pgd-targeted"]["success"] == rows["pgd"]["success"]  # there is one other class
    assert rows["pgd-restarts"]["success"] == rows["pgd"]["success"]  # a plane has no other hills
    assert rows["pgd-restarts"]["gradients"] == 10 * rows["pgd"]["gradients"] > 0
    quartiles = np.quantile(distance, (0.25, 0.5, 0.75))
    assert rows["deepfool"]["success"] == 1.0
    found = rows["deepfool"]["l2_quartiles"]
    np.testing.assert_allclose(found, 1.02 * quartiles / lengths[2], rtol=2e-3)
    relative = 1.02 * distance / lengths[2] / np.linalg.norm(images.reshape(40, -1), axis=1)
    published = {line["quantity"]: line["here"] for line in summary["published"]}
    rho = published["DeepFool: relative length of the change"]
    np.testing.assert_allclose(rho, relative.mean(), rtol=2e-3)


def test_curves_are_those_of_a_plane(finished, scores):
    curves, (distance, _) = finished[1]["curves"], scores
    epsilons, accuracy = curves["linf"]["pgd"].values()
    np.testing.assert_allclose(epsilons, (0.0, *EPSILONS))
    left = [np.mean(distance >= epsilon * abs(PLANE).sum()) for epsilon in epsilons]
    np.testing.assert_allclose(accuracy, left)
    epsilons, accuracy = curves["l2"]["deepfool"].values()
    needed = 1.02 * distance / np.linalg.norm(PLANE)
    left = np.mean(needed[None] > epsilons[:, None], axis=1)
    assert np.abs(accuracy - left).max() <= 1 / 40  # an image may lie within rounding


def test_noise_takes_part_and_does_less(finished):
    summary = finished[1]
    for norm in ("linf", "l2"):
        worst = summary["worst_case"][norm]
        assert worst["noise_success"] < worst["success"]
    sizes = np.load(finished[0] / "results.npz")
    np.testing.assert_allclose(sizes["noise.linf"][1], 0.01, rtol=1e-4)
    np.testing.assert_allclose(sizes["noise-l2.l2"][1], 0.1, rtol=1e-4)
    assert not summary["doubts"]


def test_the_table_says_what_the_summary_says(finished):
    folder, summary = finished
    with (folder / "table.csv").open() as stream:
        rows = {row["attack"]: row for row in csv.DictReader(stream)}
    assert rows.keys() == summary["attacks"].keys() == {*ATTACKS, "noise", "noise-l2"}
    saved = np.load(folder / "results.npz")
    for name, row in rows.items():
        at = (
            saved[f"{name}.epsilons"].tolist().index(float(row["epsilon"])) if row["epsilon"] else 0
        )
        success = saved[f"{name}.success"][at]
        assert float(row["success"]) == success.mean() == summary["attacks"][name]["success"]
        lengths = saved[f"{name}.l2"][at][success]
        if success.any():
            assert float(row["l2_median"]) == pytest.approx(np.median(lengths))
            assert float(row["confidence"]) == pytest.approx(
                saved[f"{name}.confidence"][at][success].mean()
            )


def test_the_shown_images_are_what_was_measured(finished):
    saved = np.load(finished[0] / "results.npz")
    for name in ("pgd", "deepfool"):
        found, at = saved[f"{name}.images"], saved[f"{name}.epsilons"].tolist()
        at = at.index(0.01) if name == "pgd" else 0
        change = (found - saved["originals"]).reshape(2, -1)
        np.testing.assert_allclose(
            np.linalg.norm(change, axis=1), saved[f"{name}.l2"][at, :2], rtol=1e-4
        )
        says = ((found.reshape(2, -1) - 0.5) @ PLANE) > 0
        np.testing.assert_array_equal(says != saved["labels"][:2], saved[f"{name}.success"][at, :2])


def test_a_diagnosis_is_kept_and_told(tmp_path, monkeypatch):
    """Asked about the first batch in both norms; with reasons made up, as a plane gives none."""
    asked = []

    def diagnose(key, network, images, goal, epsilon, *, norm, steps, queries):
        asked.append((len(images), len(goal.labels), epsilon, norm, steps, queries))
        return [Finding(f"rule {norm}", f"doubt it in {norm}", 0.25)] * len(asked)

    monkeypatch.setattr(perturb_run.attacks, "diagnose", diagnose)
    config = tiny(attacks=("fgsm",), diagnose=True)
    folder = tmp_path / "run"
    summary = perturb.main(dataclasses.replace(config, out=str(folder)), make())
    assert asked == [(16, 16, 0.01, "linf", 6, 20), (16, 16, 0.1, "l2", 6, 20)]
    told = {"name": "rule l2", "message": "doubt it in l2", "share": 0.25}
    assert summary["diagnosis"]["l2"] == [told, told]
    assert [one["name"] for one in summary["diagnosis"]["linf"]] == ["rule linf"]
    page = (folder / "report.html").read_text()
    assert "doubt it in linf" in page and "doubt it in l2" in page
    again = perturb.main(dataclasses.replace(config, resume=str(folder)), make())
    assert again["diagnosis"] == summary["diagnosis"] and len(asked) == 2


@pytest.mark.slow
def test_a_plane_hides_nothing(tmp_path):
    config = tiny(attacks=("fgsm",), diagnose=True, out=str(tmp_path / "run"))
    assert not any(perturb.main(config, make())["diagnosis"].values())


def test_interrupted_and_resumed_the_numbers_are_the_same(finished, tmp_path, monkeypatch):
    compute, done = units.compute, []

    def stop(folder, name, unit):
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(name)
        return compute(folder, name, unit)

    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(Interrupted, match=f"--resume {folder}"):
        patch.setattr(units, "compute", stop)
        perturb.main(tiny(out=str(folder)), make())
    assert len(list((folder / "units").iterdir())) == 7 and not (folder / "summary.json").exists()
    perturb.main(tiny(resume=str(folder)), make())
    mine, other = (json.loads((one / "summary.json").read_text()) for one in (folder, finished[0]))
    assert without_seconds(mine) == without_seconds(other)
    assert (folder / "results.npz").read_bytes() == (finished[0] / "results.npz").read_bytes()


def without_seconds(value):
    if isinstance(value, dict):
        return {key: without_seconds(one) for key, one in value.items() if "seconds" not in key}
    return value


def test_an_attack_gives_the_same_in_other_company(finished, tmp_path):
    """Neither the other attacks nor the number of images decide what happens to one."""
    folder = tmp_path / "run"
    perturb.main(tiny(attacks=("pgd-l2",), images=24, out=str(folder)), make())
    few, many = (np.load(one / "results.npz") for one in (folder, finished[0]))
    np.testing.assert_array_equal(few["places_in_test_set"], many["places_in_test_set"][:24])
    for quantity in ("success", "l2", "margin"):
        name = f"pgd-l2.{quantity}"
        np.testing.assert_allclose(few[name], many[name][:, :24], rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module", params=["plane", pytest.param("smoke", marks=pytest.mark.slow)])
def shown(request, tmp_path_factory):
    """Folder, summary and the first flags of a run: on the plane, or the smoke preset."""
    if request.param == "plane":
        return *request.getfixturevalue("finished"), f"--attacks {' '.join(ATTACKS)}"
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = dataclasses.replace(perturb.PRESETS["smoke"], out=str(folder))
    return folder, perturb.main(config), "--model softmax --train-steps 100 --attacks fgsm pgd"


def test_writes_a_page_for_people(shown):
    folder, summary, flags = shown
    page = (folder / "report.html").read_text()
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert page.count("data:image/png;base64,") == len(pictures) >= 5
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    assert f"python -m experiments.perturb {flags}" in page
    assert json.loads((folder / "summary.json").read_text()).keys() == summary.keys()
    assert summary["worst_case"]["linf"]["success"] > summary["worst_case"]["linf"]["noise_success"]


IMPOSSIBLE = {
    "--attacks: unknown 'depfool'; did you mean deepfool": {"attacks": ("depfool",)},
    "--attacks: unknown 'xyz'; There are fgsm, pgd": {"attacks": ("xyz",)},
    "--attacks: unknown 'deepfool-targeted'": {"attacks": ("deepfool-targeted",)},
    r"--epsilon must be at least 0, got -0.1": {"epsilon": -0.1},
    "--epsilon must be at least .* got nan": {"epsilon": float("nan")},
    r"--epsilons must be at least 0, got -1": {"epsilons": (0.1, -1.0)},
    "--epsilons-l2 must name at least one": {"epsilons_l2": ()},
    "--images must be at least 1, got 0": {"images": 0},
    "--images 61: there are only 60 test images": {"images": 61},
    "--steps must be at least 1": {"steps": 0},
    "--batch-size must be at least 1": {"batch_size": 0},
    "--dataset none has no images": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    with pytest.raises(ValueError, match=message):
        perturb.main(tiny(out=str(tmp_path / "run"), **changes), make())
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:same answer")  # which is said before
@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (0.0, "the same answer to every test image"),
        (-1.0, "gets only 0 of 60 test images right; check --weights and --dataset"),
        (np.nan, "weights hold NaN"),
    ],
)
def test_networks_that_cannot_be_attacked(tmp_path, factor, message):
    with pytest.raises(ValueError, match=message):
        perturb.main(tiny(out=str(tmp_path / "run")), make(factor * PLANE))
    assert not list(tmp_path.iterdir())
