"""The walk through a network's program: every way in which a rectifier can be written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import fooljax as fj
from fooljax.models.interpreter import interpret

WEIGHTS = jnp.linspace(-1.0, 1.0, 16).reshape(4, 4)
INPUTS = jnp.array([[0.3, -0.2, 0.9, 0.1], [-1.0, 0.4, 0.2, 0.7]])


@jax.custom_vjp
def own(x):
    return jnp.maximum(x, 0.0)


own.defvjp(lambda x: (own(x), x), lambda x, g: (jnp.where(x > 0, g, 0.0),))


def stacked(x):
    return jax.lax.scan(lambda x, w: (jax.nn.relu(x @ w), None), x, WEIGHTS[None])[0]


# each is relu(x @ WEIGHTS)
RECTIFIERS = {
    "relu": lambda x: jax.nn.relu(x @ WEIGHTS),
    "maximum": lambda x: jnp.maximum(x @ WEIGHTS, 0),
    "turned round": lambda x: jnp.maximum(0.0, x @ WEIGHTS),
    "zeros": lambda x: jnp.maximum(x @ WEIGHTS, jnp.zeros_like(x)),
    "jit": jax.jit(lambda x: jax.nn.relu(x @ WEIGHTS)),
    "remat": jax.checkpoint(lambda x: jax.nn.relu(x @ WEIGHTS)),
    "custom": lambda x: own(x @ WEIGHTS),
    "cond": lambda x: jax.lax.cond(
        jnp.sum(x) > -9.0, lambda x: jax.nn.relu(x @ WEIGHTS), lambda x: 2.0 * x, x
    ),
    "scan": stacked,
    "while": lambda x: jax.lax.while_loop(
        lambda carry: carry[0] < 1,
        lambda carry: (carry[0] + 1, jax.nn.relu(carry[1] @ WEIGHTS)),
        (0, x),
    )[1],
    "by device": lambda x: fj.backend.by_device(
        x @ WEIGHTS, cpu=jax.nn.relu, accelerator=lambda x: jnp.maximum(x, 0.0)
    ),
    "ReLU6": lambda x: jax.nn.relu6(x @ WEIGHTS),
    "clip": lambda x: jnp.clip(x @ WEIGHTS, 0, 6),
}


@pytest.mark.parametrize("network", RECTIFIERS.values(), ids=RECTIFIERS.keys())
def test_finds_a_rectifier_wherever_it_is(network):
    """Replaced by a square, so that nothing but the rule can give the answer."""
    apply = lambda params, x: network(x) + params
    run = jax.jit(lambda x: interpret(apply, jnp.float32(1.0), x, {"rectifier": jnp.square}))
    plain = jax.jit(lambda x: interpret(apply, jnp.float32(1.0), x))
    expected = np.float64(INPUTS) @ np.float64(WEIGHTS)
    np.testing.assert_allclose(plain(INPUTS), np.maximum(expected, 0) + 1, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run(INPUTS), expected**2 + 1, rtol=1e-5, atol=1e-6)


OTHERS = {
    "a root's guard": lambda x: jax.lax.rsqrt(jnp.maximum(x, 0.0) + 1e-3),
    "another limit": lambda x: jnp.maximum(x, 0.1),
    "whole numbers": lambda x: jnp.maximum(x.astype(jnp.int32), 0).astype(jnp.float32),
    "sigmoid": jax.nn.sigmoid,
}


@pytest.mark.parametrize("network", OTHERS.values(), ids=OTHERS.keys())
def test_leaves_alone_what_is_none(network):
    apply = lambda params, x: network(x)
    run = jax.jit(lambda x: interpret(apply, None, x, {"rectifier": jnp.square}))
    np.testing.assert_allclose(run(INPUTS), jax.jit(network)(INPUTS), rtol=1e-6)


class Normalized(nn.Module):
    """Group normalization keeps its variance above 0 by a maximum, which is no rectifier."""

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.GroupNorm(2)(nn.Dense(4)(x)))
        return nn.LayerNorm()(jnp.maximum(nn.Dense(4)(x), 0.0))


def test_guards_of_normalization_are_no_rectifiers(key):
    classifier = fj.models.init_flax(key, Normalized(), (3,), 4)
    found = []
    jax.eval_shape(
        lambda params, x: interpret(classifier.apply, params, x, watch=found.append),
        classifier.params,
        jnp.zeros((2, 3)),
    )
    assert sum("rectifier" in event.roles for event in found) == 2


def test_keeps_derivatives_that_a_function_brings():
    """It is entered for a rule only."""
    double = jax.custom_jvp(lambda x: jnp.sin(x))
    double.defjvp(lambda x, way: (jnp.sin(*x), 7.0 * way[0]))
    apply = lambda params, x: jax.nn.relu(double(x))
    slope = jax.grad(lambda x: jnp.sum(interpret(apply, None, x, {"rectifier": lambda x: x})))
    np.testing.assert_array_equal(slope(INPUTS), 7.0)
