"""What every attack on texts owes its user, and each against brute force in numpy."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import CASES as PIXEL_CASES
from word_cases import CASES, CLASSES, COUNT, LENGTH, SEEN, TRACES, network, own, texts

import fooljax as fj
from fooljax.types import Tokens

_inside_jit = jax.jit(lambda attack, *given: attack(*given))


@pytest.fixture(scope="module")
def reader():
    return network(1, bent=True)


@pytest.fixture(scope="module", params=CASES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def result(name, reader):
    return run(name, reader)


def run(name, reader, key=None, ids=None, goal=None):
    key = jax.random.key(0) if key is None else key
    ids, goal = texts() if ids is None else ids, goal or CASES[name].goal_of(reader)
    return fj.attacks.run(CASES[name].attack, key, reader, ids, goal)


def distance(one, other):
    """Levenshtein's distance, cell by cell."""
    one, other = [w for w in one if w], [w for w in other if w]
    table = np.zeros((len(one) + 1, len(other) + 1), int)
    table[:, 0], table[0] = np.arange(len(one) + 1), np.arange(len(other) + 1)
    for i, j in itertools.product(range(len(one)), range(len(other))):
        table[i + 1, j + 1] = min(
            table[i, j] + (one[i] != other[j]), table[i, j + 1] + 1, table[i + 1, j] + 1
        )
    return table[-1, -1]


def logits_of(reader, ids):
    """What the network says, in numpy."""
    table, out = (np.asarray(reader.params[name], np.float64) for name in ("table", "out"))
    sums = (table[ids] * (ids != 0)[..., None]).sum(axis=-2)
    return (np.tanh(sums) if "bent" in reader.params else sums) @ out


def test_texts_stay_texts(result):
    ids = np.asarray(result.images)
    assert ids.dtype == np.int32 and ids.min() >= 0 and ids.max() < COUNT
    ended = np.cumsum(ids == 0, axis=1) > 0
    assert not ids[ended].any()  # padding is at the end
    assert (ids[:, 0] > 0).all()


def test_distance_is_the_number_of_edits(result):
    both = zip(np.asarray(texts()), np.asarray(result.images), strict=True)
    expected = np.array([distance(before, after) for before, after in both])
    np.testing.assert_array_equal(result.l1, expected)
    np.testing.assert_allclose(result.l2, np.sqrt(expected), rtol=1e-6)
    if result.success.any():
        assert f"edits {np.median(expected[np.asarray(result.success)]):g}" in repr(result)


def test_success_is_what_the_network_says(name, result, reader):
    goal, logits = CASES[name].goal_of(reader), logits_of(reader, np.asarray(result.images))
    said, labels = logits.argmax(axis=1), np.asarray(goal.labels)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    least = 1 / (1 + np.exp(-np.asarray(goal.least_log_odds, np.float64)))
    wanted = (said == labels) if goal.targeted else (said != labels)
    np.testing.assert_array_equal(result.success, wanted & (p.max(axis=1) > least))


def test_is_never_worse_than_the_start(name, result, reader):
    goal = CASES[name].goal_of(reader)
    before = fj.attacks.score(reader, texts(), goal, texts())
    assert np.all(np.asarray(result.success) >= np.asarray(before.success))
    if CASES[name].attack.better == "margin":
        assert np.all(np.asarray(result.margin) >= np.asarray(before.margin) - 1e-6)


def test_only_allowed_words_are_put_in(name, result):
    new = np.asarray(result.images)[np.asarray(result.images) != np.asarray(texts())]
    if "seen" in name:
        assert new.size and SEEN[new].all()


def test_edits_are_limited(name, result):
    if name.startswith("hotflip"):
        assert np.asarray(result.l1).max() <= 3


def test_does_not_depend_on_the_batch(name, result, reader):
    order = np.array([3, 0, 4])
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(0), order)
    ids = np.asarray(texts())[[2, 1, *order]]
    keys = jnp.concatenate([jax.random.split(jax.random.key(9), 2), keys])
    goal = jax.tree.map(lambda leaf: leaf[np.array([2, 1, *order])], CASES[name].goal_of(reader))
    found = run(name, reader, keys, ids, goal)
    np.testing.assert_array_equal(np.asarray(found.images)[2:], np.asarray(result.images)[order])


def test_the_same_inside_jit_and_again(name, result, reader):
    given = (CASES[name].attack, jax.random.key(0), reader, texts(), CASES[name].goal_of(reader))
    np.testing.assert_array_equal(_inside_jit(*given).images, result.images)
    np.testing.assert_array_equal(run(name, reader).images, result.images)


