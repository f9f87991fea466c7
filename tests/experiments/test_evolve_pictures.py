"""What a run draws and says when the classes are many; no network, no evolution."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from experiments import evolve
from experiments.evolve import page
from fooljax import study
from fooljax.evolution import Archive
from fooljax.study.reached import shares_above
from fooljax.study.search_run import Clock, Finished
from fooljax.types import Classifier

CLASSES, REPEATS, GENERATIONS = 60, 2, 10
LANDMARKS = {0: "tench, Tinca tinca", 151: "Chihuahua", 281: "tabby, tabby cat", 407: "ambulance"}
LANDMARKS |= {779: "school bus", 999: "toilet tissue, toilet paper, bathroom tissue"}
IMAGENET = tuple(LANDMARKS.get(label, f"class {label}, latin") for label in range(1000))


class State(NamedTuple):
    """Of a search, as far as its page reads it."""

    archive: Archive


def play(num_classes, repeats=REPEATS, generations=GENERATIONS, side=8):
    """A made-up run: some takeovers a generation, confidence that grows with each."""
    random = np.random.default_rng(0)
    shape = (generations + 1, repeats, num_classes)
    taken = random.random(shape) < 0.4
    taken[0] = True
    parent = np.where(taken, random.integers(0, num_classes, shape), -1)
    parent[0] = -1
    confidence = 1 - 0.7 ** np.cumsum(taken * random.random(shape) * 3, axis=0)
    images = random.integers(0, 256, (repeats, num_classes, side, side, 3), np.uint8)
    history = {"confidence": confidence.astype(np.float32), "parent": parent, "taken": taken}
    history["jumps"] = np.sum(parent >= 0, axis=2)
    snapshots = {g: np.roll(images[0, :, :64, :64], g, axis=1) for g in (0, 1, 2, 5, 10)}
    archive = Archive(None, confidence[-1], confidence[-1], taken[-1] - 1, parent[-1])
    return images, Finished(State(archive), history, snapshots, generations, Clock(3.0, 2.0, 8))


def found(names, encoding="cppn", repeats=REPEATS, **settings):
    """All that a page is about, of a made-up run."""
    images, finished = play(len(names), repeats, **settings)
    config = evolve.Config(
        genotype=study.Genotype(encoding),
        repeats=repeats,
        generations=finished.generation,
        children=50,
    )
    classifier = Classifier((), lambda params, images: images, images.shape[2:], len(names))
    network = study.Prepared(classifier, tuple(names), 0.9, "a network made up")
    parts = ("median_top1_confidence", "share_above_0.99", "median_best_per_class")
    kinds = ("random_images", "gaussian_noise")
    controls = {kind: dict.fromkeys(parts, 0.25) for kind in kinds}
    diverse = None
    if len(names) > page.MANY:
        diverse = study.choose_diverse(images, finished, page.BEST, page.LEVEL)
    return page.Found(config, network, finished, images, controls, {}, diverse)


def publish(folder, one):
    run = study.Run("experiments.evolve", one.config, folder)
    study.publish(
        run,
        page.report(one, folder / "gallery.html"),
        {"made up": one.network},
        study.Results((({}, {"seconds": np.array(3.0)}),)),
        list(page.judge(one)),
        evolve.PAPERS,
        **page.summarize(one),
    )
    text = re.sub(r"<style.*?</style>|<[^>]*>", " ", (folder / "report.html").read_text("utf-8"))
    return re.sub(r"\s+", " ", text.replace("&nbsp;", " ").replace("\N{NO-BREAK SPACE}", " "))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    one = found([f"n{i}, other" for i in range(CLASSES)])
    return folder, one, publish(folder, one)


@pytest.mark.slow
def test_draws_what_sums_up_many_classes(many):
    folder, _, text = many
    names = ("gallery", "heatmap", "curves", "shares", "diverse", "related", "lineage")
    for name in names:
        with Image.open(folder / f"{name}.png") as picture:
            assert np.asarray(picture.convert("L")).std() > 1
    assert len(list((folder / "niches").glob("[0-9]*.png"))) == CLASSES
    page = (folder / "gallery.html").read_text("utf-8")
    assert "the first of 2 runs" in page and '"n7, other"' in page
    assert "2 independent runs of 10 generations" in text
    levels = text.partition("Generation, for each run")[2]
    assert re.match(r" +99 % .* 99.9 % .* 99.99 % ", levels) and " 100 % " not in levels[:80]


def test_one_median_stands_wherever_it_is_given():
    """That of the runs' medians over the classes, which is not that of all images at once."""
    one = found(["a", "b", "c", "d"], repeats=3)
    (before, *_, after) = np.sort(np.median(one.confidence, axis=2), axis=1)[:, 1]
    assert after != np.median(one.confidence[-1]) and before != after
    table = "".join(getattr(block, "markup", block) for block in page.controls(one))
    for median in (before, after):
        assert study.sure(median).replace(" ", "&nbsp;") in table
    figures = dict(map(reversed, next(page.report(one, Path("gallery.html"))).figures))
    assert figures["median confidence over the classes"] == study.sure(after)
    assert page.summarize(one)["median_confidence"] == pytest.approx(after)


