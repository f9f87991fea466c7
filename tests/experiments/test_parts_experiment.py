"""What ``experiments.parts`` writes, against plain numpy from the arrays on disk."""

import csv
import json
import re

import numpy as np
import pytest
import scipy.stats

from experiments import parts
from experiments.parts import measure, numbers
from fooljax import analysis, study
from fooljax.interrupts import Interrupted
from fooljax.metrics import Interval
from fooljax.study import Hiding, Victim, change

pytestmark = pytest.mark.slow  # a whole run

LOOKS = ("center", "occlusion", "components", "pixels", "wrong", "blocks")


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
    assert {"real", "ascent"} == set(summary["sufficient_share"])


def test_shares_are_counted_from_the_arrays(smoke, records):
    folder, config, _ = smoke
    arrays = np.load(folder / "arrays.npz")
    whole = arrays["images-ascent-repeat-1.odds"]
    certain = confident(whole) >= config.hiding.tau
    assert value(records, "whole", "certain", "") == pytest.approx(certain.mean())
    with np.load(folder / "units" / "look-pixels-images-ascent-repeat-1.npz") as found:
        masks, reached, path = found["masks"], found["reached"], found["path"]
        dilated, subset = found["dilated 1"], found["subset"]
    level = np.log(config.hiding.tau / (1 - config.hiding.tau))
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
    page = (folder / "report.html").read_text().replace("&nbsp;", " ")
    assert page.count("data:image/png;base64,") == len(list(folder.glob("*.png"))) >= 6
    text = re.sub(r"base64,[^\"]*", "", page)
    assert "nan" not in text and "100 % of" not in text
    assert "python -m experiments.parts --model softmax --train-steps 60" in text
    for title in ("How few pixels", "middle enough", "One part painted", "Control: the same"):
        assert title in text


def test_images_that_keep_their_middle_are_counted_one_by_one(smoke):
    """Of all repeats together, with the interval of scipy."""
    folder, config, _ = smoke
    page = (folder / "report.html").read_text().replace("&nbsp;", " ")
    for kind in ("real", "ascent"):
        kept, total = 0, 0
        for repeat in range(config.hiding.repeats):
            with np.load(folder / "units" / f"images-{kind}-repeat-{repeat}.npz") as found:
                certain = confident(found["odds"]) >= config.hiding.tau
            path = folder / "units" / f"look-center-images-{kind}-repeat-{repeat}.npz"
            with np.load(path) as found:
                kept += (confident(found["odds"][certain, 2]) >= config.hiding.tau).sum()
            total += certain.sum()
        low, high = scipy.stats.binomtest(int(kept), int(total)).proportion_ci()
        words = study.spell(Interval(kept / total, low, high))
        assert f">{kept} of {total}</td><td>{words}</td>" in page


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "networks"), out=str(tmp_path / "cut"))
    sufficient, calls = analysis.sufficient, []

    def stop_then(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sufficient(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(analysis, "sufficient", stop_then)
        parts.main(config)
    assert 4 < len(list((tmp_path / "cut" / "units").iterdir())) < 28
    parts.main(change(config, out=None, resume=config.run.out))
    for name in ("records.csv", "arrays.npz", "subsets_ascent.png", "occlusion_real.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.slow
def test_without_a_look_the_others_are_the_same(smoke, records, tmp_path):
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "networks"), out=str(tmp_path / "run"))
    parts.main(change(config, looks=("wrong", "center"), generators=("ascent", "noise")))
    lines = (folder / "records.csv").read_text().splitlines()
    fewer = (tmp_path / "run" / "records.csv").read_text().splitlines()
    same = [line for line in lines if line.startswith(("wrong,", "center,"))]
    assert sorted(same) == sorted(
        line for line in fewer if line.startswith(("wrong,", "center,")) and ",noise," not in line
    )
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Control: the same search" in page and "How few pixels" not in page


@pytest.mark.slow
def test_the_networks_of_the_paper(data_dir, tmp_path):
    """Released LeNet: few pixels, the middle; numbers as measured before."""
    weights = f"{data_dir}/models/caffe_lenet_mnist.safetensors"
    config = parts.Config(
        victim=Victim(dataset="mnist", weights=weights, data_dir=data_dir),
        hiding=Hiding(
            generators=("direct",), repeats=2, generations=100, fills=("median", "white")
        ),
        looks=("pixels", "center"),
    )
    summary = parts.main(change(config, out=str(tmp_path / "run")))
    assert 0.01 <= summary["sufficient_share"]["real"]["mean"] <= 0.03
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
