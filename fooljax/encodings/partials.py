"""Sounds made of a few partials: tones that begin, rise or fall in pitch, and end."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks, printing
from fooljax.encodings.cppn_render import sine
from fooljax.encodings.variation import polynomial_mutation
from fooljax.types import Encoding, Image, RandomKey

LOWEST, HIGHEST = 60.0, 3840.0  # in hertz: six octaves
_NYQUIST = 0.45  # of the rate, what a partial stays below
_SHORTEST, _FADE = 0.02, 0.005  # in seconds
_QUIETEST = -60.0  # decibels of full scale
_OCTAVES = 1.0  # that a partial may rise or fall
_TURN = 2.0**32  # a phase is counted in whole numbers, which wrap around without an error


class Partials(NamedTuple):
    """Genes in [0, 1] of a few partials; `read` says what they mean.

    Attributes:
        frequency: at the beginning, on a logarithmic scale.
        amplitude: in decibels, from the quietest to the loudest; 0 is none.
        onset: when it begins, as a share of the sound.
        duration: how long it lasts, as a share of what is left.
        chirp: how far it rises until its end; 0.5 keeps its pitch.
    """

    frequency: Float[Array, " n"]
    amplitude: Float[Array, " n"]
    onset: Float[Array, " n"]
    duration: Float[Array, " n"]
    chirp: Float[Array, " n"]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


class Tones(NamedTuple):
    """What partials are, in units.

    Attributes:
        first: frequency at the beginning, in hertz.
        last: frequency at the end, in hertz.
        amplitude: in [0, 1], before the sum is kept from being too loud.
        onset: in samples.
        duration: in samples.
    """

    first: Float[Array, " n"]
    last: Float[Array, " n"]
    amplitude: Float[Array, " n"]
    onset: Float[Array, " n"]
    duration: Float[Array, " n"]


def read(genome: Partials, samples: int, rate: int) -> Tones:
    """Return what genes mean in a sound of so many samples.

    Args:
        genome: of any number of partials.
        samples: of the sound.
        rate: samples a second.
    """
    top = min(HIGHEST, _NYQUIST * rate)
    low = min(LOWEST, top / 2.0)
    first = low * (top / low) ** genome.frequency
    last = jnp.clip(first * 2.0 ** (_OCTAVES * (2.0 * genome.chirp - 1.0)), low, top)
    shortest = min(_SHORTEST * rate, samples)
    onset = jnp.floor(genome.onset * (samples - shortest))
    duration = jnp.floor(shortest + genome.duration * (samples - shortest - onset))
    heard = 10.0 ** (_QUIETEST / 20.0 * (1.0 - genome.amplitude))
    amplitude = jnp.where(genome.amplitude > 0.0, heard, 0.0)
    return Tones(first, last, amplitude, onset, duration)


@checks.cache
def partials(
    shape: tuple[int, ...], rate: int = 16_000, count: int = 10, mutation_rate: float = 0.1
) -> Encoding:
    """Evolve sounds that are sums of a few tones: a tune that nobody says.

    A partial has a frequency from 60 to 3,840 Hz (at low rates to 45 % of the rate), an
    amplitude from -60 to 0 decibels of full scale (none at all if its gene is 0), an onset, a
    duration of 20 ms at least, and rises or falls by an octave at most. It fades in and out
    over 5 ms. Where the sum would be too loud, all of it is made quieter.

    A child has each partial of one parent or, in half of the children, of the one or the
    other; then its genes mutate, and one partial in twenty is drawn anew. In one child of ten
    all partials become louder or quieter together, down to silence, which no change of one of
    them does.

    Args:
        shape: of a sound, ``(t, 1)``.
        rate: samples a second.
        count: number of partials.
        mutation_rate: probability that a gene mutates, in [0, 1].

    Returns:
        An encoding whose genomes are `Partials`, and whose sounds are ``[t, 1]`` in [0, 1]:
        0.5 is silence.

    Raises:
        ValueError: if ``shape`` is not that of a sound, or a number is impossible.

    Source:
        McAulay and Quatieri, 1986, Speech analysis/synthesis based on a sinusoidal
        representation (speech as a sum of tones that change).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.partials((800, 1), rate=8000, count=3)
        >>> encoding.express(encoding.init(jax.random.key(0))).shape
        (800, 1)
    """
    shape = checks.shape("shape", shape)
    if len(shape) != 2 or shape[1] != 1:
        raise ValueError(f"partials are for sounds (t, 1), got {shape}")
    rate, count = checks.count("rate", rate), checks.count("count", count)
    mutation_rate = checks.between("mutation_rate", mutation_rate, 0.0, 1.0)
    samples = shape[0]

    def init(key: RandomKey) -> Partials:
        return Partials(*jax.random.uniform(key, (5, count), jnp.float32))

    def vary(key: RandomKey, parent: Partials, mate: Partials, generation: Array) -> Partials:
        del generation
        keys = jax.random.split(key, 7)
        key_both, key_whose, key_move, key_anew, key_fresh, key_all, key_louder = keys
        genes, other = jnp.stack(parent), jnp.stack(mate)
        theirs = jax.random.bernoulli(key_whose, 0.5, (count,)) & jax.random.bernoulli(key_both)
        genes = jnp.where(theirs[None], other, genes)
        genes = polynomial_mutation(key_move, genes, mutation_rate)
        anew = jax.random.bernoulli(key_anew, mutation_rate / 2.0, (count,))
        fresh = jax.random.uniform(key_fresh, genes.shape, jnp.float32)
        child = Partials(*jnp.where(anew[None], fresh, genes))
        louder = jax.random.uniform(key_louder, (), jnp.float32, -1.0, 1.0)
        louder = jnp.where(jax.random.bernoulli(key_all, mutation_rate), louder, 0.0)
        return child._replace(amplitude=jnp.clip(child.amplitude + louder, 0.0, 1.0))

    def express(genome: Partials) -> Image:
        tones = read(genome, samples, rate)
        # one after another: side by side the children of a generation take a gigabyte
        add = lambda i, wave: wave + play(jax.tree.map(lambda leaf: leaf[i], tones), samples, rate)
        wave = jax.lax.fori_loop(0, count, add, jnp.zeros(samples, jnp.float32))
        wave = wave / jnp.maximum(jnp.max(jnp.abs(wave)), 1.0)
        return (0.5 + 0.5 * wave)[:, None]

    def traits(genome: Partials) -> Mapping[str, Array]:
        tones = read(genome, samples, rate)
        heard = tones.amplitude > 0.01  # 40 decibels below the loudest
        return {"partials": jnp.sum(heard), "seconds": jnp.mean(tones.duration) / rate}

    return Encoding(init, vary, express, traits)


def play(tone: Tones, samples: int, rate: int) -> Float[Array, " t"]:
    """Return the waveform of one partial.

    Its phase is counted in whole numbers, 2^32 for a turn: float32 would be off by two
    thousandths of a radian after a second of 3,840 Hz, by more after more, and in a chirp.
    """
    place = jnp.arange(samples, dtype=jnp.int32) - tone.onset.astype(jnp.int32)
    length = tone.duration.astype(jnp.int32)
    # a linear sweep; steps of a turn may not be rounded before they are added up
    n = jnp.clip(place, 0, length).astype(jnp.uint32)
    step = jnp.round(tone.first * np.float32(_TURN / rate)).astype(jnp.uint32)
    rise = (tone.last - tone.first) / rate / tone.duration * _TURN
    grown = jnp.round(jnp.abs(rise)).astype(jnp.uint32)
    half = jnp.where(n % 2 == 0, (n // 2) * (n - (n > 0)), n * ((n - (n > 0)) // 2))
    sweep = jnp.where(rise < 0.0, jnp.uint32(0) - grown * half, grown * half)
    phase = (step * n + sweep).astype(jnp.int32).astype(jnp.float32) * np.float32(2 * np.pi / _TURN)
    fade = max(_FADE * rate, 1.0)
    begin = jnp.clip(place / fade, 0.0, 1.0)
    end = jnp.clip((length - place) / fade, 0.0, 1.0)
    return tone.amplitude * begin * end * sine(phase)
