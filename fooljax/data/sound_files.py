"""Files of sounds: decoding one, as one channel at the rate that is asked for."""

import math
import os
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float

from fooljax.data.waves import resampled

_RATES = (1_000, 768_000)  # hertz; beyond lie damaged headers
_MOST_OVER = 8.0  # times full scale: 18 dB of headroom, or numbers of another scale
_REACH = 10  # of scipy's filter to either side, in samples of the lower of the two rates
_STREAMED = 0xFFFFFF00  # a length from here on says that it was not known
_EXTRA = 'pip install "fooljax[sound]"'
_OTHERS = {b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3": "MP3", b"FORM": "AIFF", b".snd": "Sun AU"}


class Sound(NamedTuple):
    """A sound in memory.

    Attributes:
        wave: samples in [-1, 1], one channel, at most as many as were asked for.
        longer: whether there was more of it.
        clipped: whether samples beyond full scale were clipped.
    """

    wave: Float[np.ndarray, " t"]
    longer: bool
    clipped: bool


class _Decoded(NamedTuple):
    """The beginning of a file: samples in units of full scale, its rate, its full length."""

    samples: Float[np.ndarray, "t channels"]
    rate: int
    length: int


def open_sound(path: Path, rate: int, samples: int) -> Sound:
    """Decode the beginning of one sound.

    Channels are averaged, and the rate changed by a polyphase filter. Files are known by
    their content. Plain .wav files of whole or floating point numbers are read by scipy;
    everything else that libsndfile reads (FLAC, Ogg, MP3, AIFF ...) needs
    ``fooljax[sound]``.

    Args:
        path: the file.
        rate: samples in a second, of the result.
        samples: how many at most; the file is read no further, however long it is.

    Raises:
        ValueError: if the file is broken, empty, or holds NaN, infinity or values far
            beyond full scale, naming it.
        OSError: if there is no such file.
    """
    if not path.is_file():
        if path.exists():
            raise ValueError(f"{path}: a folder, pipe or device and no sound; remove it")
        raise FileNotFoundError(f"{path}: no such sound; restore it")
    found, theirs, length = _decode(path, rate, samples)
    if not _RATES[0] <= theirs <= _RATES[1]:
        raise ValueError(
            f"{path}: has {theirs} samples in a second, which no recording has; its header is "
            "damaged, replace or remove it"
        )
    if not found.size:
        raise ValueError(f"{path}: holds no samples; replace or remove it")
    broken = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if broken.size:
        raise ValueError(
            f"{path}: holds NaN or infinity, first at {broken[0] / theirs:.3f} s; save it again, "
            "or remove it"
        )
    highest = float(np.abs(found).max())
    if highest > _MOST_OVER:
        raise ValueError(
            f"{path}: holds values up to {highest:g} where full scale is 1; divide them (16-bit "
            "numbers by 32768) and save it again"
        )
    wave = resampled(found.mean(axis=1, dtype=np.float64), theirs, rate)
    longer = math.ceil(length * rate / theirs) > samples
    wave = np.clip(wave[:samples], -1.0, 1.0).astype(np.float32)
    return Sound(wave, longer, highest > 1.0)


def _decode(path: Path, rate: int, samples: int) -> _Decoded:
    """Decode as much of a file as is needed for ``samples`` at ``rate``."""

    def needed(theirs: int) -> int:
        reach = _REACH * max(1.0, theirs / rate)
        return math.ceil(samples * theirs / rate + reach) + 1

    with _blamed(path):
        with path.open("rb") as file:
            wav = _is_whole_wav(file)
        soundfile = _libsndfile()
    if soundfile is None and not wav and (kind := _kind(path)):
        raise ValueError(f"{path}: {kind} needs {_EXTRA}; or convert it to .wav")
    with _blamed(path):
        if soundfile is None:
            return _read_wav(path, needed)
        with soundfile.SoundFile(path) as file:
            wanted = min(needed(file.samplerate), file.frames)
            found = file.read(wanted, dtype="float32", always_2d=True)
            if len(found) < wanted:
                raise ValueError(f"it ends after {len(found):,} of {file.frames:,} samples")
            return _Decoded(found, file.samplerate, file.frames)


@contextmanager
def _blamed(path: Path) -> Iterator[None]:
    """Say of any error raised inside that a file is broken."""
    try:
        yield
    except Exception as error:  # the decoders raise what they like
        raise ValueError(
            f"{path}: broken, it cannot be read as a sound ({_reason(error)}); replace or remove it"
        ) from error


def _libsndfile() -> Any:
    """Return soundfile, or None where it is not installed."""
    try:
        import soundfile
    except (ImportError, OSError):  # the package may be there, and its library not
        return None
    return soundfile


def _read_wav(path: Path, needed: Callable[[int], int]) -> _Decoded:
    """Read a .wav file by scipy, without reading all of a long one where that can be."""
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that hold no samples
        try:
            rate, stored = wavfile.read(path, mmap=True)
        except ValueError:  # 24 bits, or a length that was not known: whole, or not at all
            rate, stored = wavfile.read(path)
    part = np.asarray(stored[: needed(rate)])
    part = part.reshape(len(part), -1)
    if part.dtype == np.uint8:
        scaled = (part.astype(np.float32) - 128.0) / 128.0
    elif part.dtype.kind == "i":
        scaled = (part / float(2 ** (8 * part.dtype.itemsize - 1))).astype(np.float32)
    else:
        scaled = part.astype(np.float32)
    return _Decoded(scaled, int(rate), len(stored))


def _is_whole_wav(file: BinaryIO) -> bool:
    """Tell whether a file is a plain .wav one, and refuse one whose end is missing.

    Decoders make the best of a cut file and say nothing.
    """
    start = file.read(12)
    if start[:4] != b"RIFF" or start[8:] != b"WAVE":
        return start[:4] in (b"RIFX", b"RF64")
    end = os.fstat(file.fileno()).st_size
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            left = end - file.tell()
            if left < size < _STREAMED:
                raise ValueError(f"it ends after {left:,} of {size:,} bytes")
            return True
        file.seek(size + size % 2, os.SEEK_CUR)
    raise ValueError("it has no part called data")


def _kind(path: Path) -> str | None:
    """Tell by its beginning what kind of sound a file holds that is no plain .wav one."""
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "MP3"
    return next((kind for mark, kind in _OTHERS.items() if start.startswith(mark)), None)


def _reason(error: Exception) -> str:
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "Format not recognised" in text or "not understood" in text:
        return "nothing that libsndfile decodes"
    if "Unknown wave file format" in text:
        return f"{text.split('.')[0].lower()}; it needs {_EXTRA}"
    return text.partition("': ")[2] if text.startswith("Error opening") else text
