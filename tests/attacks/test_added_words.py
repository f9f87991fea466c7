"""Words added by search, against readers whose best answer is known."""

import jax
import numpy as np
import pytest

from fooljax.attacks import AddedWords, add_words, is_right, right_by_name, verdict
from fooljax.data import Passage
from fooljax.data.passages import words_in

COMMON = ("the", "of", "and", "to", "in", "one", "two", "three")
PASSAGES = [
    Passage("x", "t", "Where is the red house?", ("The red house is here.", "No."), (0,)),
    Passage("y", "t", "Who came?", ("Two.", "Ada came to us."), (1,)),
]


def overlap(passages):
    """Count words of a sentence that are the question's, however often: known to the letter."""
    return [
        np.array([float(sum(w in words_in(p.question) for w in words_in(s))) for s in p.sentences])
        for p in passages
    ]


def stubborn(passages):
    """Choose the right sentence, and be less sure of it for each word "two"."""
    return [
        np.where(
            np.isin(np.arange(len(p.sentences)), p.right),
            100.0 - p.sentences[-1].split().count("two"),
            0.0,
        )
        for p in passages
    ]


def test_the_search_finds_the_best_word_of_every_place(key):
    """Of a reader that counts one word the best sentence is that word, again and again."""
    settings = AddedWords(length=4, draws=8, epochs=1, own_words=False)
    found = add_words(key, stubborn, PASSAGES, COMMON, settings)
    assert found.sentences == ("two two two two",) * 2
    assert found.right.all() and found.right.shape == (5, 2)
    wanted = 1 + np.arange(5) * 8
    np.testing.assert_array_equal(found.queries, np.stack([wanted, wanted], axis=1))


def test_it_never_gets_worse_and_stops_when_it_has_won(key):
    found = add_words(key, overlap, PASSAGES, COMMON, AddedWords(10, 5, 6))
    assert (np.diff(found.confidence, axis=0) <= 0).all()
    assert not found.right[-1].any()
    for column, passage in enumerate(PASSAGES):
        won = int(np.argmin(found.right[:, column]))
        assert (found.queries[won:, column] == found.queries[won, column]).all()
        most = 1 + won * (5 + len(set(words_in(passage.question))))
        assert 1 < found.queries[won, column] <= most
    used = {word for one in found.sentences for word in one.split()}
    assert used <= {*COMMON, *words_in(PASSAGES[0].question), *words_in(PASSAGES[1].question)}


def test_common_words_alone(key):
    settings = AddedWords(draws=5, own_words=False, epochs=1)
    found = add_words(key, stubborn, PASSAGES, COMMON, settings)
    assert all(set(one.split()) <= set(COMMON) for one in found.sentences)


def test_a_passage_is_searched_alike_whatever_else_is_searched(key):
    settings = AddedWords(length=5, draws=3, epochs=1)
    both = add_words(key, overlap, PASSAGES, COMMON, settings)
    alone = add_words(key, overlap, PASSAGES[1:], COMMON, settings)
    assert both.sentences[1] == alone.sentences[0]
    np.testing.assert_array_equal(both.queries[:, 1:], alone.queries)
    other = add_words(jax.random.key(1), stubborn, PASSAGES, COMMON, settings)
    assert other.sentences != add_words(key, stubborn, PASSAGES, COMMON, settings).sentences


def test_words_can_stand_at_the_beginning(key):
    seen = []

    def watching(passages):
        seen.extend(passages)
        return overlap(passages)

    add_words(key, watching, PASSAGES, COMMON, AddedWords(3, 2, 1), place=0)
    assert all(one.added == 0 for one in seen)


def test_verdicts():
    logits = [np.array([0.0, np.log(3.0)]), np.array([2.0, 2.0])]
    chosen, sure = verdict(logits, PASSAGES)
    assert chosen.tolist() == [1, 0]
    np.testing.assert_allclose(sure, [0.25, 0.5])
    assert is_right(chosen, PASSAGES).tolist() == [False, False]
    variants = [PASSAGES[0], PASSAGES[0], PASSAGES[1]]
    assert right_by_name(np.array([0, 1, 1]), variants) == {"x": False, "y": True}


def test_impossible_searches_are_refused(key):
    with pytest.raises(ValueError, match="at least one"):
        add_words(key, overlap, [], COMMON)
    with pytest.raises(ValueError, match="at least 20 different words, got 8"):
        add_words(key, overlap, PASSAGES, COMMON)
    with pytest.raises(ValueError, match="draws"):
        AddedWords(draws=0)
