"""The smoke preset as a user would run it, and the settings that are refused."""

import csv
import json
import re

import jax
import numpy as np
import pytest

from experiments import universal
from experiments.universal.page import fold
from fooljax import study
from fooljax.attacks import share_fooled
from fooljax.study import Victim, change
from fooljax.study.cells import file_name

# dozens of programs; what they do is tested with the library and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(universal.PRESETS["smoke"], out=str(folder))
    return folder, config, universal.main(config)


def test_smoke_numbers(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    whole = str(summary["train_images"])
    mean = lambda records: np.mean([float(record["held_out"]) for record in records])
    assert len(summary["own"]) == len(config.methods) * len(config.norms) * len(config.models)
    for row in summary["own"]:
        own = {name: row[name] for name in ("made_for", "method", "norm")}
        learned = study.where(records, **own, images=whole, shown_to=row["made_for"])
        at_random = {"made_for": "random", "norm": row["norm"], "shown_to": row["made_for"]}
        control = study.where(records, **at_random)
        assert len(learned) == len(control) == config.repeats
        assert row["held_out"]["mean"] == pytest.approx(mean(learned))
        assert row["held_out"]["mean"] > mean(control)
        others = study.where(records, **own, images=whole)
        assert {record["shown_to"] for record in others} == set(config.models)
    first = study.where(records, made_for=config.models[0], method=config.methods[0])
    counts = {int(record["images"]) for record in first}
    assert counts == {round(0.1 * summary["train_images"]), summary["train_images"]}
    assert summary["headline"]["held_out"] > 3.0 * summary["headline"]["random"]


def test_smoke_perturbations_do_what_is_said(smoke):
    """By numpy, from the files alone: softmax regression is one matrix."""
    from fooljax import data, models
    from fooljax.runtime import checkpoints

    folder, config, summary = smoke
    perturbations = np.load(folder / "arrays.npz")
    for name in perturbations.files:
        assert np.abs(perturbations[name]).max() <= np.float32(config.epsilon), name
    train = data.load("digits").train
    network = models.build("softmax", jax.random.key(0), train.input_shape, train.num_classes)
    params = checkpoints.load(folder / "networks" / "softmax", network.params)
    kernel, bias = (np.asarray(params["fc"][leaf]) for leaf in ("kernel", "bias"))
    count, rates = summary["train_images"], []
    images = np.asarray(train.images).reshape(count, -1) / np.float32(255)
    for repeat in range(config.repeats):
        place = {"made_for": "softmax", "method": "sgd", "norm": "linf", "images": count}
        name = file_name(place | {"repeat": repeat})
        changed = np.clip(images + perturbations[f"{name}.perturbation"].ravel(), 0.0, 1.0)
        unit = np.load(folder / "units" / f"{name}.npz")
        answer = lambda pixels: np.argmax(pixels @ kernel + bias, axis=1)
        rates.append(np.mean(answer(images) != answer(changed)))
        # measured on as many of the images learned from as there are held-out ones
        assert unit["fit"] == pytest.approx(rates[-1], abs=0.15)
    assert len(set(rates)) > 1  # the repeats are not the same


def test_smoke_pictures_and_page(smoke):
    from PIL import Image

    folder, config, _ = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 5
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    named = " ".join(config.models)
    assert f"python -m experiments.universal --train-steps 60 --models {named}" in page


@pytest.mark.slow
def test_a_resumed_run_gives_the_same(smoke):
    folder, config, summary = smoke
    names = ("arrays.npz", "records.csv", "sizes.png")
    before = {name: (folder / name).read_bytes() for name in names}
    place = {"made_for": config.models[-1], "method": "sgd", "norm": "linf"}
    lost = file_name(place | {"images": summary["train_images"], "repeat": 1})
    (folder / "units" / f"{lost}.npz").unlink()
    (folder / "report.html").unlink()
    again = universal.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert again["headline"] == summary["headline"]
    assert (folder / "report.html").stat().st_size > 10_000


def test_how_many_times_as_often_is_no_finer_than_rare_successes_allow():
    assert [fold(ratio) for ratio in (0.94, 2.345, 79.46, 1234.5)] == ["0.9", "2.3", "79", "1,234"]


def test_rates_by_hand():
    before, after = np.array([0, 1, 2, 2, -1]), np.array([2, 2, 2, -1, 2])
    assert share_fooled(before, after, 3) == pytest.approx(2 / 5)
    assert share_fooled(before, after, 2) == 0.0  # column 2 rejects
    assert share_fooled(before, after, 3, 2) == pytest.approx(1.0)
    assert np.isnan(share_fooled(before[2:4], after[2:4], 3, 2))


IMPOSSIBLE = {
    "--steps must be at least 1, got 0": {"steps": 0},
    "--batch-size must be at least 1": {"batch_size": 0},
    "--repeats must be at least 1": {"repeats": 0},
    "--seed must be at least 0": {"seed": -1},
    "--epsilon must be positive, got 0": {"epsilon": 0.0},
    "--epsilon-l2 must be positive, got nan": {"epsilon_l2": float("nan")},
    "--methods must name at least 1, each once, got none": {"methods": ()},
    "--norms must name at least 1, each once, got l2 l2": {"norms": ("l2", "l2")},
    r"--sizes must be in \(0, 1\], got 2": {"sizes": (0.5, 2)},
    "--model: give --models mlp another": {"victim": Victim(model="mlp")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(universal.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        universal.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
