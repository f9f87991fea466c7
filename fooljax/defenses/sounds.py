"""Defenses that change a sound before the network hears it: what smoothing is to pictures.

A sound is ``[t, 1]`` in [0, 1], and silence is 0.5. As in ``preprocess``, the numbers of
each transform are params, so that another strength compiles nothing, and what rounds takes
the gradient of what it would be without rounding.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.defenses.gradients import straight_through
from fooljax.defenses.preprocess import shown_through
from fooljax.types import Classifier, Images, RandomKey

_TAPS = 129  # of the filters, odd: half of them are before a sample
_BITS = 16  # that a recording has


def _check(name: str, classifier: Classifier) -> int:
    """Return the number of samples.

    Raises:
        ValueError: if the network does not listen to sounds.
    """
    shape = checks.classifier(classifier).input_shape
    if len(shape) != 2 or shape[1] != 1:
        raise ValueError(f"{name} is for sounds (t, 1), got inputs {shape}")
    return shape[0]


@functools.cache
def low_pass_response(samples: int, cutoff: float) -> Float[np.ndarray, " f"]:
    """Return what a low-pass filter leaves of each frequency of a sound between silences.

    A windowed sine cardinal of 129 taps (Hamming), centered, so that nothing is delayed.

    Args:
        samples: of the sound.
        cutoff: frequency of which half the amplitude is left, as a share of the highest.
    """
    from scipy.signal import firwin

    taps = firwin(_TAPS, cutoff)
    padded = np.zeros(_length(samples))
    padded[: _TAPS // 2 + 1], padded[-(_TAPS // 2) :] = taps[_TAPS // 2 :], taps[: _TAPS // 2]
    return np.fft.rfft(padded).real.astype(np.float32)


def _length(samples: int) -> int:
    """Return a length for Fourier transforms at which the ends do not meet."""
    from scipy.fft import next_fast_len

    return next_fast_len(samples + _TAPS, real=True)


def _filter(response: Float[Array, " f"], waves: Images) -> Images:
    samples = waves.shape[1]
    size = _length(samples)
    spectrum = jnp.fft.rfft(waves[..., 0], size, axis=1) * response[None]
    return jnp.fft.irfft(spectrum, size, axis=1)[:, :samples, None]


def _low_pass(response: Float[Array, " f"], sounds: Images) -> Images:
    return 0.5 + _filter(response, sounds - 0.5)


def low_pass(classifier: Classifier, cutoff: float) -> Classifier:
    """Take high frequencies out of every sound.

    Args:
        classifier: a network that listens to sounds ``[b, t, 1]``.
        cutoff: where the filter begins to take out, as a share of the highest frequency
            (half the sampling rate), in (0, 1): 0.5 at 16 kHz keeps what is below 4 kHz.

    Raises:
        ValueError: if ``cutoff`` is out of its range, or the network takes no sounds.

    Source:
        Rajaratnam, Shah and Kalita, 2018, arXiv:1809.04397 (filters against changed
        commands).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (64, 1), 3)
        >>> sounds = jax.random.uniform(jax.random.key(1), (2, 64, 1))
        >>> fj.defenses.low_pass(network, cutoff=0.5)(sounds).shape
        (2, 3)
    """
    cutoff = checks.between("cutoff", cutoff, 0.0, 1.0, "()")
    samples = _check("low_pass", classifier)
    return shown_through(classifier, _low_pass, jnp.asarray(low_pass_response(samples, cutoff)))


def _resample(numbers: tuple[Array, Array], sounds: Images) -> Images:
    response, kept = numbers
    few = _filter(response, sounds - 0.5) * kept[None, :, None]
    return 0.5 + _filter(response, few)


def resample(classifier: Classifier, factor: int) -> Classifier:
    """Keep every so-maniest sample of a sound and fill in the others, both through a low-pass.

    Args:
        classifier: a network that listens to sounds ``[b, t, 1]``.
        factor: of how many samples one is kept.

    Raises:
        ValueError: if ``factor`` is less than 2, or the network takes no sounds.

    Source:
        Yang et al., 2019, arXiv:1809.10875 (down-sampling and reconstruction).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (64, 1), 3)
        >>> sounds = jax.random.uniform(jax.random.key(1), (2, 64, 1))
        >>> fj.defenses.resample(network, factor=2)(sounds).shape
        (2, 3)
    """
    factor = checks.count("factor", factor, 2)
    samples = _check("resample", classifier)
    response = jnp.asarray(low_pass_response(samples, 1.0 / factor))
    kept = np.where(np.arange(samples) % factor == 0, np.float32(factor), np.float32(0.0))
    return shown_through(classifier, _resample, (response, jnp.asarray(kept)))


def _mu_law(steps: Float[Array, ""], sounds: Images) -> Images:
    """Round in units in which quiet samples have more steps; ``steps`` is one less than levels."""
    waves = 2.0 * sounds - 1.0
    size = jnp.log1p(steps * jnp.abs(waves)) / jnp.log1p(steps)
    # half a step aside, as telephones do: an even number of levels has none at silence
    code = jnp.round((0.5 + 0.5 * jnp.sign(waves) * size) * steps)
    level = 2.0 * code / steps - 1.0
    heard = jnp.sign(level) * jnp.expm1(jnp.abs(level) * jnp.log1p(steps)) / steps
    return straight_through(0.5 + 0.5 * heard, sounds)


def mu_law(classifier: Classifier, bits: int) -> Classifier:
    """Round every sample to few bits, loud ones more coarsely than quiet ones, as telephones do.

    The gradient is that of the network at the rounded sound, as if rounding did nothing.

    Args:
        classifier: a network that listens to sounds ``[b, t, 1]``.
        bits: of a sample, from 1 to 16; 8 with mu = 255 is the telephone's.

    Raises:
        ValueError: if ``bits`` is out of its range, or the network takes no sounds.

    Source:
        ITU-T G.711, 1988 (its continuous form, mu is one less than the number of levels);
        Yang et al., 2019, arXiv:1809.10875 (quantization as a defense).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (64, 1), 3)
        >>> sounds = jax.random.uniform(jax.random.key(1), (2, 64, 1))
        >>> fj.defenses.mu_law(network, bits=8)(sounds).shape
        (2, 3)
    """
    bits = checks.count("bits", bits)
    if bits > _BITS:
        raise ValueError(f"bits must be at most {_BITS}, got {bits}")
    _check("mu_law", classifier)
    return shown_through(classifier, _mu_law, jnp.float32(2**bits - 1))


def _shift(numbers: tuple[RandomKey, Array], sounds: Images) -> Images:
    key, most = numbers
    samples = sounds.shape[1]
    drawn = jax.random.uniform(  # the same in every pass
        jax.random.clone(key), (), jnp.float32, -1.0, 1.0
    )
    by = jnp.round(most * samples * drawn).astype(jnp.int32)
    place = jnp.arange(samples, dtype=jnp.int32) - by
    inside = (place >= 0) & (place < samples)
    moved = jnp.take(sounds, jnp.clip(place, 0, samples - 1), axis=1)
    return jnp.where(inside[None, :, None], moved, 0.5)


def time_shift(key: RandomKey, classifier: Classifier, most: float) -> Classifier:
    """Play every sound a little earlier or later, with silence where nothing is left.

    Args:
        key: decides how much earlier or later; all sounds share it.
        classifier: a network that listens to sounds ``[b, t, 1]``.
        most: the shift is uniform up to this share of the sound's length, in (0, 1).

    Raises:
        ValueError: if ``most`` is out of its range, or the network takes no sounds.

    Source:
        Xie et al., 2018, arXiv:1711.01991 (a random place, there of pictures).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (64, 1), 3)
        >>> sounds = jax.random.uniform(jax.random.key(1), (2, 64, 1))
        >>> fj.defenses.time_shift(jax.random.key(2), network, most=0.1)(sounds).shape
        (2, 3)
    """
    most = checks.between("most", most, 0.0, 1.0, "()")
    _check("time_shift", classifier)
    return shown_through(classifier, _shift, (checks.key(key), jnp.float32(most)))
