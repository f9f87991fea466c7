import csv
import json
import re

import numpy as np
import pytest
import scipy.special

from experiments import confidence
from experiments.confidence import measure
from fooljax import data, study
from fooljax.interrupts import Interrupted
from fooljax.study import Victim, change

pytestmark = pytest.mark.slow  # a whole run


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("confidence") / "run"
    config = change(confidence.PRESETS["smoke"], out=str(folder))
    return folder, config, confidence.main(config)


def unit(folder, **cell):
    return np.load(folder / "units" / f"{study.cells.file_name(cell)}.npz")


def read(folder, **keys):
    with (folder / "records.csv").open() as stream:
        return study.where(list(csv.DictReader(stream)), **keys)


def test_records_are_what_the_networks_say(smoke):
    """Softmax in plain numpy, from the logits on disk, before and after the temperature."""
    folder, _, summary = smoke
    warm = study.where(summary["calibration"], network="mlp")[0]["temperature"]["mean"]
    kept = unit(folder, network="mlp")
    labels = np.asarray(data.load("digits").test.labels)
    np.testing.assert_array_equal(kept["labels"], labels)
    answers = kept["logits"].argmax(axis=1)
    for column, heat in (("confidence", 1.0), ("tempered", warm)):
        sure = scipy.special.softmax(np.float64(kept["logits"]) / heat, axis=1).max(axis=1)
        for kind, some in (("right", answers == labels), ("wrong", answers != labels)):
            found = [float(one[column]) for one in read(folder, kind=kind, network="mlp")]
            np.testing.assert_allclose(found, sure[some], atol=1e-5)
            row = study.where(summary["median_confidence"], kind=kind, network="mlp")[0]
            assert row[column]["mean"] == pytest.approx(np.median(sure[some]), abs=1e-5)
    direct = [unit(folder, generator="direct", network="mlp", repeat=i)["logits"] for i in (0, 1)]
    sure = scipy.special.softmax(np.float64(direct), axis=2).max(axis=2)
    found = [float(one["confidence"]) for one in read(folder, kind="direct", network="mlp")]
    np.testing.assert_allclose(found, sure.ravel(), atol=1e-5)


def test_softmax_regression_is_linear_and_certain_far_away(smoke):
    """Its logits are affine on a ray: in the end the odds grow in proportion to the factor."""
    folder, config, summary = smoke
    rays = [unit(folder, line="noise", network="softmax", repeat=i)["odds"] for i in (0, 1)]
    for odds in rays:
        assert odds.shape == (len(config.factors), 10)
        np.testing.assert_allclose(odds[-1] / odds[-11], 10.0, rtol=0.05)
    medians = [np.median(measure.reached(config.factors, odds, np.log(999.0))) for odds in rays]
    assert summary["certain_at"]["softmax"] == pytest.approx(np.median(medians))
    r2 = [one["r2"]["mean"] for one in study.where(summary["tangent_r2"], network="softmax")]
    np.testing.assert_allclose(r2, 1.0, atol=1e-3)
    r2 = [one["r2"]["mean"] for one in study.where(summary["tangent_r2"], network="mlp", step=1.0)]
    assert max(r2) < 0.99


def test_reached_is_between_the_factors():
    """Log-odds that grow with the logarithm of the factor: the place is known."""
    factors = np.array([1.0, 10.0, 100.0])
    odds = np.array([[0.0, 5.0, -9.0], [2.0, 6.0, -9.0], [4.0, 7.0, -9.0]])
    found = measure.reached(factors, odds, 3.0)
    np.testing.assert_allclose(found, [10.0**1.5, 1.0, np.inf])


def test_numbers_that_must_hold(smoke):
    folder, _, summary = smoke
    written = json.loads((folder / "summary.json").read_text())
    assert set(written["certain_at"]) == set(written["certain_at_real"]) == {"mlp", "softmax"}
    of = lambda kind: study.where(summary["median_confidence"], kind=kind, network="mlp")[0]
    assert of("right")["confidence"]["mean"] > of("wrong")["confidence"]["mean"]
    assert of("noise x 10,000")["confidence"]["mean"] > 0.999
    for row in written["calibration"]:
        assert row["likelihood_after"]["mean"] < row["likelihood"]["mean"] + 0.02


def test_the_slice_goes_through_its_images(smoke):
    folder, config, _ = smoke
    kept = unit(folder, part="slice", network="mlp")
    assert kept["answers"].shape == (11, 11)
    direct = unit(folder, generator="direct", network="mlp", repeat=0)
    assert np.any(np.all(kept["corners"][1] == direct["images"], axis=(1, 2, 3)))
    at = np.linspace(-0.5, 1.5, config.slice_pixels)
    near = int(np.argmin(abs(at - 1.0))), int(np.argmin(abs(at)))  # 1.1 and 0.1 of the way
    assert 0.0 < kept["confidence"][near] <= 1.0


def test_pictures_and_page(smoke):
    folder, _, _ = smoke
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert len(pictures) == 2 + 2 + 2 + 1 and "slice.png" in pictures
    text = (folder / "report.html").read_text()
    assert text.count("data:image/png;base64,") == len(pictures)
    assert "python -m experiments.confidence --model mlp --train-steps 60" in text
    assert "nan" not in re.sub(r"base64,[^\"]*", "", text)


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    config, along = change(config, out=str(tmp_path / "cut")), measure.fj.analysis.along
    calls = []

    def stop_then(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return along(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(measure.fj.analysis, "along", stop_then)
        confidence.main(config)
    confidence.main(change(config, out=None, resume=config.run.out))
    for name in ("records.csv", "arrays.npz", "slice.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.slow
def test_one_network_and_noise_alone(smoke, tmp_path):
    _, config, _ = smoke
    changes = {"compared": (), "runs": 1, "generators": ("noise",)}
    confidence.main(change(config, out=str(tmp_path / "run"), **changes))
    text = re.sub(r"base64,[^\"]*", "", (tmp_path / "run" / "report.html").read_text())
    assert "nan" not in text


IMPOSSIBLE = {
    r"--level must be in \(0, 1\), got 1.0": {"level": 1.0},
    "--farthest must be above 0.1, got 0.1": {"farthest": 0.1},
    "--runs must be at least 1, got 0": {"runs": 0},
    "--slice-pixels must be at least 2, got 1": {"slice_pixels": 1},
    "--generators: unknown 'pgd'; There are direct, cppn": {"generators": ("pgd",)},
    "--compared: unknown 'nope'; There are": {"compared": ("nope",)},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(confidence.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        confidence.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_released_network(data_dir, tmp_path):
    """Noise is certain at three to six times itself, and the tangent carries to the end."""
    config = change(
        confidence.Config(),
        dataset="mnist",
        data_dir=data_dir,
        weights=f"{data_dir}/models/caffe_lenet_mnist.safetensors",
        compared=(),
        generators=("noise",),
        out=str(tmp_path / "run"),
    )
    summary = confidence.main(config)
    assert 3.0 < summary["certain_at"]["lenet"] < 6.0
    assert study.where(summary["tangent_r2"], to="noise", step=1.0)[0]["r2"]["mean"] > 0.8
