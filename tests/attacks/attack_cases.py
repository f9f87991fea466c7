"""Toy networks as plain functions, and the one table of attacks that every contract covers."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

import fooljax as fj
from fooljax.attacks import Attack, confident, leave, reach
from fooljax.attacks.attack import for_each
from fooljax.types import Classifier

SHAPE = (6, 6, 1)
CLASSES = 4  # a fifth column rejects


class Case(NamedTuple):
    """An attack, a goal, and what one step costs; None where that depends on the sample.

    ``begins_at_images`` is False where the images are only what distances count from, and
    ``mends`` is True where any pixel may change, also one that a network breaks at.
    """

    attack: Attack
    goal: fj.attacks.Goal
    forwards: int | None = 1
    gradients: int | None = 1
    begins_at_images: bool = True
    mends: bool = False


COUNT = 5
LABELS = jnp.array([0, 1, 2, 3, 1])
LEAVE, REACH = leave(LABELS), reach(LABELS)
_brendel_bethge = fj.attacks.brendel_bethge
_deepfool, _pgd = fj.attacks.deepfool, fj.attacks.pgd
_ascent, _spaces = fj.attacks.ascent, fj.attacks.spaces
_short = lambda name: fj.attacks.published(name, steps=3, max_rate=1e3)

# Every test of test_contract.py runs over all of them: add yours.
CASES = {
    "fgsm": Case(fj.attacks.fgsm(0.1), LEAVE),
    "pgd": Case(_pgd(0.1, 0.04, 4), LEAVE),
    "pgd reach momentum": Case(_pgd(0.1, 0.04, 4, momentum=0.9), REACH),
    "pgd random start": Case(_pgd(0.1, 0.04, 4, random_start=True), LEAVE),
    "pgd margin": Case(_pgd(0.1, 0.04, 4, loss=fj.attacks.margin), confident(LEAVE, 0.9)),
    "pgd l2": Case(_pgd(0.5, 0.2, 4, norm="l2"), LEAVE),
    "pgd l2 random start momentum": Case(
        _pgd(0.5, 0.2, 4, norm="l2", random_start=True, momentum=0.5), LEAVE
    ),
    "pgd l1 random start": Case(_pgd(0.5, 0.2, 4, norm="l1", random_start=True), REACH),
    "apgd random start": Case(fj.attacks.apgd(0.1, 5, loss=fj.attacks.dlr), LEAVE),
    "ddn": Case(fj.attacks.ddn(4), REACH),
    "carlini wagner": Case(
        fj.attacks.carlini_wagner(2, rounds=2, first_c=1.0, step_size=0.1), REACH
    ),
    "lbfgs": Case(fj.attacks.lbfgs(3, rounds=2), confident(LEAVE, 0.9)),
    "deepfool l2": Case(_deepfool(8), LEAVE, gradients=CLASSES - 1),
    "deepfool linf": Case(_deepfool(8, norm="linf"), LEAVE, gradients=CLASSES - 1),
    "deepfool confident": Case(_deepfool(8, candidates=2), confident(LEAVE, 0.9), gradients=2),
    "fab linf": Case(
        fj.attacks.fab(2, restarts=2, radius=0.2), LEAVE, forwards=2, gradients=CLASSES - 1
    ),
    "fab l2": Case(fj.attacks.fab(4, norm="l2"), REACH, forwards=2),
    "fab l1 toward a class": Case(
        fj.attacks.fab(4, norm="l1", target=2), confident(LEAVE, 0.9), forwards=2
    ),
    "ascent none": Case(_short("none"), REACH),
    "ascent decay": Case(_short("decay"), REACH),
    "ascent blur": Case(_short("blur"), REACH),
    "ascent sparse": Case(_short("sparse"), REACH),
    "ascent total variation adam": Case(
        _ascent(3, rule="adam", regularization=fj.attacks.Regularization(total_variation=5.0)),
        REACH,
    ),
    "ascent fourier": Case(_ascent(3, space=_spaces.fourier(SHAPE)), REACH),
    "ascent phases": Case(_ascent(3, space=_spaces.phases(SHAPE)), REACH),
    "ascent cppn random start": Case(
        _ascent(3, space=_spaces.cppn(SHAPE, 10, 16, mutations=2)), REACH, begins_at_images=False
    ),
    "sparse": Case(fj.attacks.sparse(4), REACH),
    "square": Case(fj.attacks.square(0.09, 4), LEAVE, gradients=0),
    "square l2": Case(fj.attacks.square(0.3, 4, norm="l2"), REACH, gradients=0),
    "snes l2": Case(
        fj.attacks.score_evolution(0.3, population=4, steps=3, norm="l2"),
        REACH,
        forwards=5,
        gradients=0,
    ),
    "hop skip jump": Case(
        fj.attacks.hop_skip_jump(4, directions=12, together=5), LEAVE, forwards=None, gradients=0
    ),
    "fmn l0": Case(fj.attacks.fmn(4, norm="l0"), REACH),
    "fmn l1": Case(fj.attacks.fmn(4, norm="l1"), LEAVE),
    "fmn l2": Case(fj.attacks.fmn(4), confident(LEAVE, 0.9)),
    "fmn linf": Case(fj.attacks.fmn(4, norm="linf"), REACH),
    "elastic net": Case(
        fj.attacks.elastic_net(2, rounds=2, first_c=1.0, step_size=0.1), REACH, forwards=2
    ),
    "elastic net l1": Case(
        fj.attacks.elastic_net(4, rounds=1, first_c=9.0, rule="l1", accelerated=False),
        LEAVE,
        forwards=2,
    ),
    "jsma l0": Case(fj.attacks.jsma(5), REACH, gradients=2),
    "jsma l0 single darkens": Case(
        fj.attacks.jsma(4, theta=-0.4, pairs=False, steps=6), LEAVE, gradients=2
    ),
    "spatial": Case(fj.attacks.spatial(grid=2), LEAVE, gradients=0, mends=True),
    "spatial draws": Case(fj.attacks.spatial(draws=3), REACH, gradients=0, mends=True),
    "contrast": Case(fj.attacks.contrast(5, 3), LEAVE, gradients=0, mends=True),
    # all black, the network below cannot decide; a demand on confidence rules that out
    "brightness": Case(fj.attacks.brightness(4, 3), confident(LEAVE, 0.3), gradients=0, mends=True),
    "blur": Case(fj.attacks.blur(5, 3), LEAVE, gradients=0, mends=True),
    "salt and pepper": Case(
        fj.attacks.salt_and_pepper(5, 4), confident(LEAVE, 0.5), gradients=0, mends=True
    ),
    "brendel bethge": Case(_brendel_bethge(4, rate=0.02), LEAVE, forwards=None),
    "brendel bethge linf": Case(
        _brendel_bethge(4, norm="linf", rate=0.02, from_noise=False), REACH, forwards=None
    ),
    "simba l2": Case(fj.attacks.simba(0.3, 0.09, 4), LEAVE, gradients=0),
    "simba l2 dct": Case(fj.attacks.simba(0.3, 0.09, 4, basis="dct"), REACH, gradients=0),
    "nes": Case(fj.attacks.nes(0.09, 0.03, 3, pairs=2), LEAVE, forwards=5, gradients=0),
    "nes l2 momentum": Case(
        fj.attacks.nes(0.3, 0.1, 3, pairs=2, momentum=0.5, norm="l2"),
        REACH,
        forwards=5,
        gradients=0,
    ),
    "spsa": Case(fj.attacks.spsa(0.09, 0.03, 3, pairs=2), LEAVE, forwards=5, gradients=0),
    "one pixel": Case(fj.attacks.one_pixel(steps=3, population=5), LEAVE, forwards=6, gradients=0),
}


def spread(attack, count=COUNT):
    """The attack as its functions see it: a number for each sample."""
    return dataclasses.replace(attack, budget=for_each(attack.budget, count))


TRACES = []  # one entry for every time that a network is traced, hence compiled


def two_layers(params, images):
    """A small smooth network that breaks where the last pixel is above 0.9.

    It does not see the last pixel otherwise, so that no attack repairs it.
    """
    TRACES.append(images.shape)
    pixels = images.reshape(len(images), -1)
    hidden = jnp.tanh(pixels[:, :-1] @ params["first"])
    logits = hidden @ params["second"]
    # added, not multiplied: the gradient of a sound image must stay a number
    return logits + jnp.where(pixels[:, -1:] > 0.9, jnp.nan, 0.0)


def make_params(seed, columns=CLASSES + 1):
    key_first, key_second = jax.random.split(jax.random.key(seed))
    size = SHAPE[0] * SHAPE[1] * SHAPE[2]
    return {
        "first": jax.random.normal(key_first, (size - 1, 12)) / 3.0,
        "second": jax.random.normal(key_second, (12, columns)),
    }


def affine(params, images):
    weights, bias = params
    return images.reshape(len(images), -1) @ weights + bias[None]


def make_affine(seed, scale=0.3, columns=CLASSES):
    key_weights, key_bias = jax.random.split(jax.random.key(seed))
    size = SHAPE[0] * SHAPE[1] * SHAPE[2]
    weights = scale * jax.random.normal(key_weights, (size, columns))
    bias = 0.1 * jax.random.normal(key_bias, (columns,)) - 0.5 * jnp.sum(weights, axis=0)
    return Classifier((weights, bias), affine, SHAPE, columns)
