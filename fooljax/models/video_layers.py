"""Convolutions over space and time, written as convolutions of pictures."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

_init = nn.initializers.lecun_normal()


class VideoConv(nn.Module):
    """A 3-D convolution with SAME padding; its weights are those of Flax's ``Conv``.

    Attributes:
        features: channels of the output.
        size: frames, rows and columns of the kernel.
        stride: in frames, rows and columns.
    """

    features: int
    size: tuple[int, int, int] = (3, 3, 3)
    stride: tuple[int, int, int] = (1, 1, 1)

    @nn.compact
    def __call__(self, x: Float[Array, "b t h w c"]) -> Float[Array, "b t2 h2 w2 features"]:
        """Return the features of every place and time."""
        shape = (*self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", _init, shape, jnp.float32).astype(x.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
        return convolve_frames(x, kernel, self.stride) + bias.astype(x.dtype).reshape(
            1, 1, 1, 1, -1
        )


def convolve_frames(
    x: Float[Array, "b t h w c"],
    kernel: Float[Array, "kt kh kw c features"],
    stride: tuple[int, int, int],
) -> Float[Array, "b t2 h2 w2 features"]:
    """Convolve over space and time, the frames that a kernel sees stacked into channels.

    Equal to ``lax.conv_general_dilated`` over three axes with SAME padding. XLA's gradient
    of that takes over twenty times as long on a CPU.

    Args:
        x: videos.
        kernel: the weights.
        stride: in frames, rows and columns.
    """
    b, t, h, w, c = x.shape
    kt, kh, kw, _, features = kernel.shape
    steps = -(-t // stride[0])
    missing = max((steps - 1) * stride[0] + kt - t, 0)
    x = jnp.pad(x, ((0, 0), (missing // 2, missing - missing // 2), (0, 0), (0, 0), (0, 0)))
    last = (steps - 1) * stride[0] + 1
    seen = [jax.lax.slice_in_dim(x, i, i + last, stride[0], axis=1) for i in range(kt)]
    stacked = jnp.concatenate(seen, axis=-1).reshape(b * steps, h, w, kt * c)
    flat = jnp.moveaxis(kernel, 0, 2).reshape(kh, kw, kt * c, features)
    y = jax.lax.conv_general_dilated(
        stacked, flat, stride[1:], "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return y.reshape(b, steps, *y.shape[1:])
