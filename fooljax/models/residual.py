"""The residual networks for ImageNet, with the names of torchvision."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.layers import FrozenBatchNorm, convolution, max_pool3, require, standardize
from fooljax.types import Images, Logits


class ImageNetResNet(nn.Module):
    """Four stages of residual blocks at a quarter to a thirty-second of the size.

    Attributes:
        outputs: number of logits.
        blocks: residual blocks in each stage: (2, 2, 2, 2) for ResNet-18,
            (3, 4, 6, 3) for ResNet-50.
        bottleneck: blocks of 1x1, 3x3 and 1x1 convolutions (ResNet-50) instead of
            two of 3x3. The stride is on the 3x3 convolution.

    Source:
        He et al., 2016, arXiv:1512.03385, table 1.
    """

    outputs: int
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    bottleneck: bool = False

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``; images of 224x224 pixels, at least 32x32."""
        require(images, 32, "ResNet")
        x = standardize(images)
        x = convolution(64, 7, stride=2, padding=3, bias=False, name="conv1")(x)
        x = max_pool3(nn.relu(FrozenBatchNorm(name="bn1")(x)), padding=1)
        for stage, count in enumerate(self.blocks):
            for block in range(count):
                name = f"layer{stage + 1}.{block}"
                stride = 2 if stage > 0 and block == 0 else 1
                x = self._block(x, 64 * 2**stage, stride, name)
        return nn.Dense(self.outputs, name="fc")(jnp.mean(x, axis=(1, 2)))

    def _block(
        self, x: Float[Array, "b h w c"], width: int, stride: int, name: str
    ) -> Float[Array, "b h2 w2 c2"]:
        """Add what two or three convolutions make of ``x`` to it."""
        if self.bottleneck:
            parts = [(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)]
        else:
            parts = [(width, 3, stride), (width, 3, 1)]
        y = x
        for i, (features, size, step) in enumerate(parts):
            y = nn.relu(y) if i else y
            y = _convolve(y, features, size, step, f"{name}.conv{i + 1}", f"{name}.bn{i + 1}")
        if x.shape != y.shape:
            x = _convolve(x, y.shape[-1], 1, stride, f"{name}.downsample.0", f"{name}.downsample.1")
        return nn.relu(x + y)


def _convolve(
    x: Float[Array, "b h w c"], features: int, size: int, stride: int, name: str, norm: str
) -> Float[Array, "b h2 w2 features"]:
    """Convolve and normalize."""
    x = convolution(features, size, stride=stride, padding=size // 2, bias=False, name=name)(x)
    return FrozenBatchNorm(name=norm)(x)
