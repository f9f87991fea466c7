"""The experiment on a network whose every answer is known in closed form."""

import csv
import json
import re

import numpy as np
import pytest
from scipy.stats import beta

from experiments import perturb
from experiments.perturb import measure
from fooljax.attacks import Finding
from fooljax.interrupts import Interrupted
from fooljax.study import Victim, change, units
from fooljax.study.cells import file_name

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
NETWORK = """
import jax.numpy as jnp
import numpy as np
from fooljax.types import Classifier

def side(params, images):
    score = (images.reshape(len(images), -1) - 0.5) @ params
    return jnp.stack([-score / 2, score / 2], axis=1)

def net():
    plane = np.random.default_rng(3).normal(size=64).astype(np.float32)
    return Classifier(jnp.asarray(FACTOR * plane), side, (8, 8, 1), 2)
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """Gray images of two classes on both sides of a plane, and a network that knows it."""
    folder = tmp_path_factory.mktemp("plane")
    images = np.random.default_rng(0).uniform(0.4, 0.6, (90, 8, 8, 1)).astype(np.float32)
    labels = ((images.reshape(90, -1) - 0.5) @ PLANE > 0).astype(int)
    parts = {"test_images": images[:60], "test_labels": labels[:60]}
    parts |= {"images": images[60:], "labels": labels[60:]}
    np.savez(folder / "plane.npz", **parts)

    def victim(factor=1.0):
        path = folder / f"plane_{factor}.py"
        path.write_text(NETWORK.replace("FACTOR", f"float('{factor}')"))
        return Victim(dataset=str(folder / "plane.npz"), model=f"{path}:net")

    return victim


@pytest.fixture
def tiny(plane):
    return lambda **changes: change(TINY, **{"victim": plane(), **changes})


@pytest.fixture(scope="module")
def finished(plane, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    return folder, perturb.main(change(TINY, victim=plane(), out=str(folder)))


def read(folder):
    """The table's records by attack, numbers as numbers and nothing as None."""
    with (folder / "records.csv").open() as stream:
        lines = [line for line in csv.DictReader(stream) if line["tabled"] == "True"]
    texts = ("attack", "norm", "kind", "targeted", "tabled")
    number = lambda text: float(text) if text else None
    return {
        line["attack"]: {name: number(line[name]) for name in line.keys() - texts} for line in lines
    }


def measured(folder, attack, name):
    """One measurement of all batches of an attack, ``[e, n]``."""
    saved = np.load(folder / "arrays.npz")
    cells = [file_name({"attack": attack, "batch": batch}) for batch in range(3)]
    return np.concatenate([saved[f"{cell}.{name}"] for cell in cells], axis=1)


@pytest.fixture(scope="module")
def scores(finished):
    """How far every attacked image is from the plane, in units of the score."""
    saved = np.load(finished[0] / "arrays.npz")
    every = np.random.default_rng(0).uniform(0.4, 0.6, (90, 8, 8, 1)).astype(np.float32)
    images = every[saved["drawn-images.places_in_test_set"]]
    np.testing.assert_array_equal(images[:2], saved["drawn-images.originals"])
    return abs((images.reshape(40, -1) - 0.5) @ PLANE), images


def test_rates_and_distances_are_those_of_a_plane(finished, scores):
    (folder, summary), (distance, images) = finished, scores
    rows, lengths = read(folder), {n: np.linalg.norm(PLANE, n) for n in (1, 2)}
    for name, epsilon, norm in (("fgsm", 0.01, 1), ("pgd", 0.01, 1), ("pgd-l2", 0.1, 2)):
        assert rows[name]["success"] == np.mean(distance < epsilon * lengths[norm])
        assert 0.1 < rows[name]["success"] < 0.9
    assert rows["pgd-targeted"]["success"] == rows["pgd"]["success"]  # there is one other class
    assert rows["pgd-restarts"]["success"] == rows["pgd"]["success"]  # a plane has no other hills
    assert rows["pgd-restarts"]["gradients"] == 10 * rows["pgd"]["gradients"] > 0
    assert rows["deepfool"]["success"] == 1.0
    found = [rows["deepfool"][f"l2_{part}"] for part in ("q25", "median", "q75")]
    quartiles = np.quantile(distance, (0.25, 0.5, 0.75))
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
    folder, summary = finished
    for norm in ("linf", "l2"):
        worst = summary["worst_case"][norm]
        assert worst["noise"] < worst["fooled"]
    np.testing.assert_allclose(measured(folder, "noise", "linf")[1], 0.01, rtol=1e-4)
    np.testing.assert_allclose(measured(folder, "noise-l2", "l2")[1], 0.1, rtol=1e-4)
    assert not summary["doubts"]


