"""What networks that listen compute first, against slow numpy and TensorFlow's numbers."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.models import front_ends


def tensorflow_mfcc(wave, rate=16_000, size=640, hop=320, channels=40, count=10):
    """AudioSpectrogram and Mfcc as their kernels are written, in float64, one by one."""
    length, low, high = 1024, 20.0, 4000.0
    mel = lambda hertz: 1127.0 * np.log(1.0 + hertz / 700.0)
    spacing = (mel(high) - mel(low)) / (channels + 1)
    centers = [mel(low) + spacing * (i + 1) for i in range(channels + 1)]
    width = 0.5 * rate / (length // 2)
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    rows = []
    for start in range(0, len(wave) - size + 1, hop):
        heard = np.abs(np.fft.rfft(wave[start : start + size] * window, length))
        energies, channel = np.zeros(channels), 0
        for i in range(int(1.5 + low / width), int(high / width) + 1):
            pitch = mel(i * width)
            while channel < channels and centers[channel] < pitch:
                channel += 1
            below = channel - 1
            left = centers[below] if below >= 0 else mel(low)
            share = (centers[below + 1] - pitch) / (centers[below + 1] - left)
            if below >= 0:
                energies[below] += share * heard[i]
            if below + 1 < channels:
                energies[below + 1] += heard[i] - share * heard[i]
        logs = np.log(np.maximum(energies, 1e-12))
        angle = np.pi / channels * (np.arange(channels) + 0.5)
        rows.append([np.sqrt(2.0 / channels) * logs @ np.cos(k * angle) for k in range(count)])
    return np.array(rows)


@pytest.mark.parametrize("samples, size, hop", [(20, 6, 3), (21, 10, 4), (23, 5, 5), (10, 10, 7)])
def test_frames_are_slices(samples, size, hop):
    wave = np.arange(2.0 * samples, dtype=np.float32).reshape(2, samples)
    starts = range(0, samples - size + 1, hop)
    expected = np.stack([wave[:, start : start + size] for start in starts], axis=1)
    np.testing.assert_array_equal(front_ends.frames(jnp.asarray(wave), size, hop), expected)


def test_every_bin_is_shared_by_two_triangles():
    """Between the first center and the last, weights sum to 1; no bin has more than two."""
    weights = front_ends.triangles(513, 16_000, 40, 20.0, 4000.0)
    assert weights.shape == (513, 40) and weights.min() >= 0.0
    assert np.all((weights > 0.0).sum(axis=1) <= 2)
    inside = np.flatnonzero(weights[:, 1:-1].sum(axis=1))
    np.testing.assert_allclose(weights[inside[1:-1]].sum(axis=1), 1.0, atol=1e-6)
    assert not weights[:2].any() and not weights[257:].any()


@pytest.mark.parametrize("hop", [320, 640])
def test_mfcc_is_tensorflows(key, hop):
    wave = np.array(0.3 * jax.random.normal(key, (2, 2000)))
    wave[1] = 0.5 * np.sin(np.arange(2000) * 0.2)  # a tone: most bands hold rounding only
    found = front_ends.mfcc(jnp.asarray(wave), hop=hop)
    np.testing.assert_allclose(found[0], tensorflow_mfcc(wave[0], hop=hop), atol=1e-3)
    np.testing.assert_allclose(found[1], tensorflow_mfcc(wave[1], hop=hop), atol=2e-2)


def test_mfcc_of_real_words(data_dir):
    """Coefficients that TensorFlow's own kernels gave."""
    root = Path(data_dir)
    if not (root / "audio" / "speech_commands_600.npz").is_file():
        pytest.skip("the data folder has no spoken words")
    audio = np.load(root / "audio" / "speech_commands_600.npz", allow_pickle=False)["audio"][:4]
    reference = np.load(root / "models" / "reference_audio.npz", allow_pickle=False)
    sounds = ((audio / 32768.0 + 1.0) / 2.0).astype(np.float32)[..., None]
    for hop, name in ((320, "mfcc_49x10_first4"), (640, "mfcc_25x10_first4")):
        found = front_ends.mfcc(front_ends.waveform(jnp.asarray(sounds)), hop=hop)
        np.testing.assert_allclose(found, reference[name], atol=1e-4)


def test_silence_is_the_floor():
    """The logarithm of 1e-12 in every band: one constant coefficient, and zeros."""
    found = front_ends.mfcc(jnp.zeros((1, 640)))
    expected = np.zeros((1, 1, 10))
    expected[..., 0] = np.sqrt(2.0 / 40.0) * 40.0 * np.log(1e-12)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_gradient_is_that_of_differences(key):
    key_wave, key_way = jax.random.split(key)
    wave = 0.3 * jax.random.normal(key_wave, (1, 1280))
    way = jax.random.normal(key_way, wave.shape)
    score = lambda wave: jnp.sum(front_ends.mfcc(wave))
    _, slope = jax.jvp(score, (wave,), (way,))
    step = 1e-2
    difference = (score(wave + step * way) - score(wave - step * way)) / (2.0 * step)
    assert slope == pytest.approx(float(difference), rel=0.02)
    gradient = jax.grad(score)(wave)
    assert float(jnp.sum(gradient * way)) == pytest.approx(float(slope), rel=1e-3)


@pytest.mark.parametrize(
    "shape, message",
    [
        ((2, 100, 1), "Ear needs sounds of exactly 640 samples, got 100; cut them or add silence"),
        ((2, 800, 1), "exactly 640 samples, got 800"),
        ((2, 640, 2), r"sounds of one channel \(samples, 1\), got 640x2"),
        ((2, 28, 28, 1), "got 28x28x1"),
    ],
)
def test_what_is_no_such_sound_is_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        front_ends.require(jnp.zeros(shape), "Ear", 640, 640)


def test_sounds_may_be_of_any_length_above_the_least():
    front_ends.require(jnp.zeros((2, 800, 1)), "Ear", 640)
    with pytest.raises(ValueError, match="at least 640 samples, got 639"):
        front_ends.require(jnp.zeros((2, 639, 1)), "Ear", 640)
