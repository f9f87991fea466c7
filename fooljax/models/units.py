"""A layer as a classifier: one class a unit, so that all that fools networks runs on neurons."""

import dataclasses
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.models.interpreter import Event, interpret
from fooljax.types import Bound, Classifier, Images, Logits, Params

Pool: TypeAlias = Literal["mean", "center"] | tuple[int, ...]

_BATCH = 2  # to list layers with; whatever has no such first axis is no layer
_WEIGHTED = {"conv_general_dilated": "conv", "dot_general": "dense"}


class Layer(NamedTuple):
    """What a network computes on its way.

    Attributes:
        name: ``conv1``, ``features.9.expand3x3`` where modules or ``jax.named_scope`` name
            it; ``relu1``, ``relu2``, ... for rectifiers, ``conv1``, ``dense1``, ... for
            what has no name, counted from the image.
        shape: for one image, units last: ``(h, w, units)``, ``(units,)``.
    """

    name: str
    shape: tuple[int, ...]


def layers(classifier: Classifier) -> tuple[Layer, ...]:
    """List the layers that `units` takes, in the order of computing.

    Those are the outputs of modules and of other named scopes, of rectifiers, and of
    convolutions and matrix products that no scope names. What is inside a loop (``scan``,
    ``while``) is not listed, its result is.

    Args:
        classifier: any network: Flax, or a plain function.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("lenet", jax.random.key(0), (28, 28, 1), 10)
        >>> for layer in fj.models.layers(network):
        ...     print(*layer)
        conv1 (24, 24, 20)
        conv2 (8, 8, 50)
        ip1 (500,)
        relu1 (500,)
        ip2 (10,)
    """
    classifier = checks.classifier(classifier)
    return tuple(layer for layer, _ in _places(classifier).values())


def units(classifier: Classifier, layer: str, pool: Pool = "mean", leak: float = 0.0) -> Classifier:
    """Return a layer of a network as a classifier whose logits are its units' activations.

    A unit is a channel. What makes images for classes then makes them for units: an
    ascent, MAP-Elites with a niche for each unit, universal perturbations, saliency.

    Args:
        classifier: any network; its params stay an argument.
        layer: a name of `layers`.
        pool: how a channel becomes a number: its ``mean`` over all places, its ``center``,
            or a place such as ``(i, j)``. A layer without places has nothing to pool.
        leak: share of what a rectifier cuts off below zero that counts all the same. A unit
            that is off has no gradient; with a leak it has one. A leaking unit is above zero
            only if the unit itself fires. Layers that end in no rectifier do not leak.

    Returns:
        A classifier of the same images, with as many classes as the layer has units.

    Raises:
        ValueError: if there is no such layer, or no such place in it, or if leak is not in
            [0, 1].

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("lenet", jax.random.key(0), (28, 28, 1), 10)
        >>> neurons = fj.models.units(network, "conv2", pool="center")
        >>> neurons.num_classes  # a class for each of its channels
        50
        >>> gray, key = jax.numpy.full((1, 28, 28, 1), 0.5), jax.random.key(1)
        >>> goal, climb = fj.attacks.reach(jax.numpy.array([7])), fj.attacks.ascent(steps=10)
        >>> found = fj.attacks.run(climb, key, neurons, gray, goal)  # what channel 7 looks for
        >>> bool(neurons(found.images)[0, 7] > neurons(gray)[0, 7])
        True
    """
    classifier = checks.classifier(classifier)
    found = _places(classifier)
    if not found:
        raise ValueError(
            "classifier has no layers to be seen: it is computed outside of JAX (from_torch, "
            "from_function), or does nothing; give a network of JAX"
        )
    if layer not in found:
        raise ValueError(f"layer {layer!r} is unknown; there are {', '.join(found)}")
    (_, shape), place = found[layer]
    if isinstance(pool, str):
        checks.choice("pool", pool, ("mean", "center"))
    elif len(pool) != len(shape) - 1 or not all(
        0 <= at < size for at, size in zip(pool, shape, strict=False)
    ):
        raise ValueError(f"pool must be mean, center or a place in {shape[:-1]}, got {pool}")
    leak = checks.between("leak", leak, 0.0, 1.0)
    where = pool if isinstance(pool, str) else tuple(pool)
    apply = Bound(_activations, (classifier.apply, place, where, leak))
    return dataclasses.replace(classifier, apply=apply, num_classes=shape[-1], exclusive=True)


