"""Several networks, one image: in turn and scored on each, against plain loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import COUNT, LEAVE, REACH, SHAPE, affine, make_affine, make_params, two_layers

from fooljax import attacks
from fooljax.attacks.attack import fold_in
from fooljax.attacks.attack import sample_keys as loop_keys
from fooljax.types import Classifier

MEMBERS = tuple(make_affine(seed, columns=5) for seed in (3, 4, 5))
PGD = attacks.pgd(0.1, 0.05, 3, random_start=True)


@jax.jit
def margin(member, images):
    return attacks.margin(LEAVE, member(images), 5)


@pytest.fixture(scope="module")
def result(images):
    return attacks.in_turn(PGD, jax.random.key(5), MEMBERS, images, LEAVE, rounds=2)


def test_each_turn_goes_on_from_the_last(result, images):
    """By hand: attack, look, go on from there."""
    found, after = images, []
    sample_keys = jax.jit(lambda turn: fold_in(loop_keys(jax.random.key(5), COUNT), turn))
    candidates = [images]
    for turn, member in enumerate(MEMBERS * 2):
        found = attacks.run(PGD, sample_keys(turn), member, images, LEAVE, start=found).images
        candidates.append(found)
        after.append([margin(one, found) for one in MEMBERS])
    after = np.array(after)
    np.testing.assert_allclose(result.after.reshape(6, 3, COUNT), after, rtol=1e-4, atol=1e-5)
    before = np.array([margin(one, images) for one in MEMBERS])
    np.testing.assert_allclose(result.before, before, rtol=1e-4, atol=1e-5)
    least = np.concatenate([before[None], after]).min(axis=1)
    chosen, margins = np.asarray(result.images), np.asarray(result.margins)
    for i, turn in enumerate(least.argmax(axis=0)):
        np.testing.assert_array_equal(chosen[i], np.asarray(candidates[turn])[i])
        np.testing.assert_allclose(margins[:, i].min(), least[turn, i], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result.success, margins.min(axis=0) > 0.0)


def test_what_it_costs(result):
    """Each turn 3 steps, a last look and a score; 7 looks at all 3 networks."""
    np.testing.assert_array_equal(result.forwards, 6 * (3 + 1 + 1) + 7 * 3)
    np.testing.assert_array_equal(result.gradients, 6 * 3)


def test_stays_in_the_ball_of_the_originals(result, images):
    assert np.abs(np.asarray(result.images) - np.asarray(images)).max() <= 0.1
    assert np.any(result.success)


def test_a_network_that_undoes_what_another_won(images, key):
    """Of two networks that always disagree, whoever had the last turn is fooled."""
    weights, bias = MEMBERS[0].params
    opposite = Classifier((-weights, -bias), affine, SHAPE, 5)
    target = attacks.reach(jnp.zeros(COUNT, int))
    attack = attacks.pgd(1.0, 0.2, 20, random_start=True)
    result = attacks.in_turn(attack, key, (MEMBERS[0], opposite), images, target)
    after = np.asarray(result.after)[0]  # [turn, network, image]
    assert np.all(after[0, 0] > 0) and np.all(after[0, 1] < 0)
    assert np.all(after[1, 1] > 0) and np.all(after[1, 0] < 0)
    assert not np.any(result.success)


def test_batches_change_nothing(result, images):
    given = (PGD, jax.random.key(5), MEMBERS, images, LEAVE)
    again = attacks.in_turn(*given, rounds=2, batch_size=2)
    compare = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    jax.tree.map(compare, again, result)


def test_a_network_without_an_answer_is_never_fooled(images, key):
    nan = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), MEMBERS[0].params)
    blind = Classifier(nan, affine, SHAPE, 5)
    result = attacks.in_turn(PGD, key, (MEMBERS[0], blind, MEMBERS[2]), images, LEAVE)
    margins = np.asarray(result.margins)
    assert not np.any(result.success) and np.all(np.isnan(margins[1]))


def test_on_each_is_score_of_each(images):
    found = jnp.clip(images + 0.1, 0.0, 1.0)
    members = (MEMBERS[0], Classifier(make_params(1), two_layers, SHAPE, 5), MEMBERS[1])
    both = attacks.on_each(members, images, REACH, found, batch_size=2)
    assert both.success.shape == both.confidence.shape == (3, COUNT)
    np.testing.assert_array_equal(both.images, found)
    alone = [jax.jit(attacks.score)(member, images, REACH, found) for member in members]
    for name in ("success", "margin", "confidence", "log_doubt", "l0", "l2", "linf", "forwards"):
        each = np.array([getattr(one, name) for one in alone])
        np.testing.assert_allclose(getattr(both, name), each, rtol=1e-4, atol=1e-5)


def test_says_what_is_wrong(images, key):
    given = (attacks.fgsm(0.1), key)
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        attacks.in_turn(*given, MEMBERS, images, LEAVE, rounds=0)
    with pytest.raises(ValueError, match="at least one classifier"):
        attacks.in_turn(*given, (), images, LEAVE)
    with pytest.raises(ValueError, match=r"the same classes, got \[5, 4\]"):
        attacks.in_turn(*given, (MEMBERS[0], make_affine(1)), images, LEAVE)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        attacks.on_each(MEMBERS, images, LEAVE, images, batch_size=0)
    with pytest.raises(ValueError, match="images must be"):
        attacks.in_turn(*given, MEMBERS, images + 1.0, LEAVE)
