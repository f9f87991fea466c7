"""What an occlusion map costs beyond its forward passes, and what Captum needs for the same map.

    Run:    python -m benchmarks.occlusion --weights squeezenet1_1.safetensors > occlusion.json
    Cost:   about three minutes on two CPU cores, five with Captum
    Expect: at most 1.1 times the bare forward passes; Captum, on the same weights and windows,
            takes longer and draws the same map

SqueezeNet 1.1 on one image, windows of 32 pixels every 16. The bare passes are as many images
in batches of one size through one jitted function. Captum's network is written out here in
plain PyTorch, with the same weights; its own bare passes are measured too. Everything is
measured in turn in one run, and medians are reported. One JSON document goes to standard
output, progress and a summary to standard error.
"""

import dataclasses
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.timing import environment, interleave, launch, say, version

_FIRES = (3, 4, 6, 7, 9, 10, 11, 12)
_POOLS = (3, 6, 9)  # before these
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Config:
    """What to measure, and how large.

    Attributes:
        weights: safetensors file or folder of SqueezeNet 1.1; without it Captum, which
            has to have the same weights, is left out.
        size: side of the image in pixels.
        window: side of a window in pixels.
        stride: from one window to the next, in pixels.
        batch_sizes: images that both libraries show at a time; 0 for our own choice, with
            which Captum is not measured.
        rounds: measurements of which the median is taken.
        seed: decides the image, and the weights if there are none.
    """

    weights: str | None = None
    size: int = 224
    window: int = 32
    stride: int = 16
    batch_sizes: tuple[int, ...] = (0, 1, 16)
    rounds: int = 5
    seed: int = 0

    def __post_init__(self):
        for name in ("size", "window", "stride", "rounds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not self.batch_sizes or min(self.batch_sizes) < 0:
            raise ValueError(f"batch_sizes must name some of 0 or more, got {self.batch_sizes}")


def measure(config: Config) -> dict[str, Any]:
    """Measure all in turn; a JSON document of plain values."""
    import jax

    import fooljax as fj
    from fooljax.analysis.parts import batch_of

    key_network, key_image = jax.random.split(jax.random.key(config.seed))
    shape = (config.size, config.size, 3)
    if config.weights is None:
        classifier = fj.models.build("squeezenet1_1", key_network, shape, 1000)
    else:
        classifier = fj.models.load_published("squeezenet1_1", config.weights, config.size)
    drawn = jax.random.uniform(key_image, (1, *shape))
    image, target = np.asarray(drawn), int(np.argmax(classifier(drawn)[0]))
    passes = 1 + len(fj.analysis.masks.windows(shape, config.window, config.stride))
    forward = jax.jit(lambda classifier, images: classifier(images))

    def ours(size: int) -> Callable[[], Any]:
        fill = fj.analysis.fills.plain(image, 0.5)
        windows = config.window, config.stride
        return lambda: fj.analysis.occlusion(
            classifier, image, [target], fill, *windows, batch_size=size or None
        )

    def bare(size: int) -> Callable[[], Any]:
        images = np.repeat(image, size or batch_of(classifier, None), axis=0)
        calls = -(-passes // len(images))
        return lambda: [forward(classifier, images) for _ in range(calls)]

    tasks: dict[str, Callable[[], Any]] = {}
    for size in config.batch_sizes:
        tasks |= {f"fooljax {size}": ours(size), f"bare {size}": bare(size)}
    torch_tasks = _captum(config, image, target, passes)
    costs = interleave({**tasks, **torch_tasks}, config.rounds)
    document: dict[str, Any] = {
        "config": dataclasses.asdict(config),
        "environment": environment(),
        "passes": passes,
        "batch": batch_of(classifier, None),
        "seconds": {name: cost._asdict() for name, cost in costs.items()},
    }
    for package in ("captum", "torch"):
        document["environment"]["packages"][package] = version(package)
    cpu = {name: cost.cpu_s for name, cost in costs.items()}
    document["ratios"] = {
        str(size): {
            "fooljax to bare": cpu[f"fooljax {size}"] / cpu[f"bare {size}"],
            **(
                {
                    "captum to fooljax": cpu[f"captum {size}"] / cpu[f"fooljax {size}"],
                    "captum to its bare": cpu[f"captum {size}"] / cpu[f"torch bare {size}"],
                }
                if f"captum {size}" in cpu
                else {}
            ),
        }
        for size in config.batch_sizes
    }
    if torch_tasks:
        both = tasks[f"fooljax {config.batch_sizes[0]}"](), next(iter(torch_tasks.values()))()
        document["difference"] = float(np.abs(both[0][0] - both[1]).max())
        document["largest"] = float(np.abs(both[0]).max())
    return document


def _captum(
    config: Config, image: np.ndarray, target: int, passes: int
) -> dict[str, Callable[[], Any]]:
    """Return Captum's tasks by name; none where it is missing or has no weights."""
    missing = [name for name in ("captum", "torch") if importlib.util.find_spec(name) is None]
    if missing or config.weights is None:
        say(f"without Captum: {' and '.join(missing) or 'no --weights'}")
        return {}
    import torch
    from captum.attr import Occlusion

    network = _network(config.weights)
    picture = torch.from_numpy(np.moveaxis(image, -1, 1).copy())
    occlusion = Occlusion(network)

    def captum(size: int) -> Callable[[], np.ndarray]:
        def draw() -> np.ndarray:
            found = occlusion.attribute(
                picture,
                sliding_window_shapes=(3, config.window, config.window),
                strides=(3, config.stride, config.stride),
                baselines=0.5,
                target=target,
                perturbations_per_eval=size,
            )
            return found.detach().numpy()[0, 0]

        return draw

    def bare(size: int) -> Callable[[], list[Any]]:
        images = picture.repeat(size, 1, 1, 1)
        return lambda: [network(images) for _ in range(-(-passes // size))]

    tasks: dict[str, Callable[[], Any]] = {}
    for size in filter(None, config.batch_sizes):
        tasks |= {f"captum {size}": captum(size), f"torch bare {size}": bare(size)}
    return tasks


def _network(weights: str) -> Callable[[Any], Any]:
    """Write SqueezeNet 1.1 out in PyTorch, with torchvision's names of the weights."""
    from pathlib import Path

    import torch
    import torch.nn.functional as torch_f
    from safetensors.numpy import load_file

    place = Path(weights)
    file = place if place.is_file() else next(place.glob("squeezenet1_1*.safetensors"))
    tensors = {name: torch.from_numpy(one) for name, one in load_file(file).items()}
    mean, spread = (torch.tensor(one).reshape(1, 3, 1, 1) for one in (_MEAN, _SPREAD))

    def convolve(name: str, images: Any, **how: int) -> Any:
        found = torch_f.conv2d(images, tensors[f"{name}.weight"], tensors[f"{name}.bias"], **how)
        return torch_f.relu(found)

    @torch.no_grad()
    def network(images: Any) -> Any:
        hidden = convolve("features.0", (images - mean) / spread, stride=2)
        for fire in _FIRES:
            if fire in _POOLS:
                hidden = torch_f.max_pool2d(hidden, 3, 2, ceil_mode=True)
            name = f"features.{fire}"
            hidden = convolve(f"{name}.squeeze", hidden)
            small = convolve(f"{name}.expand1x1", hidden)
            hidden = torch.cat([small, convolve(f"{name}.expand3x3", hidden, padding=1)], 1)
        return convolve("classifier.1", hidden).mean(dim=(2, 3))

    return network


def summarize(document: dict[str, Any]) -> str:
    """Say the ratios in a few lines."""
    lines = [f"{document['passes']} forward passes, processor time:"]
    for size, ratios in document["ratios"].items():
        own = f"{size} at a time" if size != "0" else f"{document['batch']} at a time (our choice)"
        lines.append(f"{own}: " + ", ".join(f"{name} {one:.2f}" for name, one in ratios.items()))
    if "difference" in document:
        lines.append(
            f"largest difference of the maps {document['difference']:.1g}, "
            f"of {document['largest']:.3g}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="benchmarks.occlusion", description=__doc__)