def test_new_weights_do_not_recompile(name, result, reader):
    other = dataclasses.replace(reader, params=network(5, bent=True).params)
    goal = CASES[name].goal_of(reader)
    before = len(TRACES)
    fj.attacks.run(CASES[name].attack, jax.random.key(1), other, texts(), goal)
    assert len(TRACES) == before


def test_reduction_is_greedy_deletion(reader):
    """Every text against a plain loop that tries all deletions."""
    labels = np.asarray(own(reader))
    found = np.asarray(run("reduction", reader).images)
    for text, label, mine in zip(np.asarray(texts()), labels, found, strict=True):
        kept = [word for word in text if word]
        while len(kept) > 1:
            tries = [kept[:i] + kept[i + 1 :] for i in range(len(kept))]
            logits = np.array([logits_of(reader, np.array(one)) for one in tries])
            p = np.exp(logits[:, label]) / np.exp(logits).sum(axis=1)
            p[logits.argmax(axis=1) != label] = -1
            if p.max() < 0:
                break
            kept = tries[int(p.argmax())]
        assert [word for word in mine if word] == kept


def test_what_is_read_wrong_is_not_reduced(reader):
    goal = fj.attacks.reach((own(reader) + 1) % CLASSES)
    found = fj.attacks.run(fj.attacks.reduction(5), jax.random.key(0), reader, texts(), goal)
    np.testing.assert_array_equal(found.images, texts())


def test_one_flip_of_a_linear_network_is_the_best_of_all(key):
    """There the estimate by the gradient is exact, so no replacement does better."""
    linear = network(3)
    goal = fj.attacks.reach(jnp.zeros(5, jnp.int32))
    only = fj.attacks.hotflip(1, loss=lambda goal, logits, k: logits[:, 0] - logits[:, 1])
    found = np.asarray(fj.attacks.run(only, key, linear, texts(), goal).images)
    gain = lambda ids: (logits_of(linear, ids) @ np.array([1.0, -1.0, 0.0])).item()
    for text, mine in zip(np.asarray(texts()), found, strict=True):
        if logits_of(linear, text).argmax() == 0:
            np.testing.assert_array_equal(mine, text)  # left alone: the goal is reached
            continue
        place = np.flatnonzero(mine != text)
        assert place.size == 1
        swaps = [np.where(np.arange(LENGTH) == place, word, text) for word in range(1, COUNT)]
        assert gain(mine) == pytest.approx(max(map(gain, swaps)))


def test_coordinate_search_reaches_certainty_of_every_class(key):
    """Seven times the same word would do for each class of this network."""
    linear = network(3)
    copies = logits_of(linear, np.arange(1, COUNT)[:, None].repeat(LENGTH, axis=1))
    sure = np.exp(copies) / np.exp(copies).sum(axis=1, keepdims=True)
    assert (sure.max(axis=0) > 0.99).all()
    goal = fj.attacks.confident(fj.attacks.reach(jnp.array([0, 1, 2, 0, 1])), 0.99)
    ids = jnp.ones((5, LENGTH), jnp.int32)
    found = fj.attacks.run(fj.attacks.coordinate(30, draws=64), key, linear, ids, goal)
    assert found.success.all() and (np.asarray(found.confidence) > 0.99).all()


def test_a_trigger_of_one_word_is_the_best_of_all():
    linear, ids = network(2), texts()
    goal = fj.attacks.leave(own(linear))
    found = fj.attacks.run_trigger(linear, ids, goal, length=1, top=COUNT)

    def mean_of(word):
        front = np.concatenate([np.full((5, 1), word), np.asarray(ids)[:, :-1]], axis=1)
        logits = logits_of(linear, front)
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        labels = np.asarray(goal.labels)
        return np.mean(1 - p[np.arange(5), labels]), np.mean(logits.argmax(axis=1) != labels)

    means = [mean_of(word) for word in range(1, COUNT)]
    assert found.before == 0.0
    assert mean_of(int(found.trigger[0]))[0] == pytest.approx(max(means)[0], rel=1e-5)
    assert found.fooled == pytest.approx(mean_of(int(found.trigger[0]))[1])
    seen = fj.attacks.run_trigger(linear, ids, goal, length=2, allowed=SEEN, start=1)
    assert SEEN[seen.trigger].all() and np.all(np.diff(seen.trace) >= -0.5)


def test_words_in_front_push_the_last_ones_out():
    put = fj.attacks.prepend(np.array([8, 9]), texts())
    np.testing.assert_array_equal(np.asarray(put)[:, :2], [[8, 9]] * 5)
    np.testing.assert_array_equal(np.asarray(put)[:, 2:], np.asarray(texts())[:, :-2])


