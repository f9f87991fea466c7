import jax
import jax.numpy as jnp
import pytest

from fooljax.encodings import cppn


@pytest.fixture(scope="session", params=[100, pytest.param(1000, marks=pytest.mark.slow)])
def grown(request):
    """Networks with three outputs after 200 mutations each."""
    encoding, count = cppn((16, 12, 3)), request.param

    @jax.jit
    def grow(key):
        key_init, key_vary = jax.random.split(key)
        genomes = jax.vmap(encoding.init)(jax.random.split(key_init, count))

        def mutate(i, genomes):
            keys = jax.random.split(jax.random.fold_in(key_vary, i), count)
            return jax.vmap(encoding.vary, in_axes=(0, 0, 0, None))(keys, genomes, genomes, i)

        return jax.lax.fori_loop(0, 200, mutate, genomes)

    return jax.device_get(grow(jax.random.key(7)))


@pytest.fixture(scope="session")
def pick():
    """Take some genomes out of many."""
    return lambda genomes, rows: jax.tree.map(lambda leaf: jnp.asarray(leaf[rows]), genomes)
