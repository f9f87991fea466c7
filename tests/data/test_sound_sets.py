"""Published sets of sounds: every layout, every split, and files that are not what they say."""

import numpy as np
import pytest
from scipy.io import wavfile

from fooljax import data, models, training
from fooljax.data import classes
from fooljax.data.known import PUBLISHED
from fooljax.data.sound_sets import SPEAKERS
from fooljax.media import Sounds


def test_names_of_classes_agree_with_the_networks():
    assert classes.SPEECH_COMMANDS == models.KEYWORDS
    assert models.PRETRAINED["yamnet_esc10"].class_names == classes.ESC10
    for network in models.PRETRAINED.values():
        for name in network.knows:
            assert PUBLISHED[name].class_names in (network.class_names, ())


# Small sets of the same layout.


def save_fsdd(folder, **others):
    """Two speakers, three digits; a recording's samples tell its speaker, digit and take."""
    rows = [(s, d, t) for s in range(2) for d in range(3) for t in range(7)]
    lengths = [10 + d for _, d, _ in rows]
    lengths[0] = 9000  # longer than a second
    values = [1000 * speaker + 100 * digit + take for speaker, digit, take in rows]
    speakers, labels, numbers = np.array(rows, np.uint8).T
    arrays = {
        "audio": np.repeat(values, lengths).astype(np.int16),
        "offsets": np.concatenate([[0], np.cumsum(lengths)]),
        "labels": labels,
        "speakers": speakers,
        "takes": numbers,
        "speaker_names": np.array(["george", "theo"]),
    }
    (folder / "audio").mkdir(exist_ok=True)
    np.savez(folder / "audio" / "fsdd.npz", **{**arrays, **others})
    return str(folder)