def test_the_best_that_differ_are_what_is_said_of_them(many):
    _, one, text = many
    confidence, diverse = one.confidence[-1], one.diverse
    at = np.array(diverse.repeats), np.array(diverse.classes)
    assert diverse.shown == len(set(zip(*at, strict=True))) == 40
    assert diverse.above_level == (confidence >= diverse.level).sum()
    assert diverse.mean_confidence == pytest.approx(confidence[at].mean(), rel=1e-5)
    assert confidence[at][0] == confidence.max()
    assert confidence[at].min() >= np.sort(confidence, axis=None)[-80]
    assert f"{diverse.above_level} images reach 99 %; the most certain ones were" in text


def test_records_and_summary_say_what_was_found(many):
    folder, one, _ = many
    summary = json.loads((folder / "summary.json").read_text())
    medians = np.median(one.confidence, axis=2)
    assert summary["median_confidence"] == pytest.approx(np.median(medians[-1]))
    assert summary["min_confidence"] == pytest.approx(one.confidence[-1].min())
    assert summary["evaluations"] == REPEATS * 50 * (GENERATIONS + 1)
    assert summary["evaluations_per_second"] == REPEATS * 50 * 8 / 2.0
    assert summary["seconds"] == 3.0
    for level, firsts in summary["first_generation_all_above"].items():
        for repeat, first in enumerate(firsts):
            above = (one.confidence[:, repeat] >= float(level)).all(axis=1)
            assert first == (np.flatnonzero(above)[0] if above.any() else None)
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == REPEATS * CLASSES
    told = np.array([float(record["confidence"]) for record in records])
    np.testing.assert_allclose(told.reshape(REPEATS, CLASSES), one.confidence[-1], rtol=1e-6)


def test_few_classes_get_the_usual_pictures(tmp_path):
    text = publish(tmp_path, found("abcde", "direct", repeats=1))
    drawn = {path.stem for path in tmp_path.glob("*.png")}
    assert drawn == {"gallery", "heatmap", "curves", "lineage"}
    assert "that the run found" in (tmp_path / "gallery.html").read_text("utf-8")
    assert "one run of 10 generations" in text and "Related classes" not in text


@pytest.mark.parametrize("inside", [0.2, 0.9])
def test_the_band_is_measured_and_said(inside):
    one = found(IMAGENET[:1000], generations=1, side=2)
    confidence = np.full((3, 1000), 0.6)
    confidence[:, 157:287] = inside
    confidence[2] = 0.05  # a third run that is an outlier everywhere
    history = {**one.finished.history, "confidence": confidence[None]}
    one = replace(one, finished=one.finished._replace(history=history))
    measured = study.medians_of_band(one.confidence[-1], one.published)
    assert measured["median_confidence_dogs_and_cats"] == inside
    assert measured["median_confidence_other_classes"] == 0.6
    words = study.compare_band(*measured.values()).replace("\N{NO-BREAK SPACE}", " ")
    order = "lower than" if inside < 0.6 else "not lower than"
    assert f"at a median of {100 * inside:.0f} %, {order} that of all others, 60 %" in words
    assert "(in the paper, at its end, 49 % and 92 %)" in words
    assert study.medians_of_band(one.confidence[-1], None) is None


def test_shares_are_of_the_median_over_the_repeats():
    confidence = np.zeros((2, 3, 4))
    confidence[1, :, 0] = [1.0, 0.5, 0.0]
    confidence[1, :, 1] = [0.95, 0.0, 0.9]
    shares = shares_above(confidence)
    assert shares == {"0.5": [0.0, 0.5], "0.9": [0.0, 0.25], "0.99": [0.0, 0.0]}


@pytest.mark.slow
def test_a_thousand_large_pictures_take_seconds(tmp_path):
    publish(tmp_path, found(IMAGENET, repeats=1, generations=100, side=256))
    assert (tmp_path / "gallery.html").stat().st_size < 2_000_000
    assert sum(path.stat().st_size for path in tmp_path.glob("*.png")) < 20_000_000
