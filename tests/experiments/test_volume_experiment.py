import csv
import math
import re

import jax
import numpy as np
import pytest
from scipy import stats

from experiments import volume
from fooljax import analysis, study
from fooljax.interrupts import Interrupted
from fooljax.study import Victim, change
from fooljax.study.wording import power

pytestmark = pytest.mark.slow  # a whole run

LEVELS = (0.2, 0.5)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset with one measure, as a user would run it: folder, settings, summary."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(volume.PRESETS["smoke"], measures=("uniform",), out=str(folder))
    return folder, config, volume.main(config)


def read(folder):
    """All records as the file has them, numbers as numbers, empty ones as minus infinity."""
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    numbers = ("repeat", "confidence", "log10_p", "evaluations", "random_hits", "random_images")
    return [one | {name: float(one[name] or "-inf") for name in numbers} for one in records]


def test_a_record_for_each_share_of_each_repeat(smoke):
    folder, config, _ = smoke
    records = read(folder)
    assert len(records) == 10 * 2 * len(LEVELS)
    assert {one["measure"] for one in records} == {"uniform"}
    assert {one["class"] for one in records} == set("0123456789")
    for one in study.where(records, confidence=0.5):
        keys = {name: one[name] for name in ("measure", "class", "repeat")}
        (lower,) = study.where(records, confidence=0.2, **keys)
        assert one["log10_p"] <= lower["log10_p"] <= 0.0
        assert one["evaluations"] >= lower["evaluations"] >= config.particles
        assert one["evaluations"] % (config.particles * config.moves) == config.particles


def test_the_summary_is_made_of_the_records(smoke):
    folder, _, summary = smoke
    records = read(folder)
    assert len(summary["shares"]) == 10 * len(LEVELS)
    for row in summary["shares"]:
        keys = {name: row[name] for name in ("measure", "class", "confidence")}
        runs = np.array([one["log10_p"] for one in study.where(records, **keys)])
        if np.isneginf(row["log10_p"]):
            assert np.isneginf(runs).all()
            continue
        assert row["log10_p"] == pytest.approx(np.log10(np.mean(10.0**runs)))
        if np.isfinite(runs).all():
            half = stats.t.ppf(0.975, 1) * runs.std(ddof=1) / math.sqrt(2)
            assert row["low"] == pytest.approx(row["log10_p"] - half)
    (whole,) = summary["any_class"]  # of 50 %; no image is so sure of two classes
    rows = study.where(summary["shares"], confidence=0.5)
    shares = [10.0 ** row["log10_p"] for row in rows]
    assert whole["log10_p"] == pytest.approx(math.log10(sum(shares)), abs=1e-6)


def test_shares_are_those_of_random_images(smoke):
    """Counted here in plain numpy, from the weights on disk; the run's own counts, too."""

    folder, config, summary = smoke
    prepared = study.prepare(config.victim, folder)
    layer = {leaf.ndim: np.asarray(leaf) for leaf in jax.tree.leaves(prepared.classifier.params)}
    images = np.random.default_rng(0).random((20_000, 64), np.float32)
    logits = images @ layer[2] + layer[1]
    shown = images[:3].reshape(3, 8, 8, 1)
    np.testing.assert_allclose(logits[:3], prepared.classifier(shown), rtol=1e-3, atol=1e-3)
    shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    seen = 0
    for row in summary["shares"]:
        truth = float(np.mean(shares[:, int(row["class"])] >= row["confidence"]))
        error = math.sqrt(max(truth, 1e-4) / 4000)
        assert abs(row["random_hits"] / 4000 - truth) < 4 * error
        if truth > 1e-3:
            seen += 1
            sd = max(row["sd"], row["ideal_sd"]) / math.sqrt(2)
            assert abs(row["log10_p"] - math.log10(truth)) < 3.5 * sd + 0.03
    assert seen >= 2


def test_draws_are_certain(smoke):
    """Every image kept is given its class with the highest confidence asked for."""

    folder, config, _ = smoke
    classifier = study.prepare(config.victim, folder).classifier
    with np.load(folder / "units" / "measure-uniform-defense-plain-repeat-0.npz") as arrays:
        images, held = arrays["images"][-1], arrays["held"][-1]
    assert images.shape == (10, 4, 8, 8, 1) and held.any()
    for k in np.flatnonzero(held):
        sure = study.confidences(classifier, images[k, : held[k]], np.full(held[k], k))
        assert sure.min() > 0.5 - 1e-5


def test_pictures_and_page(smoke):
    from PIL import Image

    folder, _, summary = smoke
    names = {path.stem for path in folder.glob("*.png")}
    assert {"overview", "ruler", "curve_uniform", "drawn_uniform"} <= names
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = re.sub(r"base64,[^\"]*", "", (folder / "report.html").read_text())
    assert page.count("data:image/png;") == len(names)
    assert "python -m experiments.volume --image-size 8 8 --model softmax" in page
    assert "nan" not in page
    near = summary["balls"][0]
    assert near["radius"] == 0.5
    assert near["log10_p"] == pytest.approx(analysis.log10_ball(64, 0.5) + math.log10(1437), 0.01)
    assert power(near["log10_p"]) in page.replace("&nbsp;", " ")