class _Reached(Exception):
    """The layer that was asked for has been computed; the only argument is what came out."""


def _activations(
    apply: Callable[[Params, Images], Logits],
    place: int,
    pool: Pool,
    leak: float,
    params: Params,
    images: Images,
) -> Float[Array, "b units"]:
    def watch(event: Event) -> None:
        if event.place == place:
            (layer,) = event.outputs
            if leak and event.roles & {"rectifier"}:
                given = [one for one in event.inputs if jnp.shape(one) == layer.shape]
                layer = sum((leak * jnp.minimum(one, 0.0) for one in given), layer)
            raise _Reached(layer)

    try:
        interpret(apply, params, images, watch=watch)
    except _Reached as reached:  # what comes after the layer is not part of the program
        (layer,) = reached.args
    if pool == "mean":
        return jnp.mean(layer, axis=tuple(range(1, layer.ndim - 1)))
    at = tuple(size // 2 for size in layer.shape[1:-1]) if pool == "center" else pool
    return layer[(slice(None), *at)]


def _places(classifier: Classifier) -> dict[str, tuple[Layer, int]]:
    """Return all layers by name, with the number of the equation that computes each."""
    events: list[tuple[Event, tuple[int, ...]]] = []

    def watch(event: Event) -> None:
        if len(event.outputs) == 1 and _is_layer(event.outputs[0]):
            events.append((event._replace(inputs=()), event.outputs[0].shape[1:]))

    images = jax.ShapeDtypeStruct((_BATCH, *classifier.input_shape), jnp.float32)
    run = lambda params, images: interpret(classifier.apply, params, images, watch=watch)
    jax.eval_shape(run, classifier.params, images)
    scopes = [event.scope.split("/") if event.scope else [] for event, _ in events]
    # a module around everything is the network, not a layer of it
    outer = scopes[0][:1] if scopes and all(one[:1] == scopes[0][:1] for one in scopes) else []
    named: dict[int, str] = {}
    for (event, _), scope in zip(events, scopes, strict=True):
        inner = _inner(scope, outer)
        for depth in range(1, len(inner) + 1):
            name = ".".join(inner[:depth])
            named = {place: one for place, one in named.items() if one != name}
            named[event.place] = name
    counts: dict[str, int] = {}
    found: dict[str, tuple[Layer, int]] = {}
    for (event, shape), scope in zip(events, scopes, strict=True):
        kind = _kind(event, _inner(scope, outer))
        if kind:
            counts[kind] = counts.get(kind, 0) + 1
        name = named.get(event.place, f"{kind}{counts[kind]}" if kind else "")
        if name:
            found[name] = (Layer(name, shape), event.place)
    return found


def _inner(scope: list[str], outer: list[str]) -> list[str]:
    """Leave out the module around everything, and its methods: ``MobileNetV2._invert``."""
    methods = tuple(f"{name}." for name in outer)
    return [part for part in scope[len(outer) :] if not methods or not part.startswith(methods)]


def _kind(event: Event, scope: list[str]) -> str:
    """Say what an equation is called if nothing else names it."""
    if event.roles & {"rectifier"}:
        return "relu"
    return "" if scope else _WEIGHTED.get(event.operation, "")


def _is_layer(value: Array) -> bool:
    return value.ndim > 1 and value.shape[0] == _BATCH and jnp.issubdtype(value.dtype, jnp.floating)
