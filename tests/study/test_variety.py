"""How different runs are, and what a grid holds: made-up runs, counted by hand."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import analysis, study
from fooljax.encodings import direct
from fooljax.evolution import CVT, Archive, Evolution, grid
from fooljax.evolution.descriptors import DESCRIPTORS
from fooljax.study import looks as looks_page
from fooljax.study.variety import _likeness, effective_numbers
from fooljax.types import Classifier

SHAPE = (4, 4, 1)


def first_two(params, images):
    """Logits that are the first two pixels."""
    return images[:, 0, :2, 0] + params


def network(num_classes=2):
    classifier = Classifier(jnp.zeros(()), first_two, SHAPE, num_classes)
    return study.Prepared(classifier, tuple(map(str, range(num_classes))), None, "made up")


def finished(born, fitness=None, history=None):
    born = np.asarray(born)
    fitness = np.zeros(born.shape) if fitness is None else fitness
    archive = Archive(None, fitness, fitness, born, born)
    return SimpleNamespace(state=Evolution(archive, None), history=history)


def test_runs_that_agree_in_what_the_network_sees_alone():
    """Random pixels, but the network's two are those of the class."""
    images = np.random.default_rng(0).uniform(size=(4, 2, *SHAPE)).astype(np.float32)
    images[:, 0, 0, :2, 0] = [1, 0]
    images[:, 1, 0, :2, 0] = [0, 1]
    born = np.zeros((4, 2), int)
    born[3, 1] = -1  # an empty niche, whose picture does not count
    images[3, 1] = 0
    found = study.measure_variety(0, network(), direct(SHAPE), images, finished(born))
    features, pixels = found["features"], found["pixels"]
    np.testing.assert_allclose(features.of_class["evolved"], 1.0)
    assert features.size == 7 and features.by_class.share == pytest.approx(1.0)
    shares = np.array([4, 3]) / 7
    assert features.whole == pytest.approx(np.exp(-np.sum(shares * np.log(shares))))
    np.testing.assert_allclose(features.likeness, np.eye(2), atol=1e-6)
    flat = images.reshape(4, 2, -1) - images.reshape(4, 2, -1).mean(axis=2, keepdims=True)
    expected = [analysis.effective_number(flat[:4, 0]), analysis.effective_number(flat[:3, 1])]
    np.testing.assert_allclose(pixels.of_class["evolved"], expected)
    assert min(expected) > 2.3 and set(pixels.of_class) == {"evolved", "random"}
    brighter = study.measure_variety(0, network(), direct(SHAPE), images * 0.5, finished(born))
    np.testing.assert_allclose(brighter["pixels"].of_class["evolved"], expected, rtol=1e-5)
    words = " ".join(str(block) for block in study.show_variety(found, 4, ["a", "b"]))
    assert "The 4 images that as many runs found for a class amount to" in words
    assert study.plain_variety(found)["features"]["images"] == 7


@pytest.mark.parametrize("born", [[[0, 0]], [[0, -1], [0, -1]], [[0, -1], [-1, 0]]])
def test_too_few_images_are_not_compared(born):
    images = np.ones((len(born), 2, *SHAPE), np.float32)
    assert not study.measure_variety(0, network(), direct(SHAPE), images, finished(born))