def test_the_records_say_what_the_arrays_say(finished):
    folder, rows = finished[0], read(finished[0])
    assert rows.keys() == {*ATTACKS, "noise", "noise-l2"}
    for name, row in rows.items():
        sizes = np.load(folder / "arrays.npz")[
            f"{file_name({'attack': name, 'batch': 0})}.epsilons"
        ]
        at = sizes.tolist().index(row["epsilon"]) if row["epsilon"] else 0
        success, count = measured(folder, name, "success")[at], 40
        assert row["images"] == len(success) == count and row["success"] == success.mean()
        right = int(success.sum())
        low = beta.ppf(0.025, right, count - right + 1) if right else 0.0  # Clopper and Pearson
        high = beta.ppf(0.975, right + 1, count - right) if right < count else 1.0
        assert (row["success_low"], row["success_high"]) == pytest.approx((low, high))
        if right:
            lengths = measured(folder, name, "l2")[at][success]
            assert row["l2_median"] == pytest.approx(np.median(lengths))
            sure = measured(folder, name, "confidence")[at][success]
            assert row["confidence"] == pytest.approx(sure.mean())


def test_the_shown_images_are_what_was_measured(finished):
    folder, saved = finished[0], np.load(finished[0] / "arrays.npz")
    originals, labels = (saved[f"drawn-images.{name}"] for name in ("originals", "labels"))
    for name, at in (("pgd", 1), ("deepfool", 0)):
        found = saved[f"{file_name({'attack': name, 'batch': 0})}.images"]
        change = np.linalg.norm((found - originals).reshape(2, -1), axis=1)
        np.testing.assert_allclose(change, measured(folder, name, "l2")[at, :2], rtol=1e-4)
        wrong = (((found.reshape(2, -1) - 0.5) @ PLANE) > 0) != labels[:2]
        np.testing.assert_array_equal(wrong, measured(folder, name, "success")[at, :2])


@pytest.mark.slow
def test_the_nearest_is_told_in_the_norm_of_the_attack(tiny, tmp_path):
    """In L0 as a count, as its epsilon is, and not as the share that the arrays hold."""
    config = tiny(attacks=("fmn-l0", "fmn-l1", "fmn-linf"), epsilon_l0=1.0, epsilon_l1=0.1)
    folder = tmp_path / "run"
    perturb.main(change(config, out=str(folder)))
    rows, page = read(folder), (folder / "report.html").read_text()
    for norm, numbers, epsilon in (("l0", 64, 1.0), ("l1", 1, 0.1), ("linf", 1, 0.01)):
        row, success = rows[f"fmn-{norm}"], measured(folder, f"fmn-{norm}", "success")[0]
        far = measured(folder, f"fmn-{norm}", norm)[0] * numbers
        low, middle, high = np.quantile(far[success], (0.25, 0.5, 0.75))
        assert row["distance_median"] == pytest.approx(middle)
        inside = success & (far <= epsilon * (1.0 + 1e-5))
        assert row["success_within_epsilon"] == inside.mean()
        name = {"l0": "L0", "l1": "L1", "linf": "Linf"}[norm]
        assert f"{middle:.3g} in {name} ({low:.3g} to {high:.3g})" in page.replace("\u00a0", " ")


@pytest.mark.slow
def test_a_diagnosis_is_kept_and_told(tiny, tmp_path, monkeypatch):
    """Asked about the first batch in both norms; with reasons made up, as a plane gives none."""
    asked = []

    def diagnose(key, network, images, goal, epsilon, *, norm, steps, queries):
        asked.append((len(images), len(goal.labels), epsilon, norm, steps, queries))
        return [Finding(f"rule {norm}", f"doubt it in {norm}", 0.25)] * len(asked)

    monkeypatch.setattr(measure.fj.attacks, "diagnose", diagnose)
    config, folder = tiny(attacks=("fgsm",), diagnose=True), tmp_path / "run"
    summary = perturb.main(change(config, out=str(folder)))
    assert asked == [(16, 16, 0.01, "linf", 6, 20), (16, 16, 0.1, "l2", 6, 20)]
    told = [(one["name"], one["message"], one["share"]) for one in summary["doubts"]]
    second = ("L2: rule l2", "doubt it in l2", 0.25)
    assert told == [("Linf: rule linf", "doubt it in linf", 0.25), second, second]
    page = (folder / "report.html").read_text()
    assert "doubt it in linf" in page and "doubt it in l2" in page
    again = perturb.main(change(config, resume=str(folder)))
    assert again["doubts"] == summary["doubts"] and len(asked) == 2


