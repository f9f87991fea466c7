"""Multiplying all logits by a number changes no answer, and changes no attack's success."""

import dataclasses

import broken_networks
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import CASES

import fooljax as fj
from fooljax.attacks import leave, reach

COUNT = 100
SCALES = (0.01, 1.0, 100.0)
# longer than in the table, where they have hardly begun; those that search for a weight by
# decades get as many more rounds as the scale has decades
LONGER = {
    "carlini wagner": fj.attacks.carlini_wagner(15, rounds=5, first_c=1.0, step_size=0.1),
    "lbfgs": fj.attacks.lbfgs(5, rounds=6),
    "elastic net": fj.attacks.elastic_net(15, rounds=5, first_c=1.0, step_size=0.1),
    "elastic net l1": fj.attacks.elastic_net(15, rounds=5, first_c=1.0, rule="l1"),
    "square": fj.attacks.square(0.2, 100),
    "square l2": fj.attacks.square(1.0, 100, norm="l2"),
    "snes l2": fj.attacks.score_evolution(1.0, population=10, steps=20, norm="l2"),
    "simba l2": fj.attacks.simba(1.5, 0.2, 200),
    "simba l2 dct": fj.attacks.simba(1.5, 0.2, 200, basis="dct"),
    "nes": fj.attacks.nes(0.2, 0.05, 20, pairs=10),
    "nes l2 momentum": fj.attacks.nes(1.5, 0.3, 20, pairs=10, momentum=0.5, norm="l2"),
    "spsa": fj.attacks.spsa(0.2, 0.05, 20, pairs=10),
    "one pixel": fj.attacks.one_pixel(8, steps=10, population=20),
    "brendel bethge": fj.attacks.brendel_bethge(15),
    "brendel bethge linf": fj.attacks.brendel_bethge(15, norm="linf", from_noise=False),
    "pgd l1 random start": fj.attacks.pgd(6.0, 1.0, 8, norm="l1", random_start=True),
}
# one of each way to use the logits; the others of the table are tested with -m slow only
CORE = {"pgd", "ddn"}


@pytest.fixture(scope="module")
def network():
    return broken_networks.train()


@pytest.fixture(scope="module")
def samples():
    blobs = broken_networks.blobs(COUNT, seed=5)
    return jnp.asarray(blobs.images), jnp.asarray(blobs.labels)


def _times(network, scale):
    """The network with all logits multiplied; the number is data, so nothing compiles anew."""
    return dataclasses.replace(network, params=(network.params, jnp.float32(scale)), apply=_apply)


def _apply(params, images):
    return params[1] * broken_networks._apply(params[0], images)


def _in(dtype):
    """The trained network, calculated in another type from the pixels on."""

    def apply(params, images):
        weights, sign = jax.tree.map(lambda leaf: leaf.astype(dtype), params)
        return broken_networks._apply((weights, sign), images.astype(dtype))

    return apply


def _goal(case, labels):
    # a demand on confidence is about the scale; without it the attack is the same
    return reach((labels + 1) % 4) if case.goal.targeted else leave(labels)


def _success(name, network, samples, goal):
    images, _ = samples
    attack = LONGER.get(name, CASES[name].attack)
    if name.startswith("ascent"):  # by probabilities: how fast depends on the scale, how far not
        attack = dataclasses.replace(attack, steps=300)
    return fj.attacks.run(attack, jax.random.key(0), network, images, goal)


@pytest.mark.parametrize(
    "name",
    [pytest.param(one, marks=() if one in CORE else pytest.mark.slow) for one in CASES],
)
def test_success_does_not_depend_on_the_scale(name, network, samples):
    goal = _goal(CASES[name], samples[1])
    shares = [
        float(_success(name, _times(network, scale), samples, goal).success.mean())
        for scale in SCALES
    ]
    assert max(shares) - min(shares) <= 0.02, shares
    assert max(shares) > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_cascade_does_not_depend_on_the_scale(norm, network, samples):
    images, labels = samples
    epsilon = 0.12 if norm == "linf" else 0.6
    shares = [
        fj.attacks.standard(
            jax.random.key(0),
            _times(network, scale),
            images,
            leave(labels),
            epsilon,
            norm=norm,
            steps=10,
            queries=20,
        ).robust_accuracy
        for scale in SCALES
    ]
    assert max(shares) - min(shares) <= 0.02, shares
    assert 0.0 < max(shares) < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sgd", "deepfool"])
def test_universal_perturbations_do_not_depend_on_the_scale(way, network, samples):
    images, labels = samples
    make = {"sgd": fj.attacks.universal_sgd, "deepfool": fj.attacks.universal_deepfool}[way]
    rates = []
    for scale in SCALES:
        scaled = _times(network, scale)
        found = fj.attacks.run_universal(
            make(0.2), jax.random.key(0), scaled, images, leave(labels), steps=20, batch_size=50
        )
        rates.append(fj.attacks.fooling_rate(scaled, images, found.perturbation, leave(labels)))
    assert max(rates) - min(rates) <= 0.02, rates
    assert max(rates) > 0.1


def test_a_flat_gradient_is_counted_and_told(network, samples):
    images, labels = samples
    blind = dataclasses.replace(
        network, apply=lambda params, x: jax.lax.stop_gradient(broken_networks._apply(params, x))
    )
    attack = CASES["pgd"].attack
    sound = fj.attacks.run(attack, jax.random.key(0), network, images[:20], leave(labels[:20]))
    found = fj.attacks.run(attack, jax.random.key(0), blind, images[:20], leave(labels[:20]))
    assert sound.findings == () and not np.any(sound.flat)
    np.testing.assert_array_equal(found.flat, attack.steps)
    assert [(one.name, one.share) for one in found.findings] == [("attack stood still", 1.0)]
    assert "attack stood still" in repr(found)


@pytest.mark.parametrize("norm", [pytest.param("linf", marks=pytest.mark.slow), "l2"])
@pytest.mark.parametrize("dtype", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
def test_deepfool_steps_over_ties(dtype, norm, network, samples):
    """As far as in float32, in types that cannot tell small leads from none."""
    images, labels = samples
    low = dataclasses.replace(network, apply=_in(dtype))
    attack = fj.attacks.deepfool(50, norm=norm)
    full, half = (
        fj.attacks.run(attack, jax.random.key(0), one, images, leave(labels))
        for one in (network, low)
    )
    assert np.all(full.success) and np.all(half.success)
    far, near = (np.median(np.asarray(getattr(one, norm))) for one in (half, full))
    assert abs(far / near - 1.0) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddn", "carlini wagner", "lbfgs", "hop skip jump", "pgd"])
def test_half_precision_costs_little_success(name, network, samples):
    low = dataclasses.replace(network, apply=_in("bfloat16"))
    goal = _goal(CASES[name], samples[1])
    full, half = (
        float(_success(name, one, samples, goal).success.mean()) for one in (network, low)
    )
    assert half >= full - 0.1
