import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.models import build, center_crop, ten_crop
from fooljax.models.views import crop_probabilities


@pytest.fixture(scope="module")
def network():
    return build("softmax", jax.random.key(0), (4, 4, 3), 5)


@pytest.fixture(scope="module")
def images():
    return np.asarray(jax.random.uniform(jax.random.key(1), (3, 7, 7, 3)))


def test_center_crop_shows_the_center(network, images):
    larger = center_crop(network, 7)
    assert larger.input_shape == (7, 7, 3)
    np.testing.assert_array_equal(larger(images), network(images[:, 1:5, 1:5]))
    assert larger.apply == center_crop(network, 7).apply  # one compilation serves both


def test_ten_crop_averages_probabilities(network, images):
    crops = [(0, 0), (0, 3), (3, 0), (3, 3), (1, 1)]
    parts = [images[:, top : top + 4, left : left + 4] for top, left in crops]
    parts += [part[:, :, ::-1] for part in parts]
    each = np.exp([network(part) for part in parts])
    each /= each.sum(axis=2, keepdims=True)
    averaged = ten_crop(network, 7)
    np.testing.assert_allclose(jnp.exp(averaged(images)), each.mean(0), rtol=1e-5)
    np.testing.assert_allclose(jax.nn.softmax(averaged(images)), each.mean(0), rtol=1e-5)
    np.testing.assert_allclose(
        crop_probabilities(network, images), np.moveaxis(each, 0, 1), rtol=1e-5
    )


@pytest.mark.parametrize("view", [center_crop, ten_crop])
def test_images_must_be_at_least_as_large(view, network, key):
    with pytest.raises(ValueError, match="pixels must be at least 4, got 3"):
        view(network, 3)
    with pytest.raises(ValueError, match="takes 4x5 pixels"):
        view(build("softmax", key, (4, 5, 3), 5), 8)


def test_ten_crop_finds_the_published_offsets():
    """An image that tells its place: 227 pixels of 256 start at 0, 14 or 29."""
    network = build("softmax", jax.random.key(0), (227, 227, 1), 2)
    place = np.arange(256.0 * 256, dtype=np.float32).reshape(1, 256, 256, 1)
    seen = []
    spy = lambda params, images: (seen.append(images[0, 0, 0, 0]), jnp.zeros((1, 2)))[1]
    import dataclasses

    ten_crop(dataclasses.replace(network, apply=spy), 256)(place)
    tops = [(int(value) // 256, int(value) % 256) for value in seen[:5]]
    assert tops == [(0, 0), (0, 29), (29, 0), (29, 29), (14, 14)]
