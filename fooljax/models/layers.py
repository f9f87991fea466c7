"""Layers that networks of several families share, laid out as PyTorch and Caffe do."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax import backend
from fooljax.types import Images

_MEAN = np.array([[[[0.485, 0.456, 0.406]]]], np.float32)
_STD = np.array([[[[0.229, 0.224, 0.225]]]], np.float32)


def standardize(images: Images) -> Images:
    """Subtract the mean color of ImageNet and divide by its deviation, as torchvision does."""
    return (images - _MEAN.astype(images.dtype)) / _STD.astype(images.dtype)


def max_pool(x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
    """Keep the maximum of every 2x2 window, stride 2.

    An odd edge makes a smaller window, as in Caffe, so sizes round up. A reshape
    and a maximum: on CPU the gradient of ``reduce_window`` is the dearest part
    of a small network. Among equal maxima the gradient is shared evenly.
    """
    b, h, w, c = x.shape
    x = jnp.pad(x, ((0, 0), (0, h % 2), (0, w % 2), (0, 0)), constant_values=-jnp.inf)
    return jnp.max(x.reshape(b, -(-h // 2), 2, -(-w // 2), 2, c), axis=(2, 4))


def max_pool3(
    x: Float[Array, "b h w c"], *, padding: int = 0, ceil: bool = False
) -> Float[Array, "b h2 w2 c"]:
    """Keep the maximum of every 3x3 window, stride 2.

    On a CPU it is the maximum of nine shifted images: there ``reduce_window`` takes
    four times as long, and its gradient six to nine times. Among equal maxima the
    gradient is shared there, elsewhere one of them gets it.

    Args:
        x: at least 3x3 pixels with the padding.
        padding: pixels added all around, which never win.
        ceil: let the last window reach over the edge, as Caffe does, instead of
            leaving the last row out.
    """
    over = [(size + 2 * padding - 3) % 2 if ceil else 0 for size in x.shape[1:3]]
    edges = [(padding, padding + more) for more in over]
    return backend.by_device(
        x,
        cpu=lambda x: functools.reduce(jnp.maximum, _windows(x, edges, 2, -jnp.inf)),
        accelerator=lambda x: nn.max_pool(x, (3, 3), (2, 2), edges),
    )


def average_to(x: Float[Array, "b h w c"], size: int) -> Float[Array, "b size size c"]:
    """Average over a grid of ``size`` by ``size`` areas, whatever the number of pixels.

    Areas overlap where the pixels cannot be divided evenly. Nothing happens to an
    image of that size.
    """
    for axis in (1, 2):
        pixels = x.shape[axis]
        if pixels != size:
            areas = [(i * pixels // size, -(-(i + 1) * pixels // size)) for i in range(size)]
            means = [
                jnp.mean(jax.lax.slice_in_dim(x, start, stop, axis=axis), axis, keepdims=True)
                for start, stop in areas
            ]
            x = jnp.concatenate(means, axis)
    return x


def flatten(x: Float[Array, "b ... c"]) -> Float[Array, "b n"]:
    """Flatten in channel, row, column order, as Caffe and PyTorch do."""
    return jnp.moveaxis(x, -1, 1).reshape(x.shape[0], -1)


def require(images: Images, pixels: int, network: str) -> None:
    """Refuse images too small for a network's strides.

    Raises:
        ValueError: if height or width is less than ``pixels``, or color is missing.
    """
    height, width, channels = images.shape[1:]
    if min(height, width) < pixels or channels != 3:
        raise ValueError(
            f"{network} needs color images of at least {pixels}x{pixels} pixels, "
            f"got {height}x{width}x{channels}"
        )


def convolution(
    features: int,
    size: int,
    *,
    name: str,
    stride: int = 1,
    padding: int | str = 0,
    groups: int = 1,
    bias: bool = True,
) -> nn.Conv:
    """Make a square convolution; ``padding`` counts pixels all around, or is ``SAME``.

    ``SAME`` is TensorFlow's: with stride 2 an even image is padded on its far side
    only.
    """
    edges: str | Sequence[tuple[int, int]] = (
        padding if isinstance(padding, str) else [(padding, padding)] * 2
    )
    return nn.Conv(
        features,
        (size, size),
        stride,
        edges,
        feature_group_count=groups,
        use_bias=bias,
        kernel_init=nn.initializers.he_normal(),
        name=name,
    )


class Depthwise(nn.Module):
    """A 3x3 convolution of each channel by itself, a drop-in for ``nn.Conv``.

    On a CPU nine shifted products are added up: there XLA's grouped convolution
    takes twenty times as long, its gradient up to thirty (MobileNet's layers, batches
    of 16).

    Attributes:
        stride: between windows, in pixels.
        padding: pixels all around, or ``SAME`` as in ``convolution``.
        bias: whether to add one.
    """

    stride: int = 1
    padding: int | str = "SAME"
    bias: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        """Convolve every channel with its own kernel."""
        channels, stride = x.shape[-1], self.stride
        kernel = self.param("kernel", nn.initializers.he_normal(), (3, 3, 1, channels))
        if isinstance(self.padding, str):
            sizes = [-(-size // stride) for size in x.shape[1:3]]
            over = [(n - 1) * stride + 3 - s for n, s in zip(sizes, x.shape[1:3], strict=True)]
            edges = [(max(0, more) // 2, max(0, more) - max(0, more) // 2) for more in over]
        else:
            edges = [(self.padding, self.padding)] * 2

        def grouped(x: Array, kernel: Array) -> Array:
            return jax.lax.conv_general_dilated(
                x,
                kernel,
                (stride, stride),
                edges,
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
                feature_group_count=channels,
            )

        def shifted(x: Array, kernel: Array) -> Array:
            weights = kernel.reshape(9, 1, 1, 1, channels)
            parts = [
                part * weight
                for part, weight in zip(_windows(x, edges, stride, 0.0), weights, strict=True)
            ]
            return functools.reduce(jnp.add, parts)

        y = backend.by_device(x, kernel, cpu=shifted, accelerator=grouped)
        if self.bias:
            bias = self.param("bias", nn.initializers.zeros, (channels,))
            y = y + bias[None, None, None, :]
        return y


class FrozenBatchNorm(nn.Module):
    """Batch normalization with the averages of a finished training, all of them weights.

    Nothing is estimated from the batch, so an image's logits do not depend on
    its neighbors. Averages receive no gradient.

    Attributes:
        epsilon: added to the variance.
    """

    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Scale and shift every channel."""
        channels = (x.shape[-1],)
        scale = self.param("scale", nn.initializers.ones, channels)
        bias = self.param("bias", nn.initializers.zeros, channels)
        mean = self.param("running_mean", nn.initializers.zeros, channels)
        variance = self.param("running_var", nn.initializers.ones, channels)
        mean, variance = jax.lax.stop_gradient((mean, variance))
        factor = scale * jax.lax.rsqrt(variance + self.epsilon)
        to_pixels = lambda row: row[None, None, None, :]
        return x * to_pixels(factor) + to_pixels(bias - mean * factor)


def _windows(
    x: Float[Array, "b h w c"], edges: Sequence[tuple[int, int]], stride: int, filler: float
) -> list[Float[Array, "b h2 w2 c"]]:
    """Return the nine pixels of every 3x3 window, an image for each place in it, row by row."""
    x = jnp.pad(x, ((0, 0), *edges, (0, 0)), constant_values=filler)
    height, width = (size - 2 for size in x.shape[1:3])
    return [
        x[:, i : i + height : stride, j : j + width : stride] for i in range(3) for j in range(3)
    ]
