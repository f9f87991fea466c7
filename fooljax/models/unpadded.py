"""A convolution of few channels that is fast on a CPU, forward and back."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from fooljax import backend

_FEW = 16  # output channels up to which XLA's convolution from one channel is slow on a CPU
_WIDE = 20  # as many as it is fast for


class Unpadded(nn.Module):
    """A square convolution without padding or stride, a drop-in for ``nn.Conv``.

    For layers of few channels, whose gradient by the images takes half to a fifth of
    the time on a CPU (LeNet's); with 16 channels of a photograph it takes longer.

    Attributes:
        features: output channels.
        size: side of the kernel in pixels.
        kernel_init: how the kernel starts.
    """

    features: int
    size: int
    kernel_init: nn.initializers.Initializer = nn.initializers.he_normal()

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 features"]:
        """Convolve and add a bias."""
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias)
        return _convolve(x, kernel) + bias[None, None, None, :]


def _slide(x: Array, kernel: Array) -> Array:
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _slide_wide(x: Array, kernel: Array) -> Array:
    """Do as ``_slide`` to at most 16 channels, by a kernel of 20: a quarter of the time."""
    few = kernel.shape[-1]
    return _slide(x, jnp.pad(kernel, ((0, 0), (0, 0), (0, 0), (0, _WIDE - few))))[..., :few]


@jax.custom_jvp
def _convolve(x: Array, kernel: Array) -> Array:
    if x.shape[-1] > 1 or kernel.shape[-1] > _FEW:
        return _slide(x, kernel)
    return backend.by_device(x, kernel, cpu=_slide_wide, accelerator=_slide)


@functools.partial(_convolve.defjvp, symbolic_zeros=True)
def _convolve_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array | SymbolicZero, Array | SymbolicZero]
) -> tuple[Array, Array]:
    """Move with the images as ``_slide_back_cheaply`` does, with the kernel as XLA does."""
    (x, kernel), (x_way, kernel_way) = primals, tangents
    way: Any = 0.0
    if not isinstance(x_way, SymbolicZero):
        way += _slide_back_cheaply(x_way, kernel)
    if not isinstance(kernel_way, SymbolicZero):
        way += _slide(x, kernel_way)
    return _convolve(x, kernel), way


@jax.jit  # its loop would be compiled anew at each call from outside a compiled function
def _slide_back_cheaply(x: Array, kernel: Array) -> Array:
    """Do as ``_slide``, by operations whose transpose costs a CPU less.

    The transpose is a matrix product and a sum of shifted images, where XLA's slides
    the kernel over a gradient padded all around.
    """
    return backend.by_device(x, kernel, cpu=_row_products, accelerator=_slide)


def _row_products(x: Array, kernel: Array) -> Array:
    """Convolve by one matrix product for every row of the kernel.

    A loop, because XLA would else fuse the transposed sum of shifted images into the
    gradient of the pooling before, and compute it for each of the pooled pixels.
    """
    size, _, _, outputs = kernel.shape
    height, width = (pixels - size + 1 for pixels in x.shape[1:3])

    def add(y: Array, row: tuple[Array, Array]) -> tuple[Array, None]:
        i, weights = row
        rows = jax.lax.dynamic_slice_in_dim(x, i, height, axis=1)
        patches = jnp.concatenate([rows[:, :, j : j + width] for j in range(size)], axis=-1)
        return y + patches @ weights, None

    start = jnp.zeros_like(x, shape=(len(x), height, width, outputs))
    return jax.lax.scan(
        add, start, (jnp.arange(size, dtype=jnp.int32), kernel.reshape(size, -1, outputs))
    )[0]
