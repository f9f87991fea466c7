"""The smoke preset as a user would run it, and the settings that are refused."""

import dataclasses
import json
import re

import jax
import numpy as np
import pytest

from experiments import universal, universal_units
from fooljax.runtime.victim import Victim

# what the default suite runs of the smoke preset: as many ways, fewer programs
LESS = {"models": ("softmax",)}
SMOKE = pytest.param({}, id="smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[pytest.param(LESS, id="less"), SMOKE])
def smoke(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = dataclasses.replace(universal.PRESETS["smoke"], out=str(folder), **request.param)
    return folder, config, universal.main(config)


def test_smoke_numbers(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    kinds = {f"{method} {norm}" for method in config.methods for norm in config.norms}
    assert summary["universal"].keys() == summary["transfer"].keys() == kinds
    for kind in kinds:
        matrix = np.array(summary["transfer"][kind])
        assert matrix.shape == (
            len(config.models) + 1,
            len(config.models),
        )  # the last row is random
        for i, model in enumerate(config.models):
            rates = summary["universal"][kind][model]
            assert rates["held_out"]["mean"] == pytest.approx(matrix[i, i])
            assert rates["random"]["mean"] == pytest.approx(matrix[-1, i])
            assert rates["held_out"]["mean"] > rates["random"]["mean"]
        sizes = summary["sizes"][kind]
        assert sizes["images"] == [round(0.1 * summary["train_images"]), summary["train_images"]]
        of_all = summary["universal"][kind]["softmax"]["held_out"]
        assert sizes["held_out"][-1]["mean"] == pytest.approx(of_all["mean"])
    assert summary["headline"]["times_random"] > 3.0


def test_smoke_perturbations_do_what_is_said(smoke):
    """By numpy, from the files alone: softmax regression is one matrix."""
    from fooljax import data, models
    from fooljax.runtime import checkpoints

    folder, config, summary = smoke
    perturbations = np.load(folder / "perturbations.npz")
    for name in perturbations.files:
        assert np.abs(perturbations[name]).max() <= np.float32(config.epsilon), name
    train = data.load("digits").train
    network = models.build("softmax", jax.random.key(0), train.input_shape, train.num_classes)
    params = checkpoints.load(folder / "networks" / "softmax", network.params)
    kernel, bias = (np.asarray(params["fc"][leaf]) for leaf in ("kernel", "bias"))
    count, rates = summary["train_images"], []
    images = np.asarray(train.images).reshape(count, -1) / np.float32(255)
    for repeat in range(config.repeats):
        name = universal_units.unit_name("softmax", "sgd", "linf", count, repeat)
        changed = np.clip(images + perturbations[name].ravel(), 0.0, 1.0)
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
    before = (folder / "perturbations.npz").read_bytes()
    lost = universal_units.unit_name(config.models[-1], "sgd", "linf", summary["train_images"], 1)
    (folder / "units" / f"{lost}.npz").unlink()
    (folder / "report.html").unlink()
    again = universal.main(dataclasses.replace(config, out=None, resume=str(folder)))
    assert (folder / "perturbations.npz").read_bytes() == before
    assert again["headline"] == summary["headline"]
    assert (folder / "report.html").stat().st_size > 10_000


def test_rates_by_hand():
    before, after = np.array([0, 1, 2, 2, -1]), np.array([2, 2, 2, -1, 2])
    assert universal_units.rate(before, after, 3, None) == pytest.approx(2 / 5)
    assert universal_units.rate(before, after, 2, None) == 0.0  # column 2 rejects
    assert universal_units.rate(before, after, 3, 2) == pytest.approx(1.0)
    assert np.isnan(universal_units.rate(before[2:4], after[2:4], 3, 2))


IMPOSSIBLE = {
    "--steps must be at least 1, got 0": {"steps": 0},
    "--batch-size must be at least 1": {"batch_size": 0},
    "--repeats must be at least 1": {"repeats": 0},
    "--seed must be at least 0": {"seed": -1},
    "--epsilon must be positive, got 0": {"epsilon": 0.0},
    "--epsilon-l2 must be positive, got nan": {"epsilon_l2": float("nan")},
    "--methods: give at least one, each once": {"methods": ()},
    "--norms: give at least one, each once, got l2 l2": {"norms": ("l2", "l2")},
    r"--sizes must be in \(0, 1\], got 2": {"sizes": (0.5, 2)},
    "--model: give --models mlp another": {"victim": Victim(model="mlp")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = dataclasses.replace(universal.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        universal.main(dataclasses.replace(config, **changes))
    assert not list(tmp_path.iterdir())
