"""The Dataset pytree, its validation, the held-out fifth, and resizing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.data import Dataset, as_float, from_arrays
from fooljax.data.dataset import hold_out_fifth
from fooljax.data.resize import resize, stack


def numbered(labels, size=2):
    """A data set whose image ``i`` is filled with ``i``, so that images can be recognized."""
    images = np.empty((len(labels), size, size, 1), np.uint8)
    images[:] = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    return from_arrays(images, np.array(labels))


def test_is_a_pytree_with_static_names():
    dataset = from_arrays(np.zeros((3, 4, 5, 1), np.uint8), np.array([0, 1, 1]), ("a", "b"))
    assert [leaf.shape for leaf in jax.tree.leaves(dataset)] == [(3, 4, 5, 1), (3,)]
    assert isinstance(jax.tree.map(lambda leaf: leaf[:1], dataset), Dataset)
    assert jax.jit(lambda d: d)(dataset).class_names == ("a", "b")
    assert dataset.num_classes == 2
    assert dataset.input_shape == (4, 5, 1)
    assert (dataset.images.dtype, dataset.labels.dtype) == (jnp.uint8, jnp.int32)


def test_values_survive_and_float64_becomes_float32():
    images = np.random.default_rng(0).random((4, 3, 3, 2))
    dataset = from_arrays(images, np.array([3, 0, 1, 2], np.uint8))
    np.testing.assert_array_equal(dataset.images, images.astype(np.float32))
    np.testing.assert_array_equal(dataset.labels, [3, 0, 1, 2])
    assert dataset.class_names == ("0", "1", "2", "3")


IMAGES = np.zeros((2, 4, 4, 1), np.uint8)
LABELS = np.array([0, 1])


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[..., 0], LABELS, r"images must have four axes.*images\[\.\.\., None\]"),
        (IMAGES[0, 0, 0], LABELS, r"images must have four axes \[n, h, w, c\], got \(1,\)$"),
        (IMAGES[0, :, :, 0], LABELS, r"rows of pixels need images\.reshape\(n, h, w, c\)"),
        (np.zeros((4, 5, 2)), LABELS, r"channel axis, images\.transpose\(2, 0, 1\)\[\.\.\., None"),
        (np.zeros((2, 3, 8, 8)), LABELS, r"come first, pass images\.transpose\(0, 2, 3, 1\)"),
        (np.zeros((8, 8, 3, 6)), np.arange(6), r"last axis, pass images\.transpose\(3, 0, 1, 2\)"),
        (IMAGES.astype(np.int64), LABELS, r"got int64; pass images\.astype\(numpy\.uint8\)"),
        (IMAGES.astype(np.uint16) + 4095, LABELS, "values go up to 4095: pass images / 4095"),
        (IMAGES.astype(bool), LABELS, r"got bool; pass images\.astype\(numpy\.float32\)"),
        (IMAGES - np.int64(3), LABELS, "got int64; convert them first"),
        (IMAGES, LABELS[:, None], r"one row .* got int64 \(2, 1\); pass labels\[:, 0\]"),
        (IMAGES, np.eye(2), r"labels must be one row .*; pass labels\.argmax\(axis=1\)"),
        (IMAGES, LABELS.astype(float), r"got float64 \(2,\); pass labels\.astype\(int\)"),
        (IMAGES, np.array(["cat", "dog"]), r"pass numpy\.unique\(labels, return_inverse=True\)"),
        (IMAGES, LABELS + 1, r"labels must be in \[0, 2\).*they begin at 1, pass labels - 1"),
        (IMAGES, LABELS[:1], "got 2 images but 1 labels"),
        (IMAGES[:0], LABELS[:0], "at least one image"),
        (IMAGES[:, :0], LABELS, "at least one image"),
        (IMAGES, np.array([0, 2]), r"labels must be in \[0, 2\), got 2 at index 1"),
        (IMAGES, np.array([-1, 0]), r"labels must be in \[0, 2\), got -1 at index 0"),
        (IMAGES + np.float32(np.nan), LABELS, r"must be in \[0, 1\], got NaN at \[0, 0, 0, 0\]"),
        (IMAGES + 255.0, LABELS, r"must be in \[0, 1\], got .* 255 to 255; divide them by 255"),
        (IMAGES - 0.2, LABELS, r"must be in \[0, 1\].*by \(images \+ 1\) / 2"),
        (IMAGES - 2.1, LABELS, "mean and scale belong into the classifier"),
        (IMAGES + 4000.0, LABELS, "divide them by the value that is white"),
    ],
)
def test_refuses(images, labels, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(images, labels, ("a", "b"))


@pytest.mark.parametrize("most", [100_000, 10**6, 2**31, 2**63 - 1])
def test_refuses_more_classes_than_there_may_be(most):
    with pytest.raises(ValueError, match="there may be 100,000 classes, labels ask for"):
        from_arrays(IMAGES, np.array([0, most]))


def test_refuses_negative_labels_without_names():
    with pytest.raises(ValueError, match=r"got -1 at index 0"):
        from_arrays(IMAGES, np.array([-1, -1]))


def test_as_float():
    every = jnp.arange(256, dtype=jnp.uint8)
    floats = as_float(every)
    assert floats.dtype == jnp.float32
    assert (floats[0], floats[255]) == (0.0, 1.0)
    np.testing.assert_allclose(floats, np.arange(256) / 255, rtol=1e-7)
    np.testing.assert_array_equal(jax.jit(as_float)(every), floats)
    half = jnp.full((1, 2, 2, 1), 0.5)
    np.testing.assert_array_equal(jax.jit(as_float)(half), half)
    with pytest.raises(ValueError, match="must be uint8 or float32, got int32"):
        as_float(jnp.arange(3))


def test_holds_out_the_second_seventh_and_twelfth_of_every_class():
    labels = [0] * 12 + [1] * 5 + [2] + [3] * 2
    train, test = hold_out_fifth(numbered(labels))
    assert test.images[:, 0, 0, 0].tolist() == [1, 6, 11, 13, 19]
    assert test.labels.tolist() == [0, 0, 0, 1, 3]
    assert sorted([*train.images[:, 0, 0, 0].tolist(), 1, 6, 11, 13, 19]) == list(range(20))
    np.testing.assert_array_equal(train.labels, np.array(labels)[train.images[:, 0, 0, 0]])
    assert train.class_names == test.class_names == ("0", "1", "2", "3")


def test_holding_out_needs_two_of_a_class():
    with pytest.raises(ValueError, match="no class has two images"):
        hold_out_fifth(numbered([0, 1, 2]))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_resizing_keeps_constants_and_type(dtype):
    image = np.ones((5, 7, 2), dtype) * np.array([0, 1], dtype)
    resized = resize(image, (9, 4))
    assert (resized.shape, resized.dtype) == ((9, 4, 2), dtype)
    np.testing.assert_allclose(resized, np.broadcast_to(image[0, 0], (9, 4, 2)), atol=1e-6)


def test_resizing_stays_in_range_where_bicubic_overshoots():
    image = np.zeros((8, 8, 1), np.float32)
    image[:, 4:] = 1.0
    resized = resize(image, (32, 32))
    assert resized.min() == 0.0
    assert resized.max() == 1.0
    assert np.all(np.diff(resized[0, 10:22, 0]) >= 0)


def test_stack_names_the_odd_one_out():
    images = [np.zeros((4, 4, 1), np.uint8)] * 3
    odd = np.zeros((4, 5, 1), np.uint8)
    assert stack(images, "abc", None).shape == (3, 4, 4, 1)
    assert stack([odd, *images], "xabc", (2, 3)).shape == (4, 2, 3, 1)
    with pytest.raises(ValueError, match=r"^x: is 4x5 pixels while most are 4x4.*--image-size"):
        stack([odd, *images], "xabc", None)
