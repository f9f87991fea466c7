"""What networks that listen compute first: from samples to a picture of time and pitch.

Sounds arrive as ``[b, t, 1]`` in [0, 1]; here they become waveforms ``[b, t]`` in [-1, 1].
Everything is computed in float32, whatever the type of the sounds, and is finite with
finite gradients for every sound. Silence has the gradient zero: below the floor of a
logarithm nothing changes. Who climbs from silence starts beside it.
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax.types import Images

_FLOOR = 1e-12  # of TensorFlow's Mfcc, before the logarithm
# Its root is far below that floor, and one over its root far from overflow.
_LEAST_POWER = 1e-30


def waveform(sounds: Images) -> Float[Array, "b t"]:
    """Undo ``(w + 1) / 2``: from ``[b, t, 1]`` in [0, 1] to samples in [-1, 1], float32."""
    return 2.0 * sounds[..., 0].astype(jnp.float32) - 1.0


def require(sounds: Images, network: str, least: int, most: int | None = None) -> None:
    """Refuse what a network cannot listen to.

    Args:
        sounds: ``[b, t, 1]``.
        network: its name, for the message.
        least: smallest number of samples.
        most: largest number of samples; any unless given.

    Raises:
        ValueError: if the shape is another, or the sound too short or too long.
    """
    if sounds.ndim != 3 or sounds.shape[2] != 1:
        got = "x".join(map(str, sounds.shape[1:]))
        raise ValueError(f"{network} needs sounds of one channel (samples, 1), got {got}")
    samples = sounds.shape[1]
    if samples < least or (most is not None and samples > most):
        exactly = "exactly" if most == least else "at least"
        raise ValueError(
            f"{network} needs sounds of {exactly} {least} samples, got {samples}; cut them or "
            "add silence"
        )


def frames(wave: Float[Array, "b t"], size: int, hop: int) -> Float[Array, "b f size"]:
    """Cut ``size`` samples every ``hop``, as often as they fit.

    Frames overlap, and are put together from the blocks that they share, by slices:
    the gradient of indexing would be a scatter, which a CPU does one by one.
    """
    block = math.gcd(size, hop)
    count = 1 + (wave.shape[1] - size) // hop
    blocks = wave[:, : wave.shape[1] // block * block].reshape(len(wave), -1, block)
    step, last = hop // block, (count - 1) * hop // block
    parts = [blocks[:, i : i + last + 1 : step] for i in range(size // block)]
    return jnp.concatenate(parts, axis=-1)


def hann(size: int) -> Float[np.ndarray, " size"]:
    """Return the periodic window of Hann."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)).astype(np.float32)


def magnitudes(
    framed: Float[Array, "b f n"], window: Float[Array, " n"] | np.ndarray, length: int
) -> Float[Array, "b f m"]:
    """Return the absolute values of the Fourier transform of windowed frames.

    Args:
        framed: the frames.
        window: what they are multiplied with.
        length: of the transform; frames are continued with zeros. Bins are
            ``length // 2 + 1``.
    """
    spectrum = jnp.fft.rfft(framed * window[None, None, :], length)
    power = spectrum.real**2 + spectrum.imag**2
    return jnp.sqrt(jnp.maximum(power, _LEAST_POWER))  # the root alone has no gradient at zero


def triangles(
    bins: int, rate: float, channels: int, low: float, high: float
) -> Float[np.ndarray, "bins channels"]:
    """Return the mel filters of TensorFlow's Mfcc.

    Each bin from ``int(1.5 + low / width)`` to ``int(high / width)`` is shared between
    the two triangles around it, with weights that sum to 1; below the first center and
    above the last, one of them is no channel.

    Args:
        bins: of the spectrum, from zero to half the rate.
        rate: samples in a second.
        channels: number of triangles, whose centers are equally spaced in mel.
        low: hertz where the first triangle begins.
        high: hertz where the last one ends.

    Source:
        TensorFlow, core/kernels/mfcc_mel_filterbank.cc.
    """
    mel = lambda hertz: 1127.0 * np.log1p(np.asarray(hertz) / 700.0)
    width = 0.5 * rate / (bins - 1)
    edges = np.linspace(mel(low), mel(high), channels + 2)
    used = np.arange(int(1.5 + low / width), min(bins - 1, int(high / width)) + 1)
    at = mel(used * width)
    above = np.searchsorted(edges[1:-1], at)  # how many centers are below, as edges count them
    share = (edges[above + 1] - at) / (edges[above + 1] - edges[above])
    weights = np.zeros((bins, channels + 2))
    weights[used, above] = share
    weights[used, above + 1] = 1.0 - share
    return weights[:, 1:-1].astype(np.float32)


def cosines(channels: int, count: int) -> Float[np.ndarray, "channels count"]:
    """Return the first columns of the discrete cosine transform of TensorFlow's Mfcc."""
    k, j = np.arange(count), np.arange(channels)
    table = np.cos(np.pi / channels * k[None, :] * (j[:, None] + 0.5))
    return (np.sqrt(2.0 / channels) * table).astype(np.float32)


def mfcc(
    wave: Float[Array, "b t"],
    *,
    rate: int = 16_000,
    size: int = 640,
    hop: int = 320,
    channels: int = 40,
    count: int = 10,
    low: float = 20.0,
    high: float = 4000.0,
) -> Float[Array, "b f count"]:
    """Return mel-frequency cepstral coefficients, as TensorFlow computes them.

    Args:
        wave: samples in [-1, 1].
        rate: samples in a second.
        size: samples of a frame.
        hop: samples from one frame to the next.
        channels: mel filters.
        count: coefficients kept, from the constant one on.
        low: hertz where the filters begin.
        high: hertz where they end.

    Source:
        TensorFlow, AudioSpectrogram and Mfcc; the numbers are those of Zhang et al.,
        2017, arXiv:1711.07128.
    """
    length = 1 << (size - 1).bit_length()
    heard = magnitudes(frames(wave, size, hop), hann(size), length)
    energies = heard @ triangles(length // 2 + 1, rate, channels, low, high)
    return jnp.log(jnp.maximum(energies, _FLOOR)) @ cosines(channels, count)
