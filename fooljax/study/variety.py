"""How different the images of several runs are: in pixels, and in what the network sees."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from fooljax import analysis, models, reporting
from fooljax.data import Dataset, as_float
from fooljax.data.resize import shrink
from fooljax.study.cells import key_of
from fooljax.study.evolved import random_images
from fooljax.study.page import Block
from fooljax.study.prepared import Prepared
from fooljax.study.search_run import Finished
from fooljax.study.tables import span
from fooljax.study.wording import share, spell
from fooljax.types import Classifier, Encoding, RandomKey

_MOST = 100  # classes; of more, so many at equal distances
_SIDE = 64  # pixels of what is compared
_PERMUTATIONS = 999
_AT_ONCE = 25  # images shown to the network
_PAIRS = 3  # of related classes that are named


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
    by_run = analysis.explained(flat, run, _PERMUTATIONS, key_run, within=label) if runs else None
    return Variety(
        words,
        classes,
        of_class,
        len(flat),
        analysis.effective_number(flat),
        analysis.explained(flat, label, _PERMUTATIONS, key_class),
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


def plain_variety(found: Mapping[str, Variety]) -> dict[str, Any]:
    """Return the numbers as JSON can hold them; nulls without their single values."""
    explained = lambda one: {name: getattr(one, name) for name in ("share", "chance", "p_value")}
    return {
        name: {
            "effective_number_of_class": {kind: list(of) for kind, of in one.of_class.items()},
            "effective_number": one.whole,
            "images": one.size,
            "explained_by_class": explained(one.by_class),
            "explained_by_run": explained(one.by_run),
        }
        for name, one in found.items()
    }


def show_variety(
    found: Mapping[str, Variety], repeats: int, names: Sequence[str]
) -> Iterator[Block]:
    """Say how different the runs are, beside what chance would give.

    Args:
        found: from `measure_variety`.
        repeats: number of runs.
        names: of all classes.
    """
    middle = {name: np.nanmean(one.of_class["evolved"]) for name, one in found.items()}
    of = f"The {repeats} images that as many runs found for a class"
    yield (
        f"Did every run find the same image, or another one? {of} amount to "
        f"{middle['pixels']:.2f} different ones in pixels, and to {middle['features']:.2f} in "
        f"{found['features'].space} (mean over the classes). {repeats} would mean that no two of "
        "them have anything in common; 1 that all are the same."
    )
    titles = {
        "evolved": "evolved",
        "random": "random images of the encoding",
        "real": "real test images",
    }
    spaces = list(found.values())
    middle_of = lambda values: spell(span(values[~np.isnan(values)]), "{:.2f}".format)
    rows = [
        (f"Among {repeats} of a class, {title}", *(middle_of(one.of_class[kind]) for one in spaces))
        for kind, title in titles.items()
        if kind in found["pixels"].of_class
    ]
    rows += [
        (f"Among all {spaces[0].size} evolved", *(f"{one.whole:.1f}" for one in spaces)),
        ("Explained by the class", *(_spelled(one.by_class) for one in spaces)),
        ("Explained by the run", *(_spelled(one.by_run) for one in spaces)),
    ]
    yield reporting.table(
        ("Different images", *(f"In {one.space}" for one in spaces)),
        rows,
        "Effective numbers of images (median of the classes, lowest and highest class), and the "
        "share of all squared distances that lies between classes, and between runs",
    )
    yield (
        "How to read it: the effective number (Vendi score) counts images by how unlike they are: "
        "copies count once, images without anything in common count each. Random and real images "
        "say what it is where nobody evolved anything. Of pixels an image's own mean is subtracted "
        "first. Shares are compared with labels shuffled "
        f"{_PERMUTATIONS} times (those of runs within each class); p is how often these explain "
        "as much."
    )
    yield from _related(found["features"], names)


def _spelled(one: analysis.Explained) -> str:
    if np.isnan(one.share):
        return share(None)
    return f"{share(one.share)} (chance {share(one.chance)}, p = {one.p_value:.3f})"


def _related(found: Variety, names: Sequence[str]) -> Iterator[Block]:
    upper = np.triu(np.ones_like(found.likeness, bool), 1) & ~np.isnan(found.likeness)
    first, second = np.nonzero(upper)
    if len(first) < _PAIRS + 1:
        return
    values = found.likeness[first, second]
    order = np.argsort(-values, kind="stable")
    of = [names[label] for label in found.classes]
    pair = lambda i: f"{of[first[i]]} and {of[second[i]]} ({values[i]:.2f})"
    yield (
        f"Related classes, by {found.space}, across runs, so that no ancestor is shared: most "
        f"alike are {', '.join(pair(i) for i in order[:_PAIRS])}, least alike {pair(order[-1])}; "
        f"the number is the cosine, whose mean is {values.mean():.2f} between different classes "
        f"and {np.nanmean(np.diagonal(found.likeness)):.2f} within one."
    )
