"""A network in half precision: faster where the hardware has units for it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import checks
from fooljax.types import Bound, Classifier, Params, Tokens


def in_bfloat16(classifier: Classifier) -> Classifier:
    """Let a network compute in bfloat16.

    Weights and images are rounded to eight binary digits, so logits agree to about one
    percent of the largest: enough to sort out images, not to publish a confidence.

    Args:
        classifier: any network that computes in the type of its weights and images.

    Returns:
        A classifier with the same params, whose logits are float32 arrays.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
        >>> images = jax.random.uniform(jax.random.key(1), (50, 28, 28, 1))
        >>> rough = fj.models.in_bfloat16(network)
        >>> exact = network(images)
        >>> bool(abs(rough(images) - exact).max() < 0.03 * abs(exact).max())
        True
        >>> search = fj.evolution.map_elites(  # looks roughly first, and decides exactly
        ...     fj.encodings.cppn((28, 28, 1)), screen=fj.models.in_bfloat16
        ... )
    """
    checks.classifier(classifier)
    part = lambda function: Bound(_apply, (function,))
    tokens = classifier.tokens
    if tokens is not None and tokens.embed is not None:
        halves = map(part, (tokens.embed, tokens.apply_embedded, tokens.table))
        tokens = Tokens(tokens.count, *halves)
    return dataclasses.replace(classifier, apply=part(classifier.apply), tokens=tokens)


def _apply(function: Callable, params: Params, *inputs: Array) -> Array:
    return function(jax.tree.map(_half, params), *map(_half, inputs)).astype(jnp.float32)


def _half(leaf: Any) -> Any:
    real = jnp.issubdtype(getattr(leaf, "dtype", int), jnp.floating)  # no Python number
    return leaf.astype(jnp.bfloat16) if real else leaf
