"""Parts of images on networks of which is known what each part does."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import analysis
from fooljax.analysis import fills, masks
from fooljax.types import Classifier

SHAPE = (4, 6, 2)
WEIGHTS = np.random.default_rng(0).normal(size=(48, 3)).astype(np.float32)
IMAGES = np.random.default_rng(1).uniform(size=(5, *SHAPE)).astype(np.float32)
TARGETS = np.array([0, 1, 2, 1, 0])
OTHER = np.random.default_rng(2).uniform(size=(5, *SHAPE)).astype(np.float32)


def linear(params, images):
    return images.reshape(len(images), -1) @ params


LINEAR = Classifier(jnp.asarray(WEIGHTS), linear, SHAPE, 3)


def two_classes(score, shape):
    """A network whose log-odds of class 1 are a function of the image."""
    apply = lambda params, images: jnp.stack([jnp.zeros(len(images)), score(images)], 1)
    return Classifier((), apply, shape, 2)


def shown(image, mask, fill):
    return np.where(mask[..., None], image, fill)


def test_answers_are_those_to_painted_images():
    each = np.random.default_rng(3).uniform(size=(5, 3, 4, 6)) < 0.5
    found = analysis.answers_to(LINEAR, IMAGES, each, OTHER)
    for n, m in itertools.product(range(5), range(3)):
        expected = shown(IMAGES[n], each[n, m], OTHER[n]).reshape(-1) @ WEIGHTS
        np.testing.assert_allclose(found[n, m], expected, rtol=2e-5, atol=1e-5)
    same = analysis.answers_to(LINEAR, IMAGES, each[0], OTHER[:1])
    np.testing.assert_allclose(
        same[3, 2], shown(IMAGES[3], each[0, 2], OTHER[0]).reshape(-1) @ WEIGHTS, rtol=2e-5
    )
    whole = analysis.answers_to(LINEAR, IMAGES, np.ones((1, 4, 6), bool), OTHER)
    np.testing.assert_allclose(whole[:, 0], IMAGES.reshape(5, -1) @ WEIGHTS, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, 15, 400])
def test_batches_change_nothing(batch_size):
    grid = masks.grid(SHAPE, 2)
    found = analysis.answers_to(LINEAR, IMAGES, grid, OTHER, batch_size)
    expected = analysis.answers_to(LINEAR, IMAGES, grid, OTHER)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_new_weights_compile_nothing():
    from fooljax.analysis.parts import _ask

    grid = masks.grid(SHAPE, 2)
    before = analysis.answers_to(LINEAR, IMAGES, grid, OTHER)
    size = _ask._cache_size()
    other = Classifier(2 * LINEAR.params, linear, SHAPE, 3)
    after = analysis.answers_to(other, IMAGES, grid, OTHER)
    np.testing.assert_allclose(after, 2 * before, rtol=1e-5, atol=1e-6)
    assert _ask._cache_size() == size


def test_masks_between_0_and_1_mix():
    half = np.full((1, 4, 6), 0.25, np.float32)
    found = analysis.answers_to(LINEAR, IMAGES, half, OTHER)[:, 0]
    mixed = (0.25 * IMAGES + 0.75 * OTHER).reshape(5, -1) @ WEIGHTS
    np.testing.assert_allclose(found, mixed, rtol=1e-4, atol=1e-5)


def test_occlusion_of_a_linear_network_is_exact():
    """Without a pixel the logit lacks the dot product there; windows are means of sums."""
    found = analysis.occlusion(LINEAR, IMAGES, TARGETS, OTHER, 1)
    lost = (IMAGES - OTHER) * WEIGHTS.T[TARGETS].reshape(5, *SHAPE)
    single = lost.sum(axis=-1)
    np.testing.assert_allclose(found, single, rtol=1e-3, atol=1e-5)
    found = analysis.occlusion(LINEAR, IMAGES, TARGETS, OTHER, 3, 2)
    total, count = np.zeros((5, 4, 6)), np.zeros((4, 6))
    for y, x in itertools.product((0, 2), (0, 2, 4)):
        window = slice(y, y + 3), slice(x, x + 3)
        total[:, *window] += single[:, *window].sum(axis=(1, 2), keepdims=True)
        count[window] += 1
    np.testing.assert_allclose(found, total / count, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "stride", "level", "expected"),
    [(1, 1, 0.0, [80, 200, 120]), (2, 1, 10.0, [200, 220, 240]), (2, 2, 0.0, [280, 280, 120])],
)
def test_occlusion_has_captums_numbers(size, stride, level, expected):
    """Captum's own test: its toy network of two layers, the input 20, 50, 30."""

    def apply(params, images):
        total = 100.0 * images.sum(axis=(1, 2))
        hidden = jax.nn.relu(total[:, None] + jnp.array([[-10.0, 1.0, 1.0, 1.0]]))
        return hidden.sum(axis=1, keepdims=True) + jnp.array([[-1.0, 1.0]])

    toy = Classifier((), apply, (3, 1), 2)
    image = np.array([[[0.2], [0.5], [0.3]]], np.float32)
    fill = fills.plain(image, level / 100)
    found = analysis.occlusion(toy, image, [0], fill, size, stride)
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_windows_in_the_middle():
    odds = analysis.central_windows(LINEAR, IMAGES, TARGETS, OTHER, (0.5, 1.0))
    middle = np.zeros((4, 6), bool)
    middle[1:3, 1:4] = True  # a window of three in six is half a pixel off
    logits = np.stack([shown(IMAGES, middle, OTHER), IMAGES], 1).reshape(5, 2, -1) @ WEIGHTS
    for image, target in enumerate(TARGETS):
        others = np.delete(logits[image], target, axis=1)
        expected = logits[image, :, target] - np.log(np.exp(others).sum(axis=1))
        np.testing.assert_allclose(odds[image], expected, rtol=1e-4, atol=1e-5)


