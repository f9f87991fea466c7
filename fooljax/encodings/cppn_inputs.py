"""What the input nodes of a CPPN see: where a pixel, a sample or a voxel is."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from fooljax.encodings.cppn_genome import NUM_INPUTS

Coordinates: TypeAlias = Literal["raw", "normalized"]

PERIODS = (8, 16, 32, 64, 128)  # in samples: at 16 kHz tones of 2,000 down to 125 Hz
_BARS = 8  # in a sound
_STEP = 32  # samples: the longest sound of a minute stays where float32 sines are exact
_NUMBER = {1: 4 + 2 * len(PERIODS), 2: NUM_INPUTS, 3: NUM_INPUTS + 1}  # of inputs, by axes


def number(shape: tuple[int, ...]) -> int:
    """Return how many inputs a CPPN has that paints this shape.

    Raises:
        ValueError: if ``shape`` is not that of a sound ``(t, 1)``, of a picture
            ``(h, w, c)`` or of a video ``(t, h, w, c)``.
    """
    axes = len(shape) - 1
    if axes not in _NUMBER or (axes == 1 and shape[1] != 1):
        raise ValueError(
            "shape must be that of a picture (height, width, 1 or 3), a sound (samples, 1) or a "
            f"video (frames, height, width, 1 or 3), for CPPNs to paint it, got {shape}"
        )
    return _NUMBER[axes]


def inputs(axes: Sequence[int], coordinates: Coordinates) -> np.ndarray:
    """Return what the input nodes see, float32 ``[inputs, places]``, one row for each.

    A picture: x, y, distance from the centre, 1. ``raw`` counts pixels from 0, as the
    released code does; ``normalized`` runs from -1 to 1. The distance is normalized in both,
    0 to 1.41.

    A video: the same, and the number of the frame, counted or from -1 to 1.

    A sound: the time, the distance in time from the middle, 1, bars that rise from -1 to 1
    eight times, and the sine and cosine of tones with ``PERIODS`` of 8 to 128 samples. The
    time runs from -1 to 1, or counts steps of 32 samples where it is ``raw``: an edge of
    weight 10 into a sine then is a tone of 800 Hz at 16 kHz.

    Args:
        axes: sizes ``(h, w)``, ``(t, h, w)`` or ``(t,)``.
        coordinates: ``raw`` or ``normalized``.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 2.2 and released code. For sounds:
        Jónsson et al., 2024, EvoMUSART (time and periodic signals enter a CPPN).
    """
    places = np.meshgrid(*(np.arange(size) for size in axes), indexing="ij")
    units = [2.0 * at / max(size - 1, 1) - 1.0 for at, size in zip(places, axes, strict=True)]
    if len(axes) == 1:
        return _of_sound(places[0], units[0], coordinates)
    seen = places if coordinates == "raw" else units
    (y, x), (y_unit, x_unit) = seen[-2:], units[-2:]
    rows = (x, y, np.hypot(x_unit, y_unit), np.ones_like(x_unit), *seen[:-2])
    return np.stack([np.ravel(row) for row in rows]).astype(np.float32)


def _of_sound(sample: np.ndarray, unit: np.ndarray, coordinates: Coordinates) -> np.ndarray:
    bars = 2.0 * (_BARS * sample / len(sample) % 1.0) - 1.0
    turns = [2.0 * np.pi * (sample % period) / period for period in PERIODS]
    tones = [wave(turn) for turn in turns for wave in (np.sin, np.cos)]
    time = sample / _STEP if coordinates == "raw" else unit
    rows = (time, np.abs(unit), np.ones_like(unit), bars, *tones)
    return np.stack(rows).astype(np.float32)
