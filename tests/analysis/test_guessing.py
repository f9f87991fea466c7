"""Guessing answers from a part of the question, against counting one question after another."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from fooljax import analysis, data


@pytest.fixture(scope="module")
def asked():
    return data.synthetic(300, 60, seed=1)


def known(half, truth):
    """What each picture may show, by comparing every answer, one after another."""
    possible = {picture: set(range(len(truth))) for picture in range(len(half.images))}
    for picture, question, answer in zip(half.picture, half.question, half.answer, strict=True):
        possible[picture] &= {fact for fact in range(len(truth)) if truth[fact, question] == answer}
    return possible


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_words_are_worth_what_counting_says(asked, share):
    start = lambda q: tuple(
        asked.questions[q].rstrip("?").split()[: int(share * len(asked.questions[q].split()))]
    )
    counts = defaultdict(Counter)
    for question, answer in zip(asked.train.question, asked.train.answer, strict=True):
        counts[start(question)][answer] += 1
    overall = Counter(asked.train.answer.tolist())
    first = lambda count: max(count, key=lambda answer: (count[answer], -answer))
    expected = [first(counts[start(q)] or overall) for q in asked.test.question]
    words = data.questions.first_words(asked.ids, share)
    assert analysis.guess(asked, words).tolist() == expected


def test_who_sees_counts_pictures_that_may_show_the_same(asked):
    """Fact by fact and question by question; and it helps."""
    truth = data.truth_table(asked.questions, asked.answers)
    train, test = asked.train, asked.test
    possible = known(train, truth), known(test, truth)
    table = analysis.possible_facts(test, truth)
    assert [set(np.flatnonzero(row)) for row in table] == list(possible[1].values())
    words = data.questions.first_words(asked.ids, 0.5)
    found = analysis.guess(asked, words, truth)
    for row in range(0, len(found), 40):
        counts = Counter()
        for picture, question, answer in zip(
            train.picture, train.question, train.answer, strict=True
        ):
            if np.array_equal(words[question], words[test.question[row]]):
                counts[answer] += len(possible[0][picture] & possible[1][test.picture[row]])
        if sum(counts.values()):
            assert counts[found[row]] == max(counts.values())
    blind, right = (
        np.mean(analysis.guess(asked, asked.ids, *seen) == test.answer) for seen in ((), (truth,))
    )
    assert blind + 0.2 < right < 1.0  # of 300 pictures not everything can be learned


def test_shares_of_the_commonest_answer_are_counted_by_text(asked):
    by_text = defaultdict(list)
    for text, answer in zip(asked.test.question, asked.test.answer, strict=True):
        by_text[text].append(answer)
    expected = [
        Counter(by_text[text]).most_common(1)[0][1] / len(by_text[text]) for text in sorted(by_text)
    ]
    found = analysis.shares_of_commonest(asked.test.question, asked.test.answer)
    np.testing.assert_allclose(found, expected)


def test_words_must_be_of_all_texts(asked):
    with pytest.raises(ValueError, match=r"words must be a row for each of 107 texts, got \(5, 9"):
        analysis.guess(asked, asked.ids[:5])
