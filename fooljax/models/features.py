"""What a network sees before it answers: the features that its last layer reads."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax.models.flax_apply import FlaxApply
from fooljax.types import Classifier, Features, Images, Logits, Params


def penultimate(classifier: Classifier) -> Features:
    """Return the function that gives a Flax network's logits and what its last layer reads.

    The last layer is the last ``nn.Dense`` that the network calls. Of LeNet these
    are the 500 numbers after the rectifier, of softmax regression the pixels. Both
    come from one pass, with the classifier's own params. Equal networks give equal
    functions.

    Args:
        classifier: from ``from_flax``, ``init_flax`` or ``build``, trained or not.

    Raises:
        ValueError: if it is not a Flax Linen network or has no ``nn.Dense``; write
            the function yourself then.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("lenet", jax.random.key(0), (28, 28, 1), 10)
        >>> features = fj.models.penultimate(network)
        >>> logits, seen = features(network.params, jax.numpy.zeros((3, 28, 28, 1)))
        >>> logits.shape, seen.shape
        ((3, 10), (3, 500))
    """
    remedy = "write a function (params, images) -> (logits, features) yourself"
    if not isinstance(classifier.apply, FlaxApply):
        raise ValueError(f"the classifier is not a Flax network, {remedy}")
    features = _FlaxFeatures(classifier.apply)
    images = jax.ShapeDtypeStruct((1, *classifier.input_shape), jnp.float32)
    try:
        jax.eval_shape(features, classifier.params, images)
    except IndexError:
        raise ValueError(f"the network has no nn.Dense layer, {remedy}") from None
    return features


@dataclass(frozen=True)
class _FlaxFeatures:
    """A module's forward pass that keeps what its last dense layer was given."""

    network: FlaxApply

    def __call__(self, params: Params, images: Images) -> tuple[Logits, Float[Array, "b d"]]:
        inputs: list[Array] = []

        def watch(layer: Any, args: tuple, kwargs: dict, context: Any) -> Any:
            if isinstance(context.module, nn.Dense) and context.method_name == "__call__":
                inputs.append(args[0])
            return layer(*args, **kwargs)

        with nn.intercept_methods(watch):
            logits = self.network(params, images)
        return logits, inputs[-1].reshape(len(images), -1)
