"""A small network for sounds, to be trained in a minute."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.front_ends import frames, hann, magnitudes, require, triangles, waveform
from fooljax.models.layers import convolution
from fooljax.types import Images, Logits

_FRAME, _HOP, _BANDS = 256, 128, 40
_OFFSET = 1e-2  # of a band's magnitude; noise below it is not heard


class SoundCNN(nn.Module):
    """Three convolutions over the logarithm of mel bands, and the mean over time.

    Attributes:
        outputs: number of logits.
        rate: samples in a second. Another rate than the sounds' moves all bands by the
            same factor, which a network that is trained behind them does not mind.
        width: channels of the first convolution; the others have two and four times as
            many.
    """

    outputs: int
    rate: int = 8000
    width: int = 16

    @nn.compact
    def __call__(self, sounds: Images) -> Logits:
        """Return logits ``[b, outputs]`` of sounds ``[b, t, 1]`` in [0, 1]."""
        require(sounds, "SoundCNN", 8 * _FRAME)
        x = self._bands(sounds)[..., None]
        for layer, factor in enumerate((1, 2, 4), start=1):
            size, channels = 5 if layer == 1 else 3, factor * self.width
            conv = convolution(channels, size, stride=2, padding="SAME", name=f"conv{layer}")
            x = nn.relu(conv(x))
        x = jnp.mean(x, axis=1).reshape(len(x), -1)
        return nn.Dense(self.outputs, name="fc")(x)

    def _bands(self, sounds: Images) -> Float[Array, "b f m"]:
        """Return the logarithm of magnitudes in mel bands, about -1 to 1."""
        heard = magnitudes(frames(waveform(sounds), _FRAME, _HOP), hann(_FRAME), _FRAME)
        bands = heard @ triangles(_FRAME // 2 + 1, self.rate, _BANDS, 40.0, 0.475 * self.rate)
        return (jnp.log(bands + _OFFSET) / 4.0).astype(sounds.dtype)