def test_components_are_found_and_painted_away():
    """Four parts on a grey ground, two of which touch at a corner only."""
    image = np.full((1, 8, 8, 1), 0.4, np.float32)
    image[0, 1, 1:4], image[0, 2, 4] = 1.0, 0.9
    image[0, 5:7, 0:2], image[0, 7, 7] = 0.0, 0.42
    image[0, 5, 6] = 0.8
    weights = np.random.default_rng(4).normal(size=64).astype(np.float32)
    network = two_classes(lambda x: x.reshape(len(x), -1) @ weights, (8, 8, 1))
    found = analysis.without_each_component(network, image, [1])
    assert found.components.counts.tolist() == [4]
    assert found.components.masks.sum(axis=(2, 3)).tolist() == [[4, 3, 1, 1]]
    away = ((image - 0.4)[0, ..., 0] * weights.reshape(8, 8))[None] * found.components.masks[0]
    lost = away.sum(axis=(1, 2))
    np.testing.assert_allclose(found.whole - found.without[0], lost, rtol=1e-3, atol=1e-5)
    empty = 0.4 * weights.sum()
    np.testing.assert_allclose(found.alone[0] - empty, lost, rtol=1e-3, atol=1e-5)
    both = np.concatenate([image, np.full_like(image, 0.4)])
    several = analysis.without_each_component(network, both, [1, 1])
    assert several.components.counts.tolist() == [4, 0] and np.isnan(several.without[1]).all()
    np.testing.assert_allclose(several.without[0], found.without[0], rtol=1e-5)


def test_the_ground_is_the_median_color():
    image = np.zeros((1, 4, 4, 3), np.float32)
    image[0, :, :3] = (0.2, 0.4, 0.6)
    np.testing.assert_allclose(fills.median(image)[0, 0, 3], (0.2, 0.4, 0.6))
    np.testing.assert_array_equal(masks.components(image).masks[0, 0], image[0, ..., 2] == 0)


