"""Ascent on units: their activation, moved pictures, kept sizes of waves, unlike pictures."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine

import fooljax as fj
from fooljax.attacks import Regularization, ascent, goals, reach, spaces, transforms
from fooljax.attacks.ascent import likeness
from fooljax.attacks.transforms import resample
from fooljax.types import Bound, Classifier

TARGETS = reach(jnp.array([0, 1, 2, 0], jnp.int32))
GREY = jnp.full((4, *SHAPE), 0.5)


def sums(weights, images):
    return jnp.sum(images, axis=(1, 2, 3))[:, None] * weights[None]


def test_a_linear_unit_fires_most_where_its_weights_are_positive(key):
    network = make_affine(3)
    attack = ascent(12, rule="adam", objective="logit", step_size=0.1)
    images = fj.attacks.run(attack, key, network, GREY, TARGETS).images
    slope = jax.grad(lambda x: jnp.sum(goals.logit(TARGETS, network(x))))(GREY)
    np.testing.assert_allclose(images, slope > 0, atol=1e-6)


def test_keeps_the_largest_logit_whatever_the_others_are(key):
    """Another class gains twice as much, so the margin falls while the unit fires more."""
    network = Classifier(jnp.array([1.0, 2.0, 0.0]), sums, SHAPE, 3)
    goal = reach(jnp.zeros(4, jnp.int32))
    attack = ascent(12, rule="adam", objective="logit", step_size=0.1)
    assert np.all(fj.attacks.run(attack, key, network, GREY, goal).images == 1.0)
    # the wrong twin keeps the largest margin, which is that of the start
    twin = dataclasses.replace(attack, better="margin")
    assert np.all(fj.attacks.run(twin, key, network, GREY, goal).images == 0.5)


def test_transforms_move_pixels(key):
    picture = jax.random.uniform(key, (5, 7, 2))
    found = transforms.jitter(3)(jax.random.key(1), picture)
    shifts = [
        (i, j)
        for i in range(-3, 4)
        for j in range(-3, 4)
        if np.array_equal(np.roll(picture, (i, j), (0, 1)), found)
    ]
    assert len(shifts) >= 1
    square = picture[:, 1:6]
    quarter = resample(square, jnp.array([[0.0, 1.0], [-1.0, 0.0]]))
    np.testing.assert_allclose(quarter, np.rot90(square), atol=1e-5)
    ramp = jnp.broadcast_to(jnp.arange(7.0)[None, :, None] / 6, (5, 7, 2))
    doubled = transforms.scale(2.0, 2.0)(jax.random.key(2), ramp)
    np.testing.assert_allclose(doubled[2, :, 0], 0.5 + (np.arange(7) - 3) / 12, atol=1e-5)
    still = transforms.rotate(0.0)(jax.random.key(3), picture)
    np.testing.assert_allclose(still, picture, atol=1e-5)


def seen_by(network, steps, key, **settings):
    """Every batch of images that a network was shown during an ascent."""
    shown = []

    def apply(params, images):
        jax.debug.callback(lambda x: shown.append(np.asarray(x)), images)
        return network.apply(params, images)

    watched = dataclasses.replace(network, apply=apply)
    fj.attacks.run(ascent(steps, **settings), key, watched, GREY, TARGETS)
    return shown


def test_each_step_draws_anew_and_each_image_for_itself(key):
    def mark(key, image):
        return image * 0.0 + jax.random.uniform(key)

    shown = seen_by(make_affine(3), 3, key, transforms=(mark,))[:3]
    assert len(np.unique([one[:, 0, 0, 0] for one in shown])) == 3 * 4


def test_equal_transforms_are_the_same_program():
    moved = (transforms.jitter(2), transforms.scale(), transforms.rotate(5))
    again = (transforms.jitter(2), transforms.scale(), transforms.rotate(5))
    assert moved == again and isinstance(moved[0], Bound)
    assert ascent(transforms=moved).step == ascent(transforms=again).step
    assert ascent(transforms=moved).step != ascent(transforms=moved[:1]).step


def test_a_batch_changes_nothing(key):
    attack = ascent(
        2,
        rule="adam",
        objective="logit",
        space=spaces.phases(SHAPE),
        transforms=(transforms.jitter(2),),
    )
    network = make_affine(3)
    whole = fj.attacks.run(attack, key, network, GREY, TARGETS).images
    cut = fj.attacks.run(attack, key, network, GREY, TARGETS, batch_size=3).images
    np.testing.assert_allclose(whole, cut, atol=1e-5)


@pytest.mark.parametrize("shape", [(8, 8, 3), (7, 9, 1), (8, 5, 3)])
def test_phases_turn_and_sizes_of_waves_stay(shape, key):
    """Of faint waves, which no edge of [0, 1] cuts."""
    images = 0.5 + 0.1 * (jax.random.uniform(key, (2, *shape)) - 0.5)
    space = spaces.phases(shape)

    @jax.jit
    def turn(images, keys, key):
        turns, fixed = space.start(keys, images)
        painted = space.paint(turns, fixed)
        turned = space.paint(2.0 * jax.random.normal(key, turns.shape), fixed)
        return painted, turned, *(jnp.abs(spaces._waves(shape)[0](x)) for x in (images, turned))

    same, turned, before, after = turn(
        images, jax.random.split(jax.random.key(1)), jax.random.key(2)
    )
    np.testing.assert_allclose(same, images, atol=1e-5)
    assert float(jnp.abs(turned - images).max()) > 0.02
    np.testing.assert_allclose(after, before, atol=1e-5 * float(before.max()))


def test_phases_take_their_sizes_from_other_pictures(key):
    """Grey has no phases, so they are drawn, for each image its own."""
    pictures = 0.4 + 0.1 * jax.random.uniform(key, (3, 6, 6, 1))
    sizes = spaces.spectrum(pictures)
    each = jnp.broadcast_to(sizes[None], (2, *sizes.shape))
    begin = spaces.Spectral(jnp.full((2, 6, 6, 1), 0.5), each)
    space = spaces.phases((6, 6, 1))
    keys = jax.random.split(jax.random.key(1))
    painted = jax.jit(lambda begin: space.paint(*space.start(keys, begin)))(begin)
    np.testing.assert_allclose(spaces.spectrum(painted), sizes, rtol=1e-3, atol=1e-4)
    assert not np.allclose(painted[0], painted[1], atol=1e-3)


def test_likeness_is_the_correlation_with_others_of_the_target(key):
    logits = jax.random.normal(key, (4, 6))
    goal = reach(jnp.array([0, 1, 0, 0], jnp.int32))
    table = np.corrcoef(np.float64(logits))
    expected = [table[0, [2, 3]].mean(), 0.0, table[2, [0, 3]].mean(), table[3, [0, 2]].mean()]
    np.testing.assert_allclose(likeness(goal, logits), expected, atol=1e-5)
    same = jnp.broadcast_to(logits[:1], (4, 6))
    np.testing.assert_allclose(likeness(goal, same), [1, 0, 1, 1], atol=1e-5)


def test_diversity_makes_pictures_of_a_class_unlike(key):
    network = make_affine(6)
    goal = reach(jnp.zeros(4, jnp.int32))
    start = jax.random.uniform(key, (4, *SHAPE))
    alike = {}
    for weight in (0.0, 50.0):
        attack = ascent(8, rule="adam", objective="logit", diversity=weight, step_size=0.1)
        images = fj.attacks.run(attack, jax.random.key(1), network, start, goal).images
        alike[weight] = float(likeness(goal, jax.jit(lambda c, x: c(x))(network, images)).mean())
    assert alike[50.0] < alike[0.0] - 0.1


WRONG = {
    'objective "logit" needs the rule "adam"': lambda: ascent(objective="logit"),
    "objective must be": lambda: ascent(objective="channel"),
    "transforms must be a function": lambda: ascent(transforms=(3,)),
    "diversity": lambda: ascent(diversity=-1.0),
    "pixels must be at least 1": lambda: transforms.jitter(0),
    "least must be at most 1": lambda: transforms.scale(1.1, 1.0),
    "degrees": lambda: transforms.rotate(200),
    "regularization of pixels": lambda: ascent(
        space=spaces.phases(SHAPE), regularization=Regularization(decay=0.1)
    ),
}


@pytest.mark.parametrize(("message", "build"), WRONG.items(), ids=WRONG.keys())
def test_impossible_settings_of_units(message, build):
    with pytest.raises(ValueError, match=message):
        build()
