"""Every attack of the catalog does what the catalog says of it, a cascade like the others."""

import jax
import numpy as np
import pytest
from attack_cases import SHAPE

import fooljax as fj
from fooljax.attacks import CATALOG, Effort, aimed, leave, reach

EFFORT = Effort(steps=3, queries=40)
EVERY = CATALOG | aimed(CATALOG)
QUICK = ("fgsm", "deepfool", "square-targeted", "noise-l2")  # one of each kind
PARAMS = [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in EVERY]


@pytest.fixture(scope="module")
def network():
    return fj.models.build("softmax", jax.random.key(1), SHAPE, 4)


@pytest.mark.parametrize("name", PARAMS)
def test_each_perturbs_with_every_epsilon(name, network, key):
    entry = EVERY[name]
    epsilons = (0.1, 0.3)
    images = jax.random.uniform(jax.random.fold_in(key, 1), (5, *SHAPE))
    labels = np.asarray(network(images)).argmax(axis=1)
    goal = reach((labels + 1) % 4) if entry.aimed else leave(labels)
    found = entry.perturb(key, network, images, goal, EFFORT, epsilons)
    assert found.images.shape == (2, 5, *SHAPE) and found.success.shape == (2, 5)
    assert np.all((found.images >= 0.0) & (found.images <= 1.0))
    if entry.kind in ("ball", "control"):
        far = np.asarray(getattr(found, entry.norm))
        assert np.all(far <= np.array(epsilons)[:, None] * (1 + 1e-5))
    assert (entry.words and "(" in entry.about) or not entry.source


@pytest.mark.parametrize("name", ["fgsm", pytest.param("standard", marks=pytest.mark.slow)])
def test_a_key_for_each_image_is_taken_too(name, network, key):
    images = jax.random.uniform(jax.random.fold_in(key, 1), (4, *SHAPE))
    goal = leave(np.asarray(network(images)).argmax(axis=1))
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, np.arange(4))
    run = lambda key: CATALOG[name].perturb(key, network, images, goal, EFFORT, (0.2,))
    once, again = run(keys), run(list(keys))
    assert once.images.shape == (1, 4, *SHAPE)
    np.testing.assert_array_equal(once.images, again.images)


@pytest.mark.parametrize("name", ["pgd", "standard"])
def test_a_key_for_each_image_says_all_whatever_the_batch(name, network, key):
    """A run that is cut, or has other batches, goes the same way."""
    images = jax.random.uniform(jax.random.fold_in(key, 1), (5, *SHAPE))
    labels = np.asarray(network(images)).argmax(axis=1)
    keys = jax.random.key_data(jax.random.split(key, 5))  # as jax.random.PRNGKey makes them

    def run(rows):
        given = keys[rows], network, images[rows], leave(labels[rows]), Effort(2, 10), (0.05,)
        return CATALOG[name].perturb(*given)

    whole, parts = run(slice(5)), [run(slice(0, 2)), run(slice(2, 5))]
    found = np.concatenate([one.images for one in parts], axis=1)
    np.testing.assert_allclose(found, whole.images, atol=1e-6)


@pytest.mark.parametrize("name", ["noise", "noise-l2"])
def test_a_control_is_no_larger_than_its_ball(name, network, key):
    images = jax.random.uniform(jax.random.fold_in(key, 1), (50, *SHAPE))
    goal = leave(np.asarray(network(images)).argmax(axis=1))
    for epsilon in (0.1, 0.3):
        found = CATALOG[name].perturb(key, network, images, goal, EFFORT, (epsilon,))
        assert getattr(found, CATALOG[name].norm).max() <= np.float32(epsilon)


def test_what_is_made_twice_is_the_same_attack():
    """So that nothing compiles twice for the same settings."""
    for entry in CATALOG.values():
        make = getattr(entry.perturb, "args", (None,))[0]
        if make is not None:
            assert make(EFFORT, 0.1) == make(EFFORT, 0.1)
