"""Is this a classifier, and what does it return? Nothing is computed to find out."""

import weakref
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.checks.arrays import ids, images
from fooljax.checks.kinds import shown
from fooljax.checks.leaves import leaves
from fooljax.checks.numbers import count
from fooljax.types import Classifier

_MOST = 64  # shapes of weights that are remembered of one network's function

# Weak: what is known of a function is forgotten with it.
_KNOWN: "weakref.WeakKeyDictionary[Any, dict[Any, int]]" = weakref.WeakKeyDictionary()


def classifier(given: Any, name: str = "classifier") -> Classifier:
    """Return a classifier whose logits have a column for each of its classes.

    The network is traced once for each shape of its weights, and no weights are
    remembered.

    Args:
        given: the network.
        name: of the argument.

    Raises:
        ValueError: if it is no ``Classifier``, if ``apply`` fails on images of
            ``input_shape``, or if it does not return floating point logits ``[b, m]``
            with two columns and ``num_classes`` at least.
    """
    if not isinstance(given, Classifier):
        raise ValueError(f"{name} must be a Classifier, got {shown(given)}; {_remedy(given)}")
    columns(given, name)
    return given


def classifiers(given: Any, name: str = "classifiers") -> tuple[Classifier, ...]:
    """Return networks of equal images and classes.

    Args:
        given: a sequence of at least one.
        name: of the argument.

    Raises:
        ValueError: if there is none, one is no classifier, or they differ.
    """
    if not isinstance(given, Sequence):
        raise ValueError(f"{name} must be a list of Classifiers, got {shown(given)}")
    if not given:
        raise ValueError(f"{name}: there must be at least one classifier")
    each = tuple(classifier(one, f"{name}[{i}]") for i, one in enumerate(given))
    for what in ("num_classes", "input_shape"):
        values = [getattr(one, what) for one in each]
        if len(set(values)) > 1:
            word = "classes" if what == "num_classes" else "images"
            raise ValueError(
                f"the {name} must have the same {word}, got {values} of these Classifiers"
            )
    return each


def inputs(given: Any, network: Classifier, name: str = "images") -> Any:
    """Return what a network can be shown: as `images`, or as `ids` where it reads texts.

    Args:
        given: ``[n, *input_shape]``.
        network: a classifier.
        name: of the argument.

    Raises:
        ValueError: as those two.
    """
    if network.tokens is None:
        return images(given, network.input_shape, name)
    return ids(given, network.input_shape, network.tokens.count, name)


def columns(network: Classifier, name: str = "classifier") -> int:
    """Return the number ``m`` of columns of a classifier's logits ``[b, m]``.

    Raises:
        ValueError: as ``classifier``.
    """
    flat, structure = jax.tree.flatten(network.params)
    try:
        known = _KNOWN.setdefault(network.apply, {})
        shapes = tuple((getattr(leaf, "shape", ()), str(_type(leaf))) for leaf in flat)
        sizes = network.input_shape, network.num_classes, network.exclusive
        case = (hash(structure), shapes, *sizes)
        hash(case)
    except TypeError:  # what cannot be remembered is asked every time
        return _traced(network, name)
    if case not in known:
        if len(known) >= _MOST:
            known.clear()
        known[case] = _traced(network, name)
    return known[case]


def _described(network: Classifier, name: str) -> tuple[tuple[int, ...], int]:
    """Return the shape of an image and the number of classes that a network says it has."""
    shape = network.input_shape
    sizes = shape if isinstance(shape, tuple) else ()
    whole = all(isinstance(size, int | np.integer) and size > 0 for size in sizes)
    if not sizes or not whole:
        raise ValueError(
            f"the input_shape of the {name} must be a tuple of positive whole numbers, as "
            f"(28, 28, 1), got {shape!r}"
        )
    if not callable(network.apply):
        raise ValueError(
            f"the apply of the {name} must be a function of (params, images), got "
            f"{shown(network.apply)}"
        )
    return shape, count(f"the num_classes of the {name}", network.num_classes)


def _traced(network: Classifier, name: str) -> int:
    shape, classes = _described(network, name)
    kind = jnp.float32 if network.tokens is None else jnp.int32
    images = jax.ShapeDtypeStruct((1, *shape), kind)
    leaves(network.params, name)
    try:
        logits = jax.eval_shape(network.apply, network.params, images)
    except Exception as error:  # a network of the user's own may raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"the {name} fails on images of shape {images.shape}: {reason}; its apply must take "
            f"{np.dtype(kind).name} images of its input_shape {shape}, and work under jax.jit"
        ) from error
    if not isinstance(logits, jax.ShapeDtypeStruct):
        raise ValueError(f"the {name} must return one array of logits, got {shown(logits)}")
    if logits.ndim != 2 or logits.shape[1] < classes:
        raise ValueError(
            f"the {name} of {classes} classes must return logits (images, {classes} or more), "
            f"got {logits.shape} for one image"
        )
    if logits.shape[1] < 2:
        raise ValueError(
            f"the {name}'s logits must have two columns at least, got {logits.shape}: the softmax "
            "of one is always 1; of one number z for two classes make [0, z]"
        )
    if not network.exclusive and logits.shape[1] == classes:
        raise ValueError(
            f"the {name}, whose classes do not exclude each other, must return a column more than "
            f"its {classes} classes, which means none of them; of sigmoids one that is always zero"
        )
    if not jnp.issubdtype(logits.dtype, jnp.floating):
        raise ValueError(f"the {name} must return floating point logits, got {logits.dtype}")
    return logits.shape[1]


def _type(leaf: Any) -> Any:
    return getattr(leaf, "dtype", type(leaf))


def _remedy(given: Any) -> str:
    if isinstance(given, list | tuple):
        return "give one of them, or let them answer as one, defenses.ensemble(networks)"
    if type(given).__module__.startswith("flax") or hasattr(given, "init_with_output"):
        return "wrap a Flax module, models.init_flax(key, module, input_shape, num_classes)"
    if callable(given):
        return (
            "wrap a function, types.Classifier(params, apply, input_shape, num_classes) with "
            "apply(params, images); of a defense give what it makes of a network, "
            "defense(classifier)"
        )
    return "models.build makes one, types.Classifier wraps a function of your own"
