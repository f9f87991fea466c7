"""SqueezeNet 1.1: AlexNet's accuracy with a fiftieth of its weights."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.layers import convolution, max_pool3, require, standardize
from fooljax.types import Images, Logits

# Layer number in the published file: (squeezed, expanded) channels.
_FIRES = {
    3: (16, 64),
    4: (16, 64),
    6: (32, 128),
    7: (32, 128),
    9: (48, 192),
    10: (48, 192),
    11: (64, 256),
    12: (64, 256),
}


class SqueezeNet(nn.Module):
    """Fire modules only, no dense layer; 1.2 million weights at 1000 classes.

    Source:
        Iandola et al., 2016, arXiv:1602.07360; version 1.1 as in torchvision's
        ``squeezenet1_1``.
    """

    outputs: int

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``; images of 224x224 pixels, at least 17x17."""
        require(images, 17, "SqueezeNet")
        x = nn.relu(convolution(64, 3, stride=2, name="features.0")(standardize(images)))
        for layer, (squeezed, expanded) in _FIRES.items():
            if layer - 1 not in _FIRES:
                x = max_pool3(x, ceil=True)
            x = _fire(x, squeezed, expanded, f"features.{layer}")
        x = nn.relu(convolution(self.outputs, 1, name="classifier.1")(x))
        return jnp.mean(x, axis=(1, 2))


def _fire(
    x: Float[Array, "b h w c"], squeezed: int, expanded: int, name: str
) -> Float[Array, "b h w c2"]:
    """Few channels for a moment, then many, half of them by 3x3 convolution."""
    x = nn.relu(convolution(squeezed, 1, name=f"{name}.squeeze")(x))
    near = convolution(expanded, 1, name=f"{name}.expand1x1")(x)
    wide = convolution(expanded, 3, padding=1, name=f"{name}.expand3x3")(x)
    return nn.relu(jnp.concatenate([near, wide], axis=-1))
