"""Measures draw what they say: marginals, independence, balls and boxes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from fooljax.analysis import measures

SHAPE = (6, 5, 1)
IMAGE = np.linspace(0.0, 1.0, 30, dtype=np.float32).reshape(SHAPE)


def draw(key, measure, count=4000):
    latents = jax.random.normal(key, (count, *measure.shape))
    images = np.asarray(jax.jit(jax.vmap(measure.paint))(latents))
    assert images.dtype == np.float32 and images.min() >= 0.0 and images.max() <= 1.0
    return images


@pytest.mark.parametrize("measure", [measures.uniform(SHAPE), measures.smooth(SHAPE, 0.8)])
def test_every_number_is_uniform(key, measure):
    images = draw(key, measure)
    for place in [(0, 0, 0), (3, 2, 0), (5, 4, 0)]:  # corners are mirrored, and as wide
        assert stats.kstest(images[:, *place], "uniform").pvalue > 1e-3


def test_smooth_is_a_blur(key):
    """Up to the scale of each number, it is scipy's blur of the same noise."""
    measure = measures.smooth(SHAPE, 0.8)
    latents = jax.random.normal(key, (300, *SHAPE))
    images = np.asarray(jax.vmap(measure.paint)(latents), np.float64)
    blurred = gaussian_filter(np.asarray(latents), 0.8, axes=(1, 2))
    ratio = stats.norm.ppf(images) / blurred
    np.testing.assert_allclose(ratio, np.broadcast_to(np.median(ratio, 0), ratio.shape), rtol=0.01)


def test_binary_has_its_share_of_ones(key):
    images = draw(key, measures.binary(SHAPE, 0.2))
    assert set(np.unique(images)) == {0.0, 1.0}
    assert abs(images.mean() - 0.2) < 4 * np.sqrt(0.16 / images.size)


def test_gaussian_is_normal_in_the_middle(key):
    images = draw(key, measures.gaussian(SHAPE, 0.3))
    inside = images[(images > 0.0) & (images < 1.0)].astype(np.float64)
    ends = stats.norm.cdf([-0.5 / 0.3, 0.5 / 0.3])
    share = (stats.norm.cdf((inside - 0.5) / 0.3) - ends[0]) / np.diff(ends)
    assert stats.kstest(share[::50], "uniform").pvalue > 1e-3
    black = np.mean(images == 0.0)
    assert abs(black - ends[0]) < 4 * np.sqrt(ends[0] / images.size)


@pytest.mark.parametrize("sigma", [0.7, 3.0, 40.0])
def test_long_sounds_are_blurred_as_short_ones_are(key, sigma, monkeypatch):
    """A row longer than a matrix is worth is blurred by sums; both are the same."""
    latents = jax.random.normal(key, (3, 1200, 1))
    images = jax.vmap(measures.smooth((1200, 1), sigma).paint)(latents)
    monkeypatch.setattr(measures, "_LONG", 10_000)
    truth = jax.vmap(measures.smooth((1200, 1), sigma).paint)(latents)
    np.testing.assert_allclose(images, truth, atol=2e-5)
    assert not np.array_equal(images, truth)  # they were not made in one way


@pytest.mark.parametrize("shape", [(400, 1), (5, 12, 10, 1), (5, 12, 10, 3)])
def test_patterns_of_sounds_and_videos_are_smooth(key, shape):
    images = draw(key, measures.cppn(shape, width=8, scale=2.0), 50)
    assert images.shape == (50, *shape) and np.std(images, axis=0).mean() > 0.1
    for axis in range(1, len(shape)):
        beside = np.abs(np.diff(images, axis=axis)).mean()
        order = np.random.default_rng(0).permutation(shape[axis - 1])
        assert beside < 0.9 * np.abs(np.diff(np.take(images, order, axis), axis=axis)).mean()


@pytest.mark.parametrize("channels", [1, 3])
def test_patterns_differ_and_are_smooth(key, channels):
    images = draw(key, measures.cppn((12, 10, channels), width=8, scale=2.0), 50)
    assert images.shape == (50, 12, 10, channels)
    assert np.std(images, axis=0).mean() > 0.1
    across = np.abs(np.diff(images, axis=2)).mean()
    shuffled = np.abs(np.diff(images[:, :, np.random.default_rng(0).permutation(10)], axis=2))
    assert across < 0.8 * shuffled.mean()


def test_a_box_ends_at_black_and_white(key):
    images = draw(key, measures.around(IMAGE, 0.2))
    low, high = np.maximum(IMAGE - 0.2, 0), np.minimum(IMAGE + 0.2, 1)
    assert (images >= low - 1e-6).all() and (images <= high + 1e-6).all()
    share = ((images - low) / (high - low)).astype(np.float64)
    for place in [(0, 0, 0), (3, 2, 0)]:
        assert stats.kstest(share[:, *place], "uniform").pvalue > 1e-3


def test_a_ball_is_filled_evenly(key):
    gray = np.full(SHAPE, 0.5, np.float32)
    change = draw(key, measures.around(gray, 0.3, norm="l2")) - gray
    length = np.linalg.norm(change.reshape(len(change), -1), axis=1) / 0.3
    assert stats.kstest(length**gray.size, "uniform").pvalue > 1e-3


def test_equal_settings_are_one_program(key):
    """Measures are static arguments: made anew they are equal, and nothing compiles again."""
    programs = []

    def painted(measure, latent):
        programs.append(measure.name)
        return measure.paint(latent)

    paint = jax.jit(painted, static_argnums=0)
    for _ in range(2):
        for build in (
            lambda: measures.uniform(SHAPE),
            lambda: measures.binary(SHAPE, 0.3),
            lambda: measures.around(IMAGE, 0.1),
        ):
            paint(build(), jnp.zeros(build().shape))
    assert programs == ["uniform", "binary 0.3", "around linf 0.1"]


def test_the_catalog_builds_each():
    for name, entry in measures.MEASURES.items():
        measure = entry.build((8, 8, 1), entry.usual)
        assert measure.name.split()[0] == name
        latent = jax.ShapeDtypeStruct(measure.shape, jnp.float32)
        assert jax.eval_shape(measure.paint, latent).shape == (8, 8, 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: measures.uniform(()), "shape must be positive whole numbers"),
        (lambda: measures.binary(SHAPE, 1.0), r"share must be in \(0, 1\), got 1.0"),
        (lambda: measures.smooth(SHAPE, 0.0), "sigma must be positive, got 0.0"),
        (lambda: measures.smooth((9,), 1.0), "shape must have an axis to blur"),
        (lambda: measures.cppn((9, 9, 2)), r"CPPNs paint pictures .* got \(9, 9, 2\)"),
        (lambda: measures.around(IMAGE, -1.0), "epsilon must be positive"),
        (lambda: measures.around(IMAGE * 9, 0.1), r"image must be in \[0, 1\]"),
        (lambda: measures.around(IMAGE, 0.1, norm="l1"), "norm must be linf or l2, got 'l1'"),
    ],
)
def test_impossible_measures(build, message):
    with pytest.raises(ValueError, match=message):
        build()
