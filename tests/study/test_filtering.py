"""Filters: words become defenses of the catalog, and show what a network sees."""

import jax
import numpy as np
import pytest

from fooljax import study
from fooljax.models import build

IMAGES = jax.random.uniform(jax.random.key(0), (3, 8, 8, 1))


def test_words_become_filters_after_the_bare_network():
    found = study.filters("--defenses", ["levels=2.0", "noise=.50", "resize=0.8"])
    assert list(found) == ["bare", "levels 2", "noise 0.5", "resize 0.8"]
    assert [one.strength for one in found.values()] == [0.0, 2.0, 0.5, 0.8]


@pytest.mark.slow
def test_a_filter_is_seen_by_its_network():
    network = build("softmax", jax.random.key(1), (8, 8, 1), 4)
    found = study.filters("--defenses", ["levels=2", "noise=0.5"])
    assert found["bare"].protect(jax.random.key(0), network, 5) is network
    rounded = np.round(np.asarray(IMAGES))
    np.testing.assert_array_equal(found["levels 2"].view(IMAGES), rounded)
    answers = found["levels 2"].protect(jax.random.key(0), network, 5)(IMAGES)
    np.testing.assert_allclose(answers, network(rounded), atol=1e-5)
    noisy = found["noise 0.5"].view(np.asarray(IMAGES))
    assert noisy.shape == IMAGES.shape and noisy.min() == 0.0 and noisy.max() == 1.0
    one, same, other = (
        found["noise 0.5"].protect(jax.random.key(seed), network, 4)(IMAGES) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_what_does_not_suit_the_images_is_refused():
    found = study.filters("--defenses", ["median=9"])["median 9"]
    found.refuse("--defenses", (9, 9, 1))
    with pytest.raises(ValueError, match=r"--defenses median=9: size must be odd.* got 9"):
        found.refuse("--defenses", (8, 8, 1))
