"""How few words a network that answers questions needs, and which few make it surest.

Both are found by trying all texts there are, so nothing shorter or surer is missed.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from fooljax.data import questions
from fooljax.metrics import probabilities
from fooljax.models import VQA, answer_all, answer_each


class Shortened(NamedTuple):
    """What is left of ``s`` questions of ``n`` words.

    Attributes:
        text: what is left of each.
        words: how many words there were.
        left: how many there are.
        sure: confidence in the answer before.
        sure_left: confidence in it after.
        nothing: whether the answer is the same without any word.
        at_random: whether it is with as many words as are left, drawn at random.
    """

    text: Int[np.ndarray, "s n"]
    words: Int[np.ndarray, " s"]
    left: Int[np.ndarray, " s"]
    sure: Float[np.ndarray, " s"]
    sure_left: Float[np.ndarray, " s"]
    nothing: Bool[np.ndarray, " s"]
    at_random: Bool[np.ndarray, " s"]


def shorten(
    random: np.random.Generator,
    network: VQA,
    images: np.ndarray,
    texts: Int[np.ndarray, "q n"],
    pairs: Int[np.ndarray, "s 2"],
) -> Shortened:
    """Take away as many words of questions as can be without another answer, one at least left.

    All texts that are left of a question when words are dropped are asked; of the shortest
    with the same answer the one that the network is surest of is taken.

    Args:
        random: draws the words that are kept for comparison.
        network: the network.
        images: ``[p, h, w, c]``, uint8 or floating in [0, 1].
        texts: questions as numbers of words, 0 after the last.
        pairs: number of the picture and of the text of each question.

    Raises:
        ValueError: as ``models.answer_all``.

    Source:
        Feng et al., 2018, arXiv:1804.07781 (there one word after another is taken away).

    Example:
        >>> import jax
        >>> import numpy as np
        >>> from fooljax import analysis, models
        >>> network = models.init_vqa(jax.random.key(0), models.VQANet(2, 5), (8, 8, 3), 4)
        >>> images, random = np.zeros((1, 8, 8, 3), np.uint8), np.random.default_rng(0)
        >>> texts = np.array([[2, 3, 4, 2]])
        >>> found = analysis.shorten(random, network, images, texts, np.array([[0, 0]]))
        >>> int(found.words[0]), bool(1 <= found.left[0] <= 4)
        (4, True)
    """
    pairs = np.asarray(pairs)
    parts = {text: questions.subsets(texts[text]) for text in np.unique(pairs[:, 1])}
    every = [np.zeros_like(texts[:1]), *(left for left, _ in parts.values())]
    different, number = np.unique(np.concatenate(every), axis=0, return_inverse=True)
    ends = np.cumsum([len(some) for some in every])[:-1]
    nothing, *numbers = np.split(number.reshape(-1), ends)
    asked = dict(zip(parts, (np.r_[nothing, some] for some in numbers), strict=True))
    rows = [
        np.stack([np.full(len(asked[text]), picture), asked[text]], axis=1)
        for picture, text in pairs
    ]
    shares = _shares(answer_all(network, images, different, np.concatenate(rows)))
    found = []
    for (_, text), odds in zip(
        pairs, np.split(shares, np.cumsum([len(some) for some in rows])[:-1]), strict=True
    ):
        left, length = parts[text]
        answer = odds[-1].argmax()  # the whole question is the last of its parts
        same = odds.argmax(axis=1) == answer
        fewest = length[same[1:]].min()
        there = np.flatnonzero(length == fewest)
        best = there[np.argmax(np.where(same[1:][there], odds[1:, answer][there], -1.0))]
        drawn = same[1 + random.choice(there)]
        sure, sure_left = odds[-1, answer], odds[1 + best, answer]
        found.append((left[best], length[-1], fewest, sure, sure_left, same[0], drawn))
    return Shortened(*(np.array(column) for column in zip(*found, strict=True)))


class SurestTexts(NamedTuple):
    """The surest of all ``m`` texts of few words, for ``p`` pictures and ``k`` answers.

    Attributes:
        text: that gets each answer most surely.
        sure: the confidence in the answer.
        every: how sure the network is of its own answer to each text.
        longest: the most words tried.
    """

    text: Int[np.ndarray, "p k n"]
    sure: Float[np.ndarray, "p k"]
    every: Float[np.ndarray, "p m"]
    longest: int


def surest_texts(network: VQA, images: np.ndarray) -> SurestTexts:
    """Ask all texts of few words about pictures, and keep the surest of each answer.

    Args:
        network: the network.
        images: ``[p, h, w, c]``, uint8 or floating in [0, 1].

    Raises:
        ValueError: as ``models.answer_all``.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> from fooljax import analysis, models
        >>> network = models.init_vqa(jax.random.key(0), models.VQANet(2, 5), (8, 8, 3), 4)
        >>> found = analysis.surest_texts(network, np.zeros((1, 8, 8, 3), np.uint8))
        >>> found.text.shape, found.longest
        ((1, 2, 4), 4)
    """
    texts = questions.short_texts(network.words, network.length)
    shares = _shares(answer_each(network, images, texts))
    best = np.argmax(shares, axis=1)
    longest = int(np.count_nonzero(texts[-1]))
    return SurestTexts(texts[best], np.max(shares, axis=1), np.max(shares, axis=2), longest)


def _shares(logits: np.ndarray) -> np.ndarray:
    return np.asarray(probabilities(jnp.asarray(logits)))