def test_fills_are_as_many_images_of_one_kind(key):
    for name, fill in fills.FILLS.items():
        found = fill.paint(key, IMAGES)
        assert found.shape == IMAGES.shape and found.dtype == np.float32, name
        assert found.min() >= 0.0 and found.max() <= 1.0, name
    np.testing.assert_allclose(fills.mean(IMAGES)[2, 0, 0], IMAGES[2].mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_array_equal(fills.others(IMAGES)[1], IMAGES[0])
    assert np.std(fills.blur(IMAGES, 2.0)) < 0.5 * np.std(IMAGES)
    few = fills.noise(jax.random.key(5), IMAGES[:2])
    np.testing.assert_array_equal(few, fills.noise(jax.random.key(5), IMAGES)[:2])


def test_masks_of_every_kind():
    assert masks.windows((5, 5, 1), 2, 2).shape == (9, 5, 5)
    assert masks.windows((5, 5, 1), 2, 2)[-1].sum() == 1  # cut off at the edge
    blocks = masks.grid((5, 7, 1), 3)
    assert (blocks.sum(axis=0) == 1).all() and len(blocks) == 9
    np.testing.assert_array_equal(masks.pixels((2, 3, 1)).reshape(6, 6), np.eye(6, dtype=bool))
    assert masks.central((28, 28, 1), (12 / 28,))[0, 8:20, 8:20].all()
    assert masks.central((28, 28, 1), (12 / 28,)).sum() == 144
    dot = np.zeros((1, 7, 7), bool)
    dot[0, 3, 3] = True
    assert [masks.dilate(dot, size).sum() for size in (0, 1, 2)] == [1, 9, 25]
    several = np.concatenate([dot, ~dot & False])
    assert masks.dilate(several, 1)[1].sum() == 0  # no mask grows into another
    drawn = masks.scattered(jax.random.key(1), (7, 7, 1), [5, 20, 0])
    assert drawn.sum(axis=(1, 2)).tolist() == [5, 20, 0]


IMPOSSIBLE = {
    "size must be at most 4": lambda: masks.windows(SHAPE, 5),
    "stride must be at most size": lambda: masks.windows(SHAPE, 2, 3),
    "parts must be at most 4": lambda: masks.grid(SHAPE, 5),
    r"sizes must be in \(0, 1\]": lambda: masks.central(SHAPE, (1.5,)),
    "masks must be": lambda: analysis.answers_to(LINEAR, IMAGES, np.ones((2, 3, 3)), OTHER),
    r"masks must be in \[0, 1\]": lambda: analysis.answers_to(
        LINEAR, IMAGES, np.full((1, 4, 6), 2.0), OTHER
    ),
    "fill must be one image": lambda: analysis.answers_to(
        LINEAR, IMAGES, np.ones((1, 4, 6)), OTHER[:2]
    ),
    "targets must be in": lambda: analysis.occlusion(LINEAR, IMAGES, [0, 0, 0, 0, 3], OTHER, 1),
    "score must be": lambda: analysis.occlusion(LINEAR, IMAGES, TARGETS, OTHER, 1, 1, "odds"),
    "grid must divide": lambda: analysis.shuffled(jax.random.key(0), IMAGES, 4),
    "parts must be two": lambda: analysis.interactions(
        LINEAR, IMAGES, TARGETS, masks.grid(SHAPE, 1), OTHER
    ),
    "confidence must be in": lambda: analysis.sufficient(LINEAR, IMAGES, TARGETS, OTHER, 1.0),
    "step must be at most 24": lambda: analysis.sufficient(LINEAR, IMAGES, TARGETS, OTHER, step=25),
    "it takes two": lambda: fills.others(IMAGES[:1]),
}


@pytest.mark.parametrize(("message", "call"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_arguments_are_named(message, call):
    with pytest.raises(ValueError, match=message):
        call()
