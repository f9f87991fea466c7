"""The smoke preset as a user would run it, its numbers from the files alone, refused settings."""

import csv
import html
import json
import re

import numpy as np
import pytest
import scipy.stats

from experiments import retrain
from experiments.retrain import measure, page
from fooljax import study
from fooljax.study import Victim, change
from fooljax.study.cells import file_name

# what the default suite runs of the smoke preset: as many ways, fewer programs
LESS = {"victim": Victim(model="mlp", train_steps=60)}
SMOKE = pytest.param({}, id="smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[pytest.param(LESS, id="less"), SMOKE])
def smoke(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(retrain.PRESETS["smoke"], out=str(folder), **request.param)
    return folder, config, retrain.main(config)


def unit(folder, **cell):
    return np.load(folder / "units" / f"{file_name(cell)}.npz")


def answers(folder, name, images):
    """Softmax of a stored perceptron, by numpy."""
    stored = unit(folder, network=name, part="weights")
    leaves = [stored[f"weights_{i:03}"] for i in range(6)]
    x = images.reshape(-1, 784).astype(np.float64) / 255
    for place in range(0, 6, 2):
        bias, kernel = leaves[place : place + 2]
        x = (np.maximum(x, 0.0) if place else x) @ kernel + bias
    p = np.exp(x - x.max(axis=1, keepdims=True))
    return (p / p.sum(axis=1, keepdims=True)).reshape(*images.shape[:-3], -1)


def read(folder):
    with (folder / "records.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_smoke_numbers_from_the_files_alone(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    assert summary["fooling_images"] == [0, 30, 50]
    names, records = ["DNN 1", "DNN 2", "DNN 3"], read(folder)
    for maker in config.attacks:
        for name in names:
            of = summary["attacks"][maker][name]
            images = unit(folder, against=name, made=maker)["images"]
            assert images.shape == (2, 10, 28, 28, 1)
            told = answers(folder, name, images)
            assert told.shape == (2, 10, 11)  # one extra class, whatever the round
            sure = np.diagonal(told[..., :10], axis1=1, axis2=2)
            assert of["median"] == pytest.approx(np.median(sure), rel=1e-3)
            assert of["fooled"] == np.mean(told.argmax(axis=-1) == np.arange(10))
            assert of["called"] == np.mean(told.argmax(axis=-1) == 10)
            for other in names:
                called = answers(folder, other, images).argmax(axis=-1) == 10
                found = study.where(records, shown_to=other, made_for=name, kind=maker)
                assert [float(one["called"]) for one in found] == called.mean(axis=1).tolist()
    known = study.where(records, shown_to="DNN 1")  # the first knows no such class
    assert not any(float(one["called"]) for one in known)
    old = study.where(records, shown_to="DNN 3", made_for="DNN 1", kind="direct")
    assert np.mean([float(one["called"]) for one in old]) > 0.5  # what it has learned


def test_what_is_measured_is_never_trained_on(smoke):
    """The class holds collected images; those of the measuring runs are others."""
    folder, _, _ = smoke
    measured = unit(folder, against="DNN 1", made="direct")["images"].reshape(-1, 784)
    cell = {"against": "DNN 1", "collected": "direct", "batch": 0}
    collected = unit(folder, **cell)["images"].reshape(-1, 784)
    assert len(collected) == 40  # two runs, ten classes, first and last generation
    assert not (measured[:, None] == collected[None]).all(axis=2).any()


def test_smoke_pictures_and_page(smoke):
    from PIL import Image

    folder, config, summary = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 6
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    steps = config.victim.train_steps
    told = f"python -m experiments.retrain --model mlp --train-steps {steps} --networks 3"
    assert told in page
    assert html.escape(summary["conclusion"]) in page


@pytest.mark.slow
def test_a_resumed_run_gives_the_same_bytes(smoke):
    folder, config, _ = smoke
    names = ("records.csv", "arrays.npz", "medians.png")
    before = {name: (folder / name).read_bytes() for name in names}
    for lost in (
        {"network": "DNN 2", "part": "weights"},
        {"against": "DNN 1", "collected": "direct", "batch": 0},
        {"against": "DNN 3", "made": "direct"},
        {"shown_to": "DNN 2", "made_for": "DNN 1", "kind": "direct"},
    ):
        (folder / "units" / f"{file_name(lost)}.npz").unlink()
    (folder / "report.html").unlink()
    retrain.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert (folder / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_without_a_way_of_attacking_the_others_are_the_same(smoke, tmp_path):
    folder, config, _ = smoke
    fewer = change(config, out=str(tmp_path / "run"), attacks=("direct",))
    retrain.main(fewer)
    kept = [record for record in read(folder) if record["kind"] != "ascent"]
    assert read(tmp_path / "run") == kept


def test_verdicts_follow_the_numbers():
    verdicts = {
        (0.99, 0.95, 0.9): "no",
        (0.99, 0.5, 0.1): "yes",
        (0.99, 0.95, 0.1): "partly",
        (0.5, 0.1, 0.1): "untested",
    }
    for medians, verdict in verdicts.items():
        assert retrain.decide(medians) == verdict


def test_trends_are_spearmans():
    assert retrain.trend([0.9, 0.8, 0.7, 0.6]) is None  # three retrained networks are too few
    assert retrain.trend([0.1, 0.9, 0.8, 0.7, 0.6])["rho"] == -1.0


def test_mann_whitney_by_counting():
    before, after = np.array([[0.9, 0.8], [0.7, 0.7]]), np.array([[0.7, 0.1], [0.85, 0.2]])
    wins = sum(float(b > a) + 0.5 * float(b == a) for b in before.ravel() for a in after.ravel())
    _, p_runs, first_higher = page.test(before, after)
    assert first_higher == wins / 16
    expected = scipy.stats.mannwhitneyu([0.85, 0.7], [0.4, 0.525])
    assert p_runs == pytest.approx(expected.pvalue)


def test_effort_and_intervals_by_hand():
    trace = np.array([0.5, 0.98, 0.995, 0.97, 1.0])[:, None, None] * np.ones((1, 2, 3))
    assert page.generations_to(trace, 0.99) == 3
    assert page.generations_to(trace, 1.0) is None
    assert page.interval(0, np.full((4, 3), 0.25)) == (0.25, 0.25, 0.25)
    assert np.isnan(page.interval(0, np.ones((1, 3)))[1:]).all()
    _, low, high = page.interval(0, np.linspace(0, 1, 20)[:, None] * np.ones((1, 2)))
    assert 0.1 < low < 0.5 < high < 0.9


def test_the_papers_sizes():
    """6,000 + 13 x 1,000 of 79,000 at the end, by runs of twenty images."""
    paper = retrain.PRESETS["paper"]
    assert (paper.networks, paper.first_images, paper.added_images) == (15, 6000, 1000)
    assert paper == retrain.PRESETS["mnist-paper"]
    assert len(measure.PAPER) == 15 and np.median(measure.PAPER) == 0.9948


IMPOSSIBLE = {
    "--networks must be at least 2, got 1": {"networks": 1},
    "--runs must be at least 1, got 0": {"runs": 0},
    "--first-images must be at least 1, got 0": {"first_images": 0},
    "--collect-generations must be at least 1": {"collect_generations": 0},
    "--attacks: cppn of --encoding cppn must be among them, got direct": {
        "encoding": "cppn",
        "attacks": ("direct",),
    },
    "--attacks must name at least 1, each once": {"attacks": ("direct", "direct")},
    "--attacks: cppn and direct of --encoding both": {"encoding": "both"},
    "--model: each round trains a network from scratch": {"victim": Victim(model="a.py:net")},
    "--weights .*: each round trains its own": {"victim": Victim(weights="a.safetensors")},
    "--classifier .*: each round trains its own": {"victim": Victim(classifier="here")},
    "--dataset: networks are trained here": {"victim": Victim(dataset="none")},
    "--others: other images than --dataset digits": {"others": ("digits",)},
    "--others: no data set is called 'nothing'": {"others": ("nothing",)},
    "--recipe: acet teaches networks to be unsure": {"victim": Victim(recipe="acet")},
    "--train-epsilon: --recipe quick has none": {"victim": Victim(train_epsilon=0.1)},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(retrain.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        retrain.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
