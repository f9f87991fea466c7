"""What attacks do on an accelerator has a rule for each of its operations there."""

import functools

import jax
import jax.numpy as jnp
import optax
import pytest
from attack_cases import CASES, COUNT, LEAVE, SHAPE, spread
from lowering import assert_lowers

from fooljax.attacks import margin
from fooljax.attacks.attack import begin, sample_keys
from fooljax.attacks.diagnostics import _look
from fooljax.attacks.run import _finish, _start, _walk
from fooljax.attacks.universal_methods import _climb, _follow, _Pace

pytestmark = pytest.mark.usefixtures("accelerator")
FEW = {"pgd", "deepfool l2"}
NORMS = ("linf", pytest.param("l2", marks=pytest.mark.slow))


@pytest.mark.parametrize(
    "name", [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_the_loop_of_every_attack(name, classifier, images, key):
    attack, goal = spread(CASES[name].attack), CASES[name].goal
    keys = sample_keys(key, COUNT)
    begun = functools.partial(_start, attack.init)
    assert_lowers(_start, attack.init, keys, 0, attack.budget, images)
    _, point = jax.eval_shape(begun, keys, 0, attack.budget, images)
    progress = jax.eval_shape(begin, images)._replace(point=point)
    assert_lowers(_walk, attack, keys, classifier, images, goal, progress)


def test_the_score_and_the_look_for_signs(classifier, images, key):
    assert_lowers(_finish, classifier, images, LEAVE, jax.eval_shape(begin, images))
    assert_lowers(_look, key, classifier, images, LEAVE)


@pytest.mark.parametrize("norm", NORMS)
def test_universal_perturbations(norm, classifier, images):
    nothing, optimizer = jnp.zeros(SHAPE), optax.adam(0.1)
    given = (_Pace(0.1, 0.01, 1.0), classifier, images, LEAVE, nothing)
    how = {"norm": norm, "loss": margin}
    assert_lowers(_climb, *given, (), optimizer=None, **how)
    assert_lowers(_climb, *given, optimizer.init(nothing), optimizer=optimizer, **how)
    found = jax.eval_shape(_finish, classifier, images, LEAVE, jax.eval_shape(begin, images))
    assert_lowers(_follow, nothing, images, found, 0.1, 0.01, norm=norm)
