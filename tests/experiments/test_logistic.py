"""The worked example in closed form, and the experiment on the smallest networks."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import logistic, logistic_units
from fooljax.runtime.victim import Victim
from fooljax.types import Classifier


def test_worked_example_in_closed_form():
    """W.x is -3 and every coordinate adds 0.5: 5 % become 88 %."""
    found = logistic.worked_example()
    assert found.before == pytest.approx(1 / (1 + np.e**3)) == pytest.approx(0.0474, abs=5e-5)
    assert found.after == pytest.approx(1 / (1 + np.e**-2)) == pytest.approx(0.88, abs=1e-3)
    np.testing.assert_array_equal(abs(found.moved - found.inputs), 0.5)
    assert logistic.worked_example(0.0).after == found.before


def test_steps_on_a_linear_network_are_the_prediction(key):
    """Two classes: the log-odds are linear, so gain = epsilon * L1 at any length."""
    weights = jax.random.normal(key, (16, 2))
    network = Classifier(
        weights, lambda params, images: images.reshape(len(images), -1) @ params, (4, 4, 1), 2
    )
    images = jax.random.uniform(jax.random.key(1), (6, 4, 4, 1))
    labels, epsilons = jnp.array([0, 1, 0, 1, 0, 1]), jnp.array([0.01, 0.3, 5.0])
    found = logistic_units.steps(jax.random.key(2), network, images, labels, epsilons)
    difference = np.float64(weights[:, 1] - weights[:, 0])
    l1 = abs(difference).sum()
    np.testing.assert_allclose(found["l1"], l1, rtol=1e-5)
    predicted = np.repeat(np.float64(epsilons)[:, None] * l1, 6, axis=1)
    np.testing.assert_allclose(found["gain"], predicted, rtol=1e-4)
    side = np.where(np.asarray(labels) == 0, 1.0, -1.0)
    signs = np.asarray(found["signs"]).reshape(6, 16)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    np.testing.assert_allclose(
        found["random"][2], 5.0 * side * (signs @ difference), rtol=1e-4, atol=1e-4
    )
    uphill = 5.0 * side[:, None] * np.sign(difference)
    flat = np.asarray(images).reshape(6, 16)
    inside = side * ((np.clip(flat + uphill, 0, 1) - flat) @ difference)
    np.testing.assert_allclose(found["inside"][2], inside, rtol=1e-4)


# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = dataclasses.replace(logistic.PRESETS["smoke"], out=str(folder))
    return folder, config, logistic.main(config)


def test_smoke_measures_every_network(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    rows = summary["networks"]
    assert [(row["model"], row["size"]) for row in rows] == [
        (model, size) for size in config.sizes for model in config.models
    ]
    for row in rows:
        assert row["inputs"] == row["size"] ** 2
        np.testing.assert_allclose(
            row["predicted"], np.array(summary["epsilons"]) * row["gradient_l1"], rtol=1e-5
        )
        assert 0.9 < row["ratio"][0] < 1.1  # a step of 0.01 is nearly linear
        assert row["random_size"][0] < 0.5 * row["gain"][0]
        assert row["doubted"][1] >= row["doubted_at_start"]


def test_smoke_page(smoke):
    folder, config, _ = smoke
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "0.0474" in page and "0.8808" in page
    named = " ".join(config.models)
    assert f"python -m experiments.logistic --train-steps 40 --models {named}" in page


@pytest.mark.slow
def test_a_finished_run_is_written_again(smoke):
    folder, config, _ = smoke
    before = (folder / "steps.npz").read_bytes()
    (folder / "steps.npz").unlink()
    logistic.main(dataclasses.replace(config, out=None, resume=str(folder)))
    assert (folder / "steps.npz").read_bytes() == before


IMPOSSIBLE = {
    "--images must be at least 1, got 0": {"images": 0},
    "--epsilons must be at least 0, got -0.1": {"epsilons": (-0.1,)},
    "--sizes: at least one, and each once; got 8 8": {"sizes": (8, 8)},
    "--sizes: lenet needs at least 13 pixels": {"sizes": (8,), "models": ("lenet",)},
    "--weights .*, --image-size .*: networks of several": {"victim": Victim(image_size=(9, 9))},
    "--models: networks of your own have one size": {"models": ("mine.py:net",)},
    "--dataset none: the networks are trained here": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    with pytest.raises(ValueError, match=message):
        logistic.main(logistic.Config(out=str(tmp_path / "run"), **changes))
    assert not (tmp_path / "run").exists()
