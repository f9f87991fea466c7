"""Folders of sounds, one sub-folder for each class."""

import dataclasses
import warnings
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from fooljax import checks
from fooljax.data.class_folders import SOUNDS, list_labelled
from fooljax.data.dataset import Dataset, Splits, as_float, blame, from_arrays, hold_out_fifth
from fooljax.data.sound_files import RATES, Sound, open_sound
from fooljax.data.waves import SILENCE, as_long, at_rate, from_wave
from fooljax.media import Sounds, kind

_QUIET = 1e-3  # of full scale: 60 dB below it
_MOST_BYTES = 2**33
_MOST_SAMPLES = 2**28
_OF_FOLDERS = (16_000, 1.0)  # samples in a second, and seconds


class SoundLength(NamedTuple):
    """What all sounds are brought to; longer ones are cut, shorter ones end in silence.

    Attributes:
        rate: samples in a second; of a folder 16,000 unless given, otherwise as they are.
        seconds: how long; of a folder one unless given, otherwise as they are.
    """

    rate: int | None = None
    seconds: float | None = None


def _resolved(length: SoundLength, rate: int, seconds: float) -> tuple[int, int]:
    """Return the rate and the number of samples, where nothing else is asked for these.

    Raises:
        ValueError: naming the flag.
    """
    if length.rate is not None:
        rate = checks.count("rate (--sample-rate)", length.rate)
        if not RATES[0] <= rate <= RATES[1]:
            raise ValueError(
                f"rate (--sample-rate) must be in [{RATES[0]:,}, {RATES[1]:,}] samples a second, "
                f"got {rate:,}"
            )
    if length.seconds is not None:
        seconds = checks.positive("seconds (--seconds)", length.seconds)
    if not 1 <= rate * seconds <= _MOST_SAMPLES:
        raise ValueError(
            f"seconds (--seconds) must make 1 to {_MOST_SAMPLES:,} samples, got {seconds:g} at "
            f"{rate:,} a second"
        )
    return rate, round(rate * seconds)


def read_sounds(folder: Path, length: SoundLength = SoundLength()) -> Splits:  # noqa: B008  (frozen)
    """Read a folder of class folders of sounds.

    Folders ``train`` and ``test``, when both exist, are the split; otherwise a fifth is
    held out (`hold_out_fifth`). Of each sound the beginning is read (`open_sound`): one
    channel, at one rate, of one length. Sounds that were longer, or louder than full
    scale, are warned of.

    Args:
        folder: where the class folders are.
        length: of all sounds; a second at 16,000 samples unless given.

    Returns:
        float32 sounds ``[n, samples, 1]`` in [0, 1], silence at 0.5; classes are the
        training folders in alphabetical order.

    Raises:
        ValueError: if there is no class, a class is empty, a sound is broken, there are
            too many for the memory, or a test class is not among the training classes.
    """
    rate, samples = _resolved(length, *_OF_FOLDERS)
    names, files, cut = list_labelled(folder, SOUNDS)
    if 4 * len(files) * samples > _MOST_BYTES:
        raise ValueError(
            f"{folder}: {len(files):,} sounds of {samples:,} samples are "
            f"{4 * len(files) * samples / 2**30:,.1f} GiB; give a shorter length, a lower rate "
            "or fewer sounds"
        )
    sounds = np.full((len(files), samples, 1), SILENCE, np.float32)
    heard = []
    for row, (path, _) in enumerate(files):
        sound = open_sound(path, rate, samples)
        sounds[row, : len(sound.wave), 0] = from_wave(sound.wave)
        heard.append(sound._replace(wave=sound.wave[:0]))
    _warn(folder, heard, samples / rate, sounds)
    labels = np.array([names.index(name) for _, name in files])
    with blame(folder):
        if cut is None:
            return hold_out_fifth(from_arrays(sounds, labels, names, Sounds(rate)))
        train = from_arrays(sounds[:cut], labels[:cut], names, Sounds(rate))
        test = from_arrays(sounds[cut:], labels[cut:], names, Sounds(rate))
        return Splits(train, test)


def fit_sounds(dataset: Dataset, length: SoundLength) -> Dataset:
    """Bring sounds in memory to another rate and length.

    Args:
        dataset: of sounds.
        length: what they become.

    Raises:
        ValueError: if they are no sounds, or the length is not positive.

    Example:
        >>> from fooljax import data
        >>> sounds = data.load("tones").test
        >>> data.fit_sounds(sounds, data.SoundLength(rate=4000, seconds=0.25)).images.shape[1:]
        (1000, 1)
    """
    if not isinstance(dataset.medium, Sounds):
        raise ValueError(f"only sounds have a length in seconds, got {kind(dataset.medium)}")
    own = dataset.medium.rate
    rate, samples = _resolved(length, own, dataset.input_shape[0] / own)
    sounds = at_rate(np.asarray(as_float(dataset.images)), own, rate)
    images = jnp.asarray(as_long(sounds, samples))
    return dataclasses.replace(dataset, images=images, medium=Sounds(rate))


def _warn(folder: Path, heard: list[Sound], seconds: float, sounds: np.ndarray) -> None:
    """Warn of what was left out, clipped, or cannot be heard."""
    longer = sum(sound.longer for sound in heard)
    clipped = sum(sound.clipped for sound in heard)
    if longer:
        warnings.warn(
            f"{folder}: {longer:,} of {len(heard):,} sounds are longer than {seconds:g} s, of "
            "which the beginning is read; give a greater length, or cut them",
            stacklevel=3,
        )
    if clipped:
        warnings.warn(
            f"{folder}: {clipped:,} of {len(heard):,} sounds go beyond full scale and are "
            "clipped; make them quieter",
            stacklevel=3,
        )
    highest = float(np.abs(sounds - SILENCE).max(initial=0.0)) / SILENCE
    if highest <= _QUIET:
        warnings.warn(
            f"{folder}: all sounds are nearly silent, no sample is above {highest:g} of full "
            "scale; make them louder, unless this is meant",
            stacklevel=3,
        )