def test_only_the_chosen_images_of_a_class_and_run_are_counted():
    images = np.random.default_rng(0).uniform(size=(2, 2, 3, *SHAPE)).astype(np.float32)
    images[0, 1, :2] = images[0, 1, 2]
    chosen = np.array([[[1, 1, 0], [1, 1, 1]], [[0, 0, 0], [0, 1, 0]]], bool)
    found = effective_numbers(network(), images, chosen)
    assert list(found) == ["pixels", "what the network answers (logits)"]
    flat = images[0, 0, :2].reshape(2, -1)
    pair = analysis.effective_number(flat - flat.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(found["pixels"], [[pair, 1.0], [np.nan, 1.0]])
    logits = analysis.effective_number(images[0, 0, :2, 0, :2, 0])
    np.testing.assert_allclose(
        found["what the network answers (logits)"], [[logits, 1.0], [np.nan, 1.0]], rtol=1e-5
    )
    nothing = effective_numbers(network(), images, np.zeros_like(chosen))
    assert np.isnan(nothing["pixels"]).all()


def test_likeness_is_across_runs_alone():
    """Within a run all are the same, and across runs nothing is."""
    run, label = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    found = _likeness(np.eye(2)[run], run, label, 3)
    np.testing.assert_allclose(found, 0.0)


LOOKS = study.Looks(("brightness", "symmetry:0:1"), grid=2)


def made_up():
    """Two runs of two classes: four looks each, each image as bright as its niche's number."""
    images = np.broadcast_to(np.arange(8.0)[None, :, None, None, None] / 8, (2, 8, *SHAPE))
    confidence = np.zeros((2, 2, 8), np.float32)
    confidence[0, :, 1] = 0.5
    confidence[1] = [[0.1, 0.99, 0, 0.2, 0, 0, 0, 0.3], [0.995, 0, 0, 0, 0.4, 0.6, 0.4, 0.6]]
    taken = confidence > 0
    taken[1, 0, 1] = False  # it has been there since generation 0
    history = {"confidence": confidence, "taken": taken}
    fitness = np.where(confidence[1] > 0, confidence[1], -np.inf)
    return images, finished(np.where(confidence[1] > 0, 0, -1), fitness, history)


def test_the_best_of_each_class_and_all_by_look():
    images, run = made_up()
    best, looks = study.sort_niches(LOOKS, run, images, network(), 10)
    np.testing.assert_array_equal(best[..., 0, 0, 0] * 8, [[1, 7], [0, 5]])  # a tie: the first
    assert looks.names == ("brightness", "symmetry") and looks.images.shape[:3] == (2, 2, 4)
    summary = study.sum_up_grid(looks)
    np.testing.assert_array_equal(looks.filled[-1].sum(axis=2), [[3, 1], [2, 4]])
    assert summary["coverage"] == 10 / 16 and summary["sure_share"] == 2 / 16
    np.testing.assert_allclose(summary["qd_score_per_class"], [[1.29, 0.3], [0.995, 2.0]])
    np.testing.assert_allclose(summary["coverage_by_generation"], [[1 / 8, 4 / 8], [1 / 8, 6 / 8]])
    np.testing.assert_allclose(
        summary["best_by_generation"],
        [[(0.5 + 0.0) / 2, (0.99 + 0.3) / 2], [0.25, (0.995 + 0.6) / 2]],
    )
    np.testing.assert_array_equal(summary["evaluations_by_generation"], [10, 20])
    assert study.place_in_grid(looks, 6) == {"brightness": 0.75, "symmetry": 0.25}
    assert looks.labels[2] == ", brightness 0.75, symmetry 0.25"
    assert study.sort_niches(study.Looks(), run, images, network(8), 10) == (images, None)


@pytest.mark.parametrize("names", [1, 2, 3])
def test_a_sheet_grows_upward_and_to_the_right(names, monkeypatch):
    kept = {}
    monkeypatch.setattr(
        looks_page,
        "sheet_of",
        lambda name, shown, captions, caption, **looks: kept.update(
            shown=np.asarray(shown)[..., 0, 0, 0], captions=captions, **looks
        ),
    )
    over = grid(list(DESCRIPTORS.values())[:names], 2)
    cells = over.size
    images = np.arange(1.0, cells + 1).reshape(1, 1, cells, 1, 1, 1) / 10
    confidence = np.linspace(0.5, 0.9, cells).reshape(1, 1, 1, cells)
    filled = np.ones_like(confidence, bool)
    filled[..., 0] = False
    looks = study.Illuminated(over, tuple(DESCRIPTORS)[:names], confidence, filled, images, {}, 10)
    looks_page._sheet(looks, 0, ["a"])
    expected = {
        1: [[1.0, 0.2]],
        2: [[0.3, 0.4], [1.0, 0.2]],
        3: [[0.6, 0.8], [0.2, 0.4]],  # of each pair the more certain, which is the later
    }
    np.testing.assert_allclose(kept["shown"], expected[names])
    assert (kept["captions"][-1][0] == "—") == (names < 3)
    assert kept["column_names"][0].startswith(list(DESCRIPTORS)[min(names, 2) - 1])
    if names > 1:
        assert kept["row_names"][0] == "brightness 0.5\N{EN DASH}1"


def test_a_tessellation_lies_in_rows_by_its_looks(monkeypatch):
    """Five cells in rows of three: the first row is the lowest, its cells from left to right."""
    kept = {}
    monkeypatch.setattr(
        looks_page, "sheet_of", lambda name, shown, captions, caption, **rest: kept.update(rest)
    )
    points = ((0.9, 0.5), (0.1, 0.8), (0.2, 0.1), (0.3, 0.5), (0.8, 0.2))
    over = CVT((DESCRIPTORS["brightness"], DESCRIPTORS["contrast"]), points)
    filled, confidence = np.ones((1, 1, 1, 5), bool), np.full((1, 1, 1, 5), 0.5)
    images = np.zeros((1, 1, 5, 2, 2, 1))
    different = {"pixels": np.zeros((1, 1)), "features": np.zeros((1, 1))}
    looks = study.Illuminated(
        over, ("brightness", "contrast"), confidence, filled, images, different, 10
    )
    cells, *_ = looks_page._in_order(looks)
    np.testing.assert_array_equal(cells, [[4, 0, -1], [2, 3, 1]])
    looks_page._sheet(looks, 0, ["a"])
    assert kept["row_names"] == ["brightness 0.8\N{EN DASH}0.9", "brightness 0.1\N{EN DASH}0.3"]
    assert study.place_in_grid(looks, 3) == {"brightness": 0.3, "contrast": 0.25}
    assert study.sum_up_grid(looks)["archive"] == "cvt"
