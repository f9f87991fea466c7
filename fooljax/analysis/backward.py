"""What goes back through a network: the gradient, or what looks better than it is."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import checks
from fooljax.models.interpreter import Rules, interpret
from fooljax.types import Bound, Classifier, Images, Logits, Params

BackwardRule: TypeAlias = Literal["gradient", "guided", "deconvnet"]


def backward(classifier: Classifier, rule: BackwardRule = "guided") -> Classifier:
    """Return a classifier with the same answers, through which something else goes back.

    A rectifier with input ``x`` passes a signal ``g`` back as

    - ``gradient``: ``g`` where ``x > 0``;
    - ``deconvnet``: ``max(g, 0)`` everywhere;
    - ``guided``: ``max(g, 0)`` where ``x > 0``.

    ReLU6 passes nothing where ``x`` is 6 or more, but under ``deconvnet``. Pooling passes
    the signal to the first maximum of its window, as a switch does, and not to all that are
    equal, as happens among rectified zeros and where a photograph is white; ``jax.grad``
    of the network itself shares it there, on some devices. Rectifiers are found in the
    program, whoever wrote the network: ``nn.relu``, ``nn.relu6``, ``jnp.maximum(x, 0)``,
    ``jnp.clip(x, 0, 6)``. A network without any has but one way back.

    Args:
        classifier: any network; params stay an argument.
        rule: what goes back.

    Raises:
        ValueError: if the rule is unknown.

    Source:
        Zeiler and Fergus, 2014, arXiv:1311.2901 (deconvnet); Springenberg et al., 2015,
        arXiv:1412.6806 (guided backpropagation).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> guided = fj.analysis.backward(network, "guided")
        >>> bool(jax.numpy.allclose(guided(images), network(images), atol=1e-5))
        True
    """
    classifier = checks.classifier(classifier)
    checks.choice("rule", rule, ("gradient", "guided", "deconvnet"))
    return dataclasses.replace(classifier, apply=Bound(_apply, (classifier.apply, rule)))


def _apply(
    apply: Callable[[Params, Images], Logits], rule: BackwardRule, params: Params, images: Images
) -> Logits:
    return interpret(apply, params, images, _RULES[rule])


@jax.custom_vjp
def _guided(x: Array) -> Array:
    return jnp.maximum(x, 0.0)


@jax.custom_vjp
def _deconvnet(x: Array) -> Array:
    return jnp.maximum(x, 0.0)


@jax.custom_vjp
def _below(y: Array, ceiling: Array) -> Array:
    """Cut off, and pass nothing back from what was cut off."""
    return jnp.minimum(y, ceiling)


@jax.custom_vjp
def _through(y: Array, ceiling: Array) -> Array:
    """Cut off, and pass everything back."""
    return jnp.minimum(y, ceiling)


@jax.custom_vjp
def _first(a: Array, b: Array) -> Array:
    """Return the larger, and send the signal to the first of equal ones."""
    return jnp.maximum(a, b)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _first_along(x: Array, axes: tuple[int, ...]) -> Array:
    """Return the largest along axes, and send the signal to the first of equal ones."""
    return jnp.max(x, axis=axes)


def _first_along_back(axes: tuple[int, ...], x: Array, signal: Array) -> tuple[Array]:
    last = tuple(range(x.ndim - len(axes), x.ndim))
    windows = jnp.moveaxis(x, axes, last)
    flat = windows.reshape(*signal.shape, -1)
    here = jax.nn.one_hot(jnp.argmax(flat, axis=-1), flat.shape[-1], dtype=signal.dtype)
    return (jnp.moveaxis((here * signal[..., None]).reshape(windows.shape), last, axes),)


_guided.defvjp(
    lambda x: (jnp.maximum(x, 0.0), x > 0.0),
    lambda on, signal: (jnp.where(on, jnp.maximum(signal, 0.0), 0.0),),
)
_deconvnet.defvjp(
    lambda x: (jnp.maximum(x, 0.0), None),
    lambda _, signal: (jnp.maximum(signal, 0.0),),
)
_below.defvjp(
    lambda y, ceiling: (jnp.minimum(y, ceiling), (y < ceiling, jnp.zeros_like(ceiling))),
    lambda kept, signal: (jnp.where(kept[0], signal, 0.0), kept[1]),
)
_through.defvjp(
    lambda y, ceiling: (jnp.minimum(y, ceiling), jnp.zeros_like(ceiling)),
    lambda none, signal: (signal, none),
)
_first.defvjp(
    lambda a, b: (jnp.maximum(a, b), a >= b),
    lambda first, signal: (jnp.where(first, signal, 0.0), jnp.where(first, 0.0, signal)),
)
_first_along.defvjp(lambda x, axes: (jnp.max(x, axis=axes), x), _first_along_back)

_SWITCHES: Rules = {"maximum": _first, "reduce_max": _first_along}
_RULES: dict[str, Rules] = {
    "gradient": {"rectifier": jax.nn.relu, "ceiling": _below, **_SWITCHES},
    "guided": {"rectifier": _guided, "ceiling": _below, **_SWITCHES},
    "deconvnet": {"rectifier": _deconvnet, "ceiling": _through, **_SWITCHES},
}
