"""The smoke preset as a user would run it, its numbers from the files alone, refused settings."""

import csv
import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from experiments import unknown
from experiments.unknown import measure, numbers
from fooljax import data, defenses, models, study
from fooljax.study import Victim, change
from fooljax.study.cells import file_name

MADE = ("evolved pixels", "evolved patterns", "gradient images", "perturbed images")


# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(unknown.PRESETS["smoke"], out=str(folder))
    return folder, config, unknown.main(config)


def unit(folder, network, family, against):
    cell = {"network": network, "family": family, "against": against}
    return np.load(folder / "units" / f"{file_name(cell)}.npz")


def row(table, **keys):
    """The only line of a table with these keys."""
    (found,) = study.where(table, **keys)
    return found


def test_smoke_numbers_from_the_files_alone(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    networks = list(summary["networks"])
    assert networks == [f"{config.victim.model} {i}" for i in (1, 2)]
    for family, against in [
        ("mosaic", "naive"),
        ("gradient images", "neighbor"),
        ("gradient images", "naive"),
    ]:
        areas, shares = [], []
        for network in networks:
            clean = unit(folder, network, "clean", "naive")["score_neighbor"]
            scores = unit(folder, network, family, against)["score_neighbor"]
            limit = summary["thresholds"][network]["neighbor"][0]["value"]
            is_clean = np.repeat([True, False], [len(clean), len(scores)])
            areas.append(roc_auc_score(is_clean, np.concatenate([clean, scores])))
            shares.append(np.mean(scores >= limit))
        how = "naive" if against == "naive" else "adaptive"
        measured = row(returned["methods"], method="neighbor", family=family, how=how)
        assert measured["auroc"]["mean"] == pytest.approx(np.mean(areas))
        assert measured["accepted_95"]["mean"] == pytest.approx(np.mean(shares))
    test = data.load("digits").test
    assert summary["calibration_images"] + summary["clean_images"] == len(test.labels)


def test_smoke_knowing_the_method_never_hurts_the_adversary(smoke):
    """The worst of all attempts counts, the naive one among them."""
    *_, summary = smoke
    for family in ("gradient images", "perturbed images"):
        naive, adaptive = (
            row(summary["methods"], family=family, how=how) for how in ("naive", "adaptive")
        )
        assert adaptive["accepted_95"]["mean"] >= naive["accepted_95"]["mean"]
    climbed = row(summary["methods"], family="gradient images", how="adaptive")
    assert climbed["accepted_95"]["mean"] > 0.5
    (refused,) = summary["refused"]
    assert refused["rejected"]["mean"] > refused["rejected_before"]["mean"] + 0.2


def test_smoke_images_keep_to_their_limits(smoke):
    folder, config, _ = smoke
    arrays = np.load(folder / "arrays.npz")
    images = [name for name in arrays.files if name.endswith(".images")]
    assert len(images) == 2 * (2 * len(MADE) + 2)
    for name in images:
        assert arrays[name].min() >= 0.0 and arrays[name].max() <= 1.0
    before, after = (
        unit(folder, f"{config.victim.model} 1", "perturbed images", against)["images"]
        for against in ("naive", "neighbor")
    )
    assert np.abs(before - after).max() <= 2 * config.epsilon + 1e-6
    assert np.abs(before - after).max() > 0.0


def test_smoke_pictures_and_page(smoke):
    from PIL import Image

    folder, config, _ = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 9
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    assert f"python -m experiments.unknown --model {config.victim.model}" in page
    assert ">nan" not in page


@pytest.mark.slow
def test_a_resumed_run_gives_the_same_bytes(smoke):
    folder, config, _ = smoke
    names = ("records.csv", "arrays.npz", "accepted_made.png")
    before = {name: (folder / name).read_bytes() for name in names}
    cell = {"family": "gradient images", "against": "neighbor"}
    lost = file_name({"network": f"{config.victim.model} 2", **cell})
    (folder / "units" / f"{lost}.npz").unlink()
    (folder / "report.html").unlink()
    unknown.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert (folder / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_another_method_and_kind_leave_the_others_as_they_are(smoke, tmp_path):
    folder, config, _ = smoke
    more = change(config, methods=("energy", "neighbor"), outliers=("photographs",))
    unknown.main(change(more, out=str(tmp_path / "run")))
    read = lambda place: list(csv.DictReader((place / "records.csv").read_text().splitlines()))
    few = [one for one in read(tmp_path / "run") if one["method"] != "energy"]
    assert few == [one for one in read(folder) if one["family"] != "mosaic"]


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def test_every_method_learns_and_accepts_what_was_asked(digits):
    classifier = models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
    # the mean images of the classes as weights: right often enough to learn from
    images = np.asarray(digits.train.images, np.float32).reshape(-1, 784) / 255.0
    means = np.stack([images[np.asarray(digits.train.labels) == k].mean(axis=0) for k in range(10)])
    fc = {"kernel": jnp.asarray(means.T), "bias": jnp.asarray(-0.5 * (means**2).sum(axis=1))}
    classifier = dataclasses.replace(classifier, params={"fc": fc})
    clean = measure.split_clean(jax.random.key(1), digits.test)
    names = tuple(defenses.SCORES)
    stage = measure.set_stage(classifier, defenses.SCORES, digits.train, clean, 500)
    assert stage.in_features and set(stage.guarded) == set(names)
    answers = jax.jit(lambda one, images: jnp.argmax(one(images), axis=1))
    for name, guarded in stage.guarded.items():
        accepted = np.mean(answers(guarded, data.as_float(clean.calibration)) < 10)
        assert 0.94 < accepted < 0.97, name  # 95 % of 180


def test_images_of_no_class_are_what_they_are_called(digits, tmp_path):
    images = data.as_float(digits.test.images[:12])
    names = ("photographs", "inverted", "quarter-turn", "scrambled", "mosaic")
    run = study.Run("experiments.unknown", unknown.Config(), tmp_path)
    made = study.unrelated(run, "--outliers", names, images)
    assert list(made) == [*names, *study.NOISE]
    clean = np.asarray(images)
    for name, found in made.items():
        assert found.shape == clean.shape and found.dtype == np.float32, name
        assert found.min() >= 0.0 and found.max() <= 1.0 and found.std() > 0.02, name
    np.testing.assert_allclose(made["inverted"] + clean, 1.0, rtol=1e-6)
    np.testing.assert_array_equal(made["quarter-turn"][3], np.rot90(clean[3]))
    for name in ("scrambled", "permuted pixels"):
        same = np.sort(made[name].reshape(12, -1)), np.sort(clean.reshape(12, -1))
        np.testing.assert_array_equal(*same)
        assert (made[name] != clean).any(axis=(1, 2, 3)).all()
    tiles = lambda image: {
        image[i : i + 7, j : j + 7].tobytes() for i in range(0, 28, 7) for j in range(0, 28, 7)
    }
    assert tiles(made["scrambled"][0]) == tiles(clean[0])
    corners = {clean[i, :14, :14].tobytes() for i in range(12)}
    assert {one[:14, :14].tobytes() for one in made["mosaic"]} == corners
    assert made["blurred noise"].min(axis=(1, 2, 3)).max() == 0.0


def test_families_that_cannot_be_had(tmp_path):
    run = study.Run("experiments.unknown", unknown.Config(), tmp_path)
    tall = jnp.full((3, 10, 6, 1), 0.5)
    for name, message in {
        "quarter-turn": "--outliers: quarter-turn needs square images",
        "scrambled": "--outliers: scrambled needs a height and width that 4 divides",
        "nothing-like-it": "--outliers: .*nothing-like-it",
    }.items():
        with pytest.raises(ValueError, match=message):
            study.unrelated(run, "--outliers", (name,), tall)


def test_words_follow_the_numbers():
    shares = {
        ("photographs", "naive"): 0.8,
        ("uniform noise", "naive"): 0.1,
        ("mosaic", "naive"): 0.3,
        ("evolved pixels", "naive"): 0.0,
        ("evolved pixels", "adaptive"): 0.9,
        ("evolved patterns", "naive"): 0.6,
        ("evolved patterns", "adaptive"): 0.9,
        ("gradient images", "naive"): 0.0,
        ("gradient images", "adaptive"): 0.05,
        ("perturbed images", "naive"): 0.2,
        ("perturbed images", "adaptive"): 0.3,
    }
    assert numbers.say(shares) == (
        "lets most of photographs and evolved patterns through; stops uniform noise, evolved "
        "pixels and gradient images; made against the method itself, most of evolved pixels get "
        "through too; of those made against it, gradient images are still stopped"
    )


IMPOSSIBLE = {
    "--images must be at least 2, got 1": {"images": 1},
    "--attacked must be at least 1": {"attacked": 0},
    "--queries must be at least 1": {"queries": 0},
    "--seed must be at least 0": {"seed": -1},
    r"--epsilon must be in \(0, 1\], got 0": {"epsilon": 0.0},
    "--methods must name at least 1, each once": {"methods": ()},
    "--methods: unknown 'prayer'; There are probability": {"methods": ("prayer",)},
    "--outliers must name .*each once, got mosaic mosaic": {"outliers": ("mosaic",) * 2},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "--network-seeds 2: --model net.py:make is but one set": {
        "victim": Victim(model="net.py:make")
    },
    "--network-seeds 2: --weights a.safetensors is but one set": {
        "victim": Victim(weights="a.safetensors")
    },
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(unknown.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        unknown.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
