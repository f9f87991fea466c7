"""Sounds on a page: their spectrograms as pictures, and players to hear them."""

import base64
import io
import wave

import numpy as np
from jaxtyping import Float, UInt8

from fooljax.reporting.html import Html, Text, join

SIDE = 128  # of a spectrogram, in pixels
_WINDOW = 0.032  # seconds
_RANGE = 70.0  # decibels from the darkest to the brightest color
_LOUDEST = 0.3  # of full scale, that a player plays


def spectrogram(sound: Float[np.ndarray, "t 1"], rate: int) -> UInt8[np.ndarray, "h w 3"]:
    """Draw a sound: time from left to right, pitch from bottom to top, bright is loud.

    Pitch is linear from 0 to half the rate. The brightest color is the loudest place
    of the sound itself, the darkest 70 decibels below it and less.

    Args:
        sound: ``[t, 1]`` in [0, 1], of which 0.5 is silence.
        rate: samples a second.
    """
    from matplotlib import colormaps
    from scipy import signal

    waveform = 2.0 * np.asarray(sound, np.float64)[:, 0] - 1.0
    length = min(max(8, int(_WINDOW * rate)), len(waveform))
    _, _, power = signal.spectrogram(waveform, rate, nperseg=length, noverlap=length // 2)
    loud = 10.0 * np.log10(np.maximum(power, 1e-16))
    shade = np.clip((loud - loud.max()) / _RANGE + 1.0, 0.0, 1.0)
    rows = np.linspace(len(shade) - 1, 0, SIDE).round().astype(int)
    columns = np.linspace(0, shade.shape[1] - 1, SIDE).round().astype(int)
    colors = colormaps["magma"](shade[np.ix_(rows, columns)])
    return np.round(255 * colors[..., :3]).astype(np.uint8)


def to_wav(sound: Float[np.ndarray, "t 1"], rate: int, gain: float = 1.0) -> bytes:
    """Return the bytes of a wave file of 16 bits; full scale stays full scale at a gain of 1.

    Args:
        sound: ``[t, 1]`` in [0, 1], of which 0.5 is silence.
        rate: samples a second.
        gain: factor on the waveform.
    """
    waveform = gain * (2.0 * np.asarray(sound, np.float64)[:, 0] - 1.0)
    samples = np.clip(np.round(waveform * 32768.0), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def player(sound: Float[np.ndarray, "t 1"], rate: int, caption: Text = "") -> Html:
    """Show a player of a sound, never louder than a safe level.

    Args:
        sound: ``[t, 1]`` in [0, 1], of which 0.5 is silence.
        rate: samples a second.
        caption: what is heard.
    """
    loudest = float(np.abs(2.0 * np.asarray(sound, np.float64) - 1.0).max())
    gain = _LOUDEST / loudest if loudest > 0.0 else 1.0
    content = base64.b64encode(to_wav(sound, rate, gain)).decode("ascii")
    played = f"played {20.0 * np.log10(gain):+.0f} dB"
    return join(
        Html('<figure class="sound">'),
        Html(f'<audio controls preload="none" src="data:audio/wav;base64,{content}"></audio>'),
        Html("<figcaption>"),
        caption,
        Html(f" <small>({played})</small></figcaption></figure>\n"),
    )
