"""Published sets of sounds, as .npz files of 16-bit samples."""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fooljax.data import classes
from fooljax.data.dataset import Splits, blame, from_arrays, hold_out_fifth
from fooljax.data.npz import open_npz, require
from fooljax.data.sound_files import open_sound
from fooljax.data.waves import SILENCE, from_pcm, from_wave

FSDD = "fsdd.npz"
SPEECH_COMMANDS = "speech_commands_600.npz"
ESC10 = "esc10_40.npz"
FSDD_RATE, RATE = 8_000, 16_000
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
_RECORDINGS = "recordings"  # of the set as its authors keep it
_TEST_TAKES = 5
_RECORDING = re.compile(r"(\d)_(\w+)_(\d+)\.wav")


def holds_fsdd(folder: Path) -> bool:
    """Tell whether a folder holds spoken digits, as one file or as recordings."""
    return (folder / FSDD).is_file() or (folder / _RECORDINGS).is_dir()


def read_fsdd(folder: Path, left_out: str | None = None) -> Splits:
    """Read the Free Spoken Digit Dataset: ten digits, six speakers, fifty takes of each.

    Recordings are cut after a second, which 1 in 140 is longer than, or end in silence.

    Args:
        folder: with ``fsdd.npz`` (``audio`` int16, ``offsets``, ``labels``, ``speakers``,
            ``takes``, ``speaker_names``), or ``recordings/DIGIT_SPEAKER_TAKE.wav``.
        left_out: a speaker to test on who is not trained on. Otherwise takes 0 to 4 of
            every speaker are tested on, as published: every voice is then known.

    Returns:
        float32 sounds ``[n, 8000, 1]`` in [0, 1], 8,000 samples a second.

    Raises:
        ValueError: if a file is missing, damaged or of another layout.

    Source:
        Jackson and others, Free Spoken Digit Dataset (CC BY-SA 4.0), and the split of
        its README.
    """
    path = folder / FSDD
    held = _fsdd_of_arrays(path) if path.is_file() else _fsdd_of_files(folder / _RECORDINGS)
    sounds, labels, speakers, takes = held
    tested = takes < _TEST_TAKES if left_out is None else speakers == left_out
    if not tested.any() or tested.all():
        which = f"takes below {_TEST_TAKES}" if left_out is None else f"the speaker {left_out}"
        raise ValueError(f"{folder}: nothing to train on, or to test on, without {which}")
    with blame(folder):
        return _divided(sounds, labels, tested, classes.DIGITS)


def read_speech_commands(folder: Path) -> Splits:
    """Read clips of Speech Commands' test set: ten words, other words and silence, a second each.

    All are test clips, which no network that knows the words has learned from. A fifth
    is set apart to train on (the second, seventh, twelfth ... of a class), so that most
    remain to test with.

    Args:
        folder: with ``speech_commands_600.npz`` (``audio`` int16, ``labels``).

    Returns:
        float32 sounds ``[n, 16000, 1]`` in [0, 1], 16,000 samples a second.

    Raises:
        ValueError: if the file is missing, damaged or of another layout.

    Source:
        Warden, 2018, arXiv:1804.03209, test files of v0.02 (CC BY 4.0).
    """
    path = folder / SPEECH_COMMANDS
    arrays = _opened(path, ("audio", "labels"))
    with blame(path):
        _check_audio(arrays["audio"], 2)
        sounds = from_pcm(arrays["audio"])[..., None]
        few = hold_out_fifth(from_arrays(sounds, arrays["labels"], classes.SPEECH_COMMANDS))
    return Splits(train=few.test, test=few.train)


def read_esc10(folder: Path) -> Splits:
    """Read clips of ESC-10: ten kinds of sound, four clips each, five seconds.

    The split is not a published one. The first recording of each class is trained on,
    and its other recordings are tested on, so that no recording is in both; but all
    four helicopters are one recording, and the first of them is trained on. This is
    enough to try a published network on, not to train one.

    Args:
        folder: with ``esc10_40.npz`` (``audio`` int16, ``labels``, ``files``).

    Returns:
        float32 sounds ``[n, 80000, 1]`` in [0, 1], 16,000 samples a second.

    Raises:
        ValueError: if the file is missing, damaged or of another layout.

    Source:
        Piczak, 2015, "ESC: Dataset for Environmental Sound Classification" (CC BY 3.0).
    """
    path = folder / ESC10
    arrays = _opened(path, ("audio", "labels", "files"))
    labels = arrays["labels"]
    recordings = np.array([str(name).split("-")[1] for name in arrays["files"]])
    tested = np.ones(len(labels), bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        first = rows[recordings[rows] == recordings[rows[0]]]
        tested[first if len(first) < len(rows) else rows[:1]] = False
    with blame(path):
        _check_audio(arrays["audio"], 2)
        return _divided(from_pcm(arrays["audio"])[..., None], labels, tested, classes.ESC10)


_Held = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _fsdd_of_arrays(path: Path) -> _Held:
    """Return sounds, digits, names of speakers, and takes."""
    keys = ("audio", "offsets", "labels", "speakers", "takes", "speaker_names")
    arrays = _opened(path, keys)
    audio, offsets = arrays["audio"], arrays["offsets"]
    _check_audio(audio, 1)
    count = len(arrays["labels"])
    sizes = [len(arrays[key]) for key in ("speakers", "takes")] + [len(offsets) - 1]
    if any(size != count for size in sizes) or np.any(np.diff(offsets) < 0):
        raise ValueError(f"{path}: labels, speakers, takes and offsets do not belong together")
    sounds = np.full((count, FSDD_RATE, 1), SILENCE, np.float32)
    for row, (start, stop) in enumerate(itertools.pairwise(offsets)):
        found = from_pcm(audio[start : min(stop, start + FSDD_RATE)])
        sounds[row, : len(found), 0] = found
    speakers = arrays["speaker_names"].astype(str)[arrays["speakers"]]
    return sounds, arrays["labels"], speakers, arrays["takes"]


def _fsdd_of_files(home: Path) -> _Held:
    """Return sounds, digits, names of speakers, and takes."""
    found = sorted(home.iterdir()) if home.is_dir() else []
    named = [(path, match) for path in found if (match := _RECORDING.fullmatch(path.name))]
    if not named:
        raise ValueError(f"{home}: no recordings called DIGIT_SPEAKER_TAKE.wav")
    sounds = np.full((len(named), FSDD_RATE, 1), SILENCE, np.float32)
    for row, (path, _) in enumerate(named):
        wave = open_sound(path, FSDD_RATE, FSDD_RATE).wave
        sounds[row, : len(wave), 0] = from_wave(wave)
    column = lambda group: [match[group] for _, match in named]
    return (
        sounds,
        np.array(column(1), int),
        np.array(column(2)),
        np.array(column(3), int),
    )


def _opened(path: Path, keys: tuple[str, ...]) -> Mapping[str, np.ndarray]:
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    arrays = open_npz(path)
    require(path, arrays, keys)
    return arrays


def _check_audio(audio: np.ndarray, axes: int) -> None:
    if audio.dtype != np.int16 or audio.ndim != axes:
        raise ValueError(f"audio must be int16 with {axes} axes, got {audio.dtype} {audio.shape}")


def _divided(
    sounds: np.ndarray, labels: np.ndarray, tested: np.ndarray, names: tuple[str, ...]
) -> Splits:
    part = lambda rows: from_arrays(sounds[rows], labels[rows], names)
    return Splits(part(~tested), part(tested))
