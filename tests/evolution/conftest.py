from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from search_history import run

from fooljax.encodings import direct
from fooljax.evolution import map_elites
from fooljax.types import Classifier

SHAPE = (4, 4, 1)


def linear(params, images):
    """Softmax regression that too bright an upper left pixel breaks."""
    logits = images.reshape(images.shape[0], -1) @ params["kernel"] + params["bias"][None]
    return jnp.where(images[:, 0, 0] > params["breaks"], jnp.nan, logits)


def make(columns=3, seed=0, scale=1.0, bias=None, breaks=2.0):
    """Three classes; further columns reject."""
    rng = np.random.default_rng(seed)
    params = {
        "kernel": jnp.asarray(scale * rng.normal(size=(16, columns)), jnp.float32),
        "bias": jnp.zeros(columns) if bias is None else jnp.asarray(bias, jnp.float32),
        "breaks": jnp.float32(breaks),
    }
    return Classifier(params, linear, SHAPE, 3)


@pytest.fixture(scope="session")
def toy():
    """Tiny classifiers of 4x4 images with three classes, and how to make more."""
    return SimpleNamespace(
        make=make,
        classifier=make(),
        sometimes_nan=make(breaks=0.7),
        rejecting=make(columns=5, bias=[0.0, 0.0, 0.0, 1.0, -1.0]),
        encoding=direct(SHAPE),
    )


@pytest.fixture(scope="session")
def history(toy):
    """States after every generation of a whole run, and its infos."""
    return run(map_elites(toy.encoding, 12), toy.classifier)


@pytest.fixture(scope="session")
def same():
    """Compare two pytrees bit for bit."""

    def bits(leaf):
        leaf = np.asarray(leaf)
        return leaf.view(f"u{leaf.dtype.itemsize}") if leaf.dtype.kind == "f" else leaf

    def check(one, two):
        assert jax.tree.structure(one) == jax.tree.structure(two)
        jax.tree.map(lambda a, b: np.testing.assert_array_equal(bits(a), bits(b)), one, two)

    return check
