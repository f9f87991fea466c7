"""Small networks that find the sentence that answers a question: trained, and taught further."""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import optax
from numpy.typing import ArrayLike

from fooljax import analysis, training
from fooljax.data import Passage, Reader
from fooljax.study.cells import Results, compute, grid, key_of
from fooljax.study.paragraphs import Paragraphs, Reading
from fooljax.study.run import Run, Runnable
from fooljax.study.weights import weights_of, with_weights
from fooljax.training import Recipe
from fooljax.types import Classifier, RandomKey

_RATE = 2e-3


class MatcherFound(NamedTuple):
    """Matchers, trained from several starting weights.

    Attributes:
        each: the networks.
        results: the cells that they were trained in.
    """

    each: list[Classifier]
    results: Results


def train_matchers(run: Run[Runnable], settings: Reading, read: Paragraphs) -> MatcherFound:
    """Train matchers on passages to which nothing was added, from several seeds.

    Args:
        run: keeps their weights.
        settings: how many, and how long.
        read: what they learn from.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> reading = study.Reading(questions=5, matchers=2, train_passages=40, train_steps=3)
        >>> read = study.load_paragraphs(reading, seed=0)
        >>> run = study.Run("mine", SimpleNamespace(run=study.RunFlags()), Path())
        >>> found = study.train_matchers(run, reading, read)
        >>> len(found.each), [cell for cell, _ in found.results.found]
        (2, [{'matcher': 0}, {'matcher': 1}])
    """
    count = max(len(one.sentences) for one in read.teaching)
    size = {"sentences": count, "length": read.length}
    fresh = lambda key: analysis.build_matcher(key, read.vocabulary, vectors=read.vectors, **size)
    data = functools.cache(lambda: analysis.as_dataset(read.teaching, read.vocabulary, **size))
    recipe = _recipe(settings.train_steps, settings.batch_size)

    def train(key: RandomKey, matcher: int) -> Mapping[str, ArrayLike]:
        key_init, key_fit = jax.random.split(key)
        return weights_of(training.fit(key_fit, fresh(key_init), data(), **recipe._asdict())[0])

    results = compute(run, grid(matcher=range(settings.matchers)), train, "training")
    shape = fresh(key_of(0, matcher="shape"))
    return MatcherFound([with_weights(shape, arrays) for _, arrays in results.found], results)


def teach(
    key: RandomKey,
    matcher: Classifier,
    lesson: Sequence[Passage],
    settings: Reading,
    read: Paragraphs,
    *,
    sentences: int,
    steps: int,
) -> Reader:
    """Let a matcher go on learning, and return it as a reader.

    Args:
        key: decides the batches.
        matcher: trained before.
        lesson: what it learns from.
        settings: whose batch size counts.
        read: whose words it knows.
        sentences: of the longest paragraph of any lesson.
        steps: of its training.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> import jax
        >>> from fooljax import study
        >>> reading = study.Reading(questions=5, matchers=1, train_passages=40, train_steps=3)
        >>> read = study.load_paragraphs(reading, seed=0)
        >>> run = study.Run("mine", SimpleNamespace(run=study.RunFlags()), Path())
        >>> (matcher,) = study.train_matchers(run, reading, read).each
        >>> most = max(len(passage.sentences) for passage in read.addsent)
        >>> steps = {"sentences": most, "steps": 3}
        >>> reader = study.teach(jax.random.key(0), matcher, read.addsent, reading, read, **steps)
        >>> len(reader(read.passages))
        5
    """
    data = analysis.as_dataset(lesson, read.vocabulary, read.length, sentences)
    start = analysis.resized(matcher, sentences)
    recipe = _recipe(steps, settings.batch_size)
    taught = training.fit(key, start, data, **recipe._asdict())[0]
    return analysis.by_matching(taught, read.vocabulary)


@functools.cache  # optimizers compare by identity, and a new one would compile anew
def _recipe(steps: int, batch_size: int) -> Recipe:
    """Adam with a rate that falls to nothing along half a cosine."""
    optimizer = optax.adam(optax.cosine_decay_schedule(_RATE, steps))
    return Recipe(optimizer, training.minibatches(batch_size), steps)
