"""A cheaper network sorts children out first; the network itself alone decides."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from search_history import run

from fooljax import models
from fooljax.encodings import direct
from fooljax.evolution import express_elites, map_elites
from fooljax.types import Classifier

CHILDREN = 75  # more than are looked at again together, and no multiple of that


def itself(classifier):
    return classifier


def blind(classifier):
    """See nothing worth a second look."""
    return dataclasses.replace(classifier, apply=hopeless)


def hopeless(params, images):
    return jnp.full((images.shape[0], 3), jnp.nan)


@pytest.mark.parametrize("niches", [pytest.param("all", marks=pytest.mark.slow), "own"])
def test_a_faithful_screen_changes_nothing(niches, toy, same):
    plain, plain_infos = run(map_elites(toy.encoding, CHILDREN, niches=niches), toy.classifier, 6)
    screened, infos = run(
        map_elites(toy.encoding, CHILDREN, niches=niches, screen=itself), toy.classifier, 6
    )
    same(plain[-1].archive.genomes, screened[-1].archive.genomes)
    np.testing.assert_array_equal(plain_infos.jumps, infos.jumps)
    np.testing.assert_allclose(
        plain[-1].archive.fitness, screened[-1].archive.fitness, rtol=1e-5, atol=1e-6
    )


def test_what_the_screen_underrates_is_lost(toy):
    states, infos = run(map_elites(toy.encoding, CHILDREN, screen=blind), toy.classifier, 3)
    assert np.all(states[-1].archive.born == -1)
    assert not infos.jumps.any()


@pytest.mark.slow
def test_half_precision_finds_and_float32_scores(toy):
    states, _ = run(
        map_elites(toy.encoding, CHILDREN, screen=models.in_bfloat16), toy.classifier, 20
    )
    archive = states[-1].archive
    logits = np.asarray(toy.classifier(express_elites(toy.encoding, archive)), np.float64)
    expected = np.diag(logits) - np.log(np.sum(np.exp(logits), axis=1))
    np.testing.assert_allclose(archive.fitness, expected, rtol=1e-5, atol=1e-6)
    full = run(map_elites(toy.encoding, CHILDREN), toy.classifier, 20)[0][-1].archive
    np.testing.assert_allclose(archive.confidence, full.confidence, atol=0.05)


def test_half_precision_rounds_weights_and_images(key):
    """Against numpy that rounds the same things to eight binary digits."""
    key_weights, key_images = jax.random.split(key)
    weights = jax.random.normal(key_weights, (16, 3))
    images = jax.random.uniform(key_images, (5, 4, 4, 1))
    network = Classifier(
        {"kernel": weights, "shift": jnp.arange(3)},
        lambda params, x: x.reshape(x.shape[0], -1) @ params["kernel"] + params["shift"][None],
        (4, 4, 1),
        3,
    )
    half = models.in_bfloat16(network)
    found = half(images)
    rounded = lambda x: np.asarray(x.astype(jnp.bfloat16), np.float64)
    exact = rounded(images).reshape(5, -1) @ rounded(weights) + np.arange(3)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, exact, atol=2**-8 * np.abs(exact).max())
    assert models.in_bfloat16(network).apply == half.apply  # one compilation


def test_genes_of_eight_bits(toy, key):
    """What is kept is what was scored, and every gene is one of 256."""
    encoding = direct((4, 4, 1), storage="uint8")
    assert encoding.init(key).dtype == jnp.uint8
    archive = run(map_elites(encoding, 12), toy.classifier, 30)[0][-1].archive
    assert archive.genomes.dtype == jnp.uint8
    images = jnp.asarray(archive.genomes, jnp.float32) / 255.0
    np.testing.assert_allclose(jax.vmap(encoding.express)(archive.genomes), images, atol=1e-6)
    confidence = np.diag(jax.nn.softmax(toy.classifier(images)))
    np.testing.assert_allclose(archive.confidence, confidence, rtol=1e-5)
    floats = run(map_elites(toy.encoding, 12), toy.classifier, 30)[0][-1].archive
    np.testing.assert_allclose(archive.confidence, floats.confidence, atol=0.1)
    with pytest.raises(ValueError, match="storage must be float32 or uint8, got 'int4'"):
        direct((4, 4, 1), storage="int4")
