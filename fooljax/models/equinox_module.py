"""Equinox networks as classifiers."""

from typing import Any

import jax

from fooljax import checks
from fooljax.models.foreign import CHANNELS_FIRST, Preprocess, check_kind
from fooljax.types import Bound, Classifier, Images, Logits, Params


def from_equinox(
    module: Any,
    input_shape: tuple[int, ...],
    num_classes: int,
    preprocess: Preprocess = CHANNELS_FIRST,
    state: Any = None,
) -> Classifier:
    """Wrap an Equinox network as it answers: no dropout, running averages as they are.

    ``training.fit`` changes its arrays of real numbers and keeps all else.

    Args:
        module: maps one image ``[c, h, w]`` to logits ``[m]``, as Equinox networks do.
        input_shape: of one input as fooljax has it, ``(h, w, c)`` of a picture in [0, 1].
        num_classes: number of real classes, at most ``m``.
        preprocess: what the network wants done to images; by default only the channels are
            moved to the front.
        state: of a stateful network, which is called with it and returns ``(logits, state)``.

    Returns:
        A classifier whose ``params`` are ``{"params": ..., "kept": ...}``.

    Raises:
        ValueError: if it is no Equinox network.

    Example:
        >>> import equinox
        >>> import jax
        >>> import fooljax as fj
        >>> class Net(equinox.Module):
        ...     conv: equinox.nn.Conv2d
        ...     out: equinox.nn.Linear
        ...     def __init__(self, key):
        ...         one, two = jax.random.split(key)
        ...         self.conv = equinox.nn.Conv2d(1, 8, 3, stride=2, key=one)
        ...         self.out = equinox.nn.Linear(8 * 13 * 13, 10, key=two)
        ...     def __call__(self, image):  # one image, [c, h, w]
        ...         return self.out(jax.nn.relu(self.conv(image)).ravel())
        >>> network = fj.models.from_equinox(Net(jax.random.key(0)), (28, 28, 1), num_classes=10)
        >>> network(jax.numpy.zeros((2, 28, 28, 1))).shape
        (2, 10)
    """
    check_kind("from_equinox", module)
    import equinox

    shape = checks.shape("input_shape", input_shape)
    num_classes = checks.count("num_classes", num_classes)
    module = equinox.nn.inference_mode(module)
    weights, rest = equinox.partition(module, equinox.is_inexact_array)
    arrays, fixed = equinox.partition(rest, equinox.is_array)
    leaves, structure = jax.tree.flatten(fixed)
    params = {"params": weights, "kept": (arrays, state)}
    given = ((tuple(leaves), structure), state is not None, preprocess)
    return Classifier(params, Bound(_apply, given), shape, num_classes)


def _apply(
    fixed: tuple, stateful: bool, preprocess: Preprocess, params: Params, images: Images
) -> Logits:
    import equinox

    leaves, structure = fixed
    arrays, state = params["kept"]
    rest = equinox.combine(arrays, jax.tree.unflatten(structure, leaves))
    module = equinox.combine(params["params"], rest)
    answer = (lambda image: module(image, state)[0]) if stateful else module
    return jax.vmap(answer, axis_name="batch")(preprocess(images))
