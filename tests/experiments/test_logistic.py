"""The worked example in closed form, and the experiment on the smallest networks."""

import json

import numpy as np
import pytest

from experiments import logistic
from experiments.logistic.measure import worked_example
from fooljax import study
from fooljax.study import Victim, change


def test_worked_example_in_closed_form():
    """W.x is -3 and every coordinate adds 0.5: 5 % become 88 %."""
    found = worked_example()
    assert found.before == pytest.approx(1 / (1 + np.e**3)) == pytest.approx(0.0474, abs=5e-5)
    assert found.after == pytest.approx(1 / (1 + np.e**-2)) == pytest.approx(0.88, abs=1e-3)
    np.testing.assert_array_equal(abs(found.moved - found.inputs), 0.5)
    assert worked_example(0.0).after == found.before


# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(logistic.PRESETS["smoke"], out=str(folder))
    return folder, config, logistic.main(config)


def test_smoke_measures_every_network(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    rows, (near, far) = summary["networks_measured"], config.epsilons
    assert [(row["model"], row["size"], row["epsilon"]) for row in rows] == [
        (model, size, epsilon)
        for size in config.sizes
        for model in config.models
        for epsilon in config.epsilons
    ]
    for row in rows:
        assert row["inputs"] == row["size"] ** 2
        predicted = row["epsilon"] * row["l1"]["mean"]
        assert row["predicted"]["mean"] == pytest.approx(predicted, rel=1e-5)
    for row in study.where(rows, epsilon=near):
        assert 0.9 < row["ratio"]["mean"] < 1.1  # a step of 0.01 is nearly linear
        assert row["random"]["mean"] < 0.5 * row["gain"]["mean"]
    for row in study.where(rows, epsilon=far):
        assert row["doubted"]["mean"] >= row["doubted_before"]["mean"]


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
    names = ("arrays.npz", "records.csv", "linearity.png")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    logistic.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before


IMPOSSIBLE = {
    "--images must be at least 1, got 0": {"images": 0},
    "--epsilons must be at least 0, got -0.1": {"epsilons": (-0.1,)},
    "--sizes must name at least 1, each once, got 8 8": {"sizes": (8, 8)},
    "--sizes: lenet needs at least 13 pixels": {"sizes": (8,), "models": ("lenet",)},
    "--weights .*, --image-size .*: networks of several": {"victim": Victim(image_size=(9, 9))},
    "--models: mine.py:net has one size": {"models": ("mine.py:net",)},
    "--dataset none: the networks are trained here": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    with pytest.raises(ValueError, match=message):
        logistic.main(change(logistic.Config(), out=str(tmp_path / "run"), **changes))
    assert not (tmp_path / "run").exists()
