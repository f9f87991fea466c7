"""What both sides of an attack have in common: the judge of images, and counted passes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.peers.networks import answers, as_images, as_tensor, twin
from benchmarks.peers.pairs import Numbers, Side, Victim
from fooljax.attacks import Attack

if TYPE_CHECKING:
    import torch

Aim: TypeAlias = Literal["ball", "l2", "linf"]  # stay in the ball, or come near
_ROUNDING = 1e-5


def judged(
    victim: Victim,
    found: np.ndarray,
    aim: Aim,
    read: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Numbers:
    """Say how good images are, whoever made them.

    Args:
        victim: the network, and the images that these were made of.
        found: ``[n, h, w, c]``; what is out of [0, 1], or of the ball, does not count.
        aim: ``ball`` to succeed inside it; a norm to be near: then the median distance counts
            those that do not succeed as infinitely far.
        read: gives the answers to images: those of the network that was attacked, for on a
            boundary the twin may round to the other side. The victim's unless given.
    """
    read = read or (lambda images: answers(victim.classifier, images))
    change = (found.astype(np.float64) - victim.images).reshape(len(found), -1)
    inside = (np.min(found, axis=(1, 2, 3)) >= 0.0) & (np.max(found, axis=(1, 2, 3)) <= 1.0)
    fooled = inside & (read(found.astype(np.float32)) != victim.labels)
    if aim == "ball":
        fooled &= np.max(np.abs(change), axis=1) <= victim.epsilon * (1.0 + _ROUNDING)
        return {"success": float(np.mean(fooled))}
    far = np.linalg.norm(change, ord=2 if aim == "l2" else np.inf, axis=1)
    distance = float(np.median(np.where(fooled, far, np.inf)))
    return {"success": float(np.mean(fooled)), f"median {aim.capitalize()}": distance}


def passes(forwards: float, gradients: float) -> Numbers:
    """Name how many passes an image took in the mean."""
    return {"forward passes": float(forwards), "gradients": float(gradients)}


def ours(victim: Victim, attack: Attack, aim: Aim, *, start: Any = None) -> Side:
    """Attack by ``attacks.run``."""
    goal, key = fj.attacks.leave(jnp.asarray(victim.labels)), jax.random.key(2)
    images = jnp.asarray(victim.images)

    def work(repeat: int) -> Any:
        own = jax.random.fold_in(key, repeat)
        return fj.attacks.run(attack, own, victim.classifier, images, goal, start=start)

    def found(result: Any) -> Numbers:
        counts = passes(np.mean(result.forwards), np.mean(result.gradients))
        return judged(victim, np.asarray(result.images), aim) | counts

    return Side(work, found)


class Counts:
    """Images that went forward and backward through a network since the last reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self.forwards = self.gradients = 0

    def of_each(self, images: int) -> Numbers:
        """Return the passes of each of so many images."""
        return passes(self.forwards / images, self.gradients / images)


def counted_twin(victim: Victim) -> tuple["torch.nn.Module", Counts]:
    """Return the network in PyTorch, and the counts of its passes."""
    import torch

    counts = Counts()

    def back(gradient: Any) -> None:
        counts.gradients += len(gradient)

    class Counted(torch.nn.Module):  # ART calls the layers of a Sequential one by one
        def __init__(self) -> None:
            super().__init__()
            self.network = twin(victim.classifier)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits = self.network(images)
            counts.forwards += len(logits)
            if logits.requires_grad:
                logits.register_hook(back)
            return logits

    return Counted().eval(), counts


def in_torch(
    victim: Victim,
    make: Callable[["torch.nn.Module"], Callable[["torch.Tensor", "torch.Tensor", int], Any]],
    aim: Aim,
) -> Side:
    """Attack by a library of PyTorch.

    Args:
        victim: the network and its images.
        make: ``network -> ((images, labels, repeat) -> images)``.
        aim: see ``judged``.
    """
    import torch

    network, counts = counted_twin(victim)
    attack = make(network)
    images, labels = as_tensor(victim.images), torch.from_numpy(np.int64(victim.labels))

    def read(found: np.ndarray) -> np.ndarray:
        return network(as_tensor(found)).argmax(1).numpy()

    def work(repeat: int) -> Any:
        torch.manual_seed(repeat)
        counts.reset()
        return attack(images.clone(), labels.clone(), repeat)

    def found(result: Any) -> Numbers:
        spent = counts.of_each(len(images))
        return judged(victim, as_images(result), aim, read) | spent

    return Side(work, found)
