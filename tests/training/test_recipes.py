from typing import NamedTuple

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits

from fooljax.models import build
from fooljax.training import RECIPES, evaluate, fit, quick


class Samples(NamedTuple):
    images: np.ndarray
    labels: np.ndarray


def digits():
    """The 8x8 digits of scikit-learn, every pixel tripled; the last 360 for testing."""
    data = load_digits()
    images = np.repeat(np.repeat(data.images, 3, 1), 3, 2)[..., None].astype(np.float32) / 16
    labels = data.target.astype(np.int32)
    return Samples(images[:-360], labels[:-360]), Samples(images[-360:], labels[-360:])


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains(name, key):
    train, test = digits()
    classifier = build("softmax", key, (24, 24, 1), 10)
    recipe = RECIPES[name](steps=300)
    fitted, losses = fit(jax.random.key(1), classifier, train, **recipe._asdict())
    assert losses.shape == (300,) and losses[-50:].mean() < losses[:50].mean()
    assert evaluate(fitted, test) > 0.85


@pytest.mark.slow
def test_quick_trains_lenet(key):
    train, test = digits()
    classifier = build("lenet", key, (24, 24, 1), 10)
    fitted, _ = fit(jax.random.key(1), classifier, train, **quick(300)._asdict())
    assert evaluate(fitted, test) > 0.96  # the last 360 are other writers, and harder


@pytest.mark.parametrize("name", RECIPES)
def test_equal_recipes_are_one(name):
    assert RECIPES[name](steps=20) is RECIPES[name](steps=20)


@pytest.mark.parametrize("name", RECIPES)
def test_impossible_arguments(name):
    with pytest.raises(ValueError, match="steps must be positive, got 0"):
        RECIPES[name](steps=0)
    with pytest.raises(ValueError, match="learning_rate must be positive, got nan"):
        RECIPES[name](learning_rate=float("nan"))
    with pytest.raises(ValueError, match="batch_size must be positive, got -1"):
        RECIPES[name](batch_size=-1)
