"""What ``experiments.parts`` writes, against plain numpy from the arrays on disk."""

import csv
import json
import re

import numpy as np
import pytest

from experiments import parts
from experiments.parts import measure, numbers
from fooljax import analysis, study
from fooljax.interrupts import Interrupted
from fooljax.study import Victim, change

pytestmark = pytest.mark.slow  # a whole run

LOOKS = ("center", "occlusion", "components", "together", "shuffled", "pixels", "wrong", "blocks")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(parts.PRESETS["smoke"], out=str(folder))
    return folder, config, parts.main(config)


@pytest.fixture(scope="module")
def records(smoke):
    with (smoke[0] / "records.csv").open() as stream:
        return [one | {"value": float(one["value"])} for one in csv.DictReader(stream)]


def value(records, look, name, at, images="ascent", repeat="1"):
    found = study.where(records, look=look, name=name, at=at, images=images, repeat=repeat)
    assert len(found) == 1, (look, name, at)
    return found[0]["value"]


def confident(odds):
    return 1.0 / (1.0 + np.exp(-np.asarray(odds, np.float64)))


def test_every_look_was_taken(smoke, records):
    assert {one["look"] for one in records} == {"whole", *LOOKS}
    assert {one["images"] for one in records} == {"real", "ascent"}
    assert set(numbers.READ) == set(LOOKS) == set(measure.LOOKS)


def test_the_public_names_are_those_of_the_records(smoke, records):
    summary = json.loads((smoke[0] / "summary.json").read_text())
    asked = {
        "sufficient_share": ("pixels", "share", ""),
        "dilated_confidence": ("pixels", "confidence", "dilated 1"),
        "additivity": ("together", "additivity", "median"),
        "center_keeps": ("center", "keeps", str(3 / 7)),
        "component_removed_confidence": ("components", "confidence", "without one"),
    }
    for public, (look, name, at) in asked.items():
        assert set(summary[public]) <= {"real", "ascent"}
        for kind, found in summary[public].items():
            values = [
                one["value"]
                for one in study.where(records, look=look, name=name, at=at, images=kind)
            ]
            assert found["mean"] == pytest.approx(np.mean(values)), public
    assert {"real", "ascent"} == set(summary["additivity"]) == set(summary["sufficient_share"])


def test_shares_are_counted_from_the_arrays(smoke, records):
    folder, config, _ = smoke
    arrays = np.load(folder / "arrays.npz")
    whole = arrays["images-ascent-repeat-1.odds"]
    certain = confident(whole) >= config.tau
    assert value(records, "whole", "certain", "") == pytest.approx(certain.mean())
    with np.load(folder / "units" / "look-pixels-images-ascent-repeat-1.npz") as found:
        masks, reached, path = found["masks"], found["reached"], found["path"]
        dilated, subset = found["dilated 1"], found["subset"]
    level = np.log(config.tau / (1 - config.tau))
    np.testing.assert_array_equal(reached, (path >= level).any(axis=1))
    assert (subset[reached] >= level).all()
    share = np.median(
        [one.mean() for one, is_there in zip(masks, reached, strict=True) if is_there]
    )
    assert value(records, "pixels", "share", "") == pytest.approx(share)
    median = confident(np.median(dilated[reached]))
    assert value(records, "pixels", "confidence", "dilated 1") == pytest.approx(median)


def test_images_are_of_classes_of_their_own(smoke):
    """Made for four of ten classes, drawn at random, and named as those by the network."""
    arrays = np.load(smoke[0] / "arrays.npz")
    labels = [arrays[f"images-ascent-repeat-{repeat}.labels"] for repeat in (0, 1)]
    for some in labels:
        assert len(set(some.tolist())) == len(some) == 4 and set(some) <= set(range(10))
    assert sorted(labels[0]) != sorted(labels[1])


def test_pictures_and_page(smoke):
    folder, _, _ = smoke
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(list(folder.glob("*.png"))) >= 8
    text = re.sub(r"base64,[^\"]*", "", page)
    assert "nan" not in text and "100 % of" not in text
    assert "python -m experiments.parts --model softmax --train-steps 60" in text
    for title in ("How few pixels", "middle enough", "One part painted", "add up", "Patches"):
        assert title in text


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "networks"), out=str(tmp_path / "cut"))
    interactions, calls = analysis.interactions, []

    def stop_then(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return interactions(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(analysis, "interactions", stop_then)
        parts.main(config)
    assert 4 < len(list((tmp_path / "cut" / "units").iterdir())) < 36
    parts.main(change(config, out=None, resume=config.run.out))
    for name in ("records.csv", "arrays.npz", "subsets_ascent.png", "occlusion_real.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.slow
def test_without_a_look_the_others_are_the_same(smoke, records, tmp_path):
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "networks"), out=str(tmp_path / "run"))
    parts.main(change(config, looks=("shuffled", "center"), generators=("ascent", "noise")))
    lines = (folder / "records.csv").read_text().splitlines()
    fewer = (tmp_path / "run" / "records.csv").read_text().splitlines()
    same = [line for line in lines if line.startswith(("shuffled,", "center,"))]
    assert sorted(same) == sorted(
        line
        for line in fewer
        if line.startswith(("shuffled,", "center,")) and ",noise," not in line
    )


@pytest.mark.slow
def test_the_networks_of_the_paper(data_dir, tmp_path):
    """Released LeNet: few pixels, additive, the middle; numbers as measured before."""
    weights = f"{data_dir}/models/caffe_lenet_mnist.safetensors"
    config = parts.Config(
        victim=Victim(dataset="mnist", weights=weights, data_dir=data_dir),
        generators=("direct",),
        looks=("pixels", "together", "center"),
        repeats=2,
        generations=100,
        fills=("median", "white"),
    )
    summary = parts.main(change(config, out=str(tmp_path / "run")))
    assert 0.01 <= summary["sufficient_share"]["real"]["mean"] <= 0.03
    assert summary["additivity"]["direct"]["mean"] > 0.98
    assert summary["center_keeps"]["direct"]["mean"] > summary["center_keeps"]["real"]["mean"]


IMPOSSIBLE = {
    "--images must be 2 at least, got 1": {"images": 1},
    "--fills must name 2 at least": {"fills": ("median",)},
    "--fills: unknown 'meadian'; did you mean median": {"fills": ("meadian", "blur")},
    "--looks: unknown 'centre'; did you mean center": {"looks": ("centre",)},
    "--generators: unknown 'pgd'": {"generators": ("pgd",)},
    r"--tau must be in \(0, 1\), got 1.0": {"tau": 1.0},
    "--step must be at most 784, all pixels, got 1,000": {"step": 1000},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "--images: all networks are right": {"images": 2000},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_are_named(smoke, tmp_path, message, changes):
    config = change(parts.PRESETS["smoke"], out=str(tmp_path / "run"))
    if "victim" not in changes:
        config = change(config, classifier=str(smoke[0] / "networks"))
    with pytest.raises(ValueError, match=message):
        parts.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
