"""Images evolved for every class: once, or independently several times."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from fooljax import evolution, metrics
from fooljax.reporting import Html, table
from fooljax.study.wording import share, sure
from fooljax.types import Classifier, Encoding, Images, RandomKey

_CONTROLS = 1000  # images of each kind
_KINDS = {
    "random_images": "Random {}, as in generation 0",
    "gaussian_noise": "Gaussian noise",
}


class Evolved(NamedTuple):
    """What independent evolutions found for some classes.

    Letters: ``r`` evolutions, ``k`` classes, ``t`` generations and the random population.

    Attributes:
        images: ``[r, k, h, w, c]``, in [0, 1].
        confidence: of the network in each of them, in [0, 1].
        history: the same for the best images of each generation.
    """

    images: Float[np.ndarray, "r k h w c"]
    confidence: Float[np.ndarray, "r k"]
    history: Float[np.ndarray, "r k t"]


def evolve(
    key: RandomKey, classifier: Classifier, encoding: Encoding, children: int, generations: int
) -> tuple[Images, Float[np.ndarray, "t k"]]:
    """Evolve an image for every class by MAP-Elites.

    Returns:
        The images, ``[k, h, w, c]``, and the network's confidence in the best of each
        generation, the random population first.
    """
    search = evolution.map_elites(encoding, children)
    state, first = evolution.start(key, search, classifier)
    state, infos = evolution.advance(key, search, classifier, state, generations)
    history = np.concatenate([np.asarray(first.confidence)[None], np.asarray(infos.confidence)])
    return _express(encoding, state.archive), history


def evolve_repeats(
    key: RandomKey,
    classifier: Classifier,
    encoding: Encoding,
    children: int,
    generations: int,
    repeats: int,
    classes: Int[np.ndarray, " k"],
) -> Evolved:
    """Evolve images for some classes several times, all at once.

    Args:
        key: decides all evolutions, which are independent of each other.
        classifier: the network.
        encoding: the search space.
        children: images made in a generation.
        generations: after the random population.
        repeats: number of evolutions.
        classes: numbers of the classes to return; the search is for all.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> key, encoding = jax.random.key(1), fj.encodings.direct((4, 4, 1))
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> sizes = {"children": 8, "generations": 5, "repeats": 2}
        >>> found = study.evolve_repeats(key, network, encoding, **sizes, classes=np.array([0, 2]))
        >>> found.images.shape, found.history.shape  # [repeats, classes, ...]
        ((2, 2, 4, 4, 1), (2, 2, 6))
        >>> bool((found.confidence == found.history[..., -1]).all())
        True
    """
    search = evolution.repeat(evolution.map_elites(encoding, children))
    keys = jax.random.split(key, repeats)
    state, first = evolution.start(keys, search, classifier)
    state, infos = evolution.advance(keys, search, classifier, state, generations)
    archive = jax.tree.map(lambda leaf: leaf[:, classes], state.archive)
    of_each = [jax.tree.map(lambda leaf: leaf[i], archive) for i in range(repeats)]  # noqa: B023
    images = jnp.stack([_express(encoding, one) for one in of_each])
    history = np.concatenate([np.asarray(first.confidence)[None], np.asarray(infos.confidence)])
    return Evolved(
        np.asarray(images),
        np.asarray(archive.confidence),
        np.moveaxis(history[:, :, classes], 0, 2),
    )


def controls(
    key: RandomKey, classifier: Classifier, encoding: Encoding
) -> dict[str, dict[str, float | None]]:
    """Show the network 1000 random images of the encoding and 1000 of Gaussian noise.

    A network that reads texts is shown random texts only.

    Noise has mean 0.5 and standard deviation 0.25, clipped to [0, 1]. Images that
    the network has no answer to (NaN) do not count.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> key, encoding = jax.random.key(1), fj.encodings.direct((4, 4, 1))
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> {kind: one["images"] for kind, one in study.controls(key, network, encoding).items()}
        {'random_images': 1000, 'gaussian_noise': 1000}
    """
    key_random, key_noise = jax.random.split(key)

    count = _at_once(classifier.input_shape)
    rounds = _CONTROLS // count
    shape = (count, *classifier.input_shape)

    @jax.jit
    def noise(key):
        return jnp.clip(0.5 + 0.25 * jax.random.normal(key, shape, dtype=jnp.float32), 0, 1)

    draw = functools.partial(_draw, encoding)
    kinds: dict[str, tuple[Callable[[RandomKey], Images], RandomKey]] = {
        "random_images": (draw, jax.random.split(key_random, (rounds, count))),
    }
    if classifier.tokens is None:
        kinds["gaussian_noise"] = noise, jax.random.split(key_noise, rounds)
    read = jax.jit(
        lambda network, images: metrics.of_classes(
            metrics.probabilities, network(images), network.num_classes, network.exclusive
        )
    )
    result: dict[str, dict[str, float | None]] = {}
    for name, (make, keys) in kinds.items():
        batches = [read(classifier, make(keys[batch])) for batch in range(rounds)]
        confidence = np.concatenate(batches)[:, : classifier.num_classes]
        confidence = confidence[~np.isnan(confidence).any(axis=1)]
        if not len(confidence):
            result[name] = {"images": 0, "median_top1_confidence": None}
            continue
        top = confidence.max(axis=1)
        result[name] = {
            "images": len(confidence),
            "median_top1_confidence": np.median(top),
            "share_above_0.99": np.mean(top > 0.99),
            "median_class_confidence": np.median(confidence),
            "median_best_per_class": np.median(confidence.max(axis=0)),
        }
    return result


def random_images(
    key: RandomKey, encoding: Encoding, shape: tuple[int, ...], count: int
) -> Float[np.ndarray, "n h w c"]:
    """Draw images that the encoding's search would start from; ``shape`` is that of one.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> encoding = fj.encodings.direct((4, 4, 1))
        >>> study.random_images(jax.random.key(0), encoding, (4, 4, 1), count=5).shape
        (5, 4, 4, 1)
    """
    at_once = _at_once(shape)
    batches = jax.random.split(key, (-(-count // at_once), at_once))
    return np.concatenate([np.asarray(_draw(encoding, keys)) for keys in batches])[:count]


def _at_once(shape: tuple[int, ...]) -> int:
    return 100 if np.prod(shape) <= 10_000 else 20


@functools.partial(jax.jit, static_argnums=0)
def _draw(encoding: Encoding, keys: RandomKey) -> Images:
    return jax.vmap(encoding.express)(jax.vmap(encoding.init)(keys))


def table_of_controls(
    found: Mapping[str, Mapping[str, float | None]],
    first: float,
    last: float,
    things: str = "images",
) -> Html:
    """Write what a network says of images that nobody evolved, beside those that were.

    Args:
        found: from `controls`.
        first: median confidence in the champions of generation 0.
        last: the same at the end.
        things: what was evolved, in one word.

    Example:
        >>> from fooljax import study
        >>> noise = {"gaussian_noise": {"median_top1_confidence": 0.4}}
        >>> block = study.table_of_controls(noise, first=0.5, last=0.99)
        >>> [words in block.markup for words in ("Gaussian noise", "Evolved")]
        [True, True]
    """
    parts = ("median_top1_confidence", "share_above_0.99", "median_best_per_class")
    rows: list[tuple[str, ...]] = [("Evolved", "—", "—", sure(last))]
    for kind, one in found.items():
        rows.append((_KINDS[kind].format(things), *(share(one.get(part)) for part in parts)))
    rows.append(("Champions of generation 0 of the search", "—", "—", sure(first)))
    titles = (
        things.capitalize(),
        "Confidence in the most likely class (median)",
        "Share above 99 %",
    )
    return table((*titles, f"Best {things.removesuffix('s')} of each class (median)"), rows)


def express(encoding: Encoding, archive: evolution.Archive) -> Images:
    """Paint the champions of one archive, or of several, leaves ``[r, k, ...]``.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> key, encoding = jax.random.key(1), fj.encodings.direct((4, 4, 1))
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> search = fj.evolution.map_elites(encoding, children=8)
        >>> state, _ = fj.evolution.start(key, search, network)
        >>> study.express(encoding, state.archive).shape  # an image for each class
        (3, 4, 4, 1)
    """
    several = archive.born.ndim > 1
    return (_express_several if several else _express)(encoding, archive)


_express = jax.jit(evolution.express_elites, static_argnums=0)
_express_several = jax.jit(
    lambda encoding, archives: jax.vmap(lambda one: evolution.express_elites(encoding, one))(
        archives
    ),
    static_argnums=0,
)
