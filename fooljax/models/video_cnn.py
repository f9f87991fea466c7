"""A small network that watches videos."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.video_layers import VideoConv
from fooljax.types import Logits


class VideoCNN(nn.Module):
    """Three convolutions over space and time, the mean over time, one linear layer.

    It takes videos of any size and length, grey or in color. Time is halved twice, height
    and width three times: 16 frames of 32x32 pixels become four times 4x4 places.

    Attributes:
        outputs: number of logits.
        widths: channels of the three convolutions.

    Raises:
        ValueError: if the inputs are no videos ``[b, t, h, w, c]``.
    """

    outputs: int
    widths: tuple[int, int, int] = (16, 32, 64)

    @nn.compact
    def __call__(self, videos: Float[Array, "b t h w c"]) -> Logits:
        """Return logits ``[b, outputs]``."""
        if videos.ndim != 5:
            raise ValueError(
                f"VideoCNN watches videos (frames, height, width, channels), got "
                f"{videos.shape[1:]}; name a data set of videos, as moving_digits"
            )
        first, second, third = self.widths
        x = 2.0 * videos - 1.0
        x = nn.relu(VideoConv(first, (3, 5, 5), (1, 2, 2), name="conv1")(x))
        x = nn.relu(VideoConv(second, (3, 3, 3), (2, 2, 2), name="conv2")(x))
        x = nn.relu(VideoConv(third, (3, 3, 3), (2, 2, 2), name="conv3")(x))
        x = jnp.mean(x, axis=1)
        return nn.Dense(self.outputs, name="fc")(x.reshape(x.shape[0], -1))
