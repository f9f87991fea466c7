import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import analysis, metrics
from fooljax.types import Classifier

SHAPE = (2, 2, 1)
random = np.random.default_rng(0)
WEIGHTS = jnp.asarray(random.normal(size=(4, 3)), jnp.float32)
IMAGES, ENDS = np.float32(random.uniform(size=(2, 5, *SHAPE)))
flat = lambda images: images.reshape(len(images), -1)
STEPS = (0.1, 0.5, 1.0)


def network(function, params=WEIGHTS):
    return Classifier(params, function, SHAPE, 3)


def linear(params, images):
    return flat(images) @ params


def quadratic(params, images):
    return flat(images) ** 2 @ params


def lifted(params, images):
    """The same for all classes is added, which no probability sees."""
    return linear(params, images) + 9.0 * jnp.sum(flat(images) ** 3, axis=1, keepdims=True)


def kinked(params, images):
    """One rectifier, which opens where the pixels' mean is 1/2."""
    mean = jnp.mean(flat(images), axis=1)
    return jnp.stack([mean + params[0, 0] * jax.nn.relu(mean - 0.5), -mean, 0.0 * mean], axis=1)


@pytest.mark.parametrize("function", [linear, lifted])
def test_the_tangent_of_a_linear_network_holds_to_the_end(function):
    found = analysis.tangent_reach(network(function), IMAGES, ENDS, STEPS)
    np.testing.assert_allclose(found.r2, 1.0, atol=1e-3)
    np.testing.assert_allclose(found.each, 1.0, atol=1e-2)
    assert found.each.shape == (3, 5)


def test_the_tangent_of_a_quadratic_network_in_closed_form():
    found = analysis.tangent_reach(network(quadratic), IMAGES, ENDS, STEPS)
    way, start = np.float64(flat(ENDS - IMAGES)), np.float64(flat(IMAGES))
    center = lambda logits: logits - logits.mean(axis=1, keepdims=True)
    weights = np.float64(WEIGHTS)
    for place, step in enumerate(STEPS):
        bent = center((step * way) ** 2 @ weights)
        change = center(2 * step * start * way @ weights) + bent
        expected = 1 - np.sum(bent**2) / np.sum(change**2)
        assert float(found.r2[place]) == pytest.approx(expected, rel=1e-3)
        each = 1 - np.sum(bent**2, axis=1) / np.sum(change**2, axis=1)
        np.testing.assert_allclose(found.each[place], each, rtol=1e-2)


def test_a_network_with_gradients_only_has_the_same_tangent():
    """As those of PyTorch, which know no derivative forward."""
    backward = jax.custom_vjp(quadratic)
    backward.defvjp(
        lambda params, images: (quadratic(params, images), (params, images)),
        lambda kept, rows: (
            jnp.zeros_like(kept[0]),
            (2 * flat(kept[1]) * (rows @ kept[0].T)).reshape(kept[1].shape),
        ),
    )
    known, found = (
        analysis.tangent_reach(network(one), IMAGES, ENDS, STEPS) for one in (quadratic, backward)
    )
    np.testing.assert_allclose(found.error, known.error, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.change, known.change, rtol=1e-4, atol=1e-6)


def test_the_tangent_holds_until_a_kink():
    """From all 0.3 to all 0.9 the rectifier opens a third of the way; its slope is 2."""
    params, start = jnp.full((4, 3), 2.0), np.full((1, *SHAPE), 0.3, np.float32)
    ends, steps = np.full((1, *SHAPE), 0.9, np.float32), (0.1, 0.3, 0.5, 1.0)
    found = np.asarray(analysis.tangent_reach(network(kinked, params), start, ends, steps).r2)
    np.testing.assert_allclose(found[:2], 1.0, atol=1e-5)
    for step, r2 in zip(steps[2:], found[2:], strict=True):
        way, beyond = 0.6 * step, 2.0 * (0.6 * step - 0.2)
        center = lambda logits: np.array(logits) - np.mean(logits)
        off, change = center([beyond, 0.0, 0.0]), center([way + beyond, -way, 0.0])
        assert r2 == pytest.approx(1 - np.sum(off**2) / np.sum(change**2), rel=1e-3)


def test_a_ray_of_a_linear_network_is_certain_at_a_known_length():
    """Confidence 0.999 of two classes takes log(999) of margin."""
    weights = jnp.zeros((4, 3)).at[:, 2].set(-99.0).at[0, 0].set(1.0)
    lengths = np.geomspace(5.0, 80.0, 101)
    images = np.float32([[0.5, 0, 0, 0], [0.1, 0, 0, 0]]).reshape(2, *SHAPE)
    logits = analysis.along(network(linear, weights), np.zeros_like(images), images, lengths)
    exact = np.asarray(logits[:, :, :2])
    sure = np.asarray(metrics.probabilities(jnp.asarray(exact))).max(axis=2)
    found = metrics.evaluations_to_reach(sure, lengths, 0.999)
    np.testing.assert_allclose(found, np.log(999.0) / np.array([0.5, 0.1]), rtol=0.03)


def test_a_rectifier_makes_a_ray_certain_and_one_with_a_ceiling_does_not():
    """Beyond its last kink a ray is affine; ReLU6 bounds every logit by its weights."""
    first = np.float64(random.normal(size=(4, 6)))
    second = np.float64(random.normal(size=(6, 3)))
    params = tuple(jnp.asarray(part, jnp.float32) for part in (first, second))
    layer = lambda function: lambda params, images: function(flat(images) @ params[0]) @ params[1]
    lengths = (1e2, 1e3, 1e4)
    far = analysis.along(network(layer(jax.nn.relu), params), 0.0 * IMAGES, IMAGES, lengths)
    slope = np.maximum(np.float64(flat(IMAGES)) @ first, 0.0) @ second
    np.testing.assert_allclose(far, np.array(lengths)[:, None, None] * slope, rtol=1e-3, atol=0.5)
    capped = analysis.along(network(layer(jax.nn.relu6), params), 0.0 * IMAGES, IMAGES, lengths)
    assert np.abs(capped).max() <= 6.0 * np.abs(second).sum(axis=0).max() + 1e-3


def test_lines_go_from_images_and_may_leave_the_range():
    found = analysis.along(network(linear), IMAGES, ENDS - IMAGES, (0.0, 1.0, -3.0))
    for place, length in enumerate((0.0, 1.0, -3.0)):
        expected = flat(IMAGES + length * (ENDS - IMAGES)) @ WEIGHTS
        np.testing.assert_allclose(found[place], expected, rtol=1e-4, atol=1e-5)


REFUSED = {
    "directions must be": lambda: analysis.along(network(linear), IMAGES, ENDS[:2], (1.0,)),
    "lengths must be a row": lambda: analysis.along(network(linear), IMAGES, ENDS, ()),
    "ends must be as many": lambda: analysis.tangent_reach(
        network(linear), IMAGES, ENDS[:2], (1.0,)
    ),
    "steps must be finite numbers, got NaN": lambda: analysis.tangent_reach(
        network(linear), IMAGES, ENDS, (np.nan,)
    ),
    r"images must be in \[0, 1\]": lambda: analysis.along(network(linear), 9 * IMAGES, ENDS, (1,)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_is_refused(message):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()
