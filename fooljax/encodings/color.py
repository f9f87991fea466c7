"""From numbers in [0, 1] to pixels: grey, RGB, and the two hue spaces of the paper."""

from typing import Literal, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax.types import Image

Color: TypeAlias = Literal["hls", "hsv", "rgb"]
Channels: TypeAlias = Float[Array, "h w c"]

_HUE_TURNS_RELEASED = 255.0 / 180.0  # a hue byte runs to 255 but a full turn is 180


def _mix(turns: Array, dark: Array, bright: Array) -> Image:
    """Give each channel its share of the way from dark to bright, by hue."""
    # a floor, not a remainder, and broadcast, not stacked: 18 times as fast on a CPU
    shift = jnp.array([2.0, 0.0, 4.0]).reshape(*(1 for _ in turns.shape), 3)
    sextant = (6.0 * turns)[..., None] + shift
    sextant = sextant - 6.0 * jnp.floor(sextant / 6.0)
    share = jnp.clip(jnp.minimum(sextant, 4.0 - sextant), 0.0, 1.0)
    return dark[..., None] + (bright - dark)[..., None] * share


def hls_to_rgb(turns: Array, lightness: Array, saturation: Array) -> Array:
    """Convert hue (in turns, any real), lightness and saturation in [0, 1] to RGB.

    Arrays ``[...]`` become one array ``[..., 3]`` in [0, 1].
    """
    product = lightness * saturation
    bright = jnp.where(lightness <= 0.5, lightness + product, lightness + saturation - product)
    return _mix(turns, 2.0 * lightness - bright, bright)


def hsv_to_rgb(turns: Array, saturation: Array, value: Array) -> Array:
    """Convert hue (in turns, any real), saturation and value in [0, 1] to RGB.

    Arrays ``[...]`` become one array ``[..., 3]`` in [0, 1].
    """
    return _mix(turns, value * (1.0 - saturation), value)


def check(shape: tuple[int, ...], color: Color, levels: int | None) -> None:
    """Refuse what ``paint`` cannot paint.

    Raises:
        ValueError: if ``shape`` is not ``(h, w, 1)`` or ``(h, w, 3)`` with
            positive sizes, the colour space is unknown, or there are fewer than
            two levels.
    """
    if len(shape) != 3 or min(shape) < 1 or shape[2] not in (1, 3):
        raise ValueError(f"an image shape must be (height, width, 1 or 3), got {shape}")
    if color not in ("hls", "hsv", "rgb"):
        raise ValueError(f"color must be hls, hsv or rgb, got {color!r}")
    if levels is not None and levels < 2:
        raise ValueError(f"levels must be at least 2, got {levels}")


def paint(channels: Channels, color: Color, levels: int | None) -> Image:
    """Turn channels in [0, 1] into an image; the last step of every encoding.

    Args:
        channels: ``[h, w, 1]`` grey or ``[h, w, 3]``.
        color: meaning of three channels. ``hls`` as in the released code (hue,
            lightness, saturation; a hue byte counts to 255 but a full turn is
            180, so hues from 0 to 150 degrees come twice as often), ``hsv`` as
            in the paper's text, or plain ``rgb``.
        levels: number of levels of a channel, truncating before the colour
            conversion and rounding after it, as the released code does with
            256: a saved 8-bit picture then is the very image the network saw.
            ``None`` keeps the image continuous, for gradients.

    Returns:
        Image ``[h, w, c]`` in [0, 1].

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 2.2 and released code.
    """
    top = None if levels is None else levels - 1
    if top is not None:
        # through integers: XLA fuses a floor into the first convolution, 10 % slower
        channels = (channels * top).astype(jnp.int32).astype(channels.dtype) / top
    if channels.shape[-1] == 1 or color == "rgb":
        return channels
    hue, second, third = channels[..., 0], channels[..., 1], channels[..., 2]
    if color == "hls":
        image = hls_to_rgb(hue * _HUE_TURNS_RELEASED, second, third)
    else:
        image = hsv_to_rgb(hue, second, third)
    return image if top is None else jnp.round(image * top) / top
