"""The fooling class: what is appended, what is drawn, what is refused, what compiles."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fooljax.data import Dataset, from_arrays
from fooljax.models import build
from fooljax.training import evaluate, evaluate_classes, fit, minibatches, with_fooling_class

SHAPE = (2, 2, 1)


@pytest.fixture(scope="module")
def dataset():
    """Two classes: black and white."""
    images = np.repeat([0, 255], 4).astype(np.uint8)[:, None, None, None] * np.ones(SHAPE, np.uint8)
    return from_arrays(images, np.repeat([0, 1], 4), ("black", "white"))


def checks(count):
    """Chessboards."""
    return np.tile(np.array([[0.0, 1.0], [1.0, 0.0]])[None, :, :, None], (count, 1, 1, 1))


def test_the_enlarged_set_by_hand(dataset):
    fooling = np.full((3, *SHAPE), 0.5)
    enlarged = with_fooling_class(dataset, fooling, capacity=16)
    assert enlarged.images.shape == (16, *SHAPE) and enlarged.images.dtype == np.uint8
    assert int(enlarged.size) == 11 and enlarged.num_classes == 3
    np.testing.assert_array_equal(enlarged.images[:8], dataset.images)
    np.testing.assert_array_equal(enlarged.images[8:11], 128)  # 127.5 as a picture file has it
    np.testing.assert_array_equal(enlarged.labels[:11], [0] * 4 + [1] * 4 + [2] * 3)
    alone = with_fooling_class(dataset, np.zeros((0, *SHAPE)))
    np.testing.assert_array_equal(alone.images, dataset.images)


def test_types_follow_the_data_set(dataset):
    floats = dataclasses.replace(dataset, images=jnp.asarray(dataset.images, jnp.float32) / 255)
    enlarged = with_fooling_class(floats, np.full((1, *SHAPE), 51, np.uint8))
    np.testing.assert_allclose(enlarged.images[8], 0.2, rtol=1e-6)
    np.testing.assert_array_equal(
        with_fooling_class(floats, checks(1).astype(np.float64)).images[8], checks(1)[0]
    )


def test_padding_is_never_drawn_and_all_else_is(key, dataset):
    """Chi-square of 22,000 draws from 11 samples; 23.2 is its 99 % quantile."""
    enlarged = with_fooling_class(dataset, checks(3), capacity=40)
    rows = Dataset(
        images=jnp.arange(40, dtype=jnp.float32).reshape(40, 1, 1, 1),
        labels=enlarged.labels,
        class_names=enlarged.class_names,
        used=enlarged.used,
    )
    images, _ = jax.jit(minibatches(22_000), static_argnums=1)(key, None, rows)
    counts = np.bincount(np.asarray(images).ravel().astype(int), minlength=40)
    assert counts[11:].sum() == 0
    assert np.sum((counts[:11] - 2000) ** 2 / 2000) < 23.2


def test_rounds_compile_once_and_the_class_is_learned(key, dataset):
    traces = []

    def sampler(key, classifier, dataset):
        traces.append(None)
        return minibatches(16)(key, classifier, dataset)

    optimizer = optax.adam(0.05)
    for count in (0, 5, 9):
        start = build("mlp", jax.random.fold_in(key, count), SHAPE, 2, rejecting=1)
        enlarged = with_fooling_class(dataset, checks(count), capacity=20)
        network, _ = fit(key, start, enlarged, optimizer=optimizer, sampler=sampler, steps=40)
        assert network.num_classes == 2
        assert evaluate(network, dataset) == 1.0
        assert evaluate(network, enlarged) == 1.0  # its padding, black, has the wrong label
        np.testing.assert_array_equal(evaluate_classes(network, enlarged), [1.0, 1.0])
        rejected = np.argmax(network(jnp.asarray(checks(1), jnp.float32)), axis=1) == 2
        assert rejected == (count > 0)
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("images", "capacity", "sentence"),
    [
        (np.full((2, *SHAPE), np.nan), None, r"in \[0, 1\], got NaN at \[0, 0, 0, 0\]"),
        (np.stack([np.zeros(SHAPE), np.full(SHAPE, 1.5)]), None, r"got numbers from 0 to 1.5"),
        (-checks(1), None, r"must be in \[0, 1\], got numbers from -1 to"),
        (np.zeros((2, 3, 3, 1)), None, r"\(2, 2, 1\), got \(2, 3, 3, 1\)"),
        (np.zeros(SHAPE), None, r"must be \[m, h, w, c\]"),
        (np.zeros((1, *SHAPE), np.int32), None, "uint8 or floating, got int32"),
        (checks(3), 10, "capacity must be at least 11 to hold all images, got 10"),
    ],
)
def test_bad_fooling_sets_are_refused(dataset, images, capacity, sentence):
    with pytest.raises(ValueError, match=sentence):
        with_fooling_class(dataset, images, capacity)


def test_a_second_fooling_class_is_refused(dataset):
    enlarged = with_fooling_class(dataset, checks(1))
    with pytest.raises(ValueError, match="begin with the original one"):
        with_fooling_class(enlarged, checks(1))


def test_rejecting_columns_are_counted(key):
    with pytest.raises(ValueError, match="rejecting must be at least 0, got -1"):
        build("softmax", key, SHAPE, 2, rejecting=-1)
