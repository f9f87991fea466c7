"""From Python in three lines, and back from a run directory."""

import jax
import numpy as np
import pytest

import fooljax as fj
from experiments import evolve
from fooljax.study import change, to_csv

SMALL = {"children": 20, "generations": 12}


@pytest.fixture(scope="module")
def network():
    return fj.models.build("softmax", jax.random.key(3), (8, 8, 1), 3)


def test_fooling_at_once(network, tmp_path):
    fooled = fj.fool(network, **SMALL)
    said = fj.metrics.probabilities(network(fj.data.as_float(fooled.inputs)))
    np.testing.assert_allclose(np.diagonal(said), fooled.confidences, rtol=1e-5)
    assert fooled.history.shape == (13, 3)
    np.testing.assert_array_equal(fooled.history[-1], fooled.confidences)
    assert np.all(np.diff(fooled.history, axis=0) >= 0)
    assert fooled.save(tmp_path / "gallery.png").stat().st_size > 1000
    assert "data:image/png" in fooled._repr_html_()
    assert len(repr(fooled)) < 300 and "3 classes" in repr(fooled)
    again = fj.fool(network, encoding=fj.encodings.direct((8, 8, 1)), **SMALL)
    np.testing.assert_array_equal(again.inputs, fooled.inputs)


def test_what_cannot_be_fooled_so_is_said(network):
    with pytest.raises(ValueError, match=r"encoding must be direct, cppn, .*, got .directly"):
        fj.fool(network, encoding="directly", **SMALL)
    with pytest.raises(ValueError, match="class_names must be 3, one for each class, got 2"):
        fj.fool(network, class_names=["a", "b"], **SMALL)


def test_reading_a_run(tmp_path):
    folder = tmp_path / "run"
    settings = {"generations": 2, "repeats": 1, "children": 10, "model": "softmax"}
    config = change(evolve.PRESETS["smoke"], out=str(folder), train_steps=5, **settings)
    summary = evolve.main(config)
    run = fj.load(folder)
    assert run.summary["median_confidence"] == pytest.approx(float(summary["median_confidence"]))
    assert len(run.records) == 10 and isinstance(run.records[0]["confidence"], float)
    assert run.arrays("elites")["images"].shape == (1, 10, 28, 28, 1)
    with pytest.raises(ValueError, match=r"no arrays.npz; there are: elites, genomes"):
        run.arrays()
    assert "<table>" in run._repr_html_() and len(repr(run)) < 300


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"is no run directory; it has no config\.json"):
        fj.load(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="is not finished; go on with --resume"):
        fj.load(tmp_path)


def test_a_table_has_four_digits(tmp_path):
    for name in ("config.json", "summary.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "records.csv").write_bytes(to_csv([{"name": "pgd", "n": 12345, "l2": 1 / 3}]))
    shown = fj.load(tmp_path)._repr_html_()
    assert ">pgd<" in shown and ">12345<" in shown and ">0.3333<" in shown


def test_records_are_what_they_were(tmp_path):
    """A text "False" would be true."""
    records = [{"name": "pgd", "n": 3, "l2": 0.5, "held": True}, {"name": "x", "held": False}]
    for name in ("config.json", "summary.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "records.csv").write_bytes(to_csv(records))
    assert fj.load(tmp_path).records == [records[0], {**records[1], "n": "", "l2": ""}]
