"""Inputs of every medium: what they are, and how they come onto a page."""

import base64
import io
import re
import wave

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import fooljax as fj
from fooljax import study
from fooljax.media import Pictures, Sounds, Texts, Videos
from fooljax.reporting import sounds, texts, videos
from fooljax.types import Classifier, Tokens

MEDIA = {
    "pictures": (Pictures(), np.full((3, 6, 5, 1), 0.25, np.float32)),
    "sounds": (Sounds(8000), np.full((3, 700, 1), 0.25, np.float32)),
    "videos": (Videos(10.0), np.full((3, 5, 6, 4, 3), 0.25, np.float32)),
    "texts": (Texts(), np.full((3, 7), 65, np.int32)),
}


@pytest.mark.parametrize("name", MEDIA)
def test_a_data_set_of_any_medium(name):
    medium, inputs = MEDIA[name]
    dataset = fj.data.from_arrays(inputs, [0, 1, 0], medium=medium)
    assert fj.media.kind(dataset.medium) == name
    assert dataset.input_shape == inputs.shape[1:]
    assert type(fj.media.medium_of(dataset.input_shape)) is type(medium)
    some = fj.data.choose_rows(dataset, np.array([True, False, True]))
    assert some.medium == medium and some.size == 2 and some.images.dtype == inputs.dtype


@pytest.mark.parametrize("name", ["sounds", "videos", "texts"])
def test_axes_of_another_medium_are_refused(name):
    medium, _ = MEDIA[name]
    with pytest.raises(ValueError, match=f"{name} must have the axes"):
        fj.data.from_arrays(MEDIA["pictures"][1], [0, 1, 0], medium=medium)


def test_texts_are_ids_that_exist():
    with pytest.raises(ValueError, match="texts must be whole numbers"):
        fj.data.from_arrays(np.zeros((2, 3), np.float32), [0, 1], medium=Texts())
    with pytest.raises(ValueError, match=r"ids of texts must be in \[0, 3\), got 0 to 3"):
        words = Texts(("", "unknown", "word"))
        fj.data.from_arrays(np.array([[0, 3]]), [0], medium=words)


def test_texts_are_spelled_as_they_were_encoded():
    characters, words = Texts(), Texts(("", "?", "the", "cat"))
    assert characters.spell(characters.encode("déjà vu", 10)) == "déjà vu"
    np.testing.assert_array_equal(characters.encode("abc", 2), [97, 98])
    np.testing.assert_array_equal(words.encode("the  dog", 3), [2, 1, 0])
    assert words.spell(words.encode("the dog the cat", 9)) == "the ? the cat"
    assert characters.spell([0xD800, 0x110000, 97]) == "��a"


def test_a_network_that_reads_texts_is_asked_about_ids():
    def apply(params, ids):
        return jnp.stack([jnp.sum(ids == 65, axis=1), jnp.sum(ids == 66, axis=1)], 1) * params

    network = Classifier(jnp.float32(1.0), apply, (4,), 2, Tokens(128))
    fj.models.look(network)
    ids = np.array([[65, 65, 66, 0], [66, 0, 0, 0]], np.int32)
    dataset = fj.data.from_arrays(ids, [0, 1], medium=Texts())
    assert fj.training.evaluate(network, dataset) == 1.0
    with pytest.raises(ValueError, match="must be ids of texts, whole numbers, got float32"):
        fj.training.predict(network, np.zeros((2, 4), np.float32))
    with pytest.raises(ValueError, match=r"ids in \[0, 128\), got 0 to 128"):
        fj.training.predict(network, np.array([[0, 0, 0, 128]]))


@pytest.mark.parametrize("name", MEDIA)
def test_everything_has_a_picture(name):
    medium, inputs = MEDIA[name]
    drawn = study.as_pictures(medium, inputs.reshape(1, *inputs.shape))
    assert drawn.shape[:2] == (1, 3) and drawn.ndim == 5 and drawn.shape[-1] in (1, 3)


def test_a_tone_is_a_line_in_its_spectrogram():
    time = np.arange(8000) / 8000
    tone = (0.5 + 0.4 * np.sin(2 * np.pi * 1000 * time))[:, None]
    drawn = sounds.spectrogram(tone, 8000).astype(int).sum(axis=2)
    brightest = drawn.mean(axis=1).argmax()
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)  # the same scale, written otherwise
    height = (1 - brightest / (sounds.SIDE - 1)) * mel(4000)
    assert height == pytest.approx(mel(1000), abs=mel(4000) / 60)
    ticks = np.flatnonzero((drawn[:, 0] == 3 * 255) & (drawn[:, 1] == 3 * 255))
    wanted = [(1 - mel(tick) / mel(4000)) * (sounds.SIDE - 1) for tick in (1000, 250)]
    np.testing.assert_allclose(ticks, wanted, atol=0.5)


def test_a_player_plays_the_samples():
    rng = np.random.default_rng(0)
    sound = (0.5 + 0.05 * rng.uniform(-1, 1, (400, 1))).astype(np.float32)
    markup = sounds.player(sound, 8000, "<b>").markup
    assert "&lt;b&gt;" in markup
    content = base64.b64decode(re.search(r"base64,([^\"]+)", markup)[1])
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 400)
        samples = np.frombuffer(file.readframes(400), "<i2") / 32768
    waveform = 2 * sound[:, 0] - 1
    np.testing.assert_allclose(samples, waveform * 0.3 / np.abs(waveform).max(), atol=1e-4)
    assert "played 10 dB louder than it is" in markup
    assert "as loud as it is" in sounds.player(np.full((9, 1), 0.5), 8000).markup
    assert "10 dB quieter" in sounds.player(np.ones((9, 1)), 8000).markup


def test_a_video_moves_and_has_a_sheet():
    video = np.broadcast_to(np.linspace(0, 1, 16)[:, None, None, None], (16, 4, 4, 1))
    corners = videos.sheet(video)[::4, ::4, 0]
    np.testing.assert_allclose(corners.ravel(), np.linspace(0, 1, 16))
    markup = videos.moving(video, 25.0, "<b> & 'c'").markup
    moving, still = re.findall(r"src=\"data:image/png;base64,([^\"]+)", markup)
    with Image.open(io.BytesIO(base64.b64decode(moving))) as picture:
        assert picture.n_frames == 16 and picture.info["duration"] == 40.0
        picture.seek(15)
        assert np.all(np.asarray(picture) == 255)
    with Image.open(io.BytesIO(base64.b64decode(still))) as picture:
        assert picture.size == (4 * 6, 4 * 6)
    assert "<b>" not in markup and markup.count("&lt;b&gt; &amp; &#x27;c&#x27;") == 3
    assert 'type="checkbox"' in markup  # who is disturbed by motion can stop it


def test_hostile_texts_stay_letters():
    markup = texts.written("<script>\0 \u202e a\u0301 \n").markup
    assert "<script>" not in markup and "⟨0⟩" in markup and "⟨202E⟩" in markup
    assert texts.picture("x" * 10_000).shape == (texts.SIDE, texts.SIDE, 3)
