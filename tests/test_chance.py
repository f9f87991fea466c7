"""What is drawn as a row is what JAX draws in the shape itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import chance


@pytest.mark.parametrize("shape", [(), (3,), (5, 4, 3)])
def test_numbers_are_those_of_jax(shape):
    keys = lambda: jax.random.split(jax.random.key(0), 2)
    pairs = (
        (lambda key: chance.normal(key, shape), lambda key: jax.random.normal(key, shape)),
        (
            lambda key: chance.uniform(key, shape, jnp.float16, -1.0, 3.0),
            lambda key: jax.random.uniform(key, shape, jnp.float16, -1.0, 3.0),
        ),
    )
    for ours, theirs in pairs:
        drawn, expected = jax.vmap(ours)(keys()), jax.vmap(theirs)(keys())
        np.testing.assert_array_equal(drawn, expected)
        assert drawn.shape == (2, *shape) and drawn.dtype == expected.dtype
