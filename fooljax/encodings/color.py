"""From numbers in [0, 1] to pixels: grey, RGB, and the two hue spaces of the paper."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.types import Image

Color: TypeAlias = Literal["hls", "hsv", "rgb"]
Channels: TypeAlias = Float[Array, "h w c"]

_HUE_TURNS_RELEASED = 255.0 / 180.0  # a hue byte runs to 255 but a full turn is 180


_SHIFTS = (2.0, 0.0, 4.0)  # of the hue for red, green and blue, in sixths of a turn


def _share(turns: Array, shift: Array | float) -> Array:
    """Return the share of the way from dark to bright of the channel with this shift."""
    sextant = 6.0 * turns + shift
    # a floor, not a remainder: 18 times as fast on a CPU, with the broadcast in _mix
    sextant = sextant - 6.0 * jnp.floor(sextant / 6.0)
    return jnp.clip(jnp.minimum(sextant, 4.0 - sextant), 0.0, 1.0)


def _mix(turns: Array, dark: Array, bright: Array) -> Image:
    """Give each channel its share of the way from dark to bright, by hue."""
    # broadcast, not stacked
    shift = jnp.array(_SHIFTS, jnp.float32).reshape(*(1 for _ in turns.shape), 3)
    return dark[..., None] + (bright - dark)[..., None] * _share(turns[..., None], shift)


def _hls_range(lightness: Array, saturation: Array) -> tuple[Array, Array]:
    """Return the darkest and the brightest that a channel gets."""
    product = lightness * saturation
    bright = jnp.where(lightness <= 0.5, lightness + product, lightness + saturation - product)
    return 2.0 * lightness - bright, bright


def _hsv_range(saturation: Array, value: Array) -> tuple[Array, Array]:
    return value * (1.0 - saturation), value


def hls_to_rgb(turns: Array, lightness: Array, saturation: Array) -> Array:
    """Convert hue (in turns, any real), lightness and saturation in [0, 1] to RGB.

    Arrays ``[...]`` become one array ``[..., 3]`` in [0, 1].

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import encodings
        >>> encodings.hls_to_rgb(*jnp.array([0.0, 0.5, 1.0])).tolist()  # red
        [1.0, 0.0, 0.0]
    """
    return _mix(turns, *_hls_range(lightness, saturation))


def hsv_to_rgb(turns: Array, saturation: Array, value: Array) -> Array:
    """Convert hue (in turns, any real), saturation and value in [0, 1] to RGB.

    Arrays ``[...]`` become one array ``[..., 3]`` in [0, 1].

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import encodings
        >>> encodings.hsv_to_rgb(*jnp.array([0.0, 0.0, 0.5])).tolist()  # gray
        [0.5, 0.5, 0.5]
    """
    return _mix(turns, *_hsv_range(saturation, value))


def check(shape: tuple[int, ...], color: Color, levels: int | None) -> None:
    """Refuse what ``paint`` cannot paint.

    Raises:
        ValueError: if ``shape`` is not ``(h, w, 1)`` or ``(h, w, 3)`` with
            positive sizes, or another number of axes, the colour space is unknown, or
            there are fewer than two levels.
    """
    sizes = checks.shape("shape", shape)
    if len(sizes) == 3 and sizes[2] not in (1, 3):
        raise ValueError(f"the image shape must be (height, width, 1 or 3), got {shape}")
    checks.choice("color", color, ("hls", "hsv", "rgb"))
    if levels is not None:
        checks.count("levels", levels, 2)


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
    channels = _truncate(channels, levels)
    if channels.shape[-1] == 1 or color == "rgb":
        return channels
    return _round(_mix(*_hues(channels[..., 0], channels[..., 1], channels[..., 2], color)), levels)


def paint_planes(planes: Sequence[Array], color: Color, levels: int | None) -> Sequence[Array]:
    """Do as ``paint`` with one array for each channel, which suits a TPU's kernels."""
    planes = [_truncate(plane, levels) for plane in planes]
    if len(planes) == 1 or color == "rgb":
        return planes
    hue, second, third = planes
    turns, dark, bright = _hues(hue, second, third, color)
    mixed = (dark + (bright - dark) * _share(turns, shift) for shift in _SHIFTS)
    return [_round(plane, levels) for plane in mixed]


def _hues(hue: Array, second: Array, third: Array, color: Color) -> tuple[Array, Array, Array]:
    """Return the hue in turns, and the darkest and the brightest that a channel gets."""
    if color == "hls":
        return hue * _HUE_TURNS_RELEASED, *_hls_range(second, third)
    return hue, *_hsv_range(second, third)


def _truncate(channels: Array, levels: int | None) -> Array:
    if levels is None:
        return channels
    # through integers: XLA fuses a floor into the first convolution, 10 % slower
    return (channels * (levels - 1)).astype(jnp.int32).astype(channels.dtype) / (levels - 1)


def _round(channels: Array, levels: int | None) -> Array:
    return channels if levels is None else jnp.round(channels * (levels - 1)) / (levels - 1)