def test_small_shares_in_words():
    assert power(-12.4) == "4 × 10⁻¹³" and power(-20.02) == "1 × 10⁻²⁰"  # noqa: RUF001
    assert power(-0.301) == "50 %" and power(None) == "not measured"


IMPOSSIBLE = {
    "--confidences must be in (0, 1), got 1.0": {"confidences": (1.0,)},
    "--measures: unknown 'unifrom'; did you mean uniform": {"measures": ("unifrom",)},
    "--measures uniform=2: this measure has no number": {"measures": ("uniform=2",)},
    "--measures smooth=x: give a number, as in smooth=2": {"measures": ("smooth=x",)},
    "--measures binary=2: share must be in (0, 1), got 2": {"measures": ("binary=2",)},
    "--measures: give each once": {"measures": ("smooth", "smooth=2")},
    "--classes must be below 10, got 10": {"classes": (10,)},
    "--particles must be at least 2, got 1": {"particles": 1},
    "--repeats must be at least 1, got 0": {"repeats": 0},
    "--defenses: unknown 'nope'": {"defenses": ("nope",)},
    "--devices 4000": {"devices": 4000},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(volume.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=re.escape(message)):
        volume.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "classifier"), out=str(tmp_path / "cut"))
    true, calls = analysis.volume, []

    def stop_then(*arguments, **settings):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return true(*arguments, **settings)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(analysis, "volume", stop_then)
        volume.main(config)
    assert len(list((tmp_path / "cut" / "units").iterdir())) == 1
    volume.main(change(config, out=None, resume=config.run.out))
    for name in ("records.csv", "arrays.npz", "overview.png", "curve_uniform.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.slow
def test_more_devices_and_more_measures_give_the_same_records(smoke, tmp_path):
    """The whole smoke preset, particles shared by two devices."""
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "classifier"), out=str(tmp_path / "run"))
    volume.main(change(config, measures=volume.PRESETS["smoke"].measures, devices=2))
    lines = (folder / "records.csv").read_text().splitlines()
    more = (tmp_path / "run" / "records.csv").read_text().splitlines()
    assert [line for line in more if not line.startswith("smooth 1,")] == lines
    assert len(more) == 2 * len(lines) - 1
    page = re.sub(r"base64,[^\"]*", "", (tmp_path / "run" / "report.html").read_text())
    assert "nan" not in page and "smooth 1 images" in page


@pytest.mark.slow
def test_defenses_are_compared_with_the_plain_network(smoke, tmp_path):
    folder, config, _ = smoke
    changes = {"defenses": ("blur=1", "reject_energy")}
    config = change(config, classifier=str(folder / "classifier"), out=str(tmp_path / "run"))
    summary = volume.main(change(config, **changes))
    assert {row["defense"] for row in summary["shares"]} == {"plain", "blur 1", "reject_energy"}
    page = re.sub(r"base64,[^\"]*", "", (tmp_path / "run" / "report.html").read_text())
    assert "What a defense leaves" in page and "Powers of ten smaller" in page
    assert "nan" not in page


@pytest.mark.slow
def test_a_network_without_data(own_network, tmp_path):
    config = change(
        volume.PRESETS["smoke"],
        victim=Victim(dataset="none", model=own_network),
        out=str(tmp_path / "run"),
    )
    summary = volume.main(config)
    assert summary["balls"] == [] and len(summary["shares"]) == 2 * 3 * len(LEVELS)


@pytest.mark.slow
def test_the_released_lenet(data_dir, tmp_path):
    """Ten shares as a prototype in numpy found them (five runs, together 3 million images)."""
    config = change(
        volume.Config(),
        victim=Victim(dataset="mnist", weights=f"{data_dir}/models/caffe_lenet_mnist.safetensors"),
        measures=("uniform",),
        confidences=(0.5, 0.9, 0.99),
        particles=500,
        repeats=1,
        out=str(tmp_path / "run"),
    )
    summary = volume.main(config)
    rows = [one for one in summary["shares"] if one["confidence"] == 0.99]
    expected = [-7.6, -18.5, -12.4, -12.7, -5.2, -12.4, -9.5, -17.0, -5.9, -10.2]
    assert np.abs([row["log10_p"] for row in rows] - np.array(expected)).max() < 0.6
    assert sum(row["evaluations"] for row in rows) <= 1_000_000
    told = [row["agrees"] for row in summary["shares"] if row["agrees"] is not None]
    assert len(told) >= 8 and np.mean(told) > 0.8
