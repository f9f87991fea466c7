"""Evolution strategies on networks where the answer is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine

from fooljax.attacks import leave, run, score_evolution

COUNT = 5
TWO = make_affine(3, columns=2)


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(8), (COUNT, *SHAPE), minval=0.4, maxval=0.6)


@pytest.mark.parametrize(
    ("strategy", "norm", "dual", "enough"),
    [("snes", "linf", 1, 1.5), ("Sep_CMA_ES", "l2", 2, 1.5)],
)
def test_a_linear_network_falls_only_beyond_its_margin(strategy, norm, dual, enough, images, key):
    weights = np.float64(TWO.params[0])
    behind = abs(np.diff(np.float64(TWO(images)), axis=1)[:, 0])
    nearest = behind / np.linalg.norm(weights[:, 1] - weights[:, 0], ord=dual)
    attack = score_evolution(0.1, strategy, population=20, steps=60, norm=norm)
    goal = leave(jnp.argmax(TWO(images), axis=1))
    for share, breaks in ((enough, True), (0.98, False)):
        budget = attack.budget._replace(epsilon=jnp.float32(share * nearest))
        result = run(dataclasses.replace(attack, budget=budget), key, TWO, images, goal)
        np.testing.assert_array_equal(result.success, breaks)
        assert np.all(np.asarray(getattr(result, norm)) <= 1.00001 * share * nearest)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": -0.1}, "epsilon"),
        ({"epsilon": 0.1, "steps": 0}, "steps"),
        ({"epsilon": 0.1, "population": 1}, "population"),
        ({"epsilon": 0.1, "std": 0.0}, "std"),
        ({"epsilon": 0.1, "norm": "l1"}, "norm"),
        ({"epsilon": 0.1, "strategy": "hill"}, "strategy must be one of .*snes.*'hill'"),
        ({"epsilon": 0.1, "strategy": "open_es", "population": 7}, "7 children"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        score_evolution(**arguments)
