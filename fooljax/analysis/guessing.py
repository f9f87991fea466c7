"""How well answers to questions about pictures can be guessed by somebody who knows less.

Letters in shapes: ``p`` pictures, ``s`` questions asked, ``q`` texts, ``n`` words of a text.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from fooljax.data import Asked, QuestionSet


def guess(
    found: QuestionSet,
    words: Int[np.ndarray, "q n"],
    truth: Int[np.ndarray, "facts q"] | None = None,
) -> Int[np.ndarray, " s"]:
    """Guess all answers of the test as well as is possible by a part of each question's words.

    The guess is the commonest answer, among the questions to learn from, to what reads
    alike; who sees the picture counts only pictures that may show the same. Where nothing
    alike was learned from, it is the commonest answer of all.

    Args:
        found: the questions.
        words: what is known of each text, such as ``data.questions.first_words`` keeps.
        truth: who sees what a picture shows is given the true answers, as
            ``data.truth_table`` tells them; who sees nothing is not.

    Returns:
        Numbers of answers.

    Raises:
        ValueError: if there is not a row of words for each text.

    Example:
        >>> from fooljax import analysis, data
        >>> asked = data.synthetic(train=100, test=20)
        >>> nothing = data.questions.first_words(asked.ids, 0.0)
        >>> said = analysis.guess(asked, nothing)  # the commonest answer, every time
        >>> len(set(said.tolist()))
        1
    """
    train, test = found.train, found.test
    if np.ndim(words) != 2 or len(words) != len(found.questions):
        raise ValueError(
            f"words must be a row for each of {len(found.questions)} texts, got {np.shape(words)}"
        )
    learned, seen = (
        np.ones((len(half.answer), 1), bool)
        if truth is None
        else possible_facts(half, truth)[half.picture]
        for half in (train, test)
    )
    both, number = np.unique(words, axis=0, return_inverse=True)
    number = number.reshape(-1)
    facts = learned.shape[1]
    counts = np.zeros((len(both), facts, len(found.answers)))
    place = number[train.question, None], np.arange(facts), train.answer[:, None]
    np.add.at(counts, place, learned)  # type: ignore[arg-type]  # several arrays are an index
    overall = counts.sum(axis=(0, 1))
    scores = np.einsum("tf,tfk->tk", seen.astype(float), counts[number[test.question]])
    alike = scores.any(axis=1, keepdims=True)
    return np.argmax(np.where(alike, scores, overall), axis=1)


def possible_facts(asked: Asked, truth: Int[np.ndarray, "facts q"]) -> Bool[np.ndarray, "p facts"]:
    """Tell what each picture may show if all answers about it are true.

    Args:
        asked: questions about pictures.
        truth: the true answer to each text if a picture shows a fact, -1 where there is none.

    Example:
        >>> from fooljax import analysis, data
        >>> asked = data.synthetic(train=10, test=5)
        >>> truth = data.truth_table(asked.questions, asked.answers)
        >>> bool(analysis.possible_facts(asked.train, truth).any(axis=1).all())
        True
    """
    possible = np.ones((len(asked.images), len(truth)), bool)
    agrees = truth[:, asked.question] == asked.answer
    np.logical_and.at(possible, asked.picture, agrees.T)
    return possible


def shares_of_commonest(
    texts: Int[np.ndarray, " s"], answers: Int[np.ndarray, " s"]
) -> Float[np.ndarray, " asked"]:
    """Return for each text that was asked the share of its answers that is the commonest one.

    Args:
        texts: number of the text.
        answers: number of the answer.

    Source:
        Agrawal, Batra and Parikh, 2016, arXiv:1606.07356 (stubborn networks).

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> analysis.shares_of_commonest(np.array([0, 0, 2, 2]), np.array([1, 1, 0, 1])).tolist()
        [1.0, 0.5]
    """
    counts = np.zeros((texts.max() + 1, answers.max() + 1))
    np.add.at(counts, (texts, answers), 1)
    totals = counts.sum(axis=1)
    return counts.max(axis=1)[totals > 0] / totals[totals > 0]
