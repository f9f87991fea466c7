"""What the networks of an experiment answer, a part of the images at a time."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax.data import as_float
from fooljax.metrics import probabilities
from fooljax.study.prepared import Prepared
from fooljax.types import Classifier, Images, Logits

_AT_ONCE = 100


@jax.jit
def logits(classifier: Classifier, images: Float[Array, "b ..."]) -> Logits:
    """Ask a network about images; new weights compile nothing.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> study.logits(network, jax.numpy.zeros((5, 8, 8, 1))).shape  # compiled once
        (5, 3)
    """
    return classifier(images)


def all_logits(classifier: Classifier, images: Images | np.ndarray) -> Float[np.ndarray, "n m"]:
    """Ask a network about any number of images, uint8 or in [0, 1], a hundred at a time.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> study.all_logits(network, np.zeros((250, 8, 8, 1), np.uint8)).shape
        (250, 3)
    """
    parts = [images[first : first + _AT_ONCE] for first in range(0, len(images), _AT_ONCE)]
    return np.concatenate([logits(classifier, as_float(part)) for part in parts])


def confidences(
    classifier: Classifier, images: Images | np.ndarray, labels: Int[Array, " n"]
) -> Float[np.ndarray, " n"]:
    """Return how sure a network is that each image shows what its label says.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> brighter = lambda params, images: images.mean(axis=(1, 2)) * jnp.array([[-9.0, 9.0]])
        >>> network = fj.types.Classifier((), brighter, (8, 8, 1), num_classes=2)
        >>> images = jnp.stack([jnp.zeros((8, 8, 1)), jnp.ones((8, 8, 1))])
        >>> study.confidences(network, images, jnp.array([1, 1])).round(2).tolist()
        [0.5, 1.0]
    """
    shares = np.asarray(probabilities(logits(classifier, jnp.asarray(images))))
    return shares[np.arange(len(shares)), np.asarray(labels)]


def real_ones(prepared: Prepared, classes: Iterable[int]) -> dict[int, np.ndarray]:
    """Return the first test input of each class that there is one of, where there are data.

    Args:
        prepared: a network with its data.
        classes: their numbers.

    Returns:
        By the place among the classes, an input in [0, 1].

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits = fj.data.load("digits")
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> prepared = study.Prepared(network, digits.train.class_names, None, "drawn", digits)
        >>> {place: one.shape for place, one in study.real_ones(prepared, (7, 2)).items()}
        {0: (28, 28, 1), 1: (28, 28, 1)}
    """
    if prepared.splits is None:
        return {}
    test = prepared.splits.test
    labels = np.asarray(test.labels)
    rows = {place: np.flatnonzero(labels == label)[:1] for place, label in enumerate(classes)}
    return {
        place: np.asarray(as_float(test.images[row])[0]) for place, row in rows.items() if len(row)
    }
