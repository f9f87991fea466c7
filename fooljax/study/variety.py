"""How different the images of several runs are: in pixels, and in what the network sees."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from fooljax import analysis, models
from fooljax.data import Dataset, as_float
from fooljax.data.resize import shrink
from fooljax.study.cells import key_of
from fooljax.study.evolved import random_images
from fooljax.study.prepared import Prepared
from fooljax.study.search_run import Finished
from fooljax.types import Classifier, Encoding, RandomKey

_MOST = 100  # classes; of more, so many at equal distances
_SIDE = 64  # pixels of what is compared
PERMUTATIONS = 999
_AT_ONCE = 25  # images shown to the network


class Variety(NamedTuple):
    """How different images are in one space.

    Attributes:
        space: what is compared, in words.
        classes: that were compared.
        of_class: effective number of the images of each class, by what they are:
            ``evolved``, and what it would be by chance, ``random``, or of ``real`` images.
            NaN for a class with fewer than two images.
        size: evolved images in all.
        whole: their effective number.
        by_class: what classes explain.
        by_run: what runs explain within classes.
        likeness: mean cosine between images of two classes from different runs, ``[k, k]``.
    """

    space: str
    classes: Int[np.ndarray, " k"]
    of_class: dict[str, Float[np.ndarray, " k"]]
    size: int
    whole: float
    by_class: analysis.Explained
    by_run: analysis.Explained
    likeness: Float[np.ndarray, "k k"]


def measure_variety(
    seed: int, network: Prepared, encoding: Encoding, images: np.ndarray, finished: Finished
) -> dict[str, Variety]:
    """Measure how different the images of several runs are, in pixels and in features.

    Pixels are compared without their mean, at 64 pixels a side at most. Features are what
    the network's last layer reads, or its logits where that is not known.

    Args:
        seed: decides what is drawn.
        network: that the images were made for; its test images are compared with.
        encoding: of the images, for random ones.
        images: the best of each class, ``[r, k, h, w, c]``, float32 in [0, 1] or uint8.
        finished: the runs; says where there is no image.

    Returns:
        By ``pixels`` and ``features``; nothing if too few images are there to compare.

    Example:
        >>> from types import SimpleNamespace
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> from fooljax.study.search_run import Clock, Finished
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> prepared = study.given(network, lambda shape, num_classes: None)
        >>> images = np.random.default_rng(0).random((2, 3, 8, 8, 1), np.float32)  # of 2 runs
        >>> state = SimpleNamespace(archive=SimpleNamespace(born=np.zeros((2, 3), int)))
        >>> done, encoding = Finished(state, {}, {}, 0, Clock()), fj.encodings.direct((8, 8, 1))
        >>> found = study.measure_variety(0, prepared, encoding, images, done)
        >>> found["pixels"].of_class["evolved"].round(1).tolist()  # of 2 images of each class
        [2.0, 2.0, 2.0]
    """
    repeats, num_classes = images.shape[:2]
    born = np.asarray(finished.state.archive.born).reshape(repeats, num_classes, -1)
    filled = np.max(born, axis=2) >= 0
    classes = np.linspace(0, num_classes - 1, min(num_classes, _MOST)).round().astype(int)
    every = np.ones((repeats, len(classes)), bool)
    kinds = {"evolved": (images[:, classes], filled[:, classes])}
    there = kinds["evolved"][1].sum(axis=0)
    if np.sum(there > 0) < 2 or there.max() < 2:
        return {}
    key = key_of(seed, drawn="variety")
    drawn = random_images(key, encoding, images.shape[2:], repeats * len(classes))
    kinds["random"] = (drawn.reshape(repeats, len(classes), *drawn.shape[1:]), every)
    real = None if network.splits is None else network.splits.test
    if (shown := _real(real, classes, repeats)) is not None:
        kinds["real"] = (shown, every)
    return {
        name: _compare(
            key_of(seed, space=name),
            words,
            classes,
            {kind: (space(of), there) for kind, (of, there) in kinds.items()},
        )
        for name, (words, space) in _spaces(network.classifier).items()
    }


def effective_numbers(
    network: Prepared, images: np.ndarray, chosen: Bool[np.ndarray, "r k m"]
) -> dict[str, Float[np.ndarray, "r k"]]:
    """Return the effective number of the chosen images of every class and run; NaN for none.

    Args:
        network: that the images were made for.
        images: ``[r, k, m, h, w, c]``, float32 in [0, 1] or uint8.
        chosen: which of them count.

    Returns:
        By the space in which they are compared, as `measure_variety` does, in words.
    """
    flat = images[chosen]
    run, label, _ = np.nonzero(chosen)
    found = {}
    for words, space in _spaces(network.classifier).values():
        rows = space(flat[None])[0] if len(flat) else flat
        found[words] = np.full(chosen.shape[:2], np.nan)
        for at in sorted(set(zip(run.tolist(), label.tolist(), strict=True))):
            found[words][at] = analysis.effective_number(rows[(run == at[0]) & (label == at[1])])
    return found


def _compare(
    key: RandomKey,
    words: str,
    classes: Int[np.ndarray, " k"],
    kinds: dict[str, tuple[Float[np.ndarray, "r k d"], Bool[np.ndarray, "r k"]]],
) -> Variety:
    number = lambda rows: analysis.effective_number(rows) if len(rows) > 1 else np.nan
    of_class = {
        kind: np.array([number(of[there[:, i], i]) for i in range(len(classes))])
        for kind, (of, there) in kinds.items()
    }
    features, there = kinds["evolved"]
    run, label = np.nonzero(there)
    flat = features[there]
    key_class, key_run = jax.random.split(key)
    runs = len(set(run.tolist())) > 1
    by_run = analysis.explained(flat, run, PERMUTATIONS, key_run, within=label) if runs else None
    return Variety(
        words,
        classes,
        of_class,
        len(flat),
        analysis.effective_number(flat),
        analysis.explained(flat, label, PERMUTATIONS, key_class),
        by_run or analysis.Explained(np.nan, np.nan, np.nan, np.empty(0)),
        _likeness(flat, run, label, len(classes)),
    )


def _likeness(
    flat: np.ndarray, run: np.ndarray, label: np.ndarray, num_classes: int
) -> Float[np.ndarray, "k k"]:
    """Average the cosines between classes, of different runs alone; NaN where there are none."""
    apart = (run[:, None] != run[None]).astype(float)
    of = np.eye(num_classes)[label]
    pairs = of.T @ apart @ of
    total = of.T @ (apart * analysis.cosine(flat)) @ of
    return np.where(pairs > 0, total / np.maximum(pairs, 1.0), np.nan)


def _real(real: Dataset | None, classes: np.ndarray, repeats: int) -> np.ndarray | None:
    """Take the first images of every class; None if one has too few."""
    if real is None:
        return None
    labels = np.asarray(real.labels)
    rows = [np.flatnonzero(labels == label)[:repeats] for label in classes]
    if min(map(len, rows)) < repeats:
        return None
    return np.stack([np.asarray(real.images[of]) for of in rows], axis=1)


def _pixels(images: np.ndarray) -> np.ndarray:
    small = shrink(images, _SIDE)
    flat = small.reshape(*small.shape[:2], -1).astype(np.float64)
    flat = flat / 255.0 if small.dtype == np.uint8 else flat
    return flat - flat.mean(axis=-1, keepdims=True)


def _spaces(classifier: Classifier) -> dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    """Return, by name, each space in words and what leads to it, ``[r, k, ...] -> [r, k, d]``."""
    try:
        features = models.penultimate(classifier)
        words = "what the network's last layer reads"
        read = lambda params, images: features(params, images)[1]
    except ValueError:
        words, read = "what the network answers (logits)", classifier.apply
    apply = jax.jit(read)
    return {
        "pixels": ("pixels", _pixels),
        "features": (words, lambda images: _read(apply, classifier, images)),
    }


def _read(
    apply: Callable[[Any, Array], Array], classifier: Classifier, images: np.ndarray
) -> np.ndarray:
    flat = images.reshape(-1, *images.shape[2:])
    parts = [
        np.asarray(apply(classifier.params, as_float(jnp.asarray(flat[i : i + _AT_ONCE]))))
        for i in range(0, len(flat), _AT_ONCE)
    ]
    return np.nan_to_num(np.concatenate(parts)).reshape(*images.shape[:2], -1)
