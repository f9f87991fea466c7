"""Folders of sounds, one sub-folder for each class."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fooljax import checks
from fooljax.data.class_folders import SOUNDS, list_classes
from fooljax.data.dataset import Splits, blame, from_arrays, hold_out_fifth
from fooljax.data.sound_files import Sound, open_sound
from fooljax.data.waves import SILENCE, from_wave

_QUIET = 1e-3  # of full scale: 60 dB below it
_MOST_BYTES = 2**33


class Length(NamedTuple):
    """What all sounds are brought to.

    Attributes:
        rate: samples in a second.
        samples: of every sound; longer ones are cut, shorter ones end in silence.
    """

    rate: int = 16_000
    samples: int = 16_000


def read_sounds(folder: Path, length: Length | None = None) -> Splits:
    """Read a folder of class folders of sounds.

    Folders ``train`` and ``test``, when both exist, are the split; otherwise a fifth is
    held out (`hold_out_fifth`). Of each sound the beginning is read (`open_sound`): one
    channel, at one rate, of one length. Sounds that were longer, or louder than full
    scale, are warned of.

    Args:
        folder: where the class folders are.
        length: rate and number of samples; a second at 16,000 samples unless given.

    Returns:
        float32 sounds ``[n, samples, 1]`` in [0, 1], silence at 0.5; classes are the
        training folders in alphabetical order.

    Raises:
        ValueError: if there is no class, a class is empty, a sound is broken, there are
            too many for the memory, or a test class is not among the training classes.
    """
    rate, samples = length or Length()
    rate, samples = checks.count("rate", rate), checks.count("samples", samples)
    divided = (folder / "train").is_dir() and (folder / "test").is_dir()
    homes = [folder / "train", folder / "test"] if divided else [folder]
    parts = [list_classes(home, SOUNDS) for home in homes]
    names = tuple(parts[0])
    unknown = [name for name in parts[-1] if name not in names]
    if unknown:
        raise ValueError(f"{folder / 'test'}: class {', '.join(unknown)} has no folder in train")
    files = [
        (home / name / file, name)
        for home, part in zip(homes, parts, strict=True)
        for name in part
        for file in part[name]
    ]
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
        if not divided:
            return hold_out_fifth(from_arrays(sounds, labels, names))
        cut = sum(len(found) for found in parts[0].values())
        train = from_arrays(sounds[:cut], labels[:cut], names)
        return Splits(train, from_arrays(sounds[cut:], labels[cut:], names))


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
