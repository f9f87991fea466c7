"""Networks that know twelve spoken words: depthwise, convolutional, fully connected.

They read one second at 16,000 samples, as ``[b, 16000, 1]`` in [0, 1], by ten cepstral
coefficients of each frame. Batch normalization is folded into the convolutions.

Source:
    Zhang, Suda, Lai and Chandra, 2017, "Hello Edge", arXiv:1711.07128; sizes as in the
    weights that its authors publish (ARM-software/ML-KWS-for-MCU).
"""

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.front_ends import mfcc, require, waveform
from fooljax.models.layers import Depthwise
from fooljax.types import Images, Logits

#: What the published networks answer, in the order of their logits.
KEYWORDS = (
    "_silence_", "_unknown_", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go",
)  # fmt: skip
KEYWORD_RATE = 16_000
KEYWORD_SAMPLES = 16_000
_FRAME = 640


class KeywordDSCNN(nn.Module):
    """One convolution, then pairs of a depthwise and a pointwise one.

    Attributes:
        outputs: number of logits.
        channels: of every layer.
        blocks: number of pairs.
        stride: of the first convolution, in frames and coefficients.
        deep_stride: of the first depthwise convolution.
    """

    outputs: int
    channels: int = 276
    blocks: int = 5
    stride: tuple[int, int] = (2, 1)
    deep_stride: int = 2

    @nn.compact
    def __call__(self, sounds: Images) -> Logits:
        """Return logits ``[b, outputs]`` of sounds ``[b, t, 1]``, of a second as published."""
        require(sounds, "DS-CNN", _FRAME)
        x = _coefficients(sounds, hop=320)[..., None]
        x = nn.relu(nn.Conv(self.channels, (10, 4), self.stride, "SAME", name="conv")(x))
        for block in range(1, self.blocks + 1):
            stride = self.deep_stride if block == 1 else 1
            x = nn.relu(Depthwise(stride, name=f"blocks.{block}.depthwise")(x))
            x = nn.relu(nn.Conv(self.channels, (1, 1), name=f"blocks.{block}.pointwise")(x))
        return nn.Dense(self.outputs, name="classifier")(jnp.mean(x, axis=(1, 2)))


class KeywordCNN(nn.Module):
    """Two convolutions and three dense layers, the first of them linear and narrow.

    Attributes:
        outputs: number of logits.
    """

    outputs: int

    @nn.compact
    def __call__(self, sounds: Images) -> Logits:
        """Return logits ``[b, outputs]`` of sounds ``[b, 16000, 1]``."""
        require(sounds, "the keyword CNN", KEYWORD_SAMPLES, KEYWORD_SAMPLES)
        x = _coefficients(sounds, hop=320)[..., None]
        x = nn.relu(nn.Conv(60, (10, 4), padding="VALID", name="conv1")(x))
        x = nn.relu(nn.Conv(76, (10, 4), (2, 1), padding="VALID", name="conv2")(x))
        x = nn.Dense(58, name="linear1")(x.reshape(len(x), -1))
        x = nn.relu(nn.Dense(128, name="linear2")(x))
        return nn.Dense(self.outputs, name="classifier")(x)


class KeywordDNN(nn.Module):
    """Three hidden layers over frames that do not overlap.

    Attributes:
        outputs: number of logits.
    """

    outputs: int

    @nn.compact
    def __call__(self, sounds: Images) -> Logits:
        """Return logits ``[b, outputs]`` of sounds ``[b, 16000, 1]``."""
        require(sounds, "the keyword DNN", KEYWORD_SAMPLES, KEYWORD_SAMPLES)
        x = _coefficients(sounds, hop=_FRAME).reshape(len(sounds), -1)
        for layer in (1, 2, 3):
            x = nn.relu(nn.Dense(436, name=f"linear{layer}")(x))
        return nn.Dense(self.outputs, name="classifier")(x)


def _coefficients(sounds: Images, hop: int) -> Float[Array, "b f 10"]:
    """Return the published front end's output, in the type of the sounds."""
    found = mfcc(waveform(sounds), rate=KEYWORD_RATE, size=_FRAME, hop=hop)
    return found.astype(sounds.dtype)


#: The published networks by name: number of logits to network.
KEYWORD_NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "ds_cnn_l": KeywordDSCNN,
    "ds_cnn_s": partial(KeywordDSCNN, channels=64, blocks=4, stride=(2, 2), deep_stride=1),
    "cnn_l": KeywordCNN,
    "dnn_l": KeywordDNN,
}
