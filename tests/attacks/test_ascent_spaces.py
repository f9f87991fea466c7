"""Ascent in Fourier coefficients and CPPN weights, and the total variation it may pay for."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine, spread

import fooljax as fj
from fooljax import encodings
from fooljax.attacks import Regularization, ascent, reach, spaces
from fooljax.types import Classifier

COUNT = 4
TARGETS = reach(jnp.array([0, 1, 2, 3]))


def noise(shape=SHAPE, low=0.01, high=0.99):
    return jax.random.uniform(jax.random.key(4), (COUNT, *shape), minval=low, maxval=high)


@pytest.mark.parametrize("shape", [(6, 6, 1), (7, 9, 3), (8, 5, 3)])
def test_fourier_begins_at_the_images(shape):
    space = spaces.fourier(shape)
    painted = jax.jit(lambda images: space.paint(*space.start(None, images)))
    np.testing.assert_allclose(painted(noise(shape)), noise(shape), atol=1e-5)
    extreme = np.round(noise(shape))
    np.testing.assert_allclose(painted(extreme), np.clip(extreme, 0.001, 0.999), atol=1e-5)


def test_fourier_is_waves_by_their_frequency():
    """One coefficient paints one wave, as high as its frequency is low."""
    space = spaces.fourier((12, 12, 1))
    paint = jax.jit(lambda coefficients: space.paint(coefficients, None))
    coefficients = np.array(space.start(None, jnp.full((1, 12, 12, 1), 0.5))[0])
    y, x = np.mgrid[:12, :12] * 2.0 * np.pi / 12
    heights = []
    for down, across in ((1, 0), (2, 0), (3, 4)):
        one = coefficients.copy()
        one[0, down, across, 0, 0] = 0.1
        pixels = np.float64(paint(one))[0, ..., 0]
        odds = np.log(pixels) - np.log1p(-pixels)
        wave = np.cos(down * y + across * x)
        height = (odds * wave).sum() / (wave**2).sum()
        np.testing.assert_allclose(odds, height * wave, atol=2e-5)
        heights.append(height / (1 if across == 0 else 2))  # the real transform has pairs
    np.testing.assert_allclose(heights[0] / heights[1], 2.0, rtol=1e-3)
    np.testing.assert_allclose(heights[0] / heights[2], 5.0, rtol=1e-3)


def test_fourier_colors_are_uncorrelated_axes():
    """Red against blue keeps lightness and green; the same step in lightness is the largest."""
    space = spaces.fourier((4, 4, 3))
    grey, _ = jax.jit(space.start)(None, jnp.full((1, 4, 4, 3), 0.5))
    change = jax.jit(lambda a: space.paint(grey.at[0, 0, 0, a, 0].set(0.01), None)[0, 0, 0] - 0.5)
    light, red_blue, green_magenta = (np.float64(change(axis)) for axis in range(3))
    np.testing.assert_allclose(light, light[0], rtol=1e-3)
    np.testing.assert_allclose(red_blue / red_blue[0], [1, 0, -1], atol=2e-3)
    np.testing.assert_allclose(green_magenta / green_magenta[0], [1, -2, 1], atol=2e-3)
    sizes = [np.linalg.norm(one) for one in (light, red_blue, green_magenta)]
    np.testing.assert_allclose(np.array(sizes) / sizes[0], [1.0, 0.3, 0.15], rtol=1e-2)


def test_fourier_makes_smoother_images(key):
    """From grey; steps in pixels follow the network's weights, which are noise."""
    network, grey = make_affine(3), jnp.full((COUNT, *SHAPE), 0.5)
    share = {}
    for name, space in (("pixels", None), ("fourier", spaces.fourier(SHAPE))):
        result = fj.attacks.run(ascent(2, space=space), key, network, grey, TARGETS)
        share[name] = np.asarray(jax.jit(fj.metrics.high_frequency_share)(result.images))
    assert np.all(share["fourier"] < 0.5 * share["pixels"])


