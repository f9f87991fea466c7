"""Folders of sounds of every kind: the right answer, or one clear sentence."""

import io
import struct
import warnings
import wave as wave_files

import numpy as np
import pytest
from scipy.io import wavfile

from fooljax import data
from fooljax.data import sound_files
from fooljax.data.sound_files import open_sound
from fooljax.media import Sounds

RATE = 16_000
TIME = np.arange(RATE) / RATE


def tone(rate):
    """A second of 440 hertz."""
    return (0.5 * np.sin(2 * np.pi * 440.0 * np.arange(rate) / rate)).astype(np.float32)


TONE = tone(RATE)


def wav(samples, rate=RATE):
    """The bytes of a .wav file in the type of the samples."""
    file = io.BytesIO()
    wavfile.write(file, rate, np.asarray(samples))
    return file.getvalue()


def wav_of_24_bits(samples, rate=RATE):
    file = io.BytesIO()
    with wave_files.open(file, "wb") as out:
        out.setparams((1, 3, rate, 0, "NONE", ""))
        numbers = np.round(np.asarray(samples) * (2**23 - 1)).astype("<i4")
        out.writeframes(numbers.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    return file.getvalue()


def encoded(samples, kind, subtype=None, rate=RATE):
    soundfile = pytest.importorskip("soundfile", reason="the extra named sound is not installed")
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def int16(samples):
    return np.round(samples * 32767.0).astype(np.int16)


PLAIN = wav(int16(TONE))
STEREO = np.stack([TONE, 0.0 * TONE], axis=1)

# What is read as the tone, and how closely; a function makes it where soundfile is needed.
RIGHT = {
    "16 bits": (PLAIN, 1e-4),
    "8 bits": (wav(np.round(TONE * 127.0 + 128.0).astype(np.uint8)), 1e-2),
    "24 bits": (wav_of_24_bits(TONE), 1e-5),
    "32 bits": (wav(np.round(TONE * (2**31 - 1)).astype(np.int32)), 1e-5),
    "float": (wav(TONE), 1e-6),
    "double": (wav(TONE.astype(np.float64)), 1e-6),
    "two channels": (wav(int16(2.0 * 0.999 * STEREO)), 1e-3),
    "six channels": (wav(np.repeat(TONE[:, None], 6, axis=1)), 1e-6),
    "44,100 a second": (
        wav(tone(44_100), 44_100),
        5e-3,
    ),
    "8,000 a second": (wav(TONE[::2], 8_000), 5e-3),
    "11,025 a second": (
        wav(tone(11_025), 11_025),
        5e-3,
    ),
    "other chunks before": (PLAIN[:12] + b"LIST\x04\x00\x00\x00abcd" + PLAIN[12:], 1e-4),
    "other chunks behind": (PLAIN + b"LIST\x04\x00\x00\x00abcd", 1e-4),
    "streamed, of unknown length": (PLAIN[:40] + b"\xff\xff\xff\xff" + PLAIN[44:], 1e-4),
    "FLAC": (lambda: encoded(TONE, "FLAC"), 1e-4),
    "Ogg Vorbis": (lambda: encoded(TONE, "OGG"), 2e-2),
    "Opus": (lambda: encoded(TONE, "OGG", "OPUS", 16_000), 5e-2),
    "AIFF": (lambda: encoded(TONE, "AIFF"), 1e-4),
    "Sun AU": (lambda: encoded(TONE, "AU"), 1e-4),
    "mu-law": (lambda: encoded(TONE, "WAV", "ULAW"), 2e-2),
    "ADPCM": (lambda: encoded(TONE, "WAV", "IMA_ADPCM"), 2e-2),
    "RF64": (lambda: encoded(TONE, "RF64"), 1e-4),
}
WITHOUT = [name for name, (made, _) in RIGHT.items() if not callable(made)]


@pytest.fixture
def without_soundfile(monkeypatch):
    monkeypatch.setattr(sound_files, "_libsndfile", lambda: None)


def check_right(path, name):
    made, closely = RIGHT[name]
    path.write_bytes(made() if callable(made) else made)
    sound = open_sound(path, RATE, RATE)
    assert sound.wave.dtype == np.float32 and abs(len(sound.wave) - RATE) <= 400
    inside = slice(400, 15_500)  # filters and codecs have edges
    np.testing.assert_allclose(sound.wave[inside], TONE[inside], atol=closely)


@pytest.mark.parametrize("name", RIGHT)
def test_sounds_of_every_kind(name, tmp_path):
    pytest.importorskip("soundfile", reason="the extra named sound is not installed")
    check_right(tmp_path / "tone.wav", name)


@pytest.mark.parametrize("name", WITHOUT)
@pytest.mark.usefixtures("without_soundfile")
def test_plain_sounds_without_soundfile(name, tmp_path):
    check_right(tmp_path / "tone.wav", name)


def text():
    return b"This is no sound at all.\n" * 50


# What is refused, and in what words; every message begins with the file.
BAD = {
    "nothing in it": (b"", "broken, it cannot be read as a sound"),
    "text": (text(), "broken, it cannot be read as a sound"),
    "zeros": (bytes(4000), "broken, it cannot be read as a sound"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "broken, it cannot be read as a sound"),
    "random bytes": (np.random.default_rng(0).bytes(5000), "broken, it cannot be read as a sound"),
    "a header only": (PLAIN[:30], "broken, it cannot be read as a sound"),
    "no samples": (
        wav(int16(TONE[:0])),
        "holds no samples, or its end is missing",
    ),
    "no data chunk": (PLAIN[:36], "it has no part called data"),
    "the end missing": (PLAIN[:9000], "it ends after 8,956 of 32,000 bytes"),
    "one byte missing": (PLAIN[:-1], "it ends after 31,999 of 32,000 bytes"),
    "rate of zero": (PLAIN[:24] + bytes(4) + PLAIN[28:], "broken, it cannot be read as a sound"),
    "rate of 10": (wav(TONE, 10), "has 10 samples in a second, which no recording has"),
    "rate of 2 billion": (
        wav(TONE[:10], 1).replace(struct.pack("<II", 1, 4), struct.pack("<II", 1 << 30, 0)),
        "samples in a second|broken, it cannot be read",
    ),
    "no channels": (PLAIN[:22] + bytes(2) + PLAIN[24:], "broken, it cannot be read as a sound"),
    "NaN": (
        wav(np.where(TIME == 0.5, np.float32("nan"), TONE)),
        "NaN or infinity, first at 0.500 s",
    ),
    "infinity": (wav(np.where(TIME < 0.1, np.float32("inf"), TONE)), "first at 0.000 s"),
    "16-bit numbers as floats": (wav(TONE * 32768.0), "values up to 16384 where full scale is 1"),
    "double beyond float": (
        wav(np.where(TIME == 0.25, 1e300, TONE.astype(np.float64))),
        "infinity, first at 0.250 s",
    ),
}


def refused(path, made, message):
    path.write_bytes(made)
    with pytest.raises(ValueError, match=message) as error:
        open_sound(path, RATE, RATE)
    said = str(error.value)
    assert said.startswith(f"{path}: ") and "\n" not in said


@pytest.mark.parametrize("name", BAD)
def test_bad_sounds_are_refused(name, tmp_path):
    pytest.importorskip("soundfile", reason="the extra named sound is not installed")
    refused(tmp_path / "bad.wav", *BAD[name])


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("without_soundfile")
def test_bad_sounds_are_refused_without_soundfile(name, tmp_path):
    refused(tmp_path / "bad.wav", *BAD[name])


@pytest.mark.parametrize("kind", ["FLAC", "OGG"])
def test_cut_files_are_refused(kind, tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE)
    made = encoded(noise, kind)
    message = "broken, it cannot be read as a sound|holds no samples, or its end is missing"
    refused(tmp_path / "cut.wav", made[: len(made) // 8], message)


def test_flac_of_unknown_length_is_refused(tmp_path):
    made = bytearray(encoded(TONE, "FLAC"))
    made[21] &= 0xF0
    made[22:26] = bytes(4)  # the number of samples
    refused(tmp_path / "streamed.wav", bytes(made), "it does not say how long it is; save it again")


@pytest.mark.parametrize(
    "start, kind",
    [(b"fLaC", "FLAC"), (b"OggS", "Ogg"), (b"ID3\x03", "MP3"), (b"\xff\xfb\x90\x00", "MP3")],
)
@pytest.mark.usefixtures("without_soundfile")
def test_what_is_missing_is_said(start, kind, tmp_path):
    message = rf'{kind} needs pip install "fooljax\[sound\]"; or convert it to .wav'
    refused(tmp_path / "song.wav", start + bytes(100), message)


@pytest.mark.usefixtures("without_soundfile")
def test_kinds_of_wav_that_need_soundfile(tmp_path):
    mulaw = PLAIN[:20] + b"\x07\x00" + PLAIN[22:]
    refused(tmp_path / "phone.wav", mulaw, r"unknown wave file format: mulaw; it needs pip install")


def test_what_is_no_file(tmp_path):
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(ValueError, match="a folder, pipe or device and no sound"):
        open_sound(tmp_path / "folder.wav", RATE, RATE)
    with pytest.raises(FileNotFoundError, match="no such sound; restore it"):
        open_sound(tmp_path / "gone.wav", RATE, RATE)


@pytest.mark.parametrize("soundfile", [True, False])
def test_long_sounds_are_read_no_further_than_needed(soundfile, tmp_path, monkeypatch):
    """The first second of an hour is that of its beginning, whatever the rate."""
    if soundfile:
        pytest.importorskip("soundfile", reason="the extra named sound is not installed")
    else:
        monkeypatch.setattr(sound_files, "_libsndfile", lambda: None)
    short = int16(np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 8000))
    (tmp_path / "short.wav").write_bytes(wav(short, 8000))
    hour = np.tile(short, 1200)
    (tmp_path / "hour.wav").write_bytes(wav(hour, 8000))
    found = open_sound(tmp_path / "hour.wav", RATE, RATE)
    np.testing.assert_array_equal(found.wave, open_sound(tmp_path / "short.wav", RATE, RATE).wave)
    assert found.longer and len(found.wave) == RATE
    assert not open_sound(tmp_path / "short.wav", RATE, 6 * 8000).longer


def test_too_loud_sounds_are_clipped(tmp_path):
    (tmp_path / "loud.wav").write_bytes(wav(4.0 * TONE))
    found = open_sound(tmp_path / "loud.wav", RATE, RATE)
    assert found.clipped and found.wave.max() == 1.0 and found.wave.min() == -1.0


# Folders.


def folder_of(place, files):
    for name, made in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made)
    return str(place)


def quarter(level, samples=4000):
    return wav(int16(np.full(samples, level)))


TWO = {
    f"{name}/{i}.wav": quarter(level)
    for name, level in (("no", 0.25), ("yes", -0.5))
    for i in range(5)
}


def test_a_folder_of_sounds(tmp_path):
    splits = data.load(folder_of(tmp_path, TWO))
    train, test = splits
    assert train.class_names == ("no", "yes") and train.medium == test.medium == Sounds(RATE)
    assert train.images.shape == (8, RATE, 1) and test.images.shape == (2, RATE, 1)
    assert train.images.dtype == np.float32
    np.testing.assert_array_equal(train.labels, [0] * 4 + [1] * 4)
    levels = np.asarray(train.images[:, 100, 0])
    np.testing.assert_allclose(levels, [0.625] * 4 + [0.25] * 4, atol=1e-4)
    assert np.all(np.asarray(train.images[:, 4000:]) == 0.5)  # silence follows


def test_rate_and_length_are_chosen(tmp_path):
    length = data.SoundLength(rate=8000, seconds=0.25)
    splits = data.load(folder_of(tmp_path, TWO), sound_length=length)
    assert splits.train.images.shape == (8, 2000, 1) and splits.train.medium == Sounds(8000)


def test_train_and_test_folders_are_the_split(tmp_path):
    files = {f"train/{name}": made for name, made in TWO.items()}
    files["test/yes/9.wav"] = quarter(0.125)
    splits = data.load(folder_of(tmp_path, files))
    assert (splits.train.size, splits.test.size) == (10, 1) and splits.test.labels[0] == 1


def test_folders_that_warn(tmp_path):
    with pytest.warns(UserWarning, match=r"1 of 11 sounds are longer than 1 s, of which the begi"):
        data.load(folder_of(tmp_path / "a", {**TWO, "no/long.wav": quarter(0.25, 20_000)}))
    with pytest.warns(UserWarning, match="1 of 11 sounds go beyond full scale and are clipped"):
        data.load(folder_of(tmp_path / "b", {**TWO, "no/loud.wav": wav(4.0 * TONE)}))
    silent = {f"{name}/{i}.wav": quarter(0.0) for name in ("no", "yes") for i in range(5)}
    with pytest.warns(UserWarning, match="all sounds are nearly silent"):
        data.load(folder_of(tmp_path / "c", silent))
    mixed = {**TWO, "no/cover.jpg": b"", "no/notes.txt": b"", "left.wav": PLAIN}
    with pytest.warns(UserWarning, match=r"sounds .* \(left.wav\), 1 .jpg files \(no/cover"):
        data.load(folder_of(tmp_path / "d", mixed))


def test_one_silent_sound_is_a_sound(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits = data.load(folder_of(tmp_path, {**TWO, "no/0.wav": quarter(0.0)}))
    assert np.all(np.asarray(splits.train.images[0]) == 0.5)


WRONG_FOLDERS = {
    "no sub-folders": ({"a.wav": PLAIN, "b.wav": PLAIN}, "no folders in it; put the sounds of"),
    "an empty class": ({**TWO, "maybe/.keep": b""}, "no sounds in class folder maybe; add some"),
    "a class of text": ({**TWO, "maybe/a.txt": text()}, "no sounds in class folder maybe"),
    "one broken": ({**TWO, "no/3.wav": text()}, r"no.3\.wav: broken, it cannot be read as a sound"),
    "one empty": ({**TWO, "no/3.wav": wav(int16(TONE[:0]))}, r"no.3\.wav: holds no samples"),
    "test class unknown": (
        {f"train/{name}": made for name, made in TWO.items()} | {"test/maybe/1.wav": PLAIN},
        "class maybe has no folder in train",
    ),
    "one sound a class": ({"no/1.wav": PLAIN, "yes/1.wav": PLAIN}, "no class has two"),
}


@pytest.mark.parametrize("name", WRONG_FOLDERS)
def test_wrong_folders_are_refused(name, tmp_path):
    files, message = WRONG_FOLDERS[name]
    with pytest.raises(ValueError, match=message):
        data.load(folder_of(tmp_path, files))


@pytest.mark.parametrize(
    "length, message",
    [
        (data.SoundLength(rate=0), r"rate \(--sample-rate\) must be at least 1, got 0"),
        (data.SoundLength(rate=10), r"rate \(--sample-rate\) must be in \[1,000, 768,000\]"),
        (data.SoundLength(rate=8000.5), r"rate \(--sample-rate\) must be a whole number"),
        (data.SoundLength(seconds=-1.0), r"seconds \(--seconds\) must be positive, got -1"),
        (data.SoundLength(seconds=1e-9), r"seconds \(--seconds\) must make 1 to"),
        (data.SoundLength(seconds=1e9), r"seconds \(--seconds\) must make 1 to"),
        (data.SoundLength(seconds=15_000.0), "10 sounds of 240,000,000 samples are 8.9 GiB"),
    ],
)
def test_wrong_lengths_are_refused(length, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        data.load(folder_of(tmp_path, TWO), sound_length=length)


def test_sizes_and_lengths_belong_to_their_medium(tmp_path):
    with pytest.raises(ValueError, match=r"image_size \(--image-size\) is of pictures, and .*"):
        data.load(folder_of(tmp_path, TWO), image_size=(8, 8))
    with pytest.raises(
        ValueError, match="--sample-rate 8000 is of sounds, and digits holds pictures"
    ):
        data.load("digits", sound_length=data.SoundLength(rate=8000))


def test_sounds_in_memory_change_their_rate():
    """A tone keeps its pitch; what is cut and what is added is where it should be."""
    sounds = ((TONE + 1.0) / 2.0)[None, :, None]
    given = data.from_arrays(sounds, [0], ["tone"], Sounds(RATE))
    found = data.fit_sounds(given, data.SoundLength(rate=8000, seconds=1.5))
    assert found.medium == Sounds(8000) and found.images.shape == (1, 12_000, 1)
    inside = slice(200, 7800)
    np.testing.assert_allclose(
        2.0 * np.asarray(found.images)[0, inside, 0] - 1.0, TONE[::2][inside], atol=2e-3
    )
    assert np.all(np.asarray(found.images)[0, 8000:] == 0.5)
    same = data.fit_sounds(given, data.SoundLength(seconds=0.5))
    np.testing.assert_array_equal(same.images, given.images[:, :8000])
