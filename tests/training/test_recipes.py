import jax
import numpy as np
import pytest

from fooljax.data import load
from fooljax.models import build
from fooljax.training import RECIPES, evaluate, fine_tune, fit, quick


@pytest.fixture(scope="module")
def digits():
    return load("digits")


# these differ from acet in the loss only, which test_training_losses.py looks at
_ALIKE = ("outlier_exposure", "energy_bounded", "acet")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in _ALIKE else name
        for name in RECIPES
        if name != "fine_tune"  # starts from weights that are good already
    ],
)
def test_every_recipe_trains(name, key, digits):
    classifier = build("softmax", key, digits.train.input_shape, 10)
    steps = 300 if name in _ALIKE else 150
    recipe = RECIPES[name](steps=steps)
    fitted, losses = fit(jax.random.key(1), classifier, digits.train, **recipe._asdict())
    assert losses.shape == (steps,) and losses[-50:].mean() < losses[:50].mean()
    assert evaluate(fitted, digits.test) > 0.85


def test_fine_tune_improves_what_is_good_and_moves_it_little(key, digits):
    start = build("softmax", key, digits.train.input_shape, 10)
    good, _ = fit(jax.random.key(1), start, digits.train, **quick(steps=60)._asdict())
    moved = {}
    recipes = {"fine_tune": fine_tune(60, learning_rate=1e-3), "quick": quick(60)}
    for name, recipe in recipes.items():
        tuned, losses = fit(jax.random.key(2), good, digits.train, **recipe._asdict())
        assert losses[-30:].mean() < losses[:30].mean()
        weights = (np.asarray(one.params["fc"]["kernel"]) for one in (tuned, good))
        moved[name] = np.linalg.norm(np.subtract(*weights))
    assert 0.0 < moved["fine_tune"] < 0.2 * moved["quick"]


@pytest.mark.slow
def test_quick_trains_lenet(key, digits):
    classifier = build("lenet", key, digits.train.input_shape, 10)
    fitted, _ = fit(jax.random.key(1), classifier, digits.train, **quick()._asdict())
    assert evaluate(fitted, digits.test) >= 0.98


@pytest.mark.parametrize("name", RECIPES)
def test_equal_recipes_are_one(name):
    assert RECIPES[name](steps=20) is RECIPES[name](steps=20)


@pytest.mark.parametrize("name", RECIPES)
def test_impossible_arguments(name):
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        RECIPES[name](steps=0)
    with pytest.raises(ValueError, match="learning_rate must be positive, got nan"):
        RECIPES[name](learning_rate=float("nan"))
    with pytest.raises(ValueError, match="batch_size must be at least 1, got -1"):
        RECIPES[name](batch_size=-1)
