"""Is this a classifier? One question, asked before hours are spent on it."""

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import checks
from fooljax.types import Classifier


def validate(classifier: Classifier) -> None:
    """Check shapes and weights, and the logits of one mid-gray image.

    Raises:
        ValueError: if the weights hold NaN or infinity, if ``apply`` fails on
            images of ``input_shape``, or if it does not return finite floating
            point logits ``[b, m]`` with ``m >= num_classes``.
    """
    checks.classifier(classifier)
    for path, leaf in jax.tree_util.tree_leaves_with_path(classifier.params):
        # in numpy: jax would compile a program for the shape of every layer
        if jnp.issubdtype(leaf.dtype, jnp.inexact) and not np.isfinite(leaf).all():
            name = f" {_name(path)}" if path else ""
            raise ValueError(
                f"the classifier's weights{name} hold NaN or infinity; all must be finite"
            )

    gray = jnp.full((1, *classifier.input_shape), 0.5)
    if not jnp.all(jnp.isfinite(jax.jit(classifier.apply)(classifier.params, gray))):
        raise ValueError(
            "the classifier's logits for a mid-gray image hold NaN or infinity; they must be finite"
        )


def _name(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
