import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.data import Dataset
from fooljax.training import evaluate, evaluate_classes, predict
from fooljax.training.evaluate import _predict
from fooljax.types import Classifier


def samples(images, labels):
    return Dataset(images, labels, class_names=("a", "b", "c"))


def brightness(params, images):
    """Class by brightness: five steps of 0.2."""
    return -jnp.abs(jnp.mean(images, axis=(1, 2)) - params)


@pytest.fixture(scope="module")
def classifier():
    return Classifier(jnp.linspace(0, 1, 5)[None], brightness, (1, 2, 1), 4)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_every_image_counts_once(classifier, batch_size, dtype):
    levels = np.arange(7) % 5
    images = np.tile(levels[:, None, None, None] / 4, (1, 1, 2, 1)).astype(np.float32)
    if dtype == "uint8":
        images = np.round(images * 255).astype(np.uint8)
    np.testing.assert_array_equal(predict(classifier, images, batch_size), levels)
    labels = np.array([0, 1, 2, 0, 4, 0, 0])  # wrong at 3 and 6
    assert evaluate(classifier, samples(images, labels), batch_size) == 5 / 7
    shares = evaluate_classes(classifier, samples(images, labels), batch_size)
    np.testing.assert_array_equal(shares, [0.5, 1, 1, np.nan])


def test_a_network_without_an_answer_is_wrong():
    nothing = Classifier(None, lambda params, images: images[:, :, 0, 0] * jnp.nan, (2, 1, 1), 2)
    images = np.zeros((3, 2, 1, 1), np.float32)
    assert evaluate(nothing, samples(images, np.zeros(3, np.int32))) == 0


def test_impossible_arguments(classifier):
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        predict(classifier, np.zeros((3, 1, 2, 1)), batch_size=0)
    with pytest.raises(ValueError, match="at least one image"):
        predict(classifier, np.zeros((0, 1, 2, 1)))


def test_new_weights_do_not_recompile(classifier):
    traces = []

    def apply(params, images):
        traces.append(None)
        return brightness(params, images)

    programs, after = _predict._cache_size(), []
    for scale in (1.0, 0.5):
        counted = Classifier(classifier.params * scale, apply, (1, 2, 1), 4)
        predict(counted, jnp.zeros((5, 1, 2, 1)), batch_size=2)
        after.append(len(traces))
    assert after == [2, 2]  # once by the check of the logits' shape, once by the program
    assert _predict._cache_size() == programs + 1
