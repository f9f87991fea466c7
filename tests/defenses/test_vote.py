"""Votes against plain counting, and the gradients that stand in for them."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from fooljax import attacks
from fooljax.defenses import majority_vote, unanimous
from fooljax.types import Classifier

SHAPE = (1, 3, 1)
CLASSES = 3
COLUMNS = 4  # the last one rejects


def says(params, images):
    """Whatever it was told, plus what it sees."""
    return params["says"] + images.reshape(len(images), -1) @ params["sees"]


def member(answers, seed=0):
    """A network that says ``answers [b, m]`` to a batch of black images."""
    sees = jax.random.normal(jax.random.key(seed), (3, np.shape(answers)[1]))
    return Classifier({"says": jnp.asarray(answers), "sees": sees}, says, SHAPE, CLASSES)


def everything_three_members_can_name():
    """Every combination of answers of three members, with random leads: ``[3, 64, 4]``."""
    names = np.array(list(itertools.product(range(COLUMNS), repeat=3))).T
    numbers = np.random.default_rng(0)
    logits = numbers.normal(size=(3, names.shape[1], COLUMNS))
    for one, named in zip(logits, names, strict=True):
        leads = numbers.uniform(0.2, 2.0, len(named))
        one[np.arange(len(named)), named] = one.max(axis=1) + leads
    return names, logits.astype(np.float32)


NAMES, LOGITS = everything_three_members_can_name()
MEMBERS = tuple(member(one, seed) for seed, one in enumerate(LOGITS))
BLACK = jnp.zeros((len(LOGITS[0]), *SHAPE))


@jax.jit
def ask(classifier, images):
    return classifier(images)


@jax.jit
def slopes(classifier, images):
    """Every image's gradient of each of its classes' logits, ``[k, b, pixels]``."""
    of = lambda k: jax.grad(lambda images: jnp.sum(classifier(images)[:, k]))(images)
    return jnp.stack([of(k) for k in range(CLASSES)]).reshape(CLASSES, len(images), -1)


@jax.jit
def scored(classifier, images, goal):
    return attacks.score(classifier, images, goal, images)


def test_majority_by_counting():
    logits = np.asarray(ask(majority_vote(MEMBERS), BLACK), np.float64)
    probabilities = scipy.special.softmax(LOGITS.astype(np.float64), axis=2).mean(axis=0)
    for names, mean, found in zip(NAMES.T, probabilities, logits, strict=True):
        votes = np.bincount(names, minlength=COLUMNS)
        np.testing.assert_allclose(np.exp(found) * 3, votes + 1e-3 * mean + 1e-9, rtol=1e-5)
        share = scipy.special.softmax(found)
        assert abs(share - votes / 3).max() < 1e-3
        winners = np.flatnonzero(votes == votes.max())
        assert found.argmax() == winners[mean[winners].argmax()]
        assert (share.max() > 0.99) == (votes.max() == 3)


def test_unanimous_by_comparing():
    classifier = unanimous(MEMBERS)
    logits = np.asarray(ask(classifier, BLACK))
    assert logits.shape == (len(NAMES.T), CLASSES + 1) and classifier.num_classes == CLASSES
    for image, (names, found) in enumerate(zip(NAMES.T, logits, strict=True)):
        agreed = len(set(names)) == 1 and names[0] < CLASSES
        assert found.argmax() == (names[0] if agreed else CLASSES)
        assert found[CLASSES] == 0.0
        for k in range(CLASSES):
            leads = [one[image, k] - np.delete(one[image], k).max() for one in LOGITS]
            assert found[k] == np.float32(min(leads))
    doubt = 1.0 - scipy.special.softmax(logits, axis=1)[:, :CLASSES].max(axis=1)
    least = logits[:, :CLASSES].max(axis=1)
    assert np.all(doubt >= scipy.special.expit(-least) - 1e-6)


@pytest.mark.parametrize(("rule", "needed"), [(majority_vote, 2), (unanimous, 3)])
def test_the_gradient_is_that_of_the_soft_minimum_over_whom_it_takes(rule, needed):
    """By finite differences of numpy, in double precision."""
    sees = [np.asarray(one.params["sees"], np.float64) for one in MEMBERS]

    def nearness(pixels, image, k):
        leads = []
        for one, weights in zip(LOGITS, sees, strict=True):
            said = one[image].astype(np.float64) + pixels @ weights
            leads.append(said[k] - np.delete(said, k).max())
        return -np.log(np.exp(-np.sort(leads)[-needed:]).sum())

    steps = 1e-6 * np.eye(3)
    found = slopes(rule(MEMBERS), BLACK)
    for k, image in np.ndindex(CLASSES, len(BLACK)):
        by_hand = [(nearness(h, image, k) - nearness(-h, image, k)) / 2e-6 for h in steps]
        np.testing.assert_allclose(found[k, image], by_hand, rtol=1e-3, atol=1e-4)


def test_two_that_disagree():
    """The surer one wins the vote; together they reject."""
    sure, unsure = [[3.0, 0.0, 0.0]], [[0.0, 0.5, 0.0]]
    pair = (member(sure), member(unsure))
    black = BLACK[:1]
    for both in (pair, pair[::-1]):
        voted = np.asarray(ask(majority_vote(both), black))[0]
        assert voted.argmax() == 0
        np.testing.assert_allclose(scipy.special.softmax(voted), [0.5, 0.5, 0.0], atol=1e-3)
    assert np.argmax(ask(unanimous(pair), black)) == CLASSES


def test_one_member_is_itself():
    alone = MEMBERS[:1]
    named = np.argmax(LOGITS[0], axis=1)
    np.testing.assert_array_equal(np.argmax(ask(majority_vote(alone), BLACK), axis=1), named)
    np.testing.assert_array_equal(np.argmax(ask(unanimous(alone), BLACK), axis=1), named)


def test_a_member_without_an_answer_spoils_the_vote():
    broken = member(np.full((1, COLUMNS), np.nan))
    for rule in (majority_vote, unanimous):
        pair = rule((member(LOGITS[1][:1]), broken))
        goal = attacks.reach(jnp.zeros(1, int))
        assert not scored(pair, BLACK[:1], goal).success[0]


@pytest.mark.parametrize("rule", [majority_vote, unanimous])
def test_equal_members_are_the_same_program_and_wrong_ones_are_refused(rule):
    others = tuple(member(one + 1.0, 9) for one in LOGITS)
    assert jax.tree.structure(rule(MEMBERS)) == jax.tree.structure(rule(others))
    with pytest.raises(ValueError, match="at least one classifier"):
        rule(())
    with pytest.raises(ValueError, match="member 1 has 3 classes in 3 logits, the first one has 3"):
        rule((MEMBERS[0], member(LOGITS[0][:, :3])))