@pytest.mark.parametrize("pixels", PIXEL_CASES)
def test_attacks_on_numbers_refuse_texts(pixels, reader, key):
    goal = fj.attacks.leave(own(reader))
    with pytest.raises(ValueError, match=r"the network reads texts; take attacks\.reduction"):
        fj.attacks.run(PIXEL_CASES[pixels].attack, key, reader, texts(), goal)
    with pytest.raises(ValueError, match=r"reads texts"):
        PIXEL_CASES[pixels].attack(key, reader, texts(), goal)


def test_others_refuse_texts_too(reader, key):
    goal = fj.attacks.leave(own(reader))
    universal = fj.attacks.universal_sgd(0.1)
    for call in (
        lambda: fj.attacks.standard(key, reader, texts(), goal, 0.1, steps=1, queries=1),
        lambda: fj.attacks.sweep(fj.attacks.fgsm, (0.1,), key, reader, texts(), goal),
        lambda: fj.attacks.run_universal(universal, key, reader, texts(), goal, steps=1),
        lambda: fj.attacks.diagnose(key, reader, texts(), goal),
    ):
        with pytest.raises(ValueError, match="reads texts"):
            call()


def test_attacks_on_words_refuse_pictures(name, classifier, images, key):
    goal = fj.attacks.leave(jnp.zeros(len(images), jnp.int32))
    with pytest.raises(ValueError, match=r"does not read texts; take attacks\.pgd"):
        fj.attacks.run(CASES[name].attack, key, classifier, images, goal)


def test_a_network_without_vectors(name, reader, key):
    """Only what asks the network works on it."""
    blind = dataclasses.replace(reader, tokens=Tokens(COUNT))
    goal = CASES[name].goal_of(reader)
    if CASES[name].attack.reads == "words":
        fj.attacks.run(CASES[name].attack, key, blind, texts(), goal)
        return
    with pytest.raises(ValueError, match=r"the network offers none; take attacks\.reduction"):
        fj.attacks.run(CASES[name].attack, key, blind, texts(), goal)
    with pytest.raises(ValueError, match="offers none"):
        fj.attacks.run_trigger(blind, texts(), goal)


WRONG = {
    "edits must be at least 1, got 0": lambda: fj.attacks.hotflip(0),
    "steps must be at least 1, got 0": lambda: fj.attacks.reduction(0),
    "rule must be exact, fast or random, got 'slow'": lambda: fj.attacks.reduction(rule="slow"),
    "top must be at least 1, got 0": lambda: fj.attacks.coordinate(top=0),
    "allowed must be a row of truth values": lambda: fj.attacks.hotflip(allowed=np.arange(4)),
    "at least one True beside": lambda: fj.attacks.hotflip(allowed=np.arange(4) < 1),
    "length must leave room for words of the texts, at most 6": lambda: fj.attacks.run_trigger(
        network(1), texts(), fj.attacks.leave(jnp.zeros(5, jnp.int32)), length=7
    ),
    r"start must be a word, in \[1, 30\), got 30": lambda: fj.attacks.run_trigger(
        network(1), texts(), fj.attacks.leave(jnp.zeros(5, jnp.int32)), start=30
    ),
    "allowed must tell of each of the network's 30 words": lambda: fj.attacks.run_trigger(
        network(1), texts(), fj.attacks.leave(jnp.zeros(5, jnp.int32)), allowed=np.ones(9, bool)
    ),
    "images must be ids in": lambda: fj.attacks.run(
        fj.attacks.hotflip(1),
        jax.random.key(0),
        network(1),
        texts() + COUNT,
        fj.attacks.leave(jnp.zeros(5, jnp.int32)),
    ),
}


@pytest.mark.parametrize(("message", "call"), WRONG.items(), ids=WRONG.keys())
def test_impossible_arguments(message, call):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_empty_text_and_a_single_word(reader, key):
    ids = jnp.zeros((2, LENGTH), jnp.int32).at[1, 0].set(5)
    labels = jnp.argmax(reader(ids), axis=1).astype(jnp.int32)
    for attack in (
        fj.attacks.reduction(3),
        fj.attacks.hotflip(2),
        fj.attacks.coordinate(2, draws=4),
    ):
        goal = fj.attacks.reach(labels) if attack.better == "shorter" else fj.attacks.leave(labels)
        found = np.asarray(fj.attacks.run(attack, key, reader, ids, goal).images)
        assert not found[0].any() and not found[1, 1:].any() and found[1, 0] > 0
