"""Small networks: softmax regression, a perceptron, Caffe's LeNet, a residual network.

Every network takes float32 images ``[b, h, w, c]`` in [0, 1] of one size and
returns logits ``[b, outputs]``. ``outputs`` is the number of classes, or more
where further columns mean "none of these". An image's logits do not depend on
the other images of its batch.

Images are flattened in channel, row, column order, as Caffe and PyTorch do, so
that published weights fit without reordering.
"""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.layers import convolution, flatten, max_pool
from fooljax.models.unpadded import Unpadded
from fooljax.types import Images, Logits

# Caffe's "xavier" filler: uniform with variance 1 / fan_in.
_xavier = nn.initializers.variance_scaling(1.0, "fan_in", "uniform")


class SoftmaxRegression(nn.Module):
    """One linear layer, the network whose best attack is known in closed form."""

    outputs: int

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``."""
        return nn.Dense(self.outputs, name="fc")(flatten(images))


class MLP(nn.Module):
    """Fully connected layers with ReLU between them.

    Source:
        LeCun et al., 1998, Gradient-Based Learning Applied to Document
        Recognition, sec. III-C (the 300-100 network).
    """

    outputs: int
    hidden: tuple[int, ...] = (300, 100)

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``."""
        x = flatten(images)
        for i, width in enumerate(self.hidden):
            x = nn.relu(nn.Dense(width, name=f"fc{i + 1}")(x))
        return nn.Dense(self.outputs, name=f"fc{len(self.hidden) + 1}")(x)


class LeNet(nn.Module):
    """The MNIST network that ships with Caffe; 431,080 weights at 28x28x1.

    There is no nonlinearity after the convolutions other than the pooling.

    Raises:
        ValueError: if the images are smaller than 13x13 pixels.

    Source:
        Caffe, examples/mnist/lenet_train_test.prototxt; the victim of Nguyen et
        al., 2015, arXiv:1412.1897.
    """

    outputs: int

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``."""
        height, width = images.shape[1:3]
        if min(height, width) < 13:
            raise ValueError(f"LeNet needs images of at least 13x13 pixels, got {height}x{width}")
        x = images * (255 / 256)  # Caffe divided bytes by 256
        x = max_pool(Unpadded(20, 5, _xavier, name="conv1")(x))
        x = max_pool(Unpadded(50, 5, _xavier, name="conv2")(x))
        x = nn.relu(nn.Dense(500, kernel_init=_xavier, name="ip1")(flatten(x)))
        return nn.Dense(self.outputs, kernel_init=_xavier, name="ip2")(x)


class ResNet(nn.Module):
    """A residual network for small pictures, of any size and number of channels.

    Three stages of widths ``w``, ``2w`` and ``4w`` at full, half and quarter
    resolution; ``6 * blocks + 2`` layers. Group instead of batch normalization:
    nothing is estimated from the batch, in training or afterwards.

    Attributes:
        outputs: number of logits.
        blocks: residual blocks in each stage; 3 gives the published ResNet-20.
        width: channels of the first stage, a multiple of 8.

    Source:
        He et al., 2016, arXiv:1512.03385, sec. 4.2, with 1x1 convolutions where
        the shape changes; Wu and He, 2018, arXiv:1803.08494 (group normalization).
    """

    outputs: int
    blocks: int = 1
    width: int = 16

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``."""
        x = (images - 0.5) * 4.0  # photographs then have roughly zero mean and unit variance
        x = convolution(self.width, 3, padding=1, bias=False, name="conv1")(x)
        x = nn.relu(_norm(name="norm1")(x))
        for stage in range(3):
            for block in range(self.blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                name = f"layer{stage + 1}_{block}"
                x = _ResidualBlock(self.width * 2**stage, stride, name=name)(x)
        return nn.Dense(self.outputs, name="fc")(jnp.mean(x, axis=(1, 2)))


class _ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    features: int
    stride: int

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 features"]:
        y = convolution(self.features, 3, stride=self.stride, padding=1, bias=False, name="conv1")(
            x
        )
        y = nn.relu(_norm(name="norm1")(y))
        y = convolution(self.features, 3, padding=1, bias=False, name="conv2")(y)
        y = _norm(name="norm2")(y)
        if x.shape != y.shape:
            x = nn.Conv(
                self.features, (1, 1), self.stride, padding=0, use_bias=False, name="downsample"
            )(x)
        return nn.relu(x + y)


def _norm(name: str) -> nn.GroupNorm:
    return nn.GroupNorm(num_groups=8, name=name)
