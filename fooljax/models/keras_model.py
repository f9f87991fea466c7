"""Keras networks as classifiers, where Keras runs on JAX."""

from dataclasses import dataclass
from typing import Any

from fooljax import checks
from fooljax.models.foreign import AS_IS, Preprocess, check_kind
from fooljax.types import Classifier, Images, Logits, Params


@dataclass(frozen=True)
class KerasApply:
    """A model's forward pass; equal if it is the same model, with the same preprocessing.

    Attributes:
        model: compares by identity.
        preprocess: what it wants done to images.
    """

    model: Any
    preprocess: Preprocess

    def __call__(self, params: Params, images: Images) -> Logits:
        """Return logits ``[b, m]``, without dropout and by running averages."""
        logits, _ = self.model.stateless_call(
            params["params"], params["kept"], self.preprocess(images), training=False
        )
        return logits


def from_keras(
    model: Any,
    input_shape: tuple[int, ...],
    num_classes: int,
    preprocess: Preprocess = AS_IS,
) -> Classifier:
    """Wrap a Keras network as it answers: no dropout, running averages as they are.

    ``training.fit`` changes its trainable variables and keeps all others.

    Args:
        model: maps images ``[b, h, w, c]`` to logits ``[b, m]``: without the softmax at its
            end. Its weights are read once.
        input_shape: of one input, ``(h, w, c)`` of a picture in [0, 1].
        num_classes: number of real classes, at most ``m``.
        preprocess: what the network wants done to images.

    Returns:
        A classifier whose ``params`` are ``{"params": [...], "kept": [...]}``.

    Raises:
        ValueError: if it is no Keras network, has not been built, or Keras does not run on
            JAX.

    Example:
        >>> import os
        >>> os.environ["KERAS_BACKEND"] = "jax"  # before keras is imported
        >>> import jax
        >>> import keras
        >>> import fooljax as fj
        >>> model = keras.Sequential([
        ...     keras.Input((28, 28, 1)),
        ...     keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
        ...     keras.layers.Flatten(),
        ...     keras.layers.Dense(10),  # logits: no softmax here
        ... ])
        >>> network = fj.models.from_keras(model, (28, 28, 1), num_classes=10)
        >>> network(jax.numpy.zeros((2, 28, 28, 1))).shape
        (2, 10)
    """
    check_kind("from_keras", model)
    import keras

    if keras.backend.backend() != "jax":
        raise ValueError(
            f"from_keras needs Keras on JAX, it runs on {keras.backend.backend()}; set "
            "KERAS_BACKEND=jax before keras is imported"
        )
    shape = checks.shape("input_shape", input_shape)
    num_classes = checks.count("num_classes", num_classes)
    if not model.built:
        raise ValueError(f"the model has no weights yet; call model.build((None, *{shape})) first")
    params = {
        "params": [one.value for one in model.trainable_variables],
        "kept": [one.value for one in model.non_trainable_variables],
    }
    return Classifier(params, KerasApply(model, preprocess), shape, num_classes)
