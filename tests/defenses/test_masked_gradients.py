"""Defenses that only hide the gradient are found out; the ones here do not hide it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from defense_cases import IMAGES, network

from fooljax import attacks
from fooljax.defenses import expectation, jpeg, noisy, quantize

EPSILON = 0.1


def _before(change):
    def defend(classifier):
        apply = lambda params, images: classifier.apply(params, change(images))
        return dataclasses.replace(classifier, apply=apply)

    return defend


def _rounded(images):
    return jnp.round(images * 7) / 7


def _noise_of_the_image(classifier):
    """Looks random to an attacker, and is the same for the same image."""

    def noise(image):
        bits = jnp.sum(jax.lax.bitcast_convert_type(image, jnp.uint32))
        return 0.5 * jax.random.normal(jax.random.key(bits), image.shape)

    return _before(lambda images: images + jax.vmap(noise)(images))(classifier)


FAKE = {
    "levels without straight-through": ("no gradient", _before(_rounded)),
    "stopped": ("no gradient", _before(jax.lax.stop_gradient)),
    "threshold": ("no gradient", _before(lambda x: (x > 0.5).astype(jnp.float32))),
    "noise of the image": ("rough outputs", _noise_of_the_image),
}
REAL = {
    "levels": lambda classifier: quantize(classifier, 8),
    "jpeg": lambda classifier: jpeg(classifier, 50),
    "noise": lambda classifier: expectation(
        jax.random.key(6), lambda key, one: noisy(key, one, 0.3), classifier, 16
    ),
}


@jax.jit
def said(classifier):
    return jnp.argmax(classifier(IMAGES), axis=1)


def found(classifier, *epsilon):
    labels = said(classifier)
    goal = attacks.leave(labels)
    short = {"steps": 10, "restarts": 1, "queries": 100}
    findings = attacks.diagnose(jax.random.key(0), classifier, IMAGES, goal, *epsilon, **short)
    return {one.name: one.share for one in findings}


# the diagnosis of two such gradients is tested with the other broken networks' too
ALIKE = {"stopped", "threshold"}


@pytest.mark.parametrize(
    "case", [pytest.param(one, marks=pytest.mark.slow) if one in ALIKE else one for one in FAKE]
)
def test_a_masked_gradient_is_unmasked(case):
    name, defend = FAKE[case]
    assert found(defend(network(0)))[name] == 1.0


@pytest.mark.parametrize("case", REAL)
def test_a_straight_through_gradient_is_there(case):
    shares = found(REAL[case](network(0)))
    assert "no gradient" not in shares and "random outputs" not in shares


def test_rounding_blinds_the_gradient_and_the_stand_in_does_not():
    labels = said(quantize(network(0), 8))
    climb = attacks.pgd(EPSILON, steps=10, loss=attacks.margin)

    def resisting(classifier):
        found = attacks.run(climb, jax.random.key(1), classifier, IMAGES, attacks.leave(labels))
        return 1.0 - np.mean(np.asarray(found.success))

    assert resisting(_before(_rounded)(network(0))) == 1.0
    assert resisting(quantize(network(0), 8)) < 0.5


@pytest.mark.slow
def test_what_needs_no_gradient_beats_the_mask_only():
    masked = found(_before(_rounded)(network(0)), EPSILON)
    assert masked["gradient-free attack wins"] > 0.0
    assert "gradient-free attack wins" not in found(quantize(network(0), 8), EPSILON)
