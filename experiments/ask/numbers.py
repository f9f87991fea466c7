"""Who knows only the words guesses how well, and which words a question can do without."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from fooljax import data
from fooljax.data import shapes

KINDS = {
    "question word (what)": ("what",),
    "negation (not, no)": ("no", "not"),
    "name of a color": tuple(shapes.COLORS),
    "name of a shape": shapes.SHAPES,
    "the words color and shape": ("color", "shape"),
}
REST = "all other words"


def first_words(ids: np.ndarray, share: float) -> np.ndarray:
    """Keep the first words of texts, at most a share of each, and pad the rest.

    Args:
        ids: ``[q, n]``, 0 after the last word.
        share: of the words, in [0, 1]; their number is rounded down.
    """
    kept = np.floor(share * np.count_nonzero(ids, axis=1) + 1e-9)
    return np.where(np.arange(ids.shape[1]) < kept[:, None], ids, 0)


def without(ids: np.ndarray, dropped: np.ndarray) -> np.ndarray:
    """Drop words and close the gaps.

    Args:
        ids: ``[q, n]``, 0 after the last word.
        dropped: ``[q, n]``, whether a word is to go.
    """
    left = np.where(dropped, 0, ids)
    order = np.argsort(left == 0, axis=1, kind="stable")
    return np.take_along_axis(left, order, axis=1)


def kinds_of(words: Sequence[str]) -> dict[str, np.ndarray]:
    """Tell for each kind of words which numbers are of it; ``[words]`` each."""
    found = {kind: np.isin(words, names) for kind, names in KINDS.items()}
    named = np.any(list(found.values()), axis=0)
    rest = ~named & (np.array(words) != "")
    return {kind: which for kind, which in {**found, REST: rest}.items() if which.any()}


def as_many(random: np.random.Generator, ids: np.ndarray, dropped: np.ndarray) -> np.ndarray:
    """Choose as many words of each text at random as there are to be dropped."""
    order = random.random(ids.shape) + (ids == 0)  # padding comes last
    rank = np.argsort(np.argsort(order, axis=1), axis=1)
    return rank < np.count_nonzero(dropped, axis=1)[:, None]


def what_is_known(asked: data.Asked, truth: np.ndarray) -> np.ndarray:
    """Tell what a picture may show if all answers about it are true.

    Args:
        asked: questions about pictures.
        truth: ``[facts, q]``, the true answer if a picture shows a fact, -1 where none is.

    Returns:
        ``[p, facts]``: whether each is possible.
    """
    possible = np.ones((len(asked.images), len(truth)), bool)
    agrees = truth[:, asked.question] == asked.answer
    np.logical_and.at(possible, asked.picture, agrees.T)
    return possible


def guess(
    train: tuple[np.ndarray, np.ndarray],
    test: np.ndarray,
    answers: int,
    known: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Guess as well as is possible for somebody who knows a part of each question's words.

    The guess is the commonest answer, among the questions to learn from, to what begins
    alike; of pictures of which as much is known, if anything is.

    Args:
        train: ``[s, n]``, the words known of each question to learn from, and ``[s]``, its
            true answer.
        test: ``[t, n]``, the words known of each question to guess.
        answers: how many there are.
        known: ``[s, facts]`` and ``[t, facts]``, what each question's picture may show.

    Returns:
        ``[t]``, numbers of answers.
    """
    (words, truth), nothing = train, (np.ones((len(train[1]), 1)), np.ones((len(test), 1)))
    learned, seen = known or nothing
    both, number = np.unique(np.concatenate([words, test]), axis=0, return_inverse=True)
    number = number.reshape(-1)
    counts = np.zeros((len(both), learned.shape[1], answers))
    np.add.at(counts, (number[: len(words)], slice(None), truth), learned)
    overall = counts.sum(axis=(0, 1)) * 1e-9  # decides where nothing alike was learned from
    scores = np.einsum("tf,tfk->tk", seen.astype(float), counts[number[len(words) :]])
    return np.argmax(scores + overall, axis=1)


def subsets(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List all texts that are left of a question when words are dropped.

    Args:
        ids: ``[n]``, 0 after the last word.

    Returns:
        ``[m, n]``, each padded at its end, the fewest words first and none at all left out;
        and ``[m]``, how many words each has.
    """
    length = np.count_nonzero(ids)
    masks = np.array(list(itertools.product((False, True), repeat=length)))[1:]
    masks = masks[np.argsort(masks.sum(axis=1), kind="stable")]
    kept = np.zeros((len(masks), len(ids)), bool)
    kept[:, :length] = masks
    texts = without(np.tile(ids, (len(masks), 1)), ~kept)
    return texts, masks.sum(axis=1)


def shares_of_commonest(group: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Return for each question the share of its answers that is the commonest one.

    Args:
        group: ``[s]``, number of the question; those that are not asked are left out.
        answer: ``[s]``, number of the answer.
    """
    counts = np.zeros((group.max() + 1, answer.max() + 1))
    np.add.at(counts, (group, answer), 1)
    totals = counts.sum(axis=1)
    return counts.max(axis=1)[totals > 0] / totals[totals > 0]
