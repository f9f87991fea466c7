"""What a run draws and says when the classes are many; no network, no evolution."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from experiments import evolve_pictures, evolve_published, evolve_results
from fooljax import reporting
from fooljax.data.imagenet_names import imagenet_names
from fooljax.runtime.search_run import Clock, Finished

CLASSES, REPEATS, GENERATIONS = 60, 2, 10
LANDMARKS = {0: "tench, Tinca tinca", 151: "Chihuahua", 281: "tabby, tabby cat", 407: "ambulance"}
LANDMARKS |= {779: "school bus", 999: "toilet tissue, toilet paper, bathroom tissue"}
IMAGENET = tuple(LANDMARKS.get(label, f"class {label}, latin") for label in range(1000))


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
    snapshots = {g: np.roll(images[0, :, :64, :64], g, axis=1) for g in (0, 1, 2, 5, 10)}
    return images, Finished(None, history, snapshots, generations, Clock())


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    images, finished = play(CLASSES)
    names = [f"n{i}, other" for i in range(CLASSES)]
    places, chosen = evolve_pictures.draw(folder, images, "cppn", names, finished)
    return folder, images, finished, places, chosen["diverse"]


def test_draws_what_sums_up_many_classes(many):
    folder, _, _, places, _ = many
    assert set(places) == {
        *("gallery", "heatmap", "curves", "shares", "diverse", "related", "lineage"),
    }
    for place in places.values():
        with Image.open(place) as picture:
            assert np.asarray(picture.convert("L")).std() > 1
    assert len(list((folder / "niches").glob("[0-9]*.png"))) == CLASSES
    page = (folder / "gallery.html").read_text("utf-8")
    assert "the first of 2 runs" in page and '"n7, other"' in page


def test_the_best_that_differ_are_what_is_said_of_them(many):
    _, _, finished, _, diverse = many
    confidence = finished.history["confidence"][-1]
    at = np.array(diverse["repeats"]), np.array(diverse["classes"])
    assert diverse["shown"] == len(set(zip(*at, strict=True))) == 40
    assert diverse["above_level"] == (confidence >= diverse["level"]).sum()
    assert diverse["mean_confidence"] == pytest.approx(confidence[at].mean(), rel=1e-5)
    assert confidence[at][0] == confidence.max()
    assert confidence[at].min() >= np.sort(confidence, axis=None)[-80]


def test_few_classes_get_the_usual_pictures(tmp_path):
    images, finished = play(5, repeats=1)
    places, chosen = evolve_pictures.draw(tmp_path, images, "direct", list("abcde"), finished)
    assert set(places) == {"gallery", "heatmap", "curves", "lineage"} and not chosen
    assert "that the run found" in (tmp_path / "gallery.html").read_text("utf-8")


def test_knows_imagenet_by_its_names():
    assert evolve_published.is_imagenet(IMAGENET)
    assert evolve_published.is_imagenet([name.split(",")[0].upper() for name in IMAGENET])
    assert not evolve_published.is_imagenet(IMAGENET[:999])
    assert not evolve_published.is_imagenet(sorted(IMAGENET))
    assert not evolve_published.is_imagenet([str(label) for label in range(1000)])
    assert evolve_pictures.short_names(IMAGENET)[:2] == ["tench", "class 1"]
    assert evolve_pictures.short_names(("a, b",)) == ["a, b"]


def test_knows_the_names_that_come_with_the_package():
    names = imagenet_names()
    assert evolve_published.is_imagenet(names)
    related = [[names[label] for label in group] for group in evolve_published.RELATED.values()]
    assert related[0] == ["agama", "frilled lizard", "green lizard"]
    assert related[1] == ["Japanese spaniel", "Pekinese", "Blenheim spaniel"]


def test_published_curves_are_whole():
    for published in evolve_published.IMAGENET.values():
        for points in (published.medians, *published.shares.values()):
            generations, values = np.array(points).T
            assert (np.diff(generations) > 0).all() and (np.diff(values) > 0).all()
            assert values.min() >= 0 and values.max() < 1
    assert evolve_published.until(((1, 0.1), (5, 0.2), (9, 0.3)), 5) == [(1, 0.1), (5, 0.2)]
    assert evolve_published.published_for(IMAGENET, "cppn").inside == 0.49
    assert evolve_published.published_for(("a",), "cppn") is None


@pytest.mark.parametrize("inside", [0.2, 0.9])
def test_the_band_is_measured_and_said(tmp_path, inside):
    confidence = np.full((3, 1000), 0.6)
    confidence[:, 157:287] = inside
    confidence[2] = 0.05  # a third run that is an outlier everywhere
    band = evolve_results._band(confidence, IMAGENET, "cppn")
    assert band["median_confidence_dogs_and_cats"] == inside
    assert band["median_confidence_other_classes"] == 0.6
    assert evolve_results._band(confidence[:, :10], tuple("0123456789"), "cppn") == {}
    Image.new("RGB", (4, 4)).save(tmp_path / "p.png")
    pictures = {"heatmap": tmp_path / "p.png"}
    page = reporting.evolve_page(tmp_path / "r.html", band, {}, pictures).read_text("utf-8")
    words = re.sub(r"\s+", " ", page.replace("\N{NO-BREAK SPACE}", " "))
    order = "lower than" if inside < 0.6 else "not lower than"
    assert f"at a median of {100 * inside:.0f} %, {order} that of all others, 60 %" in words
    assert "(in the paper, at its end, 49 % and 92 %)" in words


def test_shares_are_of_the_median_over_the_repeats():
    confidence = np.zeros((2, 3, 4))
    confidence[1, :, 0] = [1.0, 0.5, 0.0]
    confidence[1, :, 1] = [0.95, 0.0, 0.9]
    shares = evolve_results._shares(confidence)
    assert shares == {
        "share_above_0.5_by_generation": [0.0, 0.5],
        "share_above_0.9_by_generation": [0.0, 0.25],
        "share_above_0.99_by_generation": [0.0, 0.0],
    }
    assert json.dumps(shares)


@pytest.mark.slow
def test_a_thousand_large_pictures_take_seconds(tmp_path):
    images, finished = play(1000, repeats=1, generations=100, side=256)
    places, _ = evolve_pictures.draw(tmp_path, images, "cppn", IMAGENET, finished)
    assert (tmp_path / "gallery.html").stat().st_size < 2_000_000
    assert sum(place.stat().st_size for place in places.values()) < 20_000_000
