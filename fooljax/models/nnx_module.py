"""Flax NNX networks as classifiers."""

from typing import TYPE_CHECKING, Any

from fooljax import checks
from fooljax.models.foreign import AS_IS, Preprocess, check_kind
from fooljax.types import Bound, Classifier, Images, Logits, Params

if TYPE_CHECKING:
    from flax import nnx


def from_nnx(
    module: "nnx.Module",
    input_shape: tuple[int, ...],
    num_classes: int,
    preprocess: Preprocess = AS_IS,
) -> Classifier:
    """Wrap a Flax NNX network as it answers: no dropout, running averages as they are.

    It is taken apart once and put together inside ``apply``; equal modules make classifiers
    of equal static parts. ``training.fit`` changes its ``nnx.Param`` and keeps all else.

    Args:
        module: maps images ``[b, h, w, c]`` to logits ``[b, m]``; left as it is.
        input_shape: of one input, ``(h, w, c)`` of a picture in [0, 1].
        num_classes: number of real classes, at most ``m``.
        preprocess: what the network wants done to images.

    Returns:
        A classifier whose ``params`` are ``{"params": ..., "kept": ...}``.

    Raises:
        ValueError: if it is no NNX network.

    Example:
        >>> import jax
        >>> from flax import nnx
        >>> import fooljax as fj
        >>> class Net(nnx.Module):
        ...     def __init__(self, rngs):
        ...         self.conv = nnx.Conv(1, 8, (3, 3), strides=2, rngs=rngs)
        ...         self.norm = nnx.BatchNorm(8, rngs=rngs)
        ...         self.out = nnx.Linear(8 * 14 * 14, 10, rngs=rngs)
        ...     def __call__(self, images):
        ...         x = nnx.relu(self.norm(self.conv(images)))
        ...         return self.out(x.reshape(len(x), -1))
        >>> network = fj.models.from_nnx(Net(nnx.Rngs(0)), (28, 28, 1), num_classes=10)
        >>> network(jax.numpy.zeros((2, 28, 28, 1))).shape
        (2, 10)
    """
    check_kind("from_nnx", module)
    from flax import nnx

    shape = checks.shape("input_shape", input_shape)
    num_classes = checks.count("num_classes", num_classes)
    answering = nnx.clone(module)
    answering.eval()
    graph, *states = nnx.split(answering, nnx.Param, ...)
    params = dict(zip(("params", "kept"), states, strict=True))
    return Classifier(params, Bound(_apply, (graph, preprocess)), shape, num_classes)


def _apply(graph: Any, preprocess: Preprocess, params: Params, images: Images) -> Logits:
    from flax import nnx

    return nnx.merge(graph, params["params"], params["kept"])(preprocess(images))
