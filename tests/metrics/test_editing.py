"""The number of edits against a recursive definition."""

import functools

import numpy as np

from fooljax import metrics


@functools.cache
def distance(one, other):
    if not one or not other:
        return len(one) + len(other)
    return min(
        distance(one[1:], other[1:]) + (one[0] != other[0]),
        distance(one[1:], other) + 1,
        distance(one, other[1:]) + 1,
    )


def test_edits_of_random_texts():
    drawn = np.random.default_rng(0)
    rows = []
    for n in (6, 5):
        ids = drawn.integers(1, 4, (40, n))
        rows.append(np.where(np.arange(n) < drawn.integers(0, n + 1, (40, 1)), ids, 0))
    words = lambda row: tuple(int(word) for word in row if word)
    expected = [distance(words(a), words(b)) for a, b in zip(*rows, strict=True)]
    np.testing.assert_array_equal(metrics.edits(*rows), expected)
