"""Defenses of sounds against scipy and numpy; their gradients; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from fooljax import defenses
from fooljax.defenses import low_pass, mu_law, resample, time_shift
from fooljax.types import Classifier

SAMPLES = 700
_NOISE = np.random.default_rng(0)
SOUNDS = _NOISE.uniform(size=(3, SAMPLES, 1)).astype(np.float32)


def look(params, sounds):
    """A network that says what it hears."""
    return params * sounds.reshape(len(sounds), -1)


def ear(shape=(SAMPLES, 1)):
    return Classifier(jnp.float32(1.0), look, shape, int(np.prod(shape)))


def heard(defend, sounds=SOUNDS):
    defended = defend(ear(sounds.shape[1:]))
    return np.asarray(jax.jit(lambda c, x: c(x))(defended, sounds)).reshape(sounds.shape)


def slope(defend, weights, sounds=SOUNDS):
    defended = defend(ear(sounds.shape[1:]))
    flat = weights.reshape(len(weights), -1)
    return np.asarray(jax.jit(jax.grad(lambda x: jnp.sum(flat * defended(x))))(sounds))


def filtered(cutoff, waves):
    """The same taps, moved over the sound one place after another."""
    taps = scipy.signal.firwin(129, cutoff)
    return np.stack([np.convolve(wave, taps, "same") for wave in np.float64(waves)])


@pytest.mark.parametrize("cutoff", [0.1, 0.5, 0.9])
def test_low_pass_is_scipys_filter(cutoff):
    wanted = 0.5 + filtered(cutoff, SOUNDS[..., 0] - 0.5)
    found = heard(lambda network: low_pass(network, cutoff))
    np.testing.assert_allclose(found[..., 0], wanted, atol=2e-6)


def test_low_pass_keeps_low_tones_and_takes_out_high_ones():
    time = np.arange(SAMPLES)
    tones = np.stack([0.5 + 0.4 * np.sin(np.pi * share * time) for share in (0.1, 0.45, 0.55, 0.8)])
    found = heard(lambda network: low_pass(network, 0.5), np.float32(tones)[..., None])
    inside = slice(100, -100)
    left = np.std(found[:, inside, 0], axis=1) / np.std(tones[:, inside], axis=1)
    np.testing.assert_allclose(left, [1.0, 1.0, 0.0, 0.0], atol=0.01)
    silence = np.full((1, SAMPLES, 1), 0.5, np.float32)
    np.testing.assert_allclose(heard(lambda network: low_pass(network, 0.3), silence), 0.5)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_resampling_is_scipys_there_and_back(factor):
    taps = scipy.signal.firwin(129, 1.0 / factor)
    waves = SOUNDS[..., 0].astype(np.float64) - 0.5
    few = scipy.signal.resample_poly(waves, 1, factor, axis=1, window=taps)
    wanted = scipy.signal.resample_poly(few, factor, 1, axis=1, window=taps)[:, :SAMPLES]
    found = heard(lambda network: resample(network, factor))
    np.testing.assert_allclose(found[..., 0], 0.5 + wanted, atol=3e-6)


def test_filters_are_their_own_transpose():
    """They are symmetric, so the gradient of a weighted sum is the weights, filtered."""
    weights = np.random.default_rng(1).normal(size=SOUNDS.shape).astype(np.float32)
    for defend, wanted in (
        (lambda network: low_pass(network, 0.4), filtered(0.4, weights[..., 0])),
        (
            lambda network: resample(network, 2),
            filtered(
                0.5, 2.0 * filtered(0.5, weights[..., 0]) * (np.arange(SAMPLES) % 2 == 0)[None]
            ),
        ),
    ):
        np.testing.assert_allclose(slope(defend, weights)[..., 0], wanted, atol=1e-5)


def test_mu_law_at_eight_bits_is_a_telephone():
    """Against the table of the 256 levels, the nearest in the compressed unit."""
    codes = np.arange(256)
    level = 2.0 * codes / 255 - 1.0
    table = np.sign(level) * (256.0 ** np.abs(level) - 1.0) / 255
    waves = 2.0 * SOUNDS[..., 0].astype(np.float64) - 1.0
    squeezed = np.sign(waves) * np.log1p(255 * np.abs(waves)) / np.log(256)
    wanted = 0.5 + 0.5 * table[np.argmin(abs(squeezed[..., None] - level), axis=2)]
    found = heard(lambda network: mu_law(network, 8))
    # two levels are equally near to a few samples
    assert np.mean(np.abs(found[..., 0] - wanted) > 1e-5) < 5e-3
    assert len(np.unique(np.round(found, 6))) <= 256


@pytest.mark.parametrize("bits", [1, 4, 12, 16])
def test_mu_law_loses_less_with_more_bits_and_passes_the_gradient(bits):
    weights = np.random.default_rng(2).normal(size=SOUNDS.shape).astype(np.float32)
    lost = np.abs(heard(lambda network: mu_law(network, bits)) - SOUNDS).max()
    most = {1: 0.51, 4: 0.2, 12: 2e-3, 16: 2e-4}[bits]
    assert most / 10.0 < lost <= most
    np.testing.assert_allclose(
        slope(lambda network: mu_law(network, bits), weights), weights, atol=1e-6
    )


def test_quiet_samples_are_rounded_less():
    loud = np.float32([0.75, 0.9, 1.0])[None, :, None]
    quiet = 0.5 + (loud - 0.5) / 100.0
    defend = lambda network: mu_law(network, 6)
    lost = [np.abs(heard(defend, one) - one).max() for one in (loud, quiet)]
    assert lost[1] < lost[0] / 5.0


def test_a_shift_moves_all_sounds_alike_and_leaves_silence():
    found, shifts = [], []
    for seed in range(20):
        defend = lambda network, seed=seed: time_shift(jax.random.key(seed), network, 0.1)
        found.append(heard(defend)[..., 0])
        shifts.append(moved(found[-1]))
    assert max(map(abs, shifts)) <= 70 and len(set(shifts)) > 10
    assert min(shifts) < -20 and max(shifts) > 20


def moved(found):
    """By how many samples all sounds were moved; the rest is silent."""
    for by in range(-70, 71):
        wanted = np.full((3, SAMPLES), np.float32(0.5))
        wanted[:, max(by, 0) : SAMPLES + min(by, 0)] = SOUNDS[
            :, max(-by, 0) : SAMPLES - max(by, 0), 0
        ]
        if np.array_equal(found, wanted):
            return by
    raise AssertionError("is not a shift of at most a tenth")


def test_another_strength_compiles_nothing():
    key = lambda seed: jax.random.key(seed)
    for one, other in (
        (low_pass(ear(), 0.3), low_pass(ear(), 0.7)),
        (resample(ear(), 2), resample(ear(), 5)),
        (mu_law(ear(), 4), mu_law(ear(), 8)),
        (time_shift(key(0), ear(), 0.1), time_shift(key(1), ear(), 0.2)),
    ):
        assert jax.tree.structure(one) == jax.tree.structure(other)
        assert [leaf.shape for leaf in jax.tree.leaves(one)] == [
            leaf.shape for leaf in jax.tree.leaves(other)
        ]


WRONG = {
    "cut-off 0": (low_pass, 0.0, r"cutoff must be in \(0, 1\), got 0.0"),
    "cut-off 1": (low_pass, 1.0, r"cutoff must be in \(0, 1\), got 1.0"),
    "every sample": (resample, 1, "factor must be at least 2, got 1"),
    "no bits": (mu_law, 0, "bits must be at least 1, got 0"),
    "too many bits": (mu_law, 17, "bits must be at most 16, got 17"),
    "no shift": (
        lambda network, most: time_shift(jax.random.key(0), network, most),
        0.0,
        r"most must be in \(0, 1\), got 0.0",
    ),
}


@pytest.mark.parametrize(("defend", "strength", "message"), WRONG.values(), ids=WRONG.keys())
def test_says_what_is_impossible(defend, strength, message):
    with pytest.raises(ValueError, match=message):
        defend(ear(), strength)


OF_SOUNDS = {"low-pass": 0.5, "resample": 2, "mu-law": 8, "shift": 0.1}
OF_PICTURES = {"blur": 1.0, "median": 3, "jpeg": 50, "resize": 0.8}


def test_the_catalog_says_who_takes_what():
    catalog = defenses.CATALOG
    assert {name for name, entry in catalog.items() if entry.takes == ("sounds",)} == set(OF_SOUNDS)
    assert {name for name, one in catalog.items() if one.takes == ("pictures",)} == set(OF_PICTURES)


@pytest.mark.parametrize("name", OF_PICTURES)
def test_what_needs_pictures_says_so(name):
    entry, key = defenses.CATALOG[name], jax.random.key(0)
    with pytest.raises(ValueError, match=r"is for pictures \(h, w, c\), got inputs \(700, 1\)"):
        entry.draw(key, ear(), OF_PICTURES[name])


@pytest.mark.parametrize("name", OF_SOUNDS)
def test_what_needs_sounds_says_so(name):
    entry, key = defenses.CATALOG[name], jax.random.key(0)
    assert isinstance(entry.defend(key, ear(), OF_SOUNDS[name], 2), Classifier)
    with pytest.raises(ValueError, match=r"is for sounds \(t, 1\), got inputs \(28, 28, 1\)"):
        entry.draw(key, ear((28, 28, 1)), OF_SOUNDS[name])
