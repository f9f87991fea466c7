"""Voxels, flicker, and what a threshold makes of any encoding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.encodings import CATALOG, direct, flicker, thresholded, voxels
from fooljax.encodings.voxels import random_box
from fooljax.media import Videos

SHAPE = (6, 10, 8, 1)
FIRST = jnp.int32(0)


def several(encoding, key, count):
    return jax.jit(jax.vmap(encoding.init))(jax.random.split(key, count))


def test_binary_voxels_begin_with_so_many_white_ones(key):
    encoding = voxels(SHAPE, binary=True, density=0.2)
    painted = np.asarray(jax.vmap(encoding.express)(several(encoding, key, 200)))
    assert set(np.unique(painted)) == {0.0, 1.0}
    assert painted.mean() == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / painted.size))


def test_grey_voxels_begin_evenly(key):
    encoding = voxels(SHAPE)
    painted = np.asarray(jax.vmap(encoding.express)(several(encoding, key, 50)))
    assert painted.min() == 0.0 and painted.max() == 1.0
    assert painted.mean() == pytest.approx(0.5, abs=4 * 0.29 / np.sqrt(painted.size))


@pytest.mark.parametrize("binary", [True, False])
def test_children_have_voxels_of_their_parents_but_for_few(binary, key):
    """Of a black and a white parent: the white voxels are a box, and elsewhere the first's."""
    encoding = voxels(SHAPE, binary, rate=0.0, boxes=1.0, fills=0.0)
    dark, white = (jnp.full(SHAPE, value, bool if binary else jnp.uint8) for value in (0, 1))
    child = np.asarray(encoding.vary(key, dark, white, FIRST))[..., 0]
    places = np.nonzero(child)
    box = tuple(slice(one.min(), one.max() + 1) for one in places)
    assert child.any() and child[box].all() and child.sum() == child[box].size


def test_a_box_becomes_plain(key):
    encoding = voxels((6, 10, 8, 3), rate=0.0, boxes=0.0, fills=1.0)
    parent = jnp.arange(6 * 10 * 8 * 3, dtype=jnp.uint8).reshape(6, 10, 8, 3)
    child = np.asarray(encoding.vary(key, parent, parent, FIRST))
    places = np.nonzero((child != np.asarray(parent)).any(axis=-1))
    box = child[tuple(slice(one.min(), one.max() + 1) for one in places)]
    assert len(places[0]) and len(np.unique(box.reshape(-1, 3), axis=0)) == 1


def test_voxels_flip_at_the_rate(key):
    encoding = voxels((20, 32, 32, 1), binary=True, rate=0.03, boxes=0.0, fills=0.0)
    dark = jnp.zeros((20, 32, 32, 1), bool)
    child = np.asarray(encoding.vary(key, dark, ~dark, FIRST))
    assert child.mean() == pytest.approx(0.03, abs=4 * np.sqrt(0.03 / child.size))


def test_boxes_have_every_size(key):
    """Along an axis of length 2: a box is one place in a half of all cases, which place even."""
    boxes = jax.vmap(lambda key: random_box(key, (2, 1, 1)))(jax.random.split(key, 4000))
    sizes = np.asarray(boxes).sum(axis=(1, 2, 3))
    assert np.mean(sizes == 1) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4000))
    assert np.asarray(boxes)[sizes == 1, 0].mean() == pytest.approx(0.5, abs=0.06)


def test_flicker_moves_a_whole_frame_and_nothing_else(key):
    key_video, key_genome = jax.random.split(key)
    video = jax.random.uniform(key_video, (4, 5, 6, 3))
    genome = jax.random.uniform(key_genome, (4, 3))
    found = flicker((4, 5, 6, 3), video, strength=0.3).express(genome)
    truth = np.clip(np.asarray(video) + 0.3 * (2 * np.asarray(genome) - 1)[:, None, None, :], 0, 1)
    np.testing.assert_allclose(found, truth, atol=1e-6)


def test_flicker_on_bytes_is_that_on_floats():
    video = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 1) * 10
    genome = jnp.array([[0.5], [0.9]])
    found, truth = (
        flicker((2, 3, 3, 1), one).express(genome)
        for one in (video, video.astype(np.float32) / 255)
    )
    np.testing.assert_array_equal(found, truth)


def test_flicker_on_grey_has_all_greys():
    encoding = flicker(SHAPE)
    ends = [encoding.express(jnp.full((6, 1), gene)) for gene in (0.0, 0.5, 1.0)]
    assert [float(one.mean()) for one in ends] == [0.0, 0.5, 1.0]


def test_a_threshold_leaves_black_and_white(key):
    grey = direct(SHAPE, levels=None)
    encoding, genome = thresholded(grey, 0.7), grey.init(key)
    np.testing.assert_array_equal(encoding.express(genome), grey.express(genome) >= 0.7)
    assert thresholded(grey, 0.7) is encoding  # one program for equal encodings


@pytest.mark.parametrize(("binary", "values"), [(True, 2), (False, 250)])
def test_voxels_are_black_and_white_where_the_data_are(binary, values, key):
    encoding = CATALOG["voxels"].build(SHAPE, Videos(binary=binary))
    found = np.unique(jax.vmap(encoding.express)(several(encoding, key, 20)))
    assert found.min() == 0.0 and found.max() == 1.0 and min(len(found), 250) == values


@pytest.mark.parametrize("name", [name for name, one in CATALOG.items() if "videos" in one.takes])
def test_what_takes_videos_paints_them(name, key):
    encoding = CATALOG[name].build((4, 8, 8, 1), Videos())
    key_init, key_vary = jax.random.split(key)
    genomes = several(encoding, key_init, 2)
    first, second = (jax.tree.map(lambda leaf, i=i: leaf[i], genomes) for i in (0, 1))
    image = jax.jit(encoding.express)(jax.jit(encoding.vary)(key_vary, first, second, FIRST))
    assert image.shape == (4, 8, 8, 1) and image.dtype == jnp.float32
    assert float(image.min()) >= 0.0 and float(image.max()) <= 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: voxels((28, 28, 1)), r"voxels needs a video's shape .* got \(28, 28, 1\)"),
        (lambda: voxels((2, 3, 3, 2)), r"needs a video's shape"),
        (lambda: voxels(SHAPE, rate=2.0), r"rate must be in \[0, 1\], got 2.0"),
        (lambda: voxels(SHAPE, density=-0.1), r"density must be"),
        (lambda: flicker((16, 1)), r"flicker needs a video's shape"),
        (lambda: flicker(SHAPE, strength=0.0), r"strength must be in \(0, 1\], got 0.0"),
        (lambda: flicker(SHAPE, np.zeros((1, 2, 2, 1), np.float32)), r"video must be"),
        (lambda: flicker(SHAPE, np.full(SHAPE, 2.0, np.float32)), r"video"),
        (lambda: thresholded("cppn"), r"encoding must be"),
        (lambda: thresholded(flicker(SHAPE), 2.0), r"threshold must be in \[0, 1\], got 2.0"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
