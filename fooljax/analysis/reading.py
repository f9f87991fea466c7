"""Readers: networks that choose the sentence of a paragraph that answers a question."""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jaxtyping import Float, Int

from fooljax.data import Dataset, Passage, Reader, Vocabulary, count_sentences, from_arrays
from fooljax.media import Texts
from fooljax.models.flax_apply import FlaxApply
from fooljax.models.matcher import Matcher
from fooljax.models.sentences import SentenceEncoder, embed
from fooljax.types import Classifier, RandomKey, Tokens

TEMPERATURE = 0.05  # of the softmax over cosines, as networks of this kind are trained with
_AT_ONCE = 512  # sentences of a batch
_SIZES = (4, 6, 8, 12, 24)  # sentences that a paragraph is padded to, and then doubled


def by_cosine(
    encoder: SentenceEncoder,
    known: Mapping[str, Float[np.ndarray, " d"]],
    temperature: float = TEMPERATURE,
) -> Reader:
    """Return a reader that needs no training of its own: the sentence nearest to the question.

    Args:
        encoder: places texts.
        known: places of texts that need not be computed again.
        temperature: that cosines are divided by to be logits, positive.

    Raises:
        ValueError: if ``temperature`` is not positive.

    Example:
        >>> from fooljax import analysis, models
        >>> encoder = models.load_minilm()  # doctest: +SKIP
        >>> reader = analysis.by_cosine(encoder, {})  # doctest: +SKIP
    """
    if not temperature > 0.0:
        raise ValueError(f"temperature must be positive, got {temperature}")

    def read(passages: Sequence[Passage]) -> list[np.ndarray]:
        texts = dict.fromkeys(
            text
            for passage in passages
            for text in (passage.question, *passage.sentences)
            if text not in known
        )
        new = dict(zip(texts, embed(encoder, list(texts)), strict=True))
        place = lambda text: known[text] if text in known else new[text]
        return [
            np.stack([place(one) for one in passage.sentences])
            @ place(passage.question)
            / temperature
            for passage in passages
        ]

    return read


def lay_out(
    passages: Sequence[Passage], vocabulary: Vocabulary, length: int, sentences: int
) -> Int[np.ndarray, "n m"]:
    """Write passages as a `Matcher` reads them: ids ``[n, (1 + sentences) * length]``.

    Raises:
        ValueError: if a paragraph has more sentences.

    Example:
        >>> from fooljax import analysis, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> words = data.Vocabulary(("a", "lark", "sings", "what"), 1)
        >>> analysis.lay_out(passages, words, length=3, sentences=2)[0].tolist()
        [4, 3, 5, 1, 2, 3, 1, 5, 5]
    """
    most = count_sentences(passages)
    if most > sentences:
        raise ValueError(f"sentences must be at least {most}, got {sentences}")
    memory: dict[str, np.ndarray] = {}
    found = np.zeros((len(passages), 1 + sentences, length), np.int32)
    for row, passage in enumerate(passages):
        for place, text in enumerate((passage.question, *passage.sentences)):
            if text not in memory:
                memory[text] = vocabulary.encode(text, length)
            found[row, place] = memory[text]
    return found.reshape(len(passages), -1)


def build_matcher(
    key: RandomKey,
    vocabulary: Vocabulary,
    sentences: int,
    *,
    length: int,
    vectors: Float[np.ndarray, "m d"] | None = None,
    width: int = 32,
) -> Classifier:
    """Return a `Matcher` with fresh weights as a classifier whose classes are places.

    Args:
        key: decides the weights.
        vocabulary: of the words that it reads.
        sentences: of a paragraph, at most.
        length: words of a question or a sentence, at most.
        vectors: of all numbers of the vocabulary, which training leaves alone; they are
            trained unless given.
        width: numbers of a trained vector.

    Example:
        >>> import jax
        >>> from fooljax import analysis, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> words = data.Vocabulary(("a", "lark", "sings", "what"), 1)
        >>> matcher = analysis.build_matcher(jax.random.key(0), words, sentences=2, length=3)
        >>> matcher(analysis.lay_out(passages, words, length=3, sentences=2)).shape
        (1, 2)
    """
    width = width if vectors is None else vectors.shape[1]
    module = Matcher(sentences, length, vocabulary.size, width=width, learned=vectors is None)
    shape = ((1 + sentences) * length,)
    variables = dict(jax.jit(module.init)(key, np.zeros((1, *shape), np.int32)))
    # ids have vectors, but a paragraph's layout is no text: gradients are not offered
    tokens = Tokens(vocabulary.size)
    if vectors is None:
        return Classifier(variables["params"], FlaxApply(module), shape, sentences, tokens)
    variables["vectors"] = {"table": jax.numpy.asarray(vectors)}
    return Classifier(variables, FlaxApply(module, True), shape, sentences, tokens)


