"""Eight kinds of generated sounds, told apart by ear: synthetic, and so called everywhere."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from fooljax.data.dataset import Splits, from_arrays
from fooljax.media import Sounds

RATE = 8000
LENGTH = 4000  # samples: half a second
CLASSES = ("rising", "falling", "steady", "chord", "warble", "clicks", "hiss", "silence")
_TRAIN, _TEST = 100, 25  # sounds of each class
_SEED = 20150401
_NOISE = 0.01  # standard deviation of the noise in all of them, on the scale of the waveform

Time = Float[np.ndarray, " t"]
Random = np.random.Generator


def read_tones() -> Splits:
    """Return 800 sounds to learn from and 200 to be tested on, the same on every machine.

    Pitch, loudness, onset and duration are drawn anew for each; a little noise is in all of
    them. They are synthetic: a network that knows them knows nothing of the world.

    Returns:
        Sounds ``[n, 4000, 1]``, float32 in [0, 1], at 8,000 samples a second.
    """
    halves = []
    for half, count in enumerate((_TRAIN, _TEST)):
        random = np.random.default_rng([_SEED, half])
        labels = np.tile(np.arange(len(CLASSES)), count)
        waveforms = np.stack([_sound(random, CLASSES[label]) for label in labels])
        sounds = ((waveforms + 1.0) / 2.0).astype(np.float32)[..., None]
        halves.append(from_arrays(sounds, labels, CLASSES, Sounds(RATE)))
    return Splits(*halves)


def _sound(random: Random, name: str) -> Float[np.ndarray, " t"]:
    """Draw a waveform of a class, in [-1, 1]."""
    time = np.arange(LENGTH) / RATE
    onset, duration = random.uniform(0.0, 0.1), random.uniform(0.25, 0.4)
    inside = np.clip(np.minimum(time - onset, onset + duration - time) / 0.01, 0.0, 1.0)
    loudness = 0.0 if name == "silence" else random.uniform(0.1, 0.5)
    waveform = loudness * inside * _WAVES.get(name, _steady)(random, time)
    return np.clip(waveform + random.normal(0.0, _NOISE, LENGTH), -1.0, 1.0)


def _pitch(random: Random) -> float:
    return float(np.exp(random.uniform(np.log(200.0), np.log(1500.0))))


def _glide(random: Random, time: Time, octaves: float) -> Time:
    speed = octaves * np.log(2.0)  # the phase of a pitch that grows exponentially
    return np.sin(2 * np.pi * _pitch(random) * (np.exp(speed * time) - 1.0) / speed)


def _rising(random: Random, time: Time) -> Time:
    return _glide(random, time, random.uniform(1.5, 3.0))


def _falling(random: Random, time: Time) -> Time:
    return _rising(random, time)[::-1]


def _steady(random: Random, time: Time) -> Time:
    return np.sin(2 * np.pi * _pitch(random) * time)


def _chord(random: Random, time: Time) -> Time:
    low = _pitch(random)
    ratios = np.array([[1.0], [1.26], [1.5]])
    return np.sin(2 * np.pi * low * ratios * time[None]).mean(axis=0)


def _warble(random: Random, time: Time) -> Time:
    speed, depth = random.uniform(5.0, 9.0), random.uniform(5.0, 12.0)
    return np.sin(2 * np.pi * _pitch(random) * time + depth * np.sin(2 * np.pi * speed * time))


def _clicks(random: Random, time: Time) -> Time:
    every = random.integers(RATE // 30, RATE // 12)
    return 2.0 * (np.arange(len(time)) % every < 4)


def _hiss(random: Random, time: Time) -> Time:
    return np.clip(random.normal(0.0, 0.5, len(time)), -1.0, 1.0)


_WAVES: dict[str, Callable[[Random, Time], Time]] = {
    "rising": _rising,
    "falling": _falling,
    "steady": _steady,
    "chord": _chord,
    "warble": _warble,
    "clicks": _clicks,
    "hiss": _hiss,
}
