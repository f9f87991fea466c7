"""Randomized smoothing: a vote over noisy copies, with a radius that no attack can pass.

The smoothed network answers whatever its base network says most often when Gaussian
noise is added to the image. Nobody can compute that exactly: ``predict_smoothed`` and
``certify`` count votes, and abstain where the count is not sure enough.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float, Int
from numpy.typing import ArrayLike

from fooljax import chance, checks, interrupts, printing
from fooljax.data import as_float
from fooljax.defenses.reads import check_numbers
from fooljax.types import Classifier, Images, RandomKey

ABSTAIN = -1
_MEMORY = 500  # noisy images at a time: of 1000 LeNet takes a CPU a third longer for each


class Certificate(NamedTuple):
    """What is certain of the smoothed network's answer to each image.

    Attributes:
        answers: column of the logits, ``[n]``; ``ABSTAIN`` where nothing is certain.
        radii: no change of a smaller Euclidean length makes the smoothed network
            answer otherwise, ``[n]`` in units of [0, 1]; 0 where it abstains.
        at_least: lower bound of the probability, under the noise, that the base
            network gives this answer, ``[n]``.
    """

    answers: Int[np.ndarray, " n"]
    radii: Float[np.ndarray, " n"]
    at_least: Float[np.ndarray, " n"]

    def __repr__(self) -> str:
        """Say in two lines what is certain; the arrays are the fields."""
        arrays = printing.known(self.answers, self.radii)
        if arrays is None:
            return printing.shapes(self)
        answers, radii = arrays
        certain = answers != ABSTAIN
        return (
            f"Certificate: {printing.share(certain)} answers are certain, the others abstain\n"
            f"  of these, radius: median {printing.median(radii[certain])}, largest "
            f"{radii[certain].max(initial=0.0):.4g}"
        )


def count_votes(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    sigma: float,
    samples: int,
    *,
    numbers: Sequence[int] | None = None,
    batch_size: int = _MEMORY,
) -> Int[np.ndarray, "n m"]:
    """Count the base network's answers to noisy copies of every image.

    Noise ``j`` of an image depends on the key, the image's number and ``j`` only,
    never on the batch. Sums are not cut off at 0 and 1.

    Args:
        key: decides the noise.
        classifier: the base network.
        images: ``[n, h, w, c]``, floats in [0, 1] or uint8, which is divided by 255.
        sigma: standard deviation of the noise, in units of [0, 1].
        samples: noisy copies of each image.
        numbers: of the images, which tell their random numbers apart; their
            places unless given.
        batch_size: noisy images at a time; bounds the memory.

    Returns:
        Votes for every column; an answer with a NaN is a vote for none.

    Raises:
        ValueError: if images do not suit the classifier, it reads texts, a count or ``sigma``
            is not positive, or there is not a number for every image.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> votes = fj.defenses.count_votes(jax.random.key(2), network, images, 0.25, samples=50)
        >>> votes.sum(axis=1).tolist()
        [50, 50]
    """
    sigma, key = checks.positive("sigma", sigma), checks.key(key)
    samples, batch_size = checks.count("samples", samples), checks.count("batch_size", batch_size)
    columns = checks.columns(check_numbers(classifier))
    images = as_float(checks.images(images, classifier.input_shape))
    count = len(images)
    names = np.arange(count) if numbers is None else checks.whole(numbers, "numbers")
    if names.shape != (count,):
        raise ValueError(f"numbers must have one for each of {count} images, got {names.shape}")
    votes = np.zeros((count, columns), np.int64)
    total, spread = count * samples, jnp.float32(sigma)
    for first in range(0, total, batch_size):
        interrupts.check()
        # the last batch is filled up: no other shape, no other program
        places = np.arange(first, first + batch_size)
        rows, draws = np.divmod(np.minimum(places, total - 1), samples)
        answers = _answers(key, classifier, images[rows], spread, names[rows], draws)
        real = (places < total) & (np.asarray(answers) >= 0)
        np.add.at(votes, (rows[real], np.asarray(answers)[real]), 1)
    return votes


@jax.jit
def _answers(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    sigma: Float[Array, ""],
    numbers: Int[Array, " b"],
    draws: Int[Array, " b"],
) -> Int[Array, " b"]:
    def noise(number: Array, draw: Array) -> Array:
        own = jax.random.fold_in(jax.random.fold_in(key, number), draw)
        return chance.normal(own, images.shape[1:])

    logits = classifier(images + sigma * jax.vmap(noise)(numbers, draws))
    broken = jnp.any(jnp.isnan(logits), axis=1)
    return jnp.where(broken, ABSTAIN, jnp.argmax(logits, axis=1))


def least_probability(successes: ArrayLike, samples: int, alpha: float) -> Float[np.ndarray, "..."]:
    """Bound a probability from below, one-sided, by Clopper and Pearson.

    Args:
        successes: how often it happened, of ``samples`` times.
        samples: number of times.
        alpha: how often, at most, the true probability is lower; in (0, 1).

    Example:
        >>> from fooljax import defenses
        >>> float(defenses.least_probability(100, 100, 0.001).round(3))
        0.933
    """
    happened = np.asarray(successes, np.float64)
    bound = scipy.stats.beta.ppf(alpha, np.maximum(happened, 1.0), samples - happened + 1.0)
    return np.where(happened > 0.0, bound, 0.0)


def radius_of(at_least: ArrayLike, sigma: float) -> Float[np.ndarray, "..."]:
    """Return the Euclidean radius that follows from a probability; 0 up to one half.

    Args:
        at_least: of the answer under the noise, in [0, 1].
        sigma: of the noise, in units of [0, 1].

    Example:
        >>> from fooljax import defenses
        >>> float(defenses.radius_of(0.9, sigma=0.5).round(3))
        0.641
    """
    return sigma * np.maximum(scipy.stats.norm.ppf(np.maximum(at_least, 0.5)), 0.0)


def certify(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    sigma: float,
    *,
    selection: int = 100,
    samples: int = 1000,
    alpha: float = 0.001,
    numbers: Sequence[int] | None = None,
    batch_size: int = _MEMORY,
) -> Certificate:
    """Certify the smoothed network's answers, each wrong with probability ``alpha`` at most.

    A few votes select the answer, many independent ones bound its probability.

    Args:
        key: decides the noise.
        classifier: the base network; train it on noisy images for large radii.
        images: ``[n, h, w, c]``, floats in [0, 1] or uint8, which is divided by 255.
        sigma: standard deviation of the noise, in units of [0, 1].
        selection: votes that select the answer.
        samples: votes that its probability is bounded by. The largest radius is
            ``sigma * norm.ppf(alpha ** (1 / samples))``.
        alpha: probability, in (0, 1), that a certificate does not hold.
        numbers: of the images; see ``count_votes``.
        batch_size: noisy images at a time; bounds the memory.

    Raises:
        ValueError: if ``alpha`` is out of its range, or as ``count_votes`` does.

    Source:
        Cohen et al., 2019, arXiv:1902.02918, CERTIFY and theorem 1.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> found = fj.defenses.certify(jax.random.key(2), network, images, 0.25, samples=100)
        >>> found.radii.shape
        (2,)
    """
    alpha = checks.between("alpha", alpha, 0.0, 1.0, "()")
    key_select, key_count = jax.random.split(checks.key(key))
    count = functools.partial(count_votes, numbers=numbers, batch_size=batch_size)
    selection = checks.count("selection", selection)
    few = count(key_select, classifier, images, sigma, selection)
    votes = count(key_count, classifier, images, sigma, samples)
    answers = np.argmax(few, axis=1)
    for_it = np.take_along_axis(votes, answers[:, None], axis=1)[:, 0]
    at_least = least_probability(for_it, samples, alpha)
    certain = at_least > 0.5
    return Certificate(
        np.where(certain, answers, ABSTAIN),
        np.where(certain, radius_of(at_least, sigma), 0.0),
        at_least,
    )


def predict_smoothed(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    sigma: float,
    *,
    samples: int = 1000,
    alpha: float = 0.001,
    numbers: Sequence[int] | None = None,
    batch_size: int = _MEMORY,
) -> Int[np.ndarray, " n"]:
    """Answer as the smoothed network does, or abstain.

    An answer differs from the true one of the smoothed network with probability
    ``alpha`` at most.

    Args:
        key: decides the noise.
        classifier: the base network.
        images: ``[n, h, w, c]``, floats in [0, 1] or uint8, which is divided by 255.
        sigma: standard deviation of the noise, in units of [0, 1].
        samples: votes.
        alpha: in (0, 1).
        numbers: of the images; see ``count_votes``.
        batch_size: noisy images at a time; bounds the memory.

    Returns:
        A column of the logits for each image, ``ABSTAIN`` where votes are too even.

    Raises:
        ValueError: if ``alpha`` is out of its range, or as ``count_votes`` does.

    Source:
        Cohen et al., 2019, arXiv:1902.02918, PREDICT.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> fj.defenses.predict_smoothed(jax.random.key(2), network, images, 0.25, samples=50).shape
        (2,)
    """
    alpha = checks.between("alpha", alpha, 0.0, 1.0, "()")
    votes = count_votes(
        key, classifier, images, sigma, samples, numbers=numbers, batch_size=batch_size
    )
    return decide(votes, alpha)


def decide(votes: Int[np.ndarray, "n m"], alpha: float) -> Int[np.ndarray, " n"]:
    """Return the column with most votes, ``ABSTAIN`` unless it beats the second surely.

    By a two-sided binomial test of the two best at one half.

    Args:
        votes: for every column.
        alpha: level of the test, in (0, 1).

    Example:
        >>> import numpy as np
        >>> from fooljax import defenses
        >>> defenses.decide(np.array([[90, 10, 0], [51, 49, 0]]), alpha=0.001).tolist()
        [0, -1]
    """
    second, first = np.sort(votes, axis=1)[:, -2:].T
    sure = [
        bool(best) and scipy.stats.binomtest(int(best), int(best + next_)).pvalue <= alpha
        for best, next_ in zip(first, second, strict=True)
    ]
    return np.where(sure, np.argmax(votes, axis=1), ABSTAIN)
