"""Networks that only answer, as classifiers: ONNX Runtime, scikit-learn, a web service."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from fooljax import checks
from fooljax.models import bridge
from fooljax.models.foreign import AS_IS, Preprocess, check_kind
from fooljax.types import Bound, Classifier


def from_function(
    function: Callable[[np.ndarray], Any],
    input_shape: tuple[int, ...],
    num_classes: int,
    preprocess: Preprocess = AS_IS,
) -> Classifier:
    """Wrap a function that answers and has no gradient.

    Evolution and attacks that only ask run against it; what needs a gradient raises, and
    says so. Make it once: each call gives a network that is compiled for anew. ``function``
    must answer the same to the same images, and must not call JAX.

    Args:
        function: maps a float32 array ``[b, *input_shape]`` in [0, 1], read-only, to logits
            ``[b, m]``; give the logarithm of probabilities.
        input_shape: of one input, ``(h, w, c)`` of a picture.
        num_classes: number of real classes, at most ``m``.
        preprocess: what the network wants done to images.

    Raises:
        ValueError: if it cannot be called, is a network that another adapter takes, or
            answers anything but logits ``[b, m]``.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from sklearn.ensemble import RandomForestClassifier
        >>> digits = fj.data.load("digits")
        >>> images, labels = fj.data.as_float(digits.train.images), digits.train.labels
        >>> forest = RandomForestClassifier(20, random_state=0)
        >>> forest = forest.fit(np.asarray(images).reshape(-1, 784), labels)
        >>> def answer(images):
        ...     return np.log(forest.predict_proba(images.reshape(-1, 784)) + 1e-3)
        >>> network = fj.models.from_function(answer, (28, 28, 1), num_classes=10)
        >>> goal = fj.attacks.leave(labels[:10])
        >>> attack = fj.attacks.square(0.3, steps=50)  # asks, and takes no gradient
        >>> found = fj.attacks.run(attack, jax.random.key(0), network, images[:10], goal)
        >>> int(found.success.sum()) > 5
        True
    """
    check_kind("from_function", function)
    shape = checks.shape("input_shape", input_shape)
    num_classes = checks.count("num_classes", num_classes)
    probe = np.array(preprocess(jnp.zeros((2, *shape))))
    seen = probe.shape[1:]
    probe.flags.writeable = False
    logits = np.asarray(function(probe))
    if logits.ndim != 2 or len(logits) != 2 or not np.issubdtype(logits.dtype, np.number):
        raise ValueError(
            f"function must answer logits [b, m], got {logits.dtype}{list(logits.shape)} for 2 "
            "images"
        )
    columns = logits.shape[1]
    if columns < num_classes:
        raise ValueError(f"num_classes: function has {columns} logits, got {num_classes} classes")

    def forward(context: Any, out: Any, images: Any) -> None:
        del context
        given = np.asarray(images).reshape(-1, *seen)
        given.flags.writeable = False
        answer = np.asarray(out)
        answer[...] = np.asarray(function(given)).reshape(answer.shape)

    network = bridge.Outside(columns, forward, None, getattr(function, "__name__", "the function"))
    return Classifier((), Bound(bridge.apply, (network, preprocess)), shape, num_classes)
