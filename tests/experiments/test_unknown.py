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
from experiments.unknown import page
from fooljax import data, defenses, models, study
from fooljax.metrics import Interval
from fooljax.study import Victim, change
from fooljax.study.cells import file_name

MADE = ("direct", "signs", "perturbed")


# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(unknown.PRESETS["smoke"], out=str(folder))
    return folder, config, unknown.main(config)


def unit(folder, network, images, against):
    cell = {"images": images, "against": against, "network": network}
    return np.load(folder / "units" / f"{file_name(cell)}.npz")


def row(table, **keys):
    """The only line of a table with these keys."""
    (found,) = study.where(table, **keys)
    return found


def records_of(folder):
    return list(csv.DictReader((folder / "records.csv").read_text().splitlines()))


def test_smoke_numbers_from_the_files_alone(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    networks, records = list(summary["networks"]), records_of(folder)
    assert networks == [f"{config.victim.model} {i}" for i in (1, 2)]
    for images, against in [("mosaic", "naive"), ("signs", "neighbor"), ("signs", "naive")]:
        areas, shares = [], []
        for network in networks:
            clean = unit(folder, network, "clean", "naive")["score_neighbor"]
            scores = unit(folder, network, images, against)["score_neighbor"]
            limit = row(records, network=network, part="clean")["accepted_95_from"]
            is_clean = np.repeat([True, False], [len(clean), len(scores)])
            areas.append(roc_auc_score(is_clean, np.concatenate([clean, scores])))
            shares.append(np.mean(scores >= float(limit)))
        how = "naive" if against == "naive" else "adaptive"
        measured = row(returned["methods"], method="neighbor", images=images, how=how)
        assert measured["auroc"]["mean"] == pytest.approx(np.mean(areas))
        assert measured["accepted_95"]["mean"] == pytest.approx(np.mean(shares))
    assert 2 * summary["clean_images"] == 2 * len(clean) == len(data.load("digits").test.labels)


def test_smoke_knowing_the_method_never_hurts_the_adversary(smoke):
    """The worst of all attempts counts, the naive one among them."""
    folder, _, summary = smoke
    share = lambda images, how: row(summary["methods"], images=images, how=how)["accepted_95"]
    for images in MADE:
        assert share(images, "adaptive")["mean"] >= share(images, "naive")["mean"]
        gain = row(summary["gains"], against=images)
        assert gain["adaptive"].mean <= gain["naive"].mean
    assert share("signs", "adaptive")["mean"] > 0.5
    for one in study.where(records_of(folder), part="refused"):
        assert float(one["rejected"]) > float(one["rejected_before"]) + 0.2


def test_smoke_images_keep_to_their_limits(smoke):
    folder, config, _ = smoke
    arrays = np.load(folder / "arrays.npz")
    images = [name for name in arrays.files if name.endswith(".images")]
    assert len(images) == 2 * (2 * len(MADE) + 2)
    for name in images:
        assert arrays[name].min() >= 0.0 and arrays[name].max() <= 1.0
    before, after = (
        unit(folder, f"{config.victim.model} 1", "perturbed", against)["images"]
        for against in ("naive", "neighbor")
    )
    assert np.abs(before - after).max() <= 2 * config.fooling.epsilon + 1e-6
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
    network = f"{config.victim.model} 2"
    for images, against in (("signs", "neighbor"), ("direct", "naive")):
        lost = file_name({"images": images, "against": against, "network": network})
        (folder / "units" / f"{lost}.npz").unlink()
    (folder / "report.html").unlink()
    unknown.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert (folder / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_another_method_and_kind_leave_the_others_as_they_are(smoke, tmp_path):
    folder, config, _ = smoke
    changes = {"generators": ("signs",), "outliers": ("photographs",)}
    other = change(config, methods=("energy", "neighbor"), **changes)
    unknown.main(change(other, out=str(tmp_path / "run")))
    more = [one for one in records_of(tmp_path / "run") if one["method"] != "energy"]
    few = [one for one in records_of(folder) if one["images"] not in ("mosaic", "direct")]
    order = lambda one: tuple(one[name] for name in ("images", "against", "network", "method"))
    assert sorted(more, key=order) == sorted(few, key=order)


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
    test, rows = digits.test, np.arange(len(digits.test.labels))
    held, rest = rows[::2], rows[1::2]
    clean = study.Material(data.as_float(test.images[rest]), test.labels[rest], digits.train, rest)
    few = np.linspace(0, len(digits.train.labels) - 1, 500).astype(int)
    known = data.from_arrays(digits.train.images[few], digits.train.labels[few])
    names = tuple(defenses.SCORES)
    guards = study.guards("--methods", names, classifier, known, test.images[held])
    assert tuple(guards) == names and guards["neighbor"].score.features is not None
    answers = jax.jit(lambda one, images: jnp.argmax(one(images), axis=1))
    for name, guard in guards.items():
        accepted = np.mean(answers(guard.classifier, data.as_float(test.images[held])) < 10)
        assert 0.94 < accepted < 0.97, name  # 95 % of 180
        assert guard.limits["accepted_99"] <= guard.limits["accepted_95"]
    right = study.first_right(classifier, clean, 20)
    np.testing.assert_array_equal(np.asarray(answers(classifier, right.images)), right.labels)
    wrong = dataclasses.replace(classifier, params={"fc": jax.tree.map(jnp.negative, fc)})
    assert len(study.first_right(wrong, clean, 20).labels) == len(right.labels) == 20


def test_words_follow_the_numbers():
    def line(images, how, share, method="energy"):
        keys = {"method": method, "images": images, "how": how}
        return study.Row(keys, {"accepted_95": Interval(share, share, share)})

    rows = [
        line("photographs", "naive", 0.8),
        line("noise", "naive", 0.1),
        line("mosaic", "naive", 0.3),
        line("perturbed", "naive", 0.9),
        line("perturbed", "adaptive", 0.95),
        line("pushed", "adaptive", 0.2),
        line("photographs", "naive", 0.7, "logit"),
        line("perturbed", "adaptive", 1.0, "logit"),
    ]
    table = study.Table(tuple(rows))
    words = lambda method: page.say(table.where(method=method, how="naive").rows)
    assert words("energy") == "lets most of photographs, perturbed through; stops noise"
    assert words("logit") == "lets most of photographs through; stops none"
    assert page.say([]) == "lets no kind mostly through; stops none"
    best = {how: page.headline(table, how).keys for how in ("naive", "adaptive")}
    assert (best["naive"]["method"], best["naive"]["images"]) == ("logit", "photographs")
    assert (best["adaptive"]["method"], best["adaptive"]["images"]) == ("energy", "perturbed")
    said = page.least_bad(table, "naive")[1]
    assert said == "of photographs accepted by logit, least bad when nobody attacks it"
    alike = study.Table(
        (
            *rows,
            line("noise", "adaptive", 0.95, "logit"),
            line("perturbed", "adaptive", 0.95, "knn"),
        )
    )
    level = study.Table(tuple(row for row in alike.rows if row.values["accepted_95"].mean < 1.0))
    said = page.least_bad(level, "adaptive")[1]
    assert said == "of its worst kind accepted by each of energy, logit, knn when attacked"
    title = lambda **some: page.TITLES[study.outcome({"seen": 2, "stays": 0, **some})]
    assert "nothing is gained" in title(seen=0)
    assert "also to who knows" in title(stays=2)
    assert "until somebody knows" in title()
    assert "only seems to" in title(stays=1)


IMPOSSIBLE = {
    "--images must be at least 1, got 0": {"images": 0},
    "--attacked must be at least 1": {"attacked": 0},
    "--queries must be at least 1": {"queries": 0},
    "--seed must be at least 0": {"seed": -1},
    r"--epsilon must be in \(0, 1\], got 0": {"epsilon": 0.0},
    "--methods must name at least 1, each once": {"methods": ()},
    "--methods: unknown 'prayer'; There are probability": {"methods": ("prayer",)},
    "--outliers must name .*each once, got mosaic mosaic": {"outliers": ("mosaic",) * 2},
    "--outliers: .*nothing-like-it": {"outliers": ("nothing-like-it",)},
    "--generators: unknown 'noise'; did you mean near_noise": {"generators": ("noise",)},
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
