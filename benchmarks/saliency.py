"""Maps of what a network looks at, beside Captum's on the same network and photographs.

Run:    python -m benchmarks.saliency --weights squeezenet1_1_imagenet.safetensors
Cost:   two minutes on two cores; torch and captum come with ``fooljax[bench]``.
Expect: gradient, guided and deconvnet maps correlate above 0.9999 with Captum's. Guided maps
        keep their ranks when the class layer is shuffled, gradients do not.
Source: Captum, https://captum.ai; Adebayo et al., 2018, arXiv:1810.03292 (shuffling).
"""

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.timing import environment, interleave, launch, say
from fooljax import analysis
from fooljax.analysis import BackwardRule

RULES: tuple[BackwardRule, ...] = ("gradient", "guided", "deconvnet")
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_POOLED = (3, 6, 9)  # layers that a pooling comes before
_FIRES = (3, 4, 6, 7, 9, 10, 11, 12)


@dataclass(frozen=True)
class Config:
    """What to compare.

    Attributes:
        weights: of SqueezeNet 1.1, a .safetensors or .pth file, or a folder of them.
        data_dir: folder with data sets; FOOLJAX_DATA_DIR unless given.
        images: photographs, spread evenly over those there are.
        shuffles: how often weights are shuffled, each time anew.
        rounds: measurements of each task's time.
        seed: decides the shuffles.
    """

    weights: str
    data_dir: str | None = None
    images: int = 8
    shuffles: int = 3
    rounds: int = 3
    seed: int = 0


def measure(config: Config) -> dict[str, Any]:
    """Compute all maps, compare and clock them."""
    classifier = fj.models.load_published("squeezenet1_1", config.weights)
    test = fj.data.load("imagenet", config.data_dir).test
    rows = np.linspace(0, len(test.labels) - 1, config.images).astype(int)
    images = fj.data.as_float(test.images[rows])
    targets = jnp.argmax(jax.jit(lambda c, x: c(x))(classifier, images), axis=1).astype(jnp.int32)
    draw = functools.partial(analysis.saliency, classifier, images, targets)
    ours: dict[str, Callable[[], Any]] = {rule: functools.partial(draw, rule) for rule in RULES}
    maps = {rule: np.asarray(one()) for rule, one in ours.items()}
    document: dict[str, Any] = {**environment(), "shuffled": shuffled(config, classifier, images)}
    peers = _captum(classifier, np.asarray(images), np.asarray(targets))
    if peers is not None:
        document["correlation"] = {rule: _least(maps[rule], peers[rule]()) for rule in RULES}
        names = {f"fooljax {rule}": ours[rule] for rule in RULES}
        names |= {f"captum {rule}": peers[rule] for rule in RULES}
        costs = interleave(names, config.rounds).items()
        document["wall_s"] = {name: cost.wall_s for name, cost in costs}
    return document


def shuffled(config: Config, classifier: Any, images: Any) -> dict[str, dict[str, list[float]]]:
    """Return how alike maps stay, by rule and by how far down the network is shuffled."""
    targets = jnp.argmax(jax.jit(lambda c, x: c(x))(classifier, images), axis=1).astype(jnp.int32)
    found: dict[str, dict[str, list[float]]] = {rule: {} for rule in RULES}
    for rule in RULES:
        before = analysis.saliency(classifier, images, targets, rule)
        for i in range(config.shuffles):
            key = jax.random.fold_in(jax.random.key(config.seed), i)
            for name, one in analysis.shuffle_top(key, classifier):
                after = analysis.saliency(one, images, targets, rule)
                alike = float(np.nanmean(analysis.map_agreement(before, after)))
                found[rule].setdefault(name, []).append(alike)
    return found


def _least(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the lowest correlation of two maps of an image."""
    pairs = zip(ours, theirs, strict=True)
    return float(min(np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs))


def _captum(
    classifier: Any, images: np.ndarray, targets: np.ndarray
) -> dict[str, Callable[[], np.ndarray]] | None:
    """Return what Captum has to do, by rule; None where it is not installed."""
    try:
        import torch
        from captum import attr
    except ImportError as error:
        say(f"{error}: pip install 'fooljax[bench]'")
        return None
    network = _twin(classifier.params)
    inputs = torch.tensor(images.transpose(0, 3, 1, 2))
    labels = torch.tensor(targets, dtype=torch.long)
    methods = {
        "gradient": lambda: attr.Saliency(network).attribute(inputs, labels, abs=False),
        "guided": lambda: attr.GuidedBackprop(network).attribute(inputs, labels),
        "deconvnet": lambda: attr.Deconvolution(network).attribute(inputs, labels),
    }

    def run(method: Callable[[], Any]) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it sets hooks
            return method().detach().numpy().transpose(0, 2, 3, 1)

    return {rule: functools.partial(run, method) for rule, method in methods.items()}


def _twin(params: Any) -> Any:
    """Build SqueezeNet 1.1 in PyTorch, with modules as Captum wants them, of these weights."""
    import torch
    from torch import nn

    def convolution(name: str, stride: int = 1, padding: int = 0) -> Any:
        kernel = np.asarray(params[name]["kernel"]).transpose(3, 2, 0, 1)
        layer = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], stride, padding)
        layer.weight.data = torch.tensor(kernel)
        layer.bias.data = torch.tensor(np.asarray(params[name]["bias"]))
        return layer

    class Fire(nn.Module):
        def __init__(self, name: str):
            super().__init__()
            self.squeeze = nn.Sequential(convolution(f"{name}.squeeze"), nn.ReLU())
            self.near = convolution(f"{name}.expand1x1")
            self.wide = convolution(f"{name}.expand3x3", padding=1)
            self.rectify = nn.ReLU()

        def forward(self, x: Any) -> Any:
            x = self.squeeze(x)
            return self.rectify(torch.cat([self.near(x), self.wide(x)], dim=1))

    class Standardize(nn.Module):
        def forward(self, x: Any) -> Any:
            mean, std = (torch.tensor(one)[None, :, None, None] for one in (_MEAN, _STD))
            return (x - mean) / std

    modules: list[Any] = [Standardize(), convolution("features.0", 2), nn.ReLU()]
    for layer in _FIRES:
        modules += [nn.MaxPool2d(3, 2, ceil_mode=True)] if layer in _POOLED else []
        modules.append(Fire(f"features.{layer}"))
    modules += [convolution("classifier.1"), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*modules).eval()


def summarize(document: dict[str, Any]) -> str:
    """Say what came out."""
    lines = [
        f"{rule}: correlation with Captum {value:.7f}"
        for rule, value in document.get("correlation", {}).items()
    ]
    lines += [f"{name}: {seconds:.2f} s" for name, seconds in document.get("wall_s", {}).items()]
    for rule, layers in document["shuffled"].items():
        means = ", ".join(f"{name} {np.mean(alike):.3f}" for name, alike in layers.items())
        lines.append(f"{rule}, rank correlation once shuffled down to: {means}")
    return "\n".join(lines)


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.saliency", description=__doc__)
