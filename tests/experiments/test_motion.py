"""The smoke preset as a user would run it; orders of frames; verdicts; refused settings."""

import csv
import json
import types

import numpy as np
import pytest
from PIL import Image

from experiments import motion
from experiments.motion import measure, page
from fooljax.metrics import Interval
from fooljax.study import Row, Table, Victim, change


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """A run on videos of the user's own, in which a dot goes left or right."""
    folder = tmp_path_factory.mktemp("motion")
    for name, step in (("left", -1), ("right", 1)):
        for i in range(25):
            frames = np.zeros((6, 8, 8), np.uint8)
            for t, frame in enumerate(frames):
                frame[i % 8, (t * step + i) % 8] = 255
            path = folder / "movies" / name / f"{i:02}.gif"
            path.parent.mkdir(parents=True, exist_ok=True)
            first, *rest = map(Image.fromarray, frames)
            first.save(path, save_all=True, append_images=rest, duration=90)
    victim = Victim(dataset=str(folder / "movies"), model="mlp", train_steps=40)
    config = change(motion.PRESETS["smoke"], victim=victim, out=str(folder / "run"))
    return folder / "run", config, motion.main(config)


@pytest.mark.slow
def test_records_are_what_the_cells_found(smoke):
    folder, config, summary = smoke
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == 2 * (len(config.orders) + 2)  # and the stills, and nobody looking
    arrays = np.load(folder / "arrays.npz")
    probabilities = [arrays[name] for name in arrays if "order-reversed" in name]
    labels = np.repeat([0, 1], 5)  # one window of each of five videos a class
    right = [np.mean(one.argmax(axis=1) == labels) for one in probabilities]
    said = [float(one["windows"]) for one in records if one["order"] == "reversed"]
    np.testing.assert_allclose(said, right)
    assert {one["windows"] for one in records if one["network"] == "blind"} == {"0.5"}
    mean = next(one for one in summary["means"] if one["order"] == "reversed")["windows"]["mean"]
    assert mean == pytest.approx(np.mean(right))
    assert json.loads((folder / "summary.json").read_text())["verdict"] == summary["verdict"]


@pytest.mark.slow
def test_the_page_can_be_watched_and_repeated(smoke):
    folder, config, summary = smoke
    text = (folder / "report.html").read_text()
    assert page.TITLES[summary["verdict"]] in text and 'class="video"' in text
    assert "who does not look" in text and "python -m experiments.motion" in text
    again = motion.main(change(config, out=None, resume=str(folder)))
    assert json.dumps(again["means"]) == json.dumps(summary["means"])  # some are not a number


WINDOWS = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 4, 1), np.uint8)


def show(order):
    return measure.ORDERS[order].show(np.random.default_rng(1), WINDOWS)


def test_orders_are_what_they_are_called():
    np.testing.assert_array_equal(show("in order"), WINDOWS)
    np.testing.assert_array_equal(show("reversed")[:, 0], WINDOWS[:, 4])
    np.testing.assert_array_equal(show("frozen"), WINDOWS[:, [0, 0, 0, 0, 0]])
    np.testing.assert_allclose(show("averaged")[:, 2], WINDOWS.mean(axis=1), atol=0.5)
    frames = lambda windows: [sorted(frame.tobytes() for frame in one) for one in windows]
    assert frames(show("shuffled")) == frames(WINDOWS)
    assert not np.array_equal(show("shuffled"), WINDOWS)
    flat = lambda windows: np.sort(windows.reshape(3, -1), axis=1)
    np.testing.assert_array_equal(flat(show("noise")), flat(WINDOWS))
    assert all(show(order).shape == WINDOWS.shape for order in measure.ORDERS)


def test_a_video_counts_by_the_mean_of_its_windows():
    sure = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.6, 0.4]])
    right = measure.by_sequence(sure, np.array([0, 0, 0, 0]), np.array([5, 5, 7, 7]))
    np.testing.assert_array_equal(right, [True, False])


def found(order=0.9, shuffled=0.9, turned=0.9, frozen=0.2, blind=0.1):
    """A result with these shares recognized."""
    windows = {"in order": order, "shuffled": shuffled, "reversed": turned, "frozen": frozen}
    interval = lambda share: {"windows": Interval(share, share, share)}
    rows = [Row({"network": "videos", "order": one}, interval(at)) for one, at in windows.items()]
    rows.append(Row({"network": "blind", "order": "blind"}, interval(blind)))
    config = types.SimpleNamespace(orders=tuple(windows))
    return page.Found(config, None, None, None, (), Table(tuple(rows)))


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"order": 0.3}, "untested"),
        ({"frozen": 0.7}, "poses"),
        ({}, "frames"),
        ({"turned": 0.0}, "motion"),
        ({"shuffled": 0.4}, "motion"),
    ],
)
def test_verdicts_follow_from_the_numbers(given, verdict):
    assert page.decide(found(**given)) == verdict


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dataset": "digits"}, r"--dataset: digits: give moving_digits, weizmann, or a folder of"),
        ({"dataset": "none"}, r"--dataset none: each fold trains its own network, from videos"),
        ({"model": "x.py:y"}, r"--model x.py:y: each fold trains its own network"),
        ({"weights": "w.npz"}, r"--weights w.npz: each fold trains its own network"),
        ({"model": "lenet"}, r"--model lenet: "),
        ({"image_size": (9, 9)}, r"--dataset: image_size \(--image-size\) is of folders, and fra"),
        ({"folds": 9}, r"--folds must be at most 5, the parts of the data; got 9"),
        ({"orders": ("reversed",)}, r"--orders: 'in order' and 'frozen' among them, got reversed"),
        ({"orders": ("backwards",)}, r"--orders: unknown 'backwards'; "),
    ],
)
def test_impossible_settings_are_refused(given, message, tmp_path):
    config = change(motion.PRESETS["smoke"], out=str(tmp_path / "run"), **given)
    with pytest.raises(ValueError, match=message) as caught:
        motion.main(config)
    assert "\n" not in str(caught.value)