def test_spoken_digits_by_take(tmp_path):
    train, test = data.load("fsdd", save_fsdd(tmp_path))
    assert train.medium == test.medium == Sounds(8000) and train.class_names == classes.DIGITS
    assert train.images.shape == (2 * 3 * 2, 8000, 1) and test.images.shape == (2 * 3 * 5, 8000, 1)
    samples = lambda part: np.asarray(part.images[:, 0, 0]) * 65536.0 - 32768.0
    assert set(samples(train) % 100) == {5, 6} and set(samples(test) % 100) == {0, 1, 2, 3, 4}
    np.testing.assert_array_equal(samples(test) // 100 % 10, test.labels)
    assert np.all(np.asarray(test.images[1, 10:]) == 0.5)  # silence follows
    assert np.all(np.asarray(test.images[0]) == 0.5)  # its samples are zero, and it is cut


def test_spoken_digits_by_speaker(tmp_path):
    train, test = data.load("fsdd:theo", save_fsdd(tmp_path))
    samples = lambda part: np.asarray(part.images[:, 0, 0]) * 65536.0 - 32768.0
    assert np.all(samples(train) < 1000) and np.all(samples(test) >= 1000)
    assert (train.size, test.size) == (21, 21)
    with pytest.raises(ValueError, match=r"nothing to .* test on, without the speaker lucas"):
        data.load("fsdd:lucas", str(tmp_path))


def test_spoken_digits_as_their_authors_keep_them(tmp_path):
    home = tmp_path / "audio" / "recordings"
    home.mkdir(parents=True)
    for digit in range(3):
        for take in range(6):
            samples = np.full(20, 100 * digit + take, np.int16)
            wavfile.write(home / f"{digit}_george_{take}.wav", 8000, samples)
    (home / "README.md").write_text("not a recording")
    train, test = data.load("fsdd", str(tmp_path))
    assert (train.size, test.size) == (3, 15)
    found = np.asarray(train.images[:, 3, 0]) * 65536.0 - 32768.0
    np.testing.assert_allclose(found, [5, 105, 205], atol=0.01)
    np.testing.assert_array_equal(train.labels, [0, 1, 2])


@pytest.mark.parametrize(
    "others, message",
    [
        ({"audio": np.zeros(500, np.float32)}, "audio must be int16 with 1 axes, got float32"),
        ({"takes": np.zeros(3, np.uint8)}, "takes and offsets do not belong together"),
        ({"offsets": np.arange(43)[::-1]}, "takes and offsets do not belong together"),
        ({"takes": np.full(42, 9, np.uint8)}, "without takes below 5"),
        ({"labels": np.full(42, 12, np.uint8)}, r"labels must be in \[0, 10\), got 12"),
    ],
)
def test_spoken_digits_that_are_none(others, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        data.load("fsdd", save_fsdd(tmp_path, **others))


def save(folder, name, **arrays):
    (folder / "audio").mkdir(exist_ok=True)
    np.savez(folder / "audio" / name, **arrays)
    return str(folder)


def test_words_are_mostly_for_testing(tmp_path):
    audio = np.arange(60, dtype=np.int16)[:, None] * np.ones((1, 16_000), np.int16)
    labels = np.repeat(np.arange(12, dtype=np.uint8), 5)
    folder = save(tmp_path, "speech_commands_600.npz", audio=audio, labels=labels)
    train, test = data.load("speech_commands", folder)
    assert (train.size, test.size) == (12, 48) and train.medium == Sounds(16_000)
    np.testing.assert_array_equal(train.labels, np.arange(12))
    found = np.asarray(train.images[:, 0, 0]) * 65536.0 - 32768.0
    np.testing.assert_array_equal(found, 5 * np.arange(12) + 1)


def test_no_recording_is_in_both_halves_of_sounds(tmp_path):
    """Class 0 has two recordings, class 1 one, of which a clip must do."""
    audio = np.zeros((6, 80_000), np.int16)
    audio[:, 32_000:40_000] = 1000 * (1 + np.arange(6))[:, None]  # the loudest second
    files = ["1-5-A.ogg", "1-5-B.ogg", "1-6-A.ogg", "1-7-A.ogg", "1-7-B.ogg", "1-7-C.ogg"]
    labels = np.array([0, 0, 0, 1, 1, 1], np.uint8)
    folder = save(tmp_path, "esc10_40.npz", audio=audio, labels=labels, files=np.array(files))
    train, test = data.load("esc10", folder)
    loudest = lambda part: np.asarray(part.images).max(axis=(1, 2)) * 65536.0 - 32768.0
    np.testing.assert_array_equal(loudest(train), [1000, 2000, 4000])
    np.testing.assert_array_equal(loudest(test), [3000, 5000, 6000])
    assert train.images.shape[1:] == (15_600, 1)
    assert np.all(np.sum(np.asarray(train.images) != 0.5, axis=(1, 2)) == 8000)


@pytest.mark.parametrize("name", ["fsdd", "fsdd:george", "speech_commands", "esc10"])
def test_what_is_not_there_is_said(name, tmp_path, monkeypatch):
    monkeypatch.delenv("FOOLJAX_DATA_DIR", raising=False)
    with pytest.raises(FileNotFoundError, match=r"not downloaded for you; get it from .* and put"):
        data.load(name, str(tmp_path))
    folder = tmp_path / "audio"
    folder.mkdir()
    (folder / PUBLISHED[name].files[0]).write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"not an \.npz file, or a truncated one"):
        data.load(name, str(tmp_path))


def test_every_speaker_is_a_name():
    assert {f"fsdd:{speaker}" for speaker in SPEAKERS} <= set(PUBLISHED)
    assert "fsdd" in data.NAMES and not any(":" in name for name in data.NAMES)
    with pytest.raises(ValueError, match="did you mean fsdd"):
        data.load("fsd")


# The real ones.


def real(name, data_dir, **length):
    if not PUBLISHED[name].holds(data.loading.Path(data_dir) / "audio"):
        pytest.skip(f"the data folder has no {name}")
    return data.load(name, data_dir, **length)


def test_the_real_spoken_digits(data_dir):
    train, test = real("fsdd", data_dir)
    assert (train.size, test.size) == (2700, 300)
    np.testing.assert_array_equal(np.bincount(test.labels), [30] * 10)
    train, test = real("fsdd:nicolas", data_dir)
    assert (train.size, test.size) == (2500, 500)


def test_the_real_words_and_sounds(data_dir):
    words = real("speech_commands", data_dir)
    assert (words.train.size, words.test.size) == (120, 480)
    sounds = real("esc10", data_dir, sound_length=data.SoundLength(rate=8000))
    assert (sounds.train.size, sounds.test.size) == (11, 29)
    assert sounds.test.images.shape == (29, 7800, 1)


@pytest.mark.slow
def test_yamnet_chooses_among_ten_kinds_of_sound(data_dir):
    """38 of the 40 loudest seconds."""
    sounds = real("esc10", data_dir)
    network = models.load_pretrained("yamnet_esc10", f"{data_dir}/models")
    right = [training.evaluate(network, part) * part.size for part in sounds]
    assert sum(right) >= 37


@pytest.mark.slow
def test_a_network_of_ones_own_learns_spoken_digits(data_dir, key):
    """The published split, and how much of it is knowing the voices."""
    import jax

    key_init, key_fit = jax.random.split(key)
    recipe = training.quick(400)._asdict()
    right = {}
    for name in ("fsdd", "fsdd:george"):
        splits = real(name, data_dir)
        network = models.build("sound_cnn", key_init, (8000, 1), 10)
        network, _ = training.fit(key_fit, network, splits.train, **recipe)
        right[name] = training.evaluate(network, splits.test)
    assert right["fsdd"] >= 0.92
    assert 0.2 < right["fsdd:george"] < right["fsdd"] - 0.1
