"""Tessellations: placing by brute force, centers by their definition, a search one by one."""

import numpy as np
import pytest
from search_history import run

from fooljax.encodings import direct
from fooljax.evolution import CVT, DESCRIPTORS, Descriptor, cvt, express_elites, map_elites, place

PIXELS = [
    Descriptor(lambda _, images, i=i: images[:, 0, i, 0], low, high, f"pixel {i}")
    for i, (low, high) in enumerate([(0.0, 1.0), (-1.0, 3.0)])
]


def of_values(values):
    images = np.zeros((len(values), 4, 4, 1), np.float32)
    images[:, 0, :2, 0] = values
    return images


def nearest(points, values):
    """In double precision, one after the other; each range is one unit long."""
    looks = np.clip((np.asarray(values, float) - [0.0, -1.0]) / [1.0, 4.0], 0.0, 1.0)
    return [int(np.argmin([np.sum((look - point) ** 2) for point in points])) for look in looks]


def test_images_lie_in_the_cell_of_the_nearest_point(toy):
    over = cvt(PIXELS, 40)
    values = np.random.default_rng(0).uniform([-0.2, -1.5], [1.2, 3.5], (200, 2))
    found = place(over, toy.classifier, of_values(values))
    np.testing.assert_array_equal(found, nearest(over.points, values))
    assert len(set(found.tolist())) > 30


def test_ends_ties_and_what_has_no_look(toy):
    over = CVT(tuple(PIXELS), ((0.0, 0.0), (0.5, 0.5), (0.5, 0.5), (1.0, 1.0)))
    values = {
        (0.0, -1.0): 0,
        (0.5, 1.0): 1,  # of two equal points the first
        (0.25, 0.0): 0,  # as far from the first as from the second
        (np.inf, 9.0): 3,
        (-np.inf, -9.0): 0,
        (np.nan, 1.0): -1,
        (0.5, np.nan): -1,
    }
    found = place(over, toy.classifier, of_values(list(values)))
    np.testing.assert_array_equal(found, list(values.values()))


def test_centers_are_the_means_of_what_is_nearest():
    over = cvt(PIXELS, 25)
    assert over.size == 25 and over.points == cvt(PIXELS, 25).points
    assert over.points != cvt(PIXELS, 25, seed=1).points
    draw = np.random.default_rng(5).uniform(size=(40_000, 2))
    owner = np.argmin(np.sum((draw[:, None] - over.centers[None]) ** 2, axis=2), axis=1)
    means = np.array([draw[owner == cell].mean(axis=0) for cell in range(25)])
    assert np.abs(means - over.centers).max() < 0.02  # of a cell about 0.2 wide
    shares = np.bincount(owner, minlength=25) * 25 / len(draw)
    assert shares.min() > 0.5 and shares.max() < 1.6
    np.testing.assert_allclose(
        cvt(PIXELS[:1], 4).centers[:, 0], [1 / 8, 3 / 8, 5 / 8, 7 / 8], atol=0.02
    )


def test_equal_tessellations_are_equal_settings(toy):
    """So that a search made twice is compiled once."""
    encoding = direct((4, 4, 1))
    one, same, other = (map_elites(encoding, 8, grid=cvt(PIXELS, n)) for n in (5, 5, 6))
    assert one == same and hash(one) == hash(same) and one != other


def test_a_search_keeps_the_best_of_each_cell(toy):
    over = cvt([DESCRIPTORS["brightness"]._replace(low=0.4, high=0.6), DESCRIPTORS["symmetry"]], 9)
    encoding = direct((4, 4, 1))
    states, infos = run(map_elites(encoding, 30, grid=over), toy.classifier, 6, chunk=6)
    archive = states[-1].archive
    filled = np.asarray(archive.born) >= 0
    assert archive.born.shape == (27,) and filled.sum() > 9
    cells = place(over, toy.classifier, express_elites(encoding, archive))
    np.testing.assert_array_equal(np.asarray(cells)[filled], np.flatnonzero(filled) % 9)
    assert np.all(np.diff(infos.confidence, axis=0) >= 0.0)


@pytest.mark.slow
def test_pyribs_places_alike(toy):
    archives = pytest.importorskip("ribs.archives", reason="compares with pyribs")
    over = cvt(PIXELS, 60)
    low, high = np.array([0.0, -1.0]), np.array([1.0, 3.0])
    peer = archives.CVTArchive(
        solution_dim=1,
        centroids=np.asarray(over.points),
        ranges=[(0.0, 1.0), (0.0, 1.0)],
    )
    values = np.random.default_rng(1).uniform(low, high, (300, 2)).astype(np.float32)
    found = place(over, toy.classifier, of_values(values))
    np.testing.assert_array_equal(found, peer.index_of((values - low) / (high - low)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cvt([], 3), "descriptors: at least one is needed"),
        (lambda: cvt(PIXELS, 0), "cells must be at least 1, got 0"),
        (lambda: cvt(PIXELS, 3, seed=-1), "seed must be at least 0, got -1"),
    ],
)
def test_impossible_tessellations(make, message):
    with pytest.raises(ValueError, match=message):
        make()
