"""Every defense on every medium: it works and is attacked, or it refuses in a sentence."""

import jax
import numpy as np
import pytest
from defense_cases import STRENGTHS
from every_medium import CLASSES, COUNT, NUMBERS, SENSES, WORDS, inputs, network, said

from fooljax import attacks, defenses, models
from fooljax.defenses import CATALOG

KNOWN = np.arange(WORDS) % 3 > 0
PICTURES, WORDS_ONLY, ALL = ("pictures",), ("words",), tuple(SENSES)


def key():
    return jax.random.key(5)


def by_name(name):
    return lambda sense: CATALOG[name].defend(key(), network(sense), STRENGTHS[name], draws=2)


def several(rule, *more):
    """Two networks together; the words of the second have shorter vectors."""
    return lambda sense: rule([network(sense), network(sense, 1, vector=3)], *more)


def rejecting(score):
    def defend(sense):
        one = network(sense)
        learned = score(one, inputs(sense))
        limit = defenses.calibrate(one, learned, inputs(sense), 0.6)
        return defenses.reject(one, learned, limit)

    return defend


def looked_at(network):
    """The logits, and as features the sums of halves of them."""

    def features(params, images):
        logits = network.apply(params, images)
        return logits, logits[:, :2] + logits[:, 2:]

    return features


def limited(rule):
    return lambda sense: defenses.known_words(network(sense), KNOWN, rule)


def expected(sense):
    """Keys that decide nothing."""
    same = lambda key, one: defenses.tempered(one, 2.0)
    return defenses.expectation(key(), same, network(sense), samples=2)


#: What makes a defended network of a medium, the mediums that it takes, and whether words keep
#: the vectors by which they are attacked.
DEFENSES = {name: (by_name(name), entry.takes, True) for name, entry in CATALOG.items()} | {
    "ensemble": (several(defenses.ensemble), ALL, True),
    "ensemble of logits": (several(defenses.ensemble, "logits"), ALL, True),
    "majority vote": (several(defenses.majority_vote), ALL, True),
    "unanimous": (several(defenses.unanimous), ALL, True),
    "temperature": (lambda sense: defenses.tempered(network(sense), 2.0), ALL, True),
    "half precision": (lambda sense: models.in_bfloat16(network(sense)), ALL, True),
    "expectation": (expected, ALL, False),
    "reject by energy": (rejecting(lambda one, images: defenses.energy()), ALL, True),
    "reject by neighbor": (
        rejecting(lambda one, images: defenses.nearest_neighbor(one, images, 2, looked_at(one))),
        ALL,
        False,
    ),
    "known words": (limited("mask"), WORDS_ONLY, True),
    "refusing unknown words": (limited("refuse"), WORDS_ONLY, True),
    "another gradient": (
        lambda sense: defenses.with_gradient_of(network(sense), network(sense).apply),
        NUMBERS,
        True,
    ),
    "ten crops": (
        lambda sense: models.ten_crop(network(sense), network(sense).input_shape[0]),
        PICTURES,
        True,
    ),
    "certificates": (lambda sense: certified(sense), NUMBERS, True),
}
QUICK = {("ensemble", "words"), ("reject by energy", "letters"), ("low-pass", "sounds")}
QUICK |= {("levels", "videos")}


def certified(sense):
    """No network comes out; one goes in."""
    defenses.certify(key(), network(sense), inputs(sense), 0.2, selection=8, samples=16)
    return network(sense)


def pairs(taken):
    return [
        pytest.param(name, sense, marks=[pytest.mark.slow] * (taken and (name, sense) not in QUICK))
        for name, (_, takes, _) in DEFENSES.items()
        for sense in SENSES
        if (sense in takes) == taken and not (takes == WORDS_ONLY and sense == "letters")
    ]


@pytest.mark.parametrize(("name", "sense"), pairs(taken=True))
def test_works_on(name, sense):
    """It answers each input by itself, and the adversary who knows it does it some harm."""
    defend, _, vectors = DEFENSES[name]
    defended, images = defend(sense), inputs(sense)
    logits = np.asarray(defended(images))
    assert logits.shape[0] == COUNT and logits.shape[1] in (CLASSES, CLASSES + 1)
    assert defended.input_shape == SENSES[sense].shape and np.isfinite(logits).all()
    np.testing.assert_allclose(defended(images[1:2]), logits[1:2], rtol=1e-4, atol=1e-5)
    goal = attacks.leave(said(defended, images))
    if not SENSES[sense].reads:
        assert defended.tokens is None
        attack = attacks.pgd(0.5, steps=5)
    elif vectors:
        check_vectors(defended, images)
        attack = attacks.hotflip(3)
    else:
        with pytest.raises(ValueError, match="the network offers none"):
            attacks.run(attacks.hotflip(3), key(), defended, images, goal)
        stays = attacks.reach(np.argmax(logits[:, :CLASSES], axis=1))
        found = attacks.run(attacks.reduction(6), key(), defended, images, stays)
        assert (np.asarray(found.images) != np.asarray(images)).any()
        return
    found = attacks.run(attack, key(), defended, images, goal)
    before = attacks.score(defended, images, goal, images)
    assert np.mean(found.margin) > np.mean(before.margin)


def check_vectors(defended, ids):
    """The answer to words is that to their vectors, which the table holds."""
    tokens, params = defended.tokens, defended.params
    vectors = tokens.embed(params, ids)
    np.testing.assert_array_equal(vectors, tokens.table(params)[ids])
    np.testing.assert_allclose(tokens.apply_embedded(params, vectors), defended(ids), rtol=1e-4)


@pytest.mark.parametrize(("name", "sense"), pairs(taken=False))
def test_refuses(name, sense):
    why = r"(for|of) (pictures \(h, w, c\)|sounds \(t, 1\)), got inputs \("
    if SENSES[sense].reads:
        why += "|the network reads texts; take defenses.known_words"
    if DEFENSES[name][1] == WORDS_ONLY:
        why = "needs a network that reads words"
    with pytest.raises(ValueError, match=why):
        DEFENSES[name][0](sense)


@pytest.mark.parametrize("senses", [("words", "letters"), ("pictures", "words")])
def test_networks_of_other_mediums_do_not_answer_as_one(senses):
    with pytest.raises(ValueError, match=r"classifiers must (read the same|take the same images)"):
        defenses.ensemble([network(one) for one in senses])
