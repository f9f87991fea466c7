"""Sounds on a page: their spectrograms as pictures, and players to hear them."""

import base64
import io
import wave

import numpy as np
from jaxtyping import Float, UInt8

from fooljax.reporting.html import Html, Text, join

SIDE = 128  # of a spectrogram, in pixels
TICKS = (250, 1_000, 4_000)  # hertz, marked at the left edge
_WINDOW = 0.032  # seconds
_RANGE = 70.0  # decibels from the darkest to the brightest color
_LOUDEST = 0.3  # of full scale, that a player plays
_TICK = 5  # pixels


def spectrogram(sound: Float[np.ndarray, "t 1"], rate: int) -> UInt8[np.ndarray, "h w 3"]:
    """Draw a sound: time from left to right, pitch from bottom to top, bright is loud.

    Pitch goes from 0 to half the rate in mel, which are spaced as people hear. The brightest
    color is the loudest place of the sound itself, the darkest 70 decibels below it and less.
    Ticks at the left mark `TICKS`, those at the bottom every tenth of the time.

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
    top = rate / 2.0
    hertz = _hertz(np.linspace(_mel(top), 0.0, SIDE))
    rows = (hertz / top * (len(shade) - 1)).round().astype(int)
    columns = np.linspace(0, shade.shape[1] - 1, SIDE).round().astype(int)
    colors = colormaps["magma"](shade[np.ix_(rows, columns)])
    drawn = np.round(255 * colors[..., :3]).astype(np.uint8)
    for tick in (tick for tick in TICKS if tick < top):
        drawn[round((1.0 - _mel(tick) / _mel(top)) * (SIDE - 1)), :_TICK] = 255
    for tenth in range(1, 10):
        drawn[-(_TICK if tenth == 5 else _TICK // 2) :, round(tenth / 10 * (SIDE - 1))] = 255
    return drawn


def _mel(hertz: float) -> float:
    """Return a pitch in mel (O'Shaughnessy, 1987, Speech communication)."""
    return float(1127.0 * np.log1p(hertz / 700.0))


def _hertz(mel: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return 700.0 * np.expm1(mel / 1127.0)


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
    change = round(20.0 * np.log10(gain))
    how = f"{abs(change)} dB {'louder' if change > 0 else 'quieter'} than"
    played = f"played {how if change else 'as loud as'} it is"
    return join(
        Html('<figure class="sound">'),
        Html(f'<audio controls preload="none" src="data:audio/wav;base64,{content}"></audio>'),
        Html("<figcaption>"),
        caption,
        Html(f" <small>({played})</small></figcaption></figure>\n"),
    )
