"""Loudness against numbers worked out by hand."""

import numpy as np
import pytest

from fooljax.metrics import added_decibels, loudest_decibels, signal_to_noise


def sounds(*peaks, samples=1000):
    """Square waves of the given amplitudes, coded for [0, 1]."""
    wave = np.where(np.arange(samples) % 2 == 0, 1.0, -1.0)
    return np.float32(0.5 + 0.5 * np.array(peaks)[:, None, None] * wave[None, :, None])


def test_levels_of_square_waves():
    found = loudest_decibels(sounds(1.0, 0.1, 0.5))
    np.testing.assert_allclose(found, [0.0, -20.0, 20.0 * np.log10(0.5)], atol=1e-4)
    assert loudest_decibels(sounds(0.0))[0] == -np.inf


def test_what_is_added():
    """A hundredth of the sound is 40 dB below it, both by the peak and by the energy."""
    begun = sounds(0.5, 0.02)
    changed = begun + np.float32(0.5) * np.float32([[[0.005]], [[-0.02]]])
    np.testing.assert_allclose(added_decibels(begun, changed), [-40.0, 0.0], atol=1e-2)
    np.testing.assert_allclose(signal_to_noise(begun, changed), [40.0, 0.0], atol=1e-2)


def test_one_click_is_loud_by_its_peak_and_quiet_by_its_energy():
    begun = sounds(0.25)
    changed = begun.copy()
    changed[0, 17, 0] += 0.125  # of the waveform 0.25
    assert added_decibels(begun, changed)[0] == pytest.approx(0.0, abs=1e-4)
    assert signal_to_noise(begun, changed)[0] == pytest.approx(30.0, abs=1e-3)


def test_silence_and_no_change():
    begun, same = sounds(0.0, 0.3, 0.0), sounds(0.0, 0.3, 0.2)
    np.testing.assert_array_equal(added_decibels(begun, same), [-np.inf, -np.inf, np.inf])
    np.testing.assert_array_equal(signal_to_noise(begun, same), [np.inf, np.inf, -np.inf])


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"sounds must be sounds \[b, t, 1\], got shape \(2, 8\)"):
        loudest_decibels(np.zeros((2, 8)))
    with pytest.raises(ValueError, match=r"changed must have the shape of sounds, got \(1, 9, 1\)"):
        signal_to_noise(np.zeros((1, 8, 1)), np.zeros((1, 9, 1)))
