"""A patch lies where it is put, and training it does what plain numpy says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax.attacks import apply_patch, patched_answers, placement, train_patch

SHAPE = (12, 10, 1)
STILL = placement(0.6, 0.6, 0.0)


def brightness(params, images):
    """Two classes: class 1 the likelier the brighter the image."""
    bright = params * (jnp.mean(images.reshape(len(images), -1), axis=1) - 0.5)
    return jnp.stack([-bright, bright], axis=1)


@pytest.fixture(scope="module")
def network():
    return fj.types.Classifier(jnp.float32(20.0), brightness, SHAPE, 2)


@pytest.fixture(scope="module")
def dark():
    return 0.4 * jax.random.uniform(jax.random.key(1), (30, *SHAPE))


def test_a_patch_is_a_circle_of_its_size_inside_the_picture_somewhere_else_each_time():
    """Counted in pixels: a white disc on black pictures."""
    black, white = jnp.zeros((40, 60, 50, 1)), jnp.ones((9, 9, 1))
    for share in (0.2, 0.8):
        covered = np.asarray(apply_patch(jax.random.key(0), black, white, placement(share, share)))[
            ..., 0
        ]
        np.testing.assert_allclose(covered, np.round(covered), atol=1e-6)
        radius = 0.5 * share * 50
        assert np.all(abs(covered.sum(axis=(1, 2)) / (np.pi * radius**2) - 1.0) < 0.12)
        rows, columns = covered.any(axis=2), covered.any(axis=1)
        for side in (rows, columns):  # a whole disc: none is cut off at an edge
            assert np.all(abs(side.sum(axis=1) - 2 * radius) <= 1.0)
        first = np.stack([rows.argmax(axis=1), columns.argmax(axis=1)], axis=1)
        assert len(np.unique(first, axis=0)) > 15


def test_the_patch_is_seen_upright_and_in_its_own_size():
    """As wide as the picture there is one place only, and the middle is the patch itself."""
    patch = np.random.default_rng(0).uniform(size=(10, 10, 1)).astype(np.float32)
    picture = jnp.zeros((1, 10, 10, 1))
    covered = apply_patch(jax.random.key(3), picture, patch, placement(1.0, 1.0, 0.0))
    y, x = np.mgrid[:10, :10] - 4.5
    inside = (y**2 + x**2 <= 25.0)[..., None]
    np.testing.assert_allclose(covered[0], np.where(inside, patch, 0.0), atol=1e-5)


@pytest.mark.slow
def test_places_follow_the_key_not_the_batch(dark):
    patch, keys = jnp.ones((4, 4, 1)), lambda: jax.random.split(jax.random.key(2), 6)
    whole = apply_patch(keys(), dark[:6], patch)
    parts = [apply_patch(keys()[i : i + 2], dark[i : i + 2], patch) for i in (0, 2, 4)]
    np.testing.assert_array_equal(whole, jnp.concatenate(parts))


def test_a_trained_patch_is_white_where_brightness_decides(network, dark):
    """The best patch is known: every pixel that is ever seen becomes white."""
    made = train_patch(
        jax.random.key(0), network, dark, 1, where=STILL, steps=30, batch_size=10, pixels=6
    )
    y, x = np.mgrid[:6, :6] - 2.5
    seen = np.asarray(made.perturbation)[..., 0][y**2 + x**2 <= 6.0]
    np.testing.assert_allclose(seen, 1.0, atol=1e-3)
    assert made.fooled.shape == (30,)


def test_training_can_be_cut(network, dark):
    settings = {"where": STILL, "batch_size": 10, "pixels": 6}
    train = lambda steps, start=None: train_patch(
        jax.random.key(0), network, dark, 1, steps=steps, start=start, **settings
    )
    whole, begun = train(5), train(2)
    rest = train(5, begun.state)
    np.testing.assert_array_equal(rest.perturbation, whole.perturbation)
    np.testing.assert_array_equal(np.append(begun.fooled, rest.fooled), whole.fooled)


@pytest.mark.slow
def test_answers_are_those_to_the_covered_images_whatever_the_batch(dark):
    sharp = fj.types.Classifier(jnp.float32(1e3), lambda p, x: brightness(p, 2.0 * x), SHAPE, 2)
    key, patch = lambda: jax.random.key(5), jnp.ones((4, 4, 1))
    covered = np.asarray(apply_patch(key(), dark, patch))
    expected = (2.0 * covered.mean(axis=(1, 2, 3)) > 0.5).astype(int)
    assert 0 < expected.sum() < len(dark)
    for size in (None, 7):
        np.testing.assert_array_equal(
            patched_answers(key(), sharp, dark, patch, None, size), expected
        )


IMPOSSIBLE = {
    "least must be at most 0.3": lambda n, x: placement(0.4, 0.3),
    r"degrees must be in \[0, 180\], got 200": lambda n, x: placement(degrees=200),
    r"a patch is for pictures \[b, h, w, c\], got images": lambda n, x: apply_patch(
        jax.random.key(0), x[0], jnp.ones((4, 4, 1))
    ),
    "the patch must be square and have the images' channels": lambda n, x: apply_patch(
        jax.random.key(0), x, jnp.ones((4, 4, 3))
    ),
    "target must be below 2, got 2": lambda n, x: train_patch(jax.random.key(0), n, x, 2),
    "pixels must be at least 2, got 1": lambda n, x: train_patch(
        jax.random.key(0), n, x, 1, pixels=1
    ),
}


@pytest.mark.parametrize(("message", "call"), IMPOSSIBLE.items(), ids=range(len(IMPOSSIBLE)))
def test_impossible_arguments_are_refused(message, call, network, dark):
    with pytest.raises(ValueError, match=message):
        call(network, dark)


def test_a_batch_of_none_is_refused(network, dark):
    with pytest.raises(ValueError, match="batch_size must be at least 1, got -1"):
        patched_answers(jax.random.key(0), network, dark, jnp.ones((5, 5, 1)), batch_size=-1)
