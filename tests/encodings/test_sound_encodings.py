"""Encodings of sounds against scipy's chirps and what their genes say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

import fooljax as fj
from fooljax.encodings import partials, waveform
from fooljax.encodings.partials import Partials, Tones, play, read

RATE, SAMPLES = 16_000, 4_000
SHAPE = (SAMPLES, 1)


def genome(*rows):
    """A genome from rows of frequency, amplitude, onset, duration and chirp."""
    return Partials(*jnp.asarray(rows, jnp.float32).T)


@pytest.mark.parametrize(
    ("first", "last", "onset", "duration"),
    [(440.0, 440.0, 0, 4000), (100.0, 200.0, 500, 3000), (3000.0, 1500.0, 1200, 2000)],
)
def test_a_partial_is_scipys_chirp(first, last, onset, duration):
    tone = jax.tree.map(jnp.float32, Tones(first, last, 0.5, onset, duration))
    found = np.asarray(jax.jit(lambda tone: play(tone, SAMPLES, RATE))(tone))
    time = np.arange(duration) / RATE
    wave = scipy.signal.chirp(time, first, duration / RATE, last, phi=-90)
    place = np.arange(duration)
    fade = np.minimum(np.clip(place / 80, 0, 1), np.clip((duration - place) / 80, 0, 1))
    wanted = np.zeros(SAMPLES)
    wanted[onset : onset + duration] = 0.5 * fade * wave
    # half a sample of the sweep is where a sum of steps differs from an integral
    late = np.pi * abs(last - first) / RATE
    np.testing.assert_allclose(found, wanted, atol=0.5 * late + 2e-3)


def test_a_long_tone_keeps_its_phase():
    """Ten seconds: float32 alone would be off by hundredths of a radian in the end."""
    samples = 160_000
    tone = jax.tree.map(jnp.float32, Tones(3777.7, 3777.7, 1.0, 0, samples))
    found = np.asarray(jax.jit(lambda tone: play(tone, samples, RATE))(tone))
    step = np.float64(np.round(np.float32(3777.7) * np.float32(2.0**32 / RATE)))
    assert step * RATE / 2.0**32 == pytest.approx(3777.7, rel=2e-7)
    turns = (step * np.arange(samples)) % 2.0**32 / 2.0**32  # below 2^53: exact
    wanted = np.sin(2.0 * np.pi * turns)
    np.testing.assert_allclose(found[100:-100], wanted[100:-100], atol=1e-5)


def test_genes_in_units():
    ends = genome([0, 1, 0, 1, 0.5], [1, 0.5, 1, 0, 0.5], [0.5, 0, 0.5, 0.5, 1.0])
    tones = read(ends, SAMPLES, RATE)
    np.testing.assert_allclose(tones.first, [60.0, 3840.0, 480.0], rtol=1e-5)
    np.testing.assert_allclose(tones.last, [60.0, 3840.0, 960.0], rtol=1e-5)
    np.testing.assert_allclose(tones.amplitude, [1.0, 10**-1.5, 0.0], rtol=1e-5)
    np.testing.assert_array_equal(tones.onset, [0, 3680, 1840])
    np.testing.assert_array_equal(tones.duration, [4000, 320, 1240])
    slow = read(ends, 800, 1000)
    np.testing.assert_allclose(slow.first[1], 450.0, rtol=1e-5)


def test_a_sum_that_would_be_too_loud_is_made_quieter():
    encoding = partials(SHAPE, RATE, count=3)
    loud = genome(*[[0.5, 1.0, 0.0, 1.0, 0.5]] * 3)
    quiet = genome(*[[0.5, 1.0 + np.log10(0.25) / 3.0, 0.0, 1.0, 0.5]] * 3)
    both = [2.0 * np.asarray(encoding.express(one)) - 1.0 for one in (loud, quiet)]
    assert np.abs(both[0]).max() == pytest.approx(1.0, abs=1e-3)
    assert np.abs(both[1]).max() == pytest.approx(0.75, abs=1e-3)
    np.testing.assert_allclose(both[0], both[1] / 0.75, atol=2e-3)


def test_tones_are_where_the_genes_say():
    """The loudest frequency of a sound of one partial is the partial's."""
    encoding = partials(SHAPE, RATE, count=1)
    for gene in (0.1, 0.4, 0.9):
        sound = encoding.express(genome([gene, 1.0, 0.0, 1.0, 0.5]))
        power = np.abs(np.fft.rfft(np.asarray(sound)[:, 0] - 0.5))
        found = np.argmax(power) * RATE / SAMPLES
        assert found == pytest.approx(60.0 * 64.0**gene, abs=RATE / SAMPLES)


