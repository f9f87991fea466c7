import csv
import json
import re

import numpy as np
import pytest
import scipy.ndimage

from experiments import squint
from fooljax import data, study
from fooljax.interrupts import Interrupted
from fooljax.study import Victim, change


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("squint") / "run"
    config = change(squint.PRESETS["smoke"], out=str(folder))
    return folder, config, squint.main(config)


def test_records_are_what_pixels_and_networks_say(smoke):
    """Blur, correlate and count in plain numpy, from the images on disk."""
    folder, *_ = smoke
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == 3 * 2 * 2 * 2  # kinds, networks, runs, blurs
    arrays, splits = np.load(folder / "arrays.npz"), data.load("digits")
    train, labels = np.float64(splits.train.images) / 255, np.asarray(splits.train.labels)
    means = np.stack([train[labels == k].mean(axis=0) for k in range(10)])
    soft = lambda image, sigma: scipy.ndimage.gaussian_filter(image, (sigma, sigma, 0)).ravel()
    name = lambda cell: study.cells.file_name(
        {axis: cell[axis] for axis in ("generator", "made_for", "repeat")}
    )
    for record in records:
        sigma = float(record["sigma"])
        both = [arrays[f"{name(record | {'repeat': run})}.images"] for run in range(2)]
        images = arrays[f"{name(record)}.images"] - np.concatenate(both).mean(axis=0)
        truth = arrays[f"{name(record)}.labels"]
        patterns = [soft(one, sigma) for one in means - means.mean(axis=0)]
        alike = [[np.corrcoef(soft(one, sigma), p)[0, 1] for p in patterns] for one in images]
        own = np.array(alike)[np.arange(len(truth)), truth]
        assert float(record["own"]) == pytest.approx(own.mean(), abs=1e-4)
        named = np.mean(np.argmax(alike, axis=1) == truth)
        assert float(record["named_by_template"]) == pytest.approx(named, abs=0.051)
        if sigma == 0:
            assert float(record["kept"]) == 1.0
    again = {(one["generator"], one["made_for"], one["p_value"]) for one in records}
    assert len(again) <= 3 * 2 * 2  # a p-value belongs to all runs together


def test_numbers_that_must_hold(smoke):
    folder, _, summary = smoke
    written = json.loads((folder / "summary.json").read_text())
    for name in ("own_correlation", "named_by_template", "p_value"):
        assert set(written[name]) == {"direct", "noise", "real"}
        assert set(written[name]["real"]) == {"mlp", "softmax"}
    own, real = summary["own_correlation"], summary["own_correlation"]["real"]["mlp"]
    assert own["noise"]["mlp"] < own["direct"]["mlp"] < real and real > 0.6
    assert summary["named_by_template"]["real"]["mlp"] >= 0.8
    assert summary["p_value"]["real"]["mlp"] == pytest.approx(1 / 5001, rel=1e-4)
    assert summary["p_value"]["noise"]["mlp"] > 1 / 5001


def test_pictures_and_page(smoke):
    folder, _, _ = smoke
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert len(pictures) == 4 + 3 and "picture_direct_0.png" in pictures
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    assert "python -m experiments.squint --model mlp --train-steps 60" in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    config = change(config, out=str(tmp_path / "cut"))
    blurred, calls = squint.fj.analysis.blurred, []

    def stop_then(*arguments):
        calls.append(1)
        if len(calls) == 15:
            raise KeyboardInterrupt
        return blurred(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(squint.fj.analysis, "blurred", stop_then)
        squint.main(config)
    assert 0 < len(list((tmp_path / "cut" / "units").iterdir())) < 12
    squint.main(change(config, out=None, resume=config.run.out))
    for name in ("records.csv", "arrays.npz", "picture_direct_0.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.slow
def test_one_network_alone(smoke, tmp_path):
    _, config, _ = smoke
    changes = {"shown_to": (), "runs": 1, "generators": ("real",)}
    summary = squint.main(change(config, out=str(tmp_path / "run"), **changes))
    assert set(summary["own_correlation"]) == {"real"}
    page = re.sub(r"base64,[^\"]*", "", (tmp_path / "run" / "report.html").read_text())
    assert "nan" not in page and not (tmp_path / "run" / "named_by_others.png").exists()


IMPOSSIBLE = {
    r"--sigma must be positive, got 0.0": {"sigma": 0.0},
    r"--sigmas must be at least 0, got -1.0": {"sigmas": (1.0, -1.0)},
    "--runs must be at least 1, got 0": {"runs": 0},
    "--generators: unknown 'pgd'; There are direct, cppn": {"generators": ("pgd",)},
    "--shown-to: unknown 'nope'; There are": {"shown_to": ("nope",)},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(squint.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        squint.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_blurred_pixels_show_digits(data_dir, tmp_path):
    """The released network: as like their class as real digits are."""
    config = change(
        squint.Config(),
        dataset="mnist",
        data_dir=data_dir,
        weights=f"{data_dir}/models/caffe_lenet_mnist.safetensors",
        shown_to=(),
        generators=("direct", "noise", "real"),
        out=str(tmp_path / "run"),
    )
    summary = squint.main(config)
    assert 0.50 < summary["own_correlation"]["direct"]["lenet"] < 0.62
    assert summary["own_correlation"]["real"]["lenet"] == pytest.approx(0.56, abs=0.02)
    assert summary["named_by_template"]["direct"]["lenet"] >= 0.9
    assert summary["p_value"]["direct"]["lenet"] < 0.001