@pytest.mark.parametrize("rule", ["progress", "adam"])
def test_total_variation_costs_what_it_says(rule, key):
    """One step from the same image: log p - weight * variation rises, as numpy computes both."""
    network, weight = make_affine(3), 30.0
    # logits of a usual spread, so that its own probabilities count
    network = dataclasses.replace(network, params=jax.tree.map(lambda w: 4.0 * w, network.params))
    regularization = Regularization(total_variation=weight)
    attack = spread(
        ascent(1, rule=rule, step_size=1e-4, early=1e-4, regularization=regularization), COUNT
    )
    start = attack.init(None, attack.budget, noise())
    point, _, _ = jax.jit(attack.step)(None, attack.budget, network, noise(), TARGETS, start)

    def worth(images):
        images = np.float64(images)
        weights, bias = (np.float64(leaf) for leaf in network.params)
        logits = images.reshape(COUNT, -1) @ weights + bias
        log_p = logits[np.arange(COUNT), np.arange(COUNT)] - np.logaddexp.reduce(logits, axis=1)
        down = abs(np.diff(images, axis=1)).sum(axis=(1, 2, 3))
        across = abs(np.diff(images, axis=2)).sum(axis=(1, 2, 3))
        return log_p - weight * (down + across) / 60

    def slope(images):
        steps = 1e-6 * np.eye(36).reshape(36, 1, *SHAPE)
        return np.stack([(worth(images + h) - worth(images - h)) / 2e-6 for h in steps], axis=1)

    change = np.asarray(point.images - noise(), np.float64).reshape(COUNT, -1)
    uphill = slope(np.float64(noise()))
    assert np.all(worth(point.images) > worth(noise()))
    if rule == "adam":  # its first step goes by the sign
        np.testing.assert_allclose(change, 1e-4 * np.sign(uphill), atol=1e-6)
    else:
        cosine = (change * uphill).sum(axis=1)
        cosine /= np.linalg.norm(change, axis=1) * np.linalg.norm(uphill, axis=1)
        np.testing.assert_allclose(cosine, 1.0, atol=1e-3)


CPPN = spaces.cppn(SHAPE, 10, 16, mutations=3)
FIRST = reach(jnp.ones(COUNT, int))


def brighter_above(threshold, images):
    """Say 1 the surer the brighter the upper half is; NaN where the first pixel is too bright."""
    upper, lower = (jnp.mean(half, axis=(1, 2, 3)) for half in jnp.split(images, 2, axis=1))
    logits = jnp.stack([jnp.zeros(len(images)), 4.0 * (upper - lower)], axis=1)
    return logits + jnp.where(images[:, 0, 0] > threshold, jnp.nan, 0.0)


@pytest.mark.slow
def test_cppn_weights_ascend_from_given_genomes(key):
    network = Classifier(jnp.float32(2.0), brighter_above, SHAPE, 2)
    encoding = encodings.cppn(SHAPE, 10, 16, coordinates="normalized", levels=None)
    genomes = jax.jit(jax.vmap(encoding.init))(jax.random.split(key, COUNT))
    pictures = jax.jit(jax.vmap(encoding.express))(genomes)
    result = fj.attacks.run(
        ascent(40, space=CPPN), key, network, noise(), FIRST, start=genomes, trace=True
    )
    before = fj.attacks.margin(FIRST, network(pictures), 2)
    np.testing.assert_allclose(result.trace[:, 0], before, atol=1e-5)
    assert jnp.all(result.margin >= before)
    assert jnp.sum(result.margin > before + 0.1) >= 3


@pytest.mark.slow
def test_cppn_stops_where_the_network_has_no_answer(key):
    """Those samples move no weight, and keep the image they were given; the others go on."""
    network = Classifier(jnp.float32(0.5), brighter_above, SHAPE, 2)
    result = fj.attacks.run(ascent(3, space=CPPN), key, network, noise(), FIRST, trace=True)
    begins_broken = np.isnan(np.asarray(result.trace[:, 0]))
    assert 0 < begins_broken.sum() < COUNT
    assert np.isnan(np.asarray(result.trace)[begins_broken]).all()
    np.testing.assert_array_equal(result.images[begins_broken], noise()[begins_broken])
    assert jnp.all(jnp.isfinite(result.images))


def test_cppn_draws_another_genome_for_every_key(key):
    draw = jax.jit(lambda keys: CPPN.paint(*CPPN.start(keys, None)))
    pictures = np.asarray(draw(jax.random.split(key, 8))).reshape(8, -1)
    assert len(np.unique(pictures, axis=0)) == 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ascent(rule="sgd"), "rule must be progress or adam, got 'sgd'"),
        (lambda: ascent(step_size=0.0), "step_size must be positive"),
        (lambda: Regularization(total_variation=-1.0), "total_variation must not be negative"),
        (lambda: spaces.fourier(SHAPE, decay=-1.0), "decay must "),
        (lambda: spaces.cppn(SHAPE, mutations=-1), "mutations must be at least 0"),
        (lambda: spaces.cppn((4, 4, 2)), "image shape"),
        (
            lambda: ascent(space=spaces.fourier(SHAPE), regularization=Regularization(decay=0.1)),
            "needs the space of pixels",
        ),
    ],
)
def test_impossible_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.slow
def test_the_released_network_is_fooled_from_noise(data_dir, key):
    """Every digit above 99.99 %, also under the published setting without a regularizer."""
    from pathlib import Path

    lenet = fj.models.build("lenet", key, (28, 28, 1), 10)
    place = Path(data_dir) / "models" / "caffe_lenet_mnist.safetensors"
    lenet = fj.models.load_weights(str(place), lenet)
    images = jax.random.uniform(jax.random.key(8), (10, 28, 28, 1))
    for attack in (ascent(150), fj.attacks.published("none", steps=300)):
        result = fj.attacks.run(attack, key, lenet, images, reach(jnp.arange(10)))
        assert jnp.all(result.confidence > 0.9999)