def test_children_are_in_range_and_partly_of_both_parents(key):
    encoding = partials(SHAPE, RATE, mutation_rate=0.0)
    key_one, key_other, key_vary = jax.random.split(key, 3)
    one, other = encoding.init(key_one), encoding.init(key_other)
    vary = jax.jit(jax.vmap(encoding.vary, in_axes=(0, None, None, None)))
    children = vary(jax.random.split(key_vary, 200), one, other, 0)
    of_one = np.asarray(children.frequency == one.frequency[None])
    of_other = np.asarray(children.frequency == other.frequency[None])
    assert np.all(of_one ^ of_other)
    np.testing.assert_array_equal(of_other, np.asarray(children.onset == other.onset[None]))
    assert 0.4 < np.mean(of_one.all(axis=1)) < 0.6
    assert 0.2 < np.mean(of_other) < 0.3


def test_one_child_of_ten_is_louder_or_quieter_as_a_whole(key):
    encoding = partials(SHAPE, RATE)
    parent = Partials(*jnp.full((5, 10), 0.5, jnp.float32))
    vary = jax.jit(jax.vmap(encoding.vary, in_axes=(0, None, None, None)))
    children = vary(jax.random.split(key, 1000), parent, parent, 0)
    change = np.asarray(children.amplitude) - 0.5
    common = np.median(change, axis=1)
    together = np.mean(np.isclose(change, common[:, None]), axis=1) > 0.5
    assert np.mean(together) > 0.95  # few partials change by themselves
    assert np.mean(common != 0.0) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 1000))
    assert np.mean(common > 0.0) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 / 1000))


def test_mutants_and_their_sounds_are_in_range(key):
    encoding = partials((700, 1), 8_000, count=4, mutation_rate=0.5)
    key_init, key_vary = jax.random.split(key)

    @jax.jit
    def grow(key_init, key_vary):
        genomes = jax.vmap(encoding.init)(jax.random.split(key_init, 50))
        vary = jax.vmap(encoding.vary, in_axes=(0, 0, 0, None))
        genomes = vary(jax.random.split(key_vary, 50), genomes, genomes, 0)
        return genomes, jax.vmap(encoding.express)(genomes), jax.vmap(encoding.traits)(genomes)

    genomes, sounds, traits = grow(key_init, key_vary)
    genes = np.stack(genomes)
    assert genes.min() >= 0.0 and genes.max() <= 1.0
    assert sounds.shape == (50, 700, 1) and sounds.dtype == jnp.float32
    assert float(sounds.min()) >= 0.0 and float(sounds.max()) <= 1.0
    assert np.all(traits["partials"] <= 4) and np.all(traits["seconds"] <= 700 / 8_000)


def test_a_waveform_begins_quietly_and_changes_as_quietly(key):
    encoding = waveform(SHAPE, rms=0.02, rate=0.1, step=0.5)
    key_init, key_vary = jax.random.split(key)
    begun = encoding.init(key_init)
    child = encoding.vary(key_vary, begun, begun, 0)
    heard, change = 2.0 * np.asarray(begun) - 1.0, 2.0 * np.asarray(child - begun)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.02, rel=0.05)
    assert abs(np.mean(heard)) < 0.002
    assert np.mean(change != 0.0) == pytest.approx(0.1, abs=0.02)
    assert np.std(change[change != 0.0]) == pytest.approx(0.01, rel=0.1)
    np.testing.assert_array_equal(encoding.express(child), child)
    assert float(encoding.traits(begun)["rms"]) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("name", ["partials", "waveform", "direct", "cppn"])
def test_the_catalog_makes_sounds(name, key):
    entry = fj.encodings.CATALOG[name]
    assert "sounds" in entry.takes
    encoding = entry.build((800, 1), fj.media.Sounds(8_000))
    assert encoding.express(encoding.init(key)).shape == (800, 1)


WRONG = {
    "a picture": (
        lambda: partials((28, 28, 1)),
        r"partials are for sounds \(t, 1\), got \(28",
    ),
    "stereo": (lambda: partials((100, 2)), r"partials are for sounds \(t, 1\), got \(100, 2\)"),
    "no partials": (lambda: partials(SHAPE, count=0), "count must be at least 1, got 0"),
    "no rate": (lambda: partials(SHAPE, 0), "rate must be at least 1, got 0"),
    "a rate of 2": (
        lambda: partials(SHAPE, mutation_rate=2.0),
        r"mutation_rate must be in \[0, 1\], got 2.0",
    ),
    "a video": (lambda: waveform((4, 8, 8, 1)), r"waveforms are sounds \(t, 1\), got \(4, 8, 8"),
    "silence": (lambda: waveform(SHAPE, rms=0.0), r"rms must be in \(0, 1\], got 0.0"),
    "no step": (lambda: waveform(SHAPE, step=0.0), "step must be positive, got 0.0"),
}


@pytest.mark.parametrize(("build", "message"), WRONG.values(), ids=WRONG.keys())
def test_says_what_is_impossible(build, message):
    with pytest.raises(ValueError, match=message):
        build()
