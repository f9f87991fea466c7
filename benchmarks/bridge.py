"""What the bridge to PyTorch costs: gradients through JAX beside PyTorch's own.

Run:    python -m benchmarks.bridge
Cost:   two minutes on two cores; torch comes with ``fooljax[torch]``.
Expect: little more than PyTorch alone where the network is as large as ResNet-18, more where
        it is so small that every call counts.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.timing import environment, interleave, launch, version

_STAGES = (64, 128, 256, 512)  # channels of ResNet-18, two blocks of each


@dataclass(frozen=True)
class Config:
    """What to compare.

    Attributes:
        batch: images at a time.
        pixels: height and width of an image.
        steps: of the attack that is measured, too.
        rounds: measurements of each task.
    """

    batch: int = 100
    pixels: int = 32
    steps: int = 5
    rounds: int = 5


def measure(config: Config) -> dict[str, Any]:
    """Clock a gradient and an attack in PyTorch alone and through the bridge."""
    document: dict[str, Any] = {**environment(), "torch": version("torch")}
    for name, build in {"small": _small, "resnet18": _resnet18}.items():
        module = build(config.pixels).eval().requires_grad_(False)
        costs = interleave(_tasks(config, module), config.rounds)
        ratio = lambda what, costs=costs: (
            costs[f"bridge {what}"].cpu_s / costs[f"torch {what}"].cpu_s
        )
        document[name] = {
            "cpu_s": {task: cost.cpu_s for task, cost in costs.items()},
            "gradient_ratio": ratio("gradient"),
            "attack_ratio": ratio("attack"),
        }
    return document


def _tasks(config: Config, module: Any) -> dict[str, Callable[[], Any]]:
    """Return the same work for both sides."""
    import torch

    shape = (config.pixels, config.pixels, 3)
    classifier = fj.models.from_torch(module, shape, 10)
    images = np.random.default_rng(0).random((config.batch, *shape), np.float32)
    labels = np.arange(config.batch) % 10
    ours, goal = jnp.asarray(images), fj.attacks.leave(jnp.asarray(labels, jnp.int32))
    theirs = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    targets = torch.from_numpy(labels)

    def total(images: Any) -> Any:
        odds = jax.nn.log_softmax(classifier(images))
        return -jnp.sum(odds[jnp.arange(len(images)), goal.labels])

    def gradient(inputs: Any) -> Any:
        inputs = inputs.detach().requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(module(inputs), targets, reduction="sum")
        return torch.autograd.grad(loss, inputs)[0]

    def walk() -> Any:
        x = theirs
        for _ in range(config.steps):
            x = (x + 0.01 * gradient(x).sign()).clamp(theirs - 0.03, theirs + 0.03).clamp(0, 1)
        return module(x)  # the last look, as the attack has it

    attack = fj.attacks.pgd(0.03, step_size=0.01, steps=config.steps, random_start=False)
    run = functools.partial(fj.attacks.run, attack, jax.random.key(0), classifier, ours, goal)
    slope = jax.jit(jax.grad(total))
    return {
        "torch gradient": lambda: gradient(theirs),
        "bridge gradient": lambda: slope(ours),
        "torch attack": walk,
        "bridge attack": lambda: run(batch_size=config.batch),
    }


def _small(pixels: int) -> Any:
    """Build two convolutions and a linear layer."""
    from torch import nn

    side = pixels // 4
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * side * side, 10),
    )


def _resnet18(pixels: int) -> Any:
    """Build ResNet-18 as for CIFAR-10: the first convolution keeps the size.

    Source: He et al., 2016, arXiv:1512.03385.
    """
    from torch import nn

    class Block(nn.Module):
        def __init__(self, before: int, channels: int, stride: int):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(before, channels, 3, stride, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
                nn.BatchNorm2d(channels),
            )
            same = before == channels and stride == 1
            self.shortcut = nn.Identity() if same else nn.Conv2d(before, channels, 1, stride)

        def forward(self, x: Any) -> Any:
            return nn.functional.relu(self.body(x) + self.shortcut(x))

    layers: list[Any] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    before = 64
    for channels in _STAGES:
        for block in range(2):
            layers.append(Block(before, channels, 2 if channels > 64 and block == 0 else 1))
            before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


def summarize(document: dict[str, Any]) -> str:
    """Say what came out."""
    return "\n".join(
        f"{name}: a gradient through the bridge costs {document[name]['gradient_ratio']:.2f} times "
        f"PyTorch's own, an attack {document[name]['attack_ratio']:.2f} times (processor time)"
        for name in ("small", "resnet18")
    )


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.bridge", description=__doc__)
