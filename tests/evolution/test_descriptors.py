"""Niches of a grid: closed forms of the measures and cells, and insertion one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from search_history import run

from fooljax import metrics
from fooljax.encodings import direct
from fooljax.evolution import (
    DESCRIPTORS,
    Archive,
    Challengers,
    Descriptor,
    express_elites,
    grid,
    insert,
    map_elites,
    with_references,
)
from fooljax.evolution.cells import place
from fooljax.evolution.descriptors import nearest
from fooljax.models import in_bfloat16
from fooljax.types import Classifier

ACROSS = DESCRIPTORS["brightness"]._replace(low=0.4, high=0.6)
GRID = grid([ACROSS, DESCRIPTORS["symmetry"]], 4)


def black_and_white():
    """Black, white, a black half beside a white one, one above the other, a chessboard."""
    images = np.zeros((5, 4, 4, 1), np.float32)
    images[1] = 1.0
    images[2, :, 2:] = 1.0
    images[3, 2:] = 1.0
    images[4] = np.indices((4, 4)).sum(axis=0)[..., None] % 2
    return jnp.asarray(images)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("brightness", [0, 1, 0.5, 0.5, 0.5]),
        ("contrast", [0, 0, 0.5, 0.5, 0.5]),
        ("symmetry", [1, 1, 0, 1, 0]),
        ("variation", [0, 0, 4 / 24, 4 / 24, 1]),
        ("fineness", [0, 0, None, None, 1]),
    ],
)
def test_measures_in_closed_form(name, values, toy):
    found = DESCRIPTORS[name].measure(toy.classifier, black_and_white())
    known = [value is not None for value in values]
    np.testing.assert_allclose(
        np.asarray(found)[known], [one for one in values if one is not None], atol=1e-6
    )


def test_noise_has_the_values_that_are_documented(key):
    noise = jax.random.uniform(key, (50, 20, 20, 1))
    assert np.mean(metrics.symmetry(noise)) == pytest.approx(2 / 3, abs=0.01)
    assert np.mean(metrics.contrast(noise)) == pytest.approx(1 / np.sqrt(12), abs=0.005)


def test_distance_from_the_nearest_reference(toy, key):
    images = jax.random.uniform(key, (6, 4, 4, 1))
    carrying = with_references(toy.classifier, black_and_white())
    np.testing.assert_array_equal(carrying(images), toy.classifier(images))
    others = np.asarray(black_and_white())
    apart = np.sqrt(np.mean((np.asarray(images)[:, None] - others[None]) ** 2, axis=(2, 3, 4)))
    np.testing.assert_allclose(nearest(carrying, images), apart.min(axis=1), rtol=1e-5)
    np.testing.assert_allclose(nearest(carrying, black_and_white()), 0.0, atol=1e-6)
    in_bytes = with_references(toy.classifier, (others * 255).astype(np.uint8))
    np.testing.assert_array_equal(in_bytes.params[1], others)
    with pytest.raises(ValueError, match="nearest measures the distance to the images of"):
        nearest(toy.classifier, images)
    with pytest.raises(ValueError, match="images must be"):
        with_references(toy.classifier, jnp.zeros((1, 5, 5, 1)))


def test_cells(toy):
    """The last descriptor runs fastest; what is beyond an end is at that end; NaN is nowhere."""
    pixel = lambda i: Descriptor(lambda _, images: images[:, 0, i, 0], -1.0, 1.0, f"pixel {i}")
    over = grid([pixel(0), pixel(1)], 4)
    values = {
        (-1.0, -1.0): 0,
        (-1.0, 0.99): 3,
        (-0.5, -1.0): 4,  # an edge belongs to the cell above it
        (0.99, 0.0): 14,
        (1.0, 1.0): 15,
        (-9.0, 9.0): 3,
        (np.inf, -np.inf): 12,
        (np.nan, 0.0): -1,
        (0.0, np.nan): -1,
    }
    images = np.zeros((len(values), 4, 4, 1), np.float32)
    images[:, 0, :2, 0] = list(values)
    np.testing.assert_array_equal(place(over, toy.classifier, images), list(values.values()))


def watch(classifier, rounded):
    """The classifier, writing down what it is shown; logits of few values, so that ties abound."""
    seen = []

    def apply(params, images):
        jax.debug.callback(lambda batch: seen.append(np.asarray(batch)), images)
        return jnp.round(classifier.apply(params, images) * rounded) / rounded

    return Classifier(classifier.params, apply, classifier.input_shape, 3), seen


def one_by_one(images, logits, rule, later=False):
    """Insert each image by itself into ``{(class, cell, cell): (fitness, image)}``."""
    fitness = np.asarray(jax.nn.log_softmax(logits))
    archive = {}
    for image, scores in zip(images, fitness, strict=True):
        across, mirrored = image.mean(), 1.0 - np.abs(image - image[:, ::-1]).mean()
        cells = (
            int(np.clip(np.floor((across - 0.4) / 0.2 * 4), 0, 3)),
            int(np.clip(np.floor(mirrored * 4), 0, 3)),
        )
        top = int(np.argmax(scores))
        for label in [top] if rule == "own" else range(3):
            if label > 2 or np.isnan(scores[label]):
                continue
            best = archive.get((label, *cells), (-np.inf, None))[0]
            if scores[label] > best or (later and scores[label] == best):
                archive[label, *cells] = (scores[label], image)
    return archive


@pytest.fixture(scope="module", params=["all", pytest.param("own", marks=pytest.mark.slow)])
def illuminated(request, toy):
    """A whole search over a grid, and all that it saw."""
    classifier, seen = watch(toy.sometimes_nan, 2.0)
    encoding = direct((4, 4, 1))
    states, infos = run(
        map_elites(encoding, 40, niches=request.param, grid=GRID), classifier, 12, chunk=6
    )
    jax.effects_barrier()
    images = np.concatenate(seen)
    logits = jax.jit(classifier.apply)(classifier.params, images)
    archive = states[-1].archive
    return request.param, images, logits, archive, infos, express_elites(encoding, archive)


def held(archive, painted):
    """The archive that was found, in the form of ``one_by_one``."""
    filled = np.flatnonzero(np.asarray(archive.born) >= 0)
    places = [tuple(map(int, np.unravel_index(niche, (3, 4, 4)))) for niche in filled]
    fitness, images = np.asarray(archive.fitness)[filled], np.asarray(painted)[filled]
    return dict(zip(places, zip(fitness, images, strict=True), strict=True))


def same_archives(one, two):
    return one.keys() == two.keys() and all(
        abs(one[place][0] - two[place][0]) < 1e-5 and np.array_equal(one[place][1], two[place][1])
        for place in one
    )


def test_the_search_is_insertion_one_by_one(illuminated):
    rule, images, logits, archive, infos, painted = illuminated
    assert len(images) == 40 * 13 and archive.born.shape == (48,)
    found = held(archive, painted)
    assert 10 < len(found) < 48
    assert same_archives(found, one_by_one(images, logits, rule))
    assert not same_archives(found, one_by_one(images, logits, rule, later=True))
    filled = np.any(infos.taken, axis=0)
    np.testing.assert_array_equal(filled, archive.born >= 0)


def test_confidence_is_that_of_the_niches_class(illuminated):
    _, _, _, archive, _, _ = illuminated
    confidence = np.where(archive.born >= 0, np.exp(archive.fitness), 0.0)
    np.testing.assert_allclose(archive.confidence, confidence, rtol=1e-5)


@pytest.mark.slow
def test_a_network_that_carries_references_can_be_screened(toy):
    """In half precision it is still the network itself that measures the distance."""
    over = grid([DESCRIPTORS["nearest"], DESCRIPTORS["contrast"]], 3)
    carrying = with_references(toy.classifier, black_and_white())
    search = map_elites(direct((4, 4, 1)), 12, grid=over, screen=in_bfloat16)
    archive = run(search, carrying, 3, chunk=3)[0][-1].archive
    filled = np.asarray(archive.born) >= 0
    cells = place(over, carrying, express_elites(direct((4, 4, 1)), archive))
    np.testing.assert_array_equal(np.asarray(cells)[filled], np.flatnonzero(filled) % 9)


@pytest.mark.slow
def test_a_grid_of_one_cell_is_no_grid(toy, same):
    one = grid([DESCRIPTORS["brightness"]], 1)
    searches = (map_elites(toy.encoding, 12, grid=over) for over in (None, one))
    plain, gridded = (run(search, toy.classifier, 4, chunk=4) for search in searches)
    same(plain[0][-1].archive.born, gridded[0][-1].archive.born)
    np.testing.assert_allclose(plain[1].confidence, gridded[1].confidence, rtol=1e-5)


def test_insertion_into_the_niches_of_a_class():
    """Two classes of three niches: confidences are the class's, whatever the niche."""
    bars = jnp.array([0.5, -jnp.inf, 0.5, -jnp.inf, 0.5, 0.5])
    zeros = jnp.zeros(6, jnp.int32)
    archive = Archive(jnp.zeros(6), bars, jnp.zeros(6), zeros, zeros + 0)
    scores = jnp.array([[0.6, -jnp.inf, 0.4, 0.1, 0.7, -jnp.inf]])
    children = Challengers(jnp.ones(1), scores, jnp.array([[0.25, 0.75]]), jnp.array([3]))
    found, contest = insert(archive, children, jnp.int32(1))
    np.testing.assert_array_equal(contest.wins, [True, False, False, True, True, False])
    np.testing.assert_array_equal(found.confidence, [0.25, 0, 0, 0.75, 0.75, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: grid([], 3), "descriptors: at least one is needed"),
        (lambda: grid([DESCRIPTORS["contrast"]], 0), "cells must be at least 1, got 0"),
        (lambda: grid(["contrast"], 3), "descriptors must be a Descriptor, got"),
        (lambda: grid([ACROSS._replace(low=0.6)], 3), "needs finite low < high, got 0.6 and 0.6"),
        (
            lambda: map_elites(direct((4, 4, 1)), grid=3),
            "grid must be a Grid or a CVT, got 3; make it",
        ),
    ],
)
def test_impossible_grids(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_coverage_and_score():
    confidence = np.array([[0.5, 0.25, 9.0, 0.0], [7.0, 7.0, 7.0, 7.0]])
    filled = np.array([[True, True, False, True], [False] * 4])
    found = metrics.illumination(confidence, filled)
    np.testing.assert_array_equal(found.coverage, [0.75, 0.0])
    np.testing.assert_array_equal(found.qd_score, [0.75, 0.0])
    np.testing.assert_array_equal(found.norm_qd_score, [0.1875, 0.0])
    np.testing.assert_array_equal(found.best, [0.5, np.nan])
    np.testing.assert_array_equal(found.mean, [0.25, np.nan])
    assert metrics.illumination(confidence, filled, least=-1.0).qd_score[0] == 3.75
    with pytest.raises(ValueError, match=r"one shape .* got \(2, 4\) and \(4,\)"):
        metrics.illumination(confidence, filled[0])
