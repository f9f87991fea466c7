"""The network of 2012 in its two published forms: torchvision's, and Caffe's with two groups."""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.layers import (
    average_to,
    convolution,
    flatten,
    max_pool3,
    require,
    standardize,
)
from fooljax.types import Images, Logits

# Blue, green, red: means of the training pictures, in 0..255.
_CAFFE_MEAN = np.array([[[[104.00699, 116.66877, 122.67891]]]], np.float32)


class AlexNet(nn.Module):
    """Five convolutions and three dense layers; 61 million weights at 1000 classes.

    Source:
        Krizhevsky, 2014, arXiv:1404.5997, as in torchvision's ``alexnet``.
    """

    outputs: int

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``; images of 224x224 pixels, at least 63x63."""
        require(images, 63, "AlexNet")
        x = standardize(images)
        x = nn.relu(convolution(64, 11, stride=4, padding=2, name="features.0")(x))
        x = max_pool3(x)
        x = nn.relu(convolution(192, 5, padding=2, name="features.3")(x))
        x = max_pool3(x)
        for layer, features in ((6, 384), (8, 256), (10, 256)):
            x = nn.relu(convolution(features, 3, padding=1, name=f"features.{layer}")(x))
        x = flatten(average_to(max_pool3(x), 6))
        x = nn.relu(nn.Dense(4096, name="classifier.1")(x))
        x = nn.relu(nn.Dense(4096, name="classifier.4")(x))
        return nn.Dense(self.outputs, name="classifier.6")(x)


class CaffeNet(nn.Module):
    """The network that the fooling paper fooled, with the names of Caffe's layers.

    Pooling comes before normalization and some convolutions are in two groups. The
    mean color is subtracted; Caffe subtracted a mean picture, which differs from it
    by a few levels.

    Source:
        Caffe, models/bvlc_reference_caffenet; the victim of Nguyen et al., 2015,
        arXiv:1412.1897, section 2.1. Krizhevsky et al., 2012, section 3.3
        (normalization).
    """

    outputs: int

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``; images of 227x227 pixels, at least 67x67."""
        require(images, 67, "CaffeNet")
        x = 255.0 * images[..., ::-1] - _CAFFE_MEAN.astype(images.dtype)
        x = nn.relu(convolution(96, 11, stride=4, name="conv1")(x))
        x = _normalize_locally(max_pool3(x, ceil=True))
        x = nn.relu(convolution(256, 5, padding=2, groups=2, name="conv2")(x))
        x = _normalize_locally(max_pool3(x, ceil=True))
        x = nn.relu(convolution(384, 3, padding=1, name="conv3")(x))
        x = nn.relu(convolution(384, 3, padding=1, groups=2, name="conv4")(x))
        x = nn.relu(convolution(256, 3, padding=1, groups=2, name="conv5")(x))
        x = flatten(max_pool3(x, ceil=True))
        x = nn.relu(nn.Dense(4096, name="fc6")(x))
        x = nn.relu(nn.Dense(4096, name="fc7")(x))
        return nn.Dense(self.outputs, name="fc8")(x)


def _normalize_locally(x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """Divide by the activity of five neighboring channels: (1 + 1e-4 / 5 * sum)^0.75."""
    channels = x.shape[-1]
    squares = jnp.pad(x * x, ((0, 0), (0, 0), (0, 0), (2, 2)))
    total = sum(squares[..., shift : shift + channels] for shift in range(5))
    return x / (1.0 + (1e-4 / 5) * total) ** 0.75
