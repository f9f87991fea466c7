"""Numbers that say how loud a sound is, and how loud what was added to it."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.types import Images


def loudest_decibels(sounds: Images) -> Float[Array, " b"]:
    """Return the level of each sound's loudest sample, in decibels of full scale.

    0 for a sound that goes to the end of the scale, -20 for a tenth of it, ``-inf`` for
    silence.

    Args:
        sounds: ``[b, t, 1]`` in [0, 1], silence is 0.5.

    Source:
        Carlini and Wagner, 2018, arXiv:1801.01944, section II (dB of a sample is 20 log10).

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> metrics.loudest_decibels(jnp.array([[[0.5], [0.55]]])).round(2).tolist()
        [-20.0]
    """
    return _peak(_waves(sounds, "sounds"))


def added_decibels(sounds: Images, changed: Images) -> Float[Array, " b"]:
    """Return how much louder than a sound that is which was added, in decibels; mostly below 0.

    The level of the loudest sample of the difference, less that of the loudest one of the
    sound. ``-inf`` where nothing was added, ``inf`` where something was added to silence.

    Args:
        sounds: ``[b, t, 1]`` in [0, 1], before.
        changed: ``[b, t, 1]``, after.

    Source:
        Carlini and Wagner, 2018, arXiv:1801.01944, section II (distortion relative to the
        sound).

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> sound = jnp.array([[[0.5], [1.0]]])
        >>> metrics.added_decibels(sound, sound - 0.05).round(2).tolist()
        [-20.0]
    """
    added, waves = _added(sounds, changed)
    level = _peak(added)
    # the first way round: silence to which nothing was added is -inf less -inf
    return jnp.where(jnp.isneginf(level), -jnp.inf, level - _peak(waves))


def signal_to_noise(sounds: Images, changed: Images) -> Float[Array, " b"]:
    """Return the energy of a sound over that of what was added, in decibels.

    The larger, the quieter is what was added: 20 for a tenth of the amplitude. ``inf``
    where nothing was added, ``-inf`` where something was added to silence.

    Args:
        sounds: ``[b, t, 1]`` in [0, 1], before.
        changed: ``[b, t, 1]``, after.

    Example:
        >>> from fooljax import metrics
        >>> import jax.numpy as jnp
        >>> sound = jnp.array([[[0.0], [1.0]]])
        >>> metrics.signal_to_noise(sound, jnp.array([[[0.05], [0.95]]])).round(2).tolist()
        [20.0]
    """
    added, waves = _added(sounds, changed)
    noise, signal = jnp.sum(added**2, axis=(1, 2)), jnp.sum(waves**2, axis=(1, 2))
    return jnp.where(noise > 0.0, 10.0 * (jnp.log10(signal) - jnp.log10(noise)), jnp.inf)


def _peak(waves: Images) -> Float[Array, " b"]:
    return 20.0 * jnp.log10(jnp.max(jnp.abs(waves), axis=(1, 2)))


def _waves(sounds: Images, name: str) -> Images:
    """Return the waveforms in [-1, 1]."""
    sounds = jnp.asarray(sounds, jnp.float32)
    if sounds.ndim != 3 or sounds.shape[2] != 1:
        raise ValueError(f"{name} must be sounds [b, t, 1], got shape {sounds.shape}")
    return 2.0 * sounds - 1.0


def _added(sounds: Images, changed: Images) -> tuple[Images, Images]:
    waves = _waves(sounds, "sounds")
    if jnp.shape(changed) != jnp.shape(sounds):
        raise ValueError(
            "changed must have the shape of sounds, "
            f"got {jnp.shape(changed)} and {jnp.shape(sounds)}"
        )
    # not the difference of the waveforms: their rounding is as large as a quiet change
    difference = checks.array("changed", changed) - checks.array("sounds", sounds)
    return 2.0 * jnp.asarray(difference, jnp.float32), waves
