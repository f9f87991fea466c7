"""Where climbs from nothing begin."""

import jax
import numpy as np
import pytest

import fooljax as fj
from fooljax.attacks import STARTS, best_random_cppns
from fooljax.types import Classifier

SHAPE = (8, 8, 1)
SPREADS = {"near_grey": 1 / 255, "grey": 0.0, "uniform_noise": 12**-0.5, "gaussian_noise": 0.24}


def upper_half(params, images):
    """Class 0 where the upper half is bright, 1 where the lower is, 2 where both are dark."""
    upper, lower = images[:, :4].mean(axis=(1, 2, 3)), images[:, 4:].mean(axis=(1, 2, 3))
    return params * jax.numpy.stack([upper - lower, lower - upper, 1.0 - upper - lower], axis=1)


NETWORK = Classifier(jax.numpy.float32(4.0), upper_half, SHAPE, 3)


@pytest.mark.parametrize("name", STARTS)
def test_noise_is_as_strong_as_the_words_say(name):
    images = np.asarray(STARTS[name].draw(jax.random.key(0), (50, *SHAPE)))
    assert images.shape == (50, *SHAPE) and images.dtype == np.float32
    assert images.min() >= 0.0 and images.max() <= 1.0
    assert images.mean() == pytest.approx(0.5, abs=0.02)
    assert images.std() == pytest.approx(SPREADS[name], rel=0.05)
    sounds = STARTS[name].draw(jax.random.key(0), (5, 4000, 1))
    loudness = np.sqrt(np.mean((2.0 * np.asarray(sounds) - 1.0) ** 2))  # of full scale
    faint = {"near_grey": 0.01}
    assert loudness == pytest.approx(faint.get(name, 2.0 * SPREADS[name]), rel=0.05)


@pytest.mark.slow
def test_the_best_of_random_cppns():
    """No other candidate shows a class better; repeats are drawn independently."""
    encoding = fj.encodings.cppn(SHAPE, coordinates="normalized", levels=None)
    found = best_random_cppns(jax.random.key(2), NETWORK, [2, 0], 12, repeats=2)
    paint = jax.vmap(encoding.express)
    of_class = np.asarray(jax.nn.softmax(NETWORK(paint(found))))[np.arange(4), [2, 0, 2, 0]]
    for repeat, one in enumerate(jax.random.split(jax.random.key(2), 2)):
        search = fj.evolution.map_elites(encoding, 12)
        state, _ = fj.evolution.start(one, search, NETWORK)
        best = np.asarray(state.archive.confidence)[[2, 0]]
        np.testing.assert_allclose(of_class[2 * repeat : 2 * repeat + 2], best, atol=1e-5)
    assert not np.allclose(*np.asarray(paint(found)).reshape(2, -1))
    with pytest.raises(ValueError, match=r"targets must be in \[0, 3\)"):
        best_random_cppns(jax.random.key(2), NETWORK, [3], 12)
