"""The network that watches videos, and its convolution over stacked frames."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from fooljax.models import build, look, penultimate
from fooljax.models.video_layers import VideoConv, convolve_frames

CASES = {
    "as in the first layer": ((16, 9, 10, 1), (3, 5, 5), (1, 2, 2)),
    "as in the second": ((16, 8, 8, 4), (3, 3, 3), (2, 2, 2)),
    "odd sizes": ((7, 5, 9, 2), (3, 3, 3), (2, 2, 2)),
    "one frame": ((1, 6, 6, 3), (3, 3, 3), (2, 2, 2)),
    "a stride beyond the kernel": ((8, 6, 6, 2), (2, 3, 3), (3, 1, 1)),
}


def three_dimensional(x, kernel, stride):
    return jax.lax.conv_general_dilated(
        x, kernel, stride, "SAME", dimension_numbers=("NDHWC", "DHWIO", "NDHWC")
    )


@pytest.mark.parametrize(("shape", "size", "stride"), CASES.values(), ids=CASES)
def test_equals_a_convolution_in_three_dimensions(shape, size, stride, key):
    key_images, key_kernel = jax.random.split(key)
    x = jax.random.normal(key_images, (2, *shape))
    kernel = jax.random.normal(key_kernel, (*size, shape[-1], 5)) / np.sqrt(np.prod(size))
    energy = lambda convolve, x, kernel: jnp.sum(jnp.sin(convolve(x, kernel, stride)))
    found, truth = (
        jax.jit(jax.value_and_grad(lambda x, k, f=f: energy(f, x, k), (0, 1)))(x, kernel)
        for f in (convolve_frames, three_dimensional)
    )
    np.testing.assert_allclose(
        convolve_frames(x, kernel, stride), three_dimensional(x, kernel, stride), atol=1e-5
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4), found, truth)


def test_its_weights_are_those_of_flax(key):
    key_start, key_images = jax.random.split(key)
    x = jax.random.uniform(key_images, (2, 6, 8, 8, 2))
    ours, theirs = VideoConv(4, (3, 5, 5), (1, 2, 2)), nn.Conv(4, (3, 5, 5), (1, 2, 2))
    variables = theirs.init(key_start, x)
    jax.tree.map(np.testing.assert_array_equal, ours.init(key_start, x), variables)
    np.testing.assert_allclose(ours.apply(variables, x), theirs.apply(variables, x), atol=1e-5)


def naive(params, video):
    """Look at every place and time in turn, in double precision."""
    x = 2.0 * np.asarray(video, np.float64) - 1.0
    for name, stride in (("conv1", (1, 2, 2)), ("conv2", (2, 2, 2)), ("conv3", (2, 2, 2))):
        kernel, bias = (np.asarray(params[name][part], np.float64) for part in ("kernel", "bias"))
        sizes = [-(-x.shape[i] // stride[i]) for i in range(3)]
        missing = [
            max((n - 1) * s + k - m, 0)
            for n, s, k, m in zip(sizes, stride, kernel.shape, x.shape, strict=False)
        ]
        x = np.pad(x, [*((m // 2, m - m // 2) for m in missing), (0, 0)])
        y = np.zeros((*sizes, kernel.shape[-1]))
        for place in np.ndindex(*sizes):
            window = tuple(
                slice(i * s, i * s + k)
                for i, s, k in zip(place, stride, kernel.shape, strict=False)
            )
            y[place] = np.tensordot(x[window], kernel, 4) + bias
        x = np.maximum(y, 0.0)
    return x.mean(axis=0).ravel() @ params["fc"]["kernel"] + params["fc"]["bias"]


def test_equals_a_slow_obvious_one(key):
    key_start, key_videos = jax.random.split(key)
    classifier = build("video_cnn", key_start, (5, 9, 8, 1), 3)
    videos = jax.random.uniform(key_videos, (2, 5, 9, 8, 1))
    expected = [naive(classifier.params, video) for video in videos]
    np.testing.assert_allclose(classifier(videos), expected, atol=1e-4)


def test_is_a_classifier_like_others(key):
    classifier = build("video_cnn", key, (16, 32, 32, 1), 10, rejecting=1)
    assert look(classifier) == ()
    assert sum(leaf.size for leaf in jax.tree.leaves(classifier.params)) == 81_707
    logits, features = penultimate(classifier)(classifier.params, jnp.zeros((2, 16, 32, 32, 1)))
    assert logits.shape == (2, 11) and features.shape == (2, 4 * 4 * 64)


@pytest.mark.parametrize("shape", [(28, 28, 1), (16, 1), (40,)])
def test_refuses_what_is_no_video(shape, key):
    with pytest.raises(ValueError, match=r"watches videos \(frames, height, width, channels\)"):
        build("video_cnn", key, shape, 3)
