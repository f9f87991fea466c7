"""Does a picture of what a network looks at depend on the network? Shuffle it, and compare."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike
from scipy import stats

from fooljax import checks
from fooljax.models.interpreter import Event, interpret
from fooljax.types import Classifier, RandomKey


def shuffle_top(key: RandomKey, classifier: Classifier) -> tuple[tuple[str, Classifier], ...]:
    """Shuffle the weights of a network layer after layer, from the answer to the image.

    The numbers of each array change places among themselves, so that they keep their
    distribution. Arrays of one module are shuffled together.

    Args:
        key: decides the places; array ``i`` draws from ``fold_in(key, i)``.
        classifier: the network, or a layer of it, ``models.units``: then layers above
            stay as they are.

    Returns:
        The name of each layer and the network that is shuffled down to it; the last one is
        shuffled everywhere.

    Source:
        Adebayo et al., 2018, arXiv:1810.03292 (cascading randomization).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> layers = fj.analysis.shuffle_top(jax.random.key(2), network)
        >>> name, shuffled = layers[0]  # the last layer's weights have changed places
        >>> shuffled(images).shape
        (2, 3)
    """
    key, classifier = checks.key(key), checks.classifier(classifier)
    found, tree = jax.tree_util.tree_flatten_with_path(classifier.params)
    leaves = [jnp.asarray(leaf) for _, leaf in found]
    names = [_module(path) for path, _ in found]
    first = _first_use(classifier)
    # a module is where its first array is read
    order = dict.fromkeys(names[i] for i in sorted(first, key=first.__getitem__))
    shuffled = []
    for name in reversed(order):
        for i in (i for i in first if names[i] == name):
            leaves[i] = _shuffled(jax.random.fold_in(key, i), leaves[i])
        params = jax.tree.unflatten(tree, leaves)
        shuffled.append((name, dataclasses.replace(classifier, params=params)))
    return tuple(shuffled)


def map_agreement(maps: ArrayLike, others: ArrayLike) -> Float[np.ndarray, " b"]:
    """Return how alike two maps of each image are, whatever their signs and scales.

    It is Spearman's rank correlation of their sizes, channels added up; equal sizes share
    their mean rank. It is NaN where a map is the same everywhere.

    Args:
        maps: ``[b, ...]``, the channels last.
        others: as ``maps``.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> maps = np.arange(4.0).reshape(1, 2, 2, 1)
        >>> analysis.map_agreement(maps, -10.0 * maps).round(6).tolist()
        [1.0]
    """
    ranks = [
        stats.rankdata(np.abs(np.asarray(one)).sum(axis=-1).reshape(len(one), -1), axis=1)
        for one in (np.asarray(maps), np.asarray(others))
    ]
    a, b = (one - one.mean(axis=1, keepdims=True) for one in ranks)
    sizes = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.divide((a * b).sum(axis=1), sizes, out=np.full(len(a), np.nan), where=sizes > 0.0)


def _shuffled(key: RandomKey, leaf: Array) -> Array:
    """Let an array's numbers change places, on the host: JAX would compile for each shape."""
    chance = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    return jnp.asarray(chance.permutation(np.asarray(leaf).reshape(-1)).reshape(leaf.shape))


def _module(path: Any) -> str:
    """Name what an array belongs to; one that stands alone is its own."""
    keys = [
        str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", key)))) for key in path
    ]
    return ".".join(keys[:-1] or keys) or "weights"


def _first_use(classifier: Classifier) -> dict[int, int]:
    """Return for each array of weights that is read the equation that reads it first."""
    first: dict[int, int] = {}

    def run(params: Any, images: Any) -> Any:
        leaves = jax.tree.leaves(params)

        def watch(event: Event) -> None:
            for i, leaf in enumerate(leaves):
                if i not in first and any(value is leaf for value in event.inputs):
                    first[i] = event.place

        return interpret(classifier.apply, params, images, watch=watch)

    images = jax.ShapeDtypeStruct((1, *classifier.input_shape), jnp.float32)
    jax.eval_shape(run, classifier.params, images)
    return first
