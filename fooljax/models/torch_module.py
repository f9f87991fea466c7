"""PyTorch networks as classifiers: PyTorch computes, its own autograd differentiates."""

import copy
from collections import deque
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from fooljax import backend, checks
from fooljax.models import bridge
from fooljax.models.foreign import CHANNELS_FIRST, Preprocess, check_kind
from fooljax.types import Bound, Classifier

if TYPE_CHECKING:
    import torch


def from_torch(
    module: "torch.nn.Module",
    input_shape: tuple[int, ...],
    num_classes: int,
    preprocess: Preprocess = CHANNELS_FIRST,
) -> Classifier:
    """Wrap a PyTorch network, with its gradient.

    The classifier keeps a copy, set to answer (``eval``): what happens to the module later
    does not change it. Its weights are PyTorch's, so ``params`` is empty and
    ``training.fit`` refuses it. Make it once: each call gives a network that is compiled
    for anew. What PyTorch recorded of the last images is held until their gradient is asked
    for. Runs where JAX computes on a CPU; for one compiled program, for GPUs and TPUs see
    torchax (docs/networks.md).

    Args:
        module: maps ``[b, c, h, w]`` to logits ``[b, m]``.
        input_shape: of one input as fooljax has it, ``(h, w, c)`` of a picture in [0, 1].
        num_classes: number of real classes, at most ``m``.
        preprocess: what the network wants done to images; by default only the channels are
            moved to the front.

    Raises:
        ValueError: if it is no PyTorch network, cannot take such images, answers anything
            but logits ``[b, m]``, or if JAX computes on another device than the CPU.

    Example:
        >>> import jax
        >>> import torch
        >>> import fooljax as fj
        >>> _ = torch.manual_seed(0)
        >>> module = torch.nn.Sequential(
        ...     torch.nn.Conv2d(1, 8, 3, stride=2), torch.nn.ReLU(), torch.nn.Dropout(),
        ...     torch.nn.Flatten(), torch.nn.Linear(8 * 13 * 13, 10),
        ... )
        >>> network = fj.models.from_torch(module, (28, 28, 1), num_classes=10)  # [h, w, c] here
        >>> images = jax.random.uniform(jax.random.key(0), (5, 28, 28, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> found = fj.attacks.run(fj.attacks.pgd(0.1), jax.random.key(1), network, images, goal)
        >>> bool(found.success.all())
        True
    """
    check_kind("from_torch", module)
    import torch

    shape = checks.shape("input_shape", input_shape)
    num_classes = checks.count("num_classes", num_classes)
    module = copy.deepcopy(module).eval().requires_grad_(False)
    if backend.real() != "cpu":
        raise ValueError(
            f"from_torch runs where JAX computes on a CPU, here it is {backend.real()}; set "
            "JAX_PLATFORMS=cpu, or convert the network with torchax (docs/networks.md)"
        )
    probe = preprocess(jnp.zeros((1, *shape)))
    seen = tuple(probe.shape[1:])
    name = f"{type(module).__module__}.{type(module).__qualname__}"
    columns = _columns(module, torch.from_numpy(np.array(probe)), name, shape)
    if columns < num_classes:
        raise ValueError(f"num_classes: {name} has {columns} logits, got {num_classes} classes")

    def read(buffer: Any) -> "torch.Tensor":
        return torch.from_dlpack(buffer).reshape(-1, *seen)

    def forward(context: Any, out: Any, images: Any) -> None:
        del context
        with torch.no_grad():
            torch.from_dlpack(out).reshape(-1, columns).copy_(module(read(images)))

    # what PyTorch recorded of the last images, until their gradient is asked for: recognized
    # by the images, so that whatever comes between costs a pass and changes nothing
    recorded: deque[tuple[torch.Tensor, torch.Tensor]] = deque(maxlen=1)

    def record(images: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        with torch.enable_grad():
            given = images.clone().requires_grad_()
            return given, module(given)

    def follow(context: Any, out: Any, images: Any) -> None:
        del context
        given, logits = record(read(images))
        recorded.append((given, logits))
        torch.from_dlpack(out).reshape(-1, columns).copy_(logits.detach())

    def backward(context: Any, out: Any, images: Any, cotangent: Any) -> None:
        del context
        now = read(images)
        try:
            given, logits = recorded.pop()
        except IndexError:
            given, logits = record(now)
        if not torch.equal(given, now):
            given, logits = record(now)
        pulled = torch.from_dlpack(cotangent).reshape(-1, columns)
        (gradient,) = torch.autograd.grad(logits, given, pulled)
        read(out).copy_(gradient)

    network = bridge.Outside(columns, forward, backward, name, follow)
    return Classifier((), Bound(bridge.apply, (network, preprocess)), shape, num_classes)


def _columns(module: Any, images: Any, name: str, shape: tuple[int, ...]) -> int:
    """Return how many logits a network gives."""
    import torch

    try:
        with torch.no_grad():
            logits = module(images)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ValueError(
            f"{name} cannot take images {shape}, handed to it as {tuple(images.shape)}: {error}; "
            "set input_shape, or Preprocess(channels_first=...)"
        ) from error
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2:
        what = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise ValueError(
            f"{name} must answer logits [b, m], got {what}; wrap it in a module that returns them"
        )
    return int(logits.shape[1])