def resized(classifier: Classifier, sentences: int) -> Classifier:
    """Return the same matcher for paragraphs of another number of sentences.

    Example:
        >>> import jax
        >>> from fooljax import analysis, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> words = data.Vocabulary(("a", "lark", "sings", "what"), 1)
        >>> matcher = analysis.build_matcher(jax.random.key(0), words, sentences=2, length=3)
        >>> analysis.resized(matcher, sentences=5).num_classes
        5
    """
    apply = classifier.apply
    if not isinstance(apply, FlaxApply) or not isinstance(apply.module, Matcher):
        raise ValueError("classifier must be a Matcher, as build_matcher makes one")
    module = apply.module.clone(outputs=sentences)
    return dataclasses.replace(
        classifier,
        apply=FlaxApply(module, apply.collections),
        input_shape=((1 + sentences) * module.length,),
        num_classes=sentences,
    )


def by_matching(classifier: Classifier, vocabulary: Vocabulary) -> Reader:
    """Return a matcher as a reader of paragraphs of any number of sentences.

    Raises:
        ValueError: if ``classifier`` is no matcher.

    Example:
        >>> import jax
        >>> from fooljax import analysis, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> words = data.Vocabulary(("a", "lark", "sings", "what"), 1)
        >>> matcher = analysis.build_matcher(jax.random.key(0), words, sentences=2, length=3)
        >>> reader = analysis.by_matching(matcher, words)
        >>> reader(passages)[0].shape
        (2,)
    """
    length = classifier.input_shape[0] // (1 + classifier.num_classes)
    resized(classifier, classifier.num_classes)

    def read(passages: Sequence[Passage]) -> list[np.ndarray]:
        found: list[np.ndarray] = [np.zeros(0)] * len(passages)
        for size, rows in _by_size([len(one.sentences) for one in passages]):
            count, network = max(1, _AT_ONCE // size), resized(classifier, size)
            for start in range(0, len(rows), count):
                some = rows[start : start + count]
                ids = lay_out([passages[row] for row in some], vocabulary, length, size)
                padded = np.pad(ids, ((0, count - len(some)), (0, 0)))
                logits = np.asarray(_logits(network, padded), np.float64)
                for row, one in zip(some, logits, strict=False):
                    found[row] = one[: len(passages[row].sentences)]
        return found

    return read


@jax.jit
def _logits(classifier: Classifier, ids: jax.Array) -> jax.Array:
    return classifier(ids)


def _by_size(counts: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Group passages by the number of sentences that they are padded to."""
    groups: dict[int, list[int]] = {}
    for row, count in enumerate(counts):
        size = next((size for size in _SIZES if size >= count), _SIZES[-1])
        while size < count:
            size *= 2
        groups.setdefault(size, []).append(row)
    return sorted(groups.items())


def as_dataset(
    passages: Sequence[Passage], vocabulary: Vocabulary, length: int, sentences: int
) -> Dataset:
    """Return passages as a data set: ids, and the place of the first right sentence.

    Args:
        passages: any number.
        vocabulary: of the words.
        length: words of a question or a sentence, at most.
        sentences: of a paragraph, at most.

    Raises:
        ValueError: if a paragraph has more sentences.

    Example:
        >>> from fooljax import analysis, data
        >>> sentences = ("A lark sings.", "A stone rests.")
        >>> passages = [data.Passage("q1", "birds", "What sings?", sentences, right=(0,))]
        >>> words = data.Vocabulary(("a", "lark", "sings", "what"), 1)
        >>> analysis.as_dataset(passages, words, length=4, sentences=2).images.shape
        (1, 12)
    """
    ids = lay_out(passages, vocabulary, length, sentences)
    labels = np.array([passage.right[0] for passage in passages], np.int32)
    names = [f"sentence {place + 1}" for place in range(sentences)]
    return from_arrays(ids, labels, names, Texts(vocabulary.names))