@pytest.mark.slow
def test_a_plane_hides_nothing(tiny, tmp_path):
    assert not perturb.main(tiny(diagnose=True, out=str(tmp_path / "run")))["doubts"]


@pytest.mark.slow
def test_interrupted_and_resumed_the_bytes_are_the_same(finished, tiny, tmp_path, monkeypatch):
    compute, done = units.compute, []

    def stop(folder, name, unit):
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(name)
        return compute(folder, name, unit)

    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(Interrupted, match=f"--resume {folder}"):
        patch.setattr(units, "compute", stop)
        perturb.main(tiny(out=str(folder)))
    assert len(list((folder / "units").iterdir())) == 7 and not (folder / "summary.json").exists()
    perturb.main(tiny(resume=str(folder)))
    for name in ("records.csv", "arrays.npz", "curve_linf.png", "images_linf.png"):
        assert (folder / name).read_bytes() == (finished[0] / name).read_bytes()


@pytest.mark.slow
def test_an_attack_gives_the_same_in_other_company(finished, tiny, tmp_path):
    """Neither the other attacks nor the number of images decide what happens to one."""
    folder = tmp_path / "run"
    perturb.main(tiny(attacks=("pgd-l2",), images=33, out=str(folder)))
    places = [
        np.load(one / "arrays.npz")["drawn-images.places_in_test_set"]
        for one in (folder, finished[0])
    ]
    np.testing.assert_array_equal(places[0], places[1][:33])
    for quantity in ("success", "l2", "margin"):
        few, many = (measured(one, "pgd-l2", quantity) for one in (folder, finished[0]))
        np.testing.assert_allclose(few, many[:, :33], rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module", params=["plane", pytest.param("smoke", marks=pytest.mark.slow)])
def shown(request, tmp_path_factory):
    """Folder, summary and the first flags of a run: on the plane, or the smoke preset."""
    if request.param == "plane":
        return *request.getfixturevalue("finished"), f"--attacks {' '.join(ATTACKS)}"
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(perturb.PRESETS["smoke"], out=str(folder))
    return folder, perturb.main(config), "--model softmax --train-steps 100 --attacks fgsm pgd"


def test_writes_a_page_for_people(shown):
    folder, summary, flags = shown
    page = (folder / "report.html").read_text()
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert page.count("data:image/png;base64,") == len(pictures) >= 5
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    assert "python -m experiments.perturb" in page and flags in page
    assert json.loads((folder / "summary.json").read_text()).keys() == summary.keys()
    assert summary["worst_case"]["linf"]["fooled"] > summary["worst_case"]["linf"]["noise"]


IMPOSSIBLE = {
    "--attacks: unknown 'depfool'; did you mean deepfool": {"attacks": ("depfool",)},
    "--attacks: unknown 'xyz'; There are fgsm, pgd": {"attacks": ("xyz",)},
    "--attacks: unknown 'deepfool-targeted'": {"attacks": ("deepfool-targeted",)},
    r"--epsilon must be at least 0, got -0.1": {"epsilon": -0.1},
    "--epsilon must be at least .* got nan": {"epsilon": float("nan")},
    r"--epsilons must be at least 0, got -1": {"epsilons": (0.1, -1.0)},
    "--epsilons-l2 must name at least 1": {"epsilons_l2": ()},
    "--images must be at least 1, got 0": {"images": 0},
    "right about 60 test images only, got 61": {"images": 61},
    "--steps must be at least 1": {"steps": 0},
    "--batch-size must be at least 1": {"batch_size": 0},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    r"--attacks: blur is for pictures, and the network takes \(\d+, 1\)": {
        "attacks": ("pgd", "blur"),
        "victim": Victim(dataset="tones", model="sound_cnn"),
    },
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tiny, tmp_path, message, changes):
    with pytest.raises(ValueError, match=message):
        perturb.main(tiny(out=str(tmp_path / "run"), **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:.*same answer")  # which is said before
@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (0.0, "right about .* test images only"),
        (-1.0, "right about 0 test images only, got 40"),
        ("nan", "weights hold NaN"),
    ],
)
def test_networks_that_cannot_be_attacked(plane, tiny, tmp_path, factor, message):
    with pytest.raises(ValueError, match=message):
        perturb.main(tiny(victim=plane(factor), out=str(tmp_path / "run")))
    assert not list(tmp_path.iterdir())
