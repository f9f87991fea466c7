"""MobileNets: depthwise convolutions between pointwise ones."""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.layers import Depthwise, FrozenBatchNorm, convolution, require, standardize
from fooljax.types import Images, Logits

# Stride of each depthwise convolution, and channels after it at full width.
_V1 = (
    (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), (1, 512),
    (1, 512), (1, 512), (1, 512), (1, 512), (2, 1024), (1, 1024),
)  # fmt: skip
# Expansion, channels, blocks and first stride of every stage.
_V2 = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


class MobileNetV1(nn.Module):
    """Thirteen pairs of a depthwise and a pointwise convolution.

    Padding is TensorFlow's and batch normalization is folded into the
    convolutions, as in the files that TensorFlow Lite publishes.

    Attributes:
        outputs: number of logits.
        width: multiplies the channels.

    Source:
        Howard et al., 2017, arXiv:1704.04861, table 1.
    """

    outputs: int
    width: float = 0.75

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``; images of 128 to 224 pixels a side, at least 32."""
        require(images, 32, "MobileNetV1")
        return v1_body(_center(images), self.outputs, self.width)


def v1_body(x: Float[Array, "b h w c"], outputs: int, width: float) -> Logits:
    """Add all layers of MobileNetV1 to the module that calls; what they see is prepared.

    Args:
        x: a picture, or what a network that listens makes of a sound.
        outputs: number of logits.
        width: multiplies the channels.
    """
    channels = lambda full: int(full * width)
    x = nn.relu6(convolution(channels(32), 3, stride=2, padding="SAME", name="features.0")(x))
    for k, (stride, full) in enumerate(_V1, start=1):
        deep = Depthwise(stride, name=f"features.{k}.dw")
        x = nn.relu6(deep(x))
        x = nn.relu6(convolution(channels(full), 1, name=f"features.{k}.pw")(x))
    return nn.Dense(outputs, name="classifier")(jnp.mean(x, axis=(1, 2)))


class MobileNetV2(nn.Module):
    """Inverted residuals: wide inside, narrow between, linear where narrow.

    Attributes:
        outputs: number of logits.
        origin: whose weights fit. ``tensorflow``: padding on the far side, pixels
            centered at 128, batch normalization folded into the convolutions.
            ``torchvision``: padding on both sides, ImageNet's mean and deviation,
            batch normalization of its own.

    Source:
        Sandler et al., 2018, arXiv:1801.04381, table 2, with torchvision's names.
    """

    outputs: int
    origin: Literal["tensorflow", "torchvision"] = "tensorflow"

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``; images of 224x224 pixels, at least 32x32."""
        require(images, 32, "MobileNetV2")
        x = _center(images) if self.origin == "tensorflow" else standardize(images)
        x = nn.relu6(self._convolve(x, 32, 3, 2, "features.0.0", "features.0.1"))
        layer = 1
        for expansion, channels, blocks, first_stride in _V2:
            for block in range(blocks):
                stride = first_stride if block == 0 else 1
                x = self._invert(x, expansion, channels, stride, f"features.{layer}.conv")
                layer += 1
        x = nn.relu6(self._convolve(x, 1280, 1, 1, "features.18.0", "features.18.1"))
        return nn.Dense(self.outputs, name="classifier.1")(jnp.mean(x, axis=(1, 2)))

    def _invert(
        self, x: Float[Array, "b h w c"], expansion: int, channels: int, stride: int, name: str
    ) -> Float[Array, "b h2 w2 channels"]:
        """Widen, convolve in depth, narrow; add the input where shapes agree."""
        y, part = x, 0
        if expansion > 1:
            wide = expansion * x.shape[-1]
            y = nn.relu6(self._convolve(y, wide, 1, 1, f"{name}.0.0", f"{name}.0.1"))
            part = 1
        folded = self.origin == "tensorflow"
        padding = "SAME" if folded else 1
        y = Depthwise(stride, padding, bias=folded, name=f"{name}.{part}.0")(y)
        y = nn.relu6(y if folded else FrozenBatchNorm(name=f"{name}.{part}.1")(y))
        y = self._convolve(y, channels, 1, 1, f"{name}.{part + 1}", f"{name}.{part + 2}")
        return x + y if x.shape == y.shape else y

    def _convolve(
        self,
        x: Float[Array, "b h w c"],
        features: int,
        size: int,
        stride: int,
        name: str,
        norm: str,
    ) -> Float[Array, "b h2 w2 features"]:
        folded = self.origin == "tensorflow"
        x = convolution(
            features,
            size,
            stride=stride,
            padding="SAME" if folded else size // 2,
            bias=folded,
            name=name,
        )(x)
        return x if folded else FrozenBatchNorm(name=norm)(x)


def _center(images: Images) -> Images:
    """Map 0..255 to about -1..1 with 128 at zero."""
    return (255.0 * images - 128.0) / 128.0
