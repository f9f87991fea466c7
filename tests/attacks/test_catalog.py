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
    once, again = run(keys), run(keys)
    assert once.images.shape == (1, 4, *SHAPE)
    np.testing.assert_array_equal(once.images, again.images)


def test_what_is_made_twice_is_the_same_attack():
    """So that nothing compiles twice for the same settings."""
    for entry in CATALOG.values():
        make = getattr(entry.perturb, "args", (None,))[0]
        if make is not None:
            assert make(EFFORT, 0.1) == make(EFFORT, 0.1)
