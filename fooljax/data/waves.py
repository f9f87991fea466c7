"""Samples in memory: from whole numbers and waveforms to sounds of one length in [0, 1]."""

import math

import numpy as np
from jaxtyping import Array, Float, Int16

SILENCE = 0.5  # the waveform's zero


def from_pcm(samples: Int16[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return 16-bit samples as float32 in [0, 1), exactly: ``(s / 32768 + 1) / 2``."""
    return (samples.astype(np.float32) + np.float32(32768.0)) / np.float32(65536.0)


def from_wave(wave: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return samples in [-1, 1] as float32 in [0, 1]."""
    return ((wave + 1.0) / 2.0).astype(np.float32)


def as_long(
    sounds: Float[np.ndarray, "n t 1"] | Float[Array, "n t 1"], samples: int
) -> Float[np.ndarray, "n s 1"]:
    """Cut sounds at their end, or add silence to it."""
    sounds = np.asarray(sounds)[:, :samples]
    missing = samples - sounds.shape[1]
    return np.pad(sounds, ((0, 0), (0, missing), (0, 0)), constant_values=SILENCE)


def at_rate(
    sounds: Float[np.ndarray, "n t 1"] | Float[Array, "n t 1"], rate: int, wanted: int
) -> Float[np.ndarray, "n s 1"]:
    """Change the rate by a polyphase filter; nothing happens where it is the one wanted.

    Args:
        sounds: in [0, 1].
        rate: their samples in a second.
        wanted: samples in a second, of the result.
    """
    sounds = np.asarray(sounds)
    if rate == wanted:
        return sounds
    changed = np.stack([resampled(2.0 * sound - 1.0, rate, wanted) for sound in sounds])
    return from_wave(np.clip(changed, -1.0, 1.0))


def resampled(wave: Float[np.ndarray, "t *c"], rate: int, wanted: int) -> np.ndarray:
    """Change the rate of one waveform, along its first axis."""
    if rate == wanted:
        return wave
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    return resample_poly(wave, wanted // common, rate // common)
