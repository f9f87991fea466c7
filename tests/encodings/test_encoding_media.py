"""Every encoding by name on every medium: it makes inputs of its own, and refuses others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_medium import SENSES, network

import fooljax as fj
from fooljax.encodings import CATALOG

QUICK = {("direct", "pictures"), ("partials", "sounds"), ("voxels", "videos"), ("tokens", "words")}
NO = {"characters": "words", "tokens": "letters"}  # both are texts, and each is for the other
PAIRS = [
    (name, sense, fj.media.kind(SENSES[sense].medium) in entry.takes and NO.get(name) != sense)
    for name, entry in CATALOG.items()
    for sense in SENSES
]
TAKEN = [
    pytest.param(name, sense, marks=[pytest.mark.slow] * ((name, sense) not in QUICK))
    for name, sense, taken in PAIRS
    if taken
]


def build(name, sense):
    return CATALOG[name].build(SENSES[sense].shape, SENSES[sense].medium)


@pytest.mark.parametrize(("name", "sense"), TAKEN)
def test_makes_inputs(name, sense):
    """Children of children still are genomes, and their phenotypes inputs of the medium."""
    encoding = build(name, sense)

    @jax.jit
    def grow(key):
        key_init, key_vary = jax.random.split(key)
        genomes = jax.vmap(encoding.init)(jax.random.split(key_init, 20))
        for generation in range(2):
            keys = jax.random.split(jax.random.fold_in(key_vary, generation), 20)
            mates = jax.tree.map(lambda leaf: jnp.roll(leaf, 1, axis=0), genomes)
            vary = jax.vmap(encoding.vary, in_axes=(0, 0, 0, None))
            children = vary(keys, genomes, mates, jnp.int32(generation))
            assert jax.tree.map(jnp.shape, children) == jax.tree.map(jnp.shape, genomes)
            assert jax.tree.map(jnp.result_type, children) == jax.tree.map(jnp.result_type, genomes)
            genomes = children
        return jax.vmap(encoding.express)(genomes), jax.vmap(encoding.traits)(genomes)

    made, traits = grow(jax.random.key(1))
    made, again = np.asarray(made), np.asarray(grow(jax.random.key(1))[0])
    np.testing.assert_array_equal(made, again)
    assert made.shape == (20, *SENSES[sense].shape) and len(np.unique(made, axis=0)) > 10
    assert all(np.shape(each) == (20,) and np.isfinite(each).all() for each in traits.values())
    if SENSES[sense].reads:
        ended = np.cumsum(made == 0, axis=1) > 0
        assert made.dtype == np.int32 and made.min() >= 0 and not made[ended].any()
        assert made.max() < network(sense).tokens.count
    else:
        assert made.dtype == np.float32 and made.min() >= 0.0 and made.max() <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sense"), TAKEN)
def test_is_searched(name, sense):
    """What the archive holds is what the network says of it, and it only gets better."""
    encoding, classifier = build(name, sense), network(sense)
    search = fj.evolution.map_elites(encoding, 20)
    state, _ = fj.evolution.start(jax.random.key(2), search, classifier)
    before = np.asarray(state.archive.confidence)
    state, _ = fj.evolution.advance(jax.random.key(2), search, classifier, state, 5)
    found = fj.evolution.express_elites(encoding, state.archive)
    after = np.asarray(state.archive.confidence)
    own = np.diag(fj.metrics.probabilities(classifier(found)))
    np.testing.assert_allclose(own, after, rtol=1e-4)
    assert np.all(after >= before) and after.sum() > before.sum()


@pytest.mark.parametrize(
    ("name", "sense"), [(name, sense) for name, sense, taken in PAIRS if not taken]
)
def test_refuses(name, sense):
    shape = ", ".join(map(str, SENSES[sense].shape))
    with pytest.raises(ValueError, match=rf"got \({shape},?\)|reads \w+, not (words|characters)"):
        build(name, sense)
