"""The cheapest compiler for every test of a defense."""

import jax
import pytest


@pytest.fixture(scope="module", autouse=True)
def quick_to_compile():
    """Compiling is nearly all that these tests do."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
