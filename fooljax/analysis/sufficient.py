"""How little of an image is enough: subsets that keep a network certain, with controls.

Pixels are taken away until none is left, those first that the class needs least. What
ranks them is the log-odds: the probability is flat where it is certain, so its gradient
is 0 there and says nothing.

A subset alone proves little: the shape of what is hidden is a pattern too. `controls` lets
it grow by a few pixels, changes the fill, and draws as many pixels at random.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import ArrayLike

from fooljax import checks, interrupts, metrics, printing
from fooljax.analysis import masks as parts_of
from fooljax.analysis.parts import answers_to, ask, batch_of, checked, paint, scores
from fooljax.types import Classifier, Images, RandomKey


class Subset(NamedTuple):
    """The fewest pixels of each image that were found to be enough.

    Attributes:
        masks: True for pixels that are shown, ``[n, h, w]``; all where nothing is enough.
        share: of all pixels, ``[n]``.
        reached: whether the network is certain of them, ``[n]``.
        log_odds: of the class where these are shown, ``[n]``.
        path: the same after every step from the whole image on, ``[n, t]``.
        left: share of the pixels, or parts, that are shown after every step, ``[t]``.
    """

    masks: Bool[np.ndarray, "n ..."]
    share: Float[np.ndarray, " n"]
    reached: Bool[np.ndarray, " n"]
    log_odds: Float[np.ndarray, " n"]
    path: Float[np.ndarray, "n t"]
    left: Float[np.ndarray, " t"]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def sufficient(
    classifier: Classifier,
    images: Images | np.ndarray,
    targets: ArrayLike,
    fill: ArrayLike,
    confidence: float = 0.99,
    step: int = 1,
    batch_size: int | None = None,
) -> Subset:
    """Take away pixels by gradient, those first that the class needs least.

    It takes a forward and a gradient pass a step. Steps of many pixels are cheap, but
    on large networks one gradient soon says nothing about the next pixels.

    Args:
        classifier: the network; new weights do not recompile.
        images: ``[n, h, w, c]`` in [0, 1].
        targets: the class in question of each image, ``[n]``; it need not be what the
            image shows.
        fill: shown in the place of pixels taken away, as for `answers_to`.
        confidence: that the subset has to keep, in (0, 1).
        step: pixels taken away at a time.
        batch_size: images at a time; decides memory and speed only.

    Raises:
        ValueError: as `answers_to`, or if a number or a target is out of its range.

    Source:
        Carter et al., 2019, arXiv:1810.03805 (backward selection), and 2021,
        arXiv:2003.08907 (by gradient); on log-odds here, on the probability there.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> fill = fj.analysis.fills.plain(images, 0.5)
        >>> subset = fj.analysis.sufficient(network, images, labels, fill, confidence=0.4)
        >>> subset.masks.shape, subset.share.shape
        ((2, 4, 4), (2,))
    """
    classifier, images, fill = checked(classifier, images, fill)
    labels = jnp.asarray(checks.labels(targets, len(images), classifier.num_classes, "targets"))
    _level(confidence)
    sides = images.shape[1:-1]
    pixels, step = int(np.prod(sides)), checks.count("step", step)
    if step > pixels:
        raise ValueError(f"step must be at most {pixels}, the pixels of an image, got {step}")
    size, steps = min(batch_of(classifier, batch_size), len(images)), -(-pixels // step)
    gone, path = np.empty((len(images), pixels), int), np.empty((len(images), steps), np.float32)
    for first in range(0, len(images), size):
        # the last batch begins earlier: no other shape, no other program
        rows = slice(min(first, len(images) - size), min(first, len(images) - size) + size)
        own = images[rows], fill[rows] if len(fill) > 1 else fill, labels[rows]
        gone[rows], path[rows] = _take_away(classifier, *own, steps, step)
    left = np.maximum(pixels - step * np.arange(steps), 0) / pixels
    reached, last = _last(path, confidence)
    return _subset((gone >= last[:, None]).reshape(-1, *sides), reached, last, path, left)


def sufficient_parts(
    classifier: Classifier,
    images: Images | np.ndarray,
    targets: ArrayLike,
    parts: Bool[np.ndarray, "m ..."],
    fill: ArrayLike,
    confidence: float = 0.99,
    batch_size: int | None = None,
) -> Subset:
    """Take away one part after the other, always the one that the class misses least.

    Every candidate is tried: ``m (m + 1) / 2`` forward passes an image, 2,080 for a grid
    of 8 x 8. Whole blocks leave no ragged edge for the network to read.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]`` in [0, 1].
        targets: the class in question of each image, ``[n]``.
        parts: masks that do not overlap, True inside, ``[m, h, w]``.
        fill: shown in the place of parts taken away, as for `answers_to`.
        confidence: that the subset has to keep, in (0, 1).
        batch_size: as for `answers_to`.

    Raises:
        ValueError: as `answers_to`, or if a number or a target is out of its range.

    Source:
        Carter et al., 2019, arXiv:1810.03805 (BackSelect).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> fill = fj.analysis.fills.plain(images, 0.5)
        >>> parts = fj.analysis.masks.grid((4, 4, 1), 2)
        >>> subset = fj.analysis.sufficient_parts(network, images, labels, parts, fill, 0.4)
        >>> subset.share.shape
        (2,)
    """
    classifier, images, fill = checked(classifier, images, fill)
    _level(confidence)
    covers, everyone = np.array(parts, bool), np.arange(len(images))
    whole = answers_to(classifier, images, np.any(covers, axis=0, keepdims=True), fill, batch_size)
    score = lambda logits: scores(logits, targets, classifier.num_classes, "log_odds")
    path, shown = [score(whole)[:, 0]], [np.ones((len(images), len(covers)), bool)]
    for left in range(len(covers), 1, -1):
        trials = np.nonzero(shown[-1])[1].reshape(-1, left)  # what each may lose next
        masks = _union(shown[-1], covers)[:, None]
        rows, columns = np.repeat(everyone, left), trials.ravel()
        said = ask(classifier, images, masks & ~covers, fill, rows, columns, batch_size)
        odds = score(said.reshape(len(images), left, -1))
        best = np.argmax(odds, axis=1)
        shown.append(shown[-1].copy())
        shown[-1][everyone, trials[everyone, best]] = False
        path.append(odds[everyone, best])
    found, rest = np.stack(path, axis=1), 1.0 - np.arange(len(covers)) / len(covers)
    reached, last = _last(found, confidence)
    kept = _union(np.stack(shown, axis=1)[everyone, last], covers)
    return _subset(kept, reached, last, found, rest)


def controls(
    key: RandomKey,
    classifier: Classifier,
    images: Images | np.ndarray,
    targets: ArrayLike,
    subset: Subset,
    fill: ArrayLike,
    fills: Mapping[str, ArrayLike],
    dilations: Sequence[int] = (1, 2, 4),
    batch_size: int | None = None,
) -> dict[str, Float[np.ndarray, " n"]]:
    """Ask whether a subset is enough for reasons of its own: log-odds of the class, by name.

    Args:
        key: decides the random subset.
        classifier: the network.
        images: ``[n, h, w, c]`` in [0, 1].
        targets: the class that the subset was chosen for.
        subset: as `sufficient` found it.
        fill: that it was found with.
        fills: others, by name.
        dilations: pixels by which the subset grows to all sides.
        batch_size: as for `answers_to`.

    Returns:
        ``dilated D`` for each of the dilations: with a filled edge the same object is
        still there, a pattern made by the edge is not; ``random``: as many pixels, drawn at
        random; and ``on NAME`` for each of the other fills.

    Raises:
        ValueError: as `answers_to`.

    Source:
        Springer et al., 2022, a critique of sufficient input subsets (dilation).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels, key = network(images).argmax(axis=1), jax.random.key(2)
        >>> fill = fj.analysis.fills.plain(images, 0.5)
        >>> subset = fj.analysis.sufficient(network, images, labels, fill, confidence=0.4)
        >>> sorted(fj.analysis.controls(key, network, images, labels, subset, fill, {}, [1]))
        ['dilated 1', 'random']
    """
    counts = np.asarray(subset.masks).reshape(len(subset.masks), -1).sum(axis=1)
    shown = {f"dilated {size}": parts_of.dilate(subset.masks, size) for size in dilations}
    shown["random"] = parts_of.scattered(key, classifier.input_shape, counts)
    ask_about = lambda masks, fill: scores(
        answers_to(classifier, images, masks, fill, batch_size),
        targets,
        classifier.num_classes,
        "log_odds",
    )
    found = ask_about(np.stack(list(shown.values()), axis=1), fill)
    every = dict(zip(shown, found.T, strict=True))
    alone = subset.masks[:, None]
    return every | {f"on {name}": ask_about(alone, one)[:, 0] for name, one in fills.items()}


def _take_away(
    classifier: Classifier, images: Images, fill: Images, labels: Array, steps: int, step: int
) -> tuple[Int[np.ndarray, "n p"], Float[np.ndarray, "n t"]]:
    """Return the step at which each pixel goes, and the log-odds before each step."""
    gone = jnp.full((len(images), int(np.prod(images.shape[1:-1]))), -1, jnp.int32)
    path: list[Array] = []
    for index in range(steps):  # sent off one by one: a loop of convolutions is slow on a CPU
        interrupts.check()
        if len(path) > 1:  # never more than two steps ahead of the device
            path[-2].block_until_ready()
        gone, odds = _remove(classifier, images, fill, labels, gone, index, step)
        path.append(odds)
    return np.asarray(gone), np.stack(jax.device_get(path), axis=1)


@functools.partial(jax.jit, static_argnums=6, donate_argnums=4)
def _remove(
    classifier: Classifier,
    images: Images,
    fill: Images,
    labels: Array,
    gone: Int[Array, "n p"],
    index: Int[Array, ""],
    step: int,
) -> tuple[Int[Array, "n p"], Float[Array, " n"]]:
    """Take away the pixels with the least slope; ties go to the first."""

    def odds(seen: Array) -> tuple[Array, Array]:
        shown = paint(images, seen.reshape(images.shape[:-1]), fill)
        own = jnp.take_along_axis(metrics.log_odds(classifier(shown)), labels[:, None], axis=1)
        return jnp.sum(own), own[:, 0]

    kept = gone < 0
    slope, now = jax.grad(odds, has_aux=True)(kept.astype(jnp.float32))
    least = jax.lax.top_k(-jnp.where(kept, slope, jnp.inf), step)[1]
    rows = jnp.arange(len(images))[:, None]
    goes = jnp.where(kept[rows, least], index, gone[rows, least])  # fewer are left in the end
    return gone.at[rows, least].set(goes), now


def _union(
    chosen: Bool[np.ndarray, "n m"], parts: Bool[np.ndarray, "m ..."]
) -> Bool[np.ndarray, "n ..."]:
    """Put the chosen parts of each image together."""
    return np.tensordot(chosen.astype(np.float32), parts.astype(np.float32), 1) > 0.0


def _level(confidence: float) -> float:
    """Return the log-odds of a confidence."""
    level = checks.between("confidence", confidence, 0.0, 1.0, "()")
    return float(np.log(level / (1.0 - level)))


def _last(path: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return whether, and after how many steps at most, the network is certain; 0 if never."""
    certain = np.greater_equal(path, _level(confidence))
    last, reached = path.shape[1] - 1 - np.argmax(certain[:, ::-1], axis=1), certain.any(axis=1)
    return reached, np.where(reached, last, 0)


def _subset(
    masks: np.ndarray, reached: np.ndarray, last: np.ndarray, path: np.ndarray, left: np.ndarray
) -> Subset:
    share = masks.reshape(len(masks), -1).mean(axis=1)
    return Subset(masks, share, reached, path[np.arange(len(path)), last], path, left)
