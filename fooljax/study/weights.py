"""The weights of a network as arrays with names, which is how a cell keeps them."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax.study.units import Arrays
from fooljax.types import Classifier


def weights_of(classifier: Classifier) -> dict[str, Array]:
    """Return all weights of a network by name, as a cell keeps them.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> {name: leaf.shape for name, leaf in study.weights_of(network).items()}
        {'weights_000': (3,), 'weights_001': (64, 3)}
    """
    leaves = jax.tree.leaves(classifier.params)
    return {f"weights_{place:03}": leaf for place, leaf in enumerate(leaves)}


def with_weights(classifier: Classifier, arrays: Arrays) -> Classifier:
    """Return a network with the weights that `weights_of` named.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> build = lambda seed: fj.models.build("softmax", jax.random.key(seed), (8, 8, 1), 3)
        >>> one, other = build(0), build(1)
        >>> copy = study.with_weights(other, study.weights_of(one))
        >>> images = np.ones((1, 8, 8, 1), np.float32)
        >>> bool((copy(images) == one(images)).all())
        True
    """
    leaves, tree = jax.tree.flatten(classifier.params)
    stored = [jnp.asarray(arrays[f"weights_{place:03}"]) for place in range(len(leaves))]
    return dataclasses.replace(classifier, params=jax.tree.unflatten(tree, stored))
