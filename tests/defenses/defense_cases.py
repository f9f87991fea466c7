"""A toy network, and the one table of defenses that every contract covers."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from fooljax import defenses
from fooljax.defenses import (
    ensemble,
    expectation,
    gaussian_blur,
    jpeg,
    low_pass,
    majority_vote,
    median_filter,
    mu_law,
    noisy,
    quantize,
    resample,
    resize_and_pad,
    tempered,
    time_shift,
    unanimous,
)
from fooljax.types import Classifier, Defense

SHAPE = (8, 8, 1)
SOUND = (64, 1)
CLASSES = 4
TRACES = []  # one entry for every time that the network is traced, hence compiled


class Case(NamedTuple):
    """A defense, and how the adversary who knows it attacks.

    Attributes:
        defend: from the network to what is to be fooled.
        stand_in: from the network to what gradients are taken through; the defense
            itself unless it is random.
        alike: built like another one of the table; tested with ``-m slow`` only.
        shape: of the inputs; the same numbers in another order of axes.
    """

    defend: Defense
    stand_in: Defense | None = None
    alike: bool = False
    shape: tuple[int, ...] = SHAPE

    def through(self, classifier: Classifier) -> Classifier:
        return (self.stand_in or self.defend)(classifier)

    def network(self, seed: int) -> Classifier:
        return network(seed, self.shape)

    @property
    def images(self) -> jax.Array:
        return IMAGES.reshape(len(IMAGES), *self.shape)


def two_layers(params, images):
    TRACES.append(images.shape)
    hidden = jnp.tanh(images.reshape(len(images), -1) @ params["first"])
    return 3.0 * hidden @ params["second"]


def network(seed, shape=SHAPE):
    key_first, key_second = jax.random.split(jax.random.key(seed))
    params = {
        "first": jax.random.normal(key_first, (SHAPE[0] * SHAPE[1], 24)) / 4.0,
        "second": jax.random.normal(key_second, (24, CLASSES)),
    }
    return Classifier(params, two_layers, shape, CLASSES)


def hidden_layer(params, images):
    """The logits, and what the last layer reads."""
    hidden = jnp.tanh(images.reshape(len(images), -1) @ params["first"])
    return 3.0 * hidden @ params["second"], hidden


IMAGES = jax.random.uniform(jax.random.key(100), (12, *SHAPE))
# A defense may need other networks or data of its own; those are fixed here.
OTHERS = (network(1), network(2))
# Known images are coarse patterns, so that a network has more than one answer to them.
_bright = jax.random.uniform(jax.random.key(101), (400, 1, 1, 1))
_blocks = jax.random.bernoulli(jax.random.key(102), _bright, (400, 4, 4, 1)).astype(jnp.float32)
_patterns = jnp.repeat(jnp.repeat(_blocks, 2, axis=1), 2, axis=2)
KNOWN, CLEAN = jnp.split(jnp.maximum(_patterns, 1e-3), [300])  # none is black


def _with_others(combine: str) -> Callable[[Classifier], Classifier]:
    return lambda classifier: ensemble((classifier, *OTHERS), combine)


def _voting(rule: Callable) -> Callable[[Classifier], Classifier]:
    return lambda classifier: rule((classifier, *OTHERS))


def _mean_of(defense, seed: int, samples: int) -> Callable[[Classifier], Classifier]:
    return lambda classifier: expectation(jax.random.key(seed), defense, classifier, samples)


def _noise(key, classifier):
    return noisy(key, classifier, 0.3)


def _resize(key, classifier):
    return resize_and_pad(key, classifier, 0.7)


def _shift(key, classifier):
    return time_shift(key, classifier, 0.1)


def _rejecting(
    learn: Callable[[Classifier], defenses.Score],
) -> Callable[[Classifier], Classifier]:
    """Reject by a score, which may learn from known images that the network gets right."""

    def defend(classifier):
        score = learn(classifier)
        return defenses.reject(classifier, score, defenses.calibrate(classifier, score, CLEAN))

    return defend


def _labels(classifier):
    return jnp.argmax(classifier(KNOWN), axis=1)


# How strong each of the catalog's is in tests: add yours.
STRENGTHS = {"blur": 0.8, "median": 3.0, "levels": 4.0, "jpeg": 30, "resize": 0.7, "noise": 0.3}
STRENGTHS |= {"low-pass": 0.6, "mu-law": 4.0, "resample": 2.0, "shift": 0.1}

# Every test of test_defense_contract.py runs over all of them: add yours.
CASES = {
    "ensemble of probabilities": Case(_with_others("probabilities")),
    "ensemble of logits": Case(_with_others("logits"), alike=True),
    "majority vote": Case(_voting(majority_vote)),
    "unanimous": Case(_voting(unanimous)),
    "blur": Case(lambda classifier: gaussian_blur(classifier, 0.8)),
    "median": Case(lambda classifier: median_filter(classifier, 3)),
    "levels": Case(lambda classifier: quantize(classifier, 4), alike=True),
    "jpeg": Case(lambda classifier: jpeg(classifier, 30)),
    "temperature": Case(lambda classifier: tempered(classifier, 2.0)),
    "jpeg of two levels": Case(lambda classifier: quantize(jpeg(classifier, 30), 2), alike=True),
    # the defended network draws often, and other keys than the adversary's
    "resize and pad": Case(_mean_of(_resize, 1, 100), _mean_of(_resize, 2, 32)),
    "noise": Case(_mean_of(_noise, 1, 100), _mean_of(_noise, 2, 32), alike=True),
    "low-pass": Case(lambda classifier: low_pass(classifier, 0.6), shape=SOUND),
    "mu-law": Case(lambda classifier: mu_law(classifier, 4), shape=SOUND),
    "resample": Case(lambda classifier: resample(classifier, 2), shape=SOUND, alike=True),
    "shift": Case(_mean_of(_shift, 1, 100), _mean_of(_shift, 2, 32), shape=SOUND),
    "reject by maximum probability": Case(_rejecting(lambda _: defenses.maximum_probability())),
    "reject by maximum logit": Case(_rejecting(lambda _: defenses.maximum_logit()), alike=True),
    "reject by energy": Case(_rejecting(lambda _: defenses.energy(2.0)), alike=True),
    "reject by ODIN": Case(_rejecting(lambda one: defenses.odin(one, 0.01, 10.0))),
    "reject by Mahalanobis distance": Case(
        _rejecting(lambda one: defenses.mahalanobis(one, KNOWN, _labels(one), hidden_layer))
    ),
    "reject by nearest neighbor": Case(
        _rejecting(lambda one: defenses.nearest_neighbor(one, KNOWN, 5, hidden_layer))
    ),
    "reject by OpenMax": Case(
        _rejecting(lambda one: defenses.openmax(one, KNOWN, _labels(one), revised=3))
    ),
}
