"""Whether the number is AutoAttack's: the same networks and images, attacked here and by its code.

    Run:    FOOLJAX_DATA_DIR=... python -m benchmarks.autoattack > autoattack.json
    Cost:   some minutes for each case on two CPU cores, most of them PyTorch's
    Expect: robust shares within one image in a hundred of each other

Needs PyTorch and ``pip install pyautoattack``, MNIST and CIFAR-10 below the data folder, and
the published LeNet (``models/caffe_lenet_mnist.safetensors``). Its weights are copied into a
twin in PyTorch, and so are those of narrower ones that are trained here, plainly and on what
PGD makes of their batches. Each stage of the cascade gets what resisted until then, on both sides.
One JSON document goes to standard output, progress and a summary to standard error.
"""

import dataclasses
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.autoattack_networks import Narrow, as_torch, twin
from benchmarks.timing import environment, launch, say, version
from fooljax.attacks import Stage, StandardResult
from fooljax.types import Classifier, Images

Norm = Literal["linf", "l2"]
Network = Literal["published", "mnist", "mnist robust", "cifar10", "cifar10 robust"]
_STAGES = {  # by the name that AutoAttack has for each
    "apgd-ce": "apgd",
    "apgd-t": "apgd toward classes",
    "fab-t": "fab toward classes",
    "square": "square",
}


@dataclass(frozen=True)
class Config:
    """What to attack.

    Attributes:
        networks: which; all are LeNets, those that are trained here with fewer units.
        epsilons: Linf radii, one for each network, in units of [0, 1].
        epsilons_l2: Euclidean radii, one for each network.
        images: the first so many of the test images.
        batch_size: images that are attacked together here.
        train_steps: of the networks that are trained here.
        keep: folder for trained networks, which are trained only if they are not there.
        theirs: run AutoAttack's code too.
        seed: decides everything random.
    """

    networks: tuple[Network, ...] = ("published", "mnist robust", "cifar10", "cifar10 robust")
    epsilons: tuple[float, ...] = (0.15, 0.2, 0.006, 0.03)
    epsilons_l2: tuple[float, ...] = (1.5, 2.0, 0.25, 1.0)
    images: int = 100
    batch_size: int = 25
    train_steps: int = 1200
    keep: str | None = None
    theirs: bool = True
    seed: int = 0

    def __post_init__(self):
        for name in ("epsilons", "epsilons_l2"):
            if len(getattr(self, name)) not in (0, len(self.networks)):
                raise ValueError(
                    f"{name} must be one for each of {len(self.networks)} networks, or none, got "
                    f"{getattr(self, name)}"
                )


def measure(config: Config) -> dict[str, Any]:
    """Attack every network in both norms; a JSON document of plain values."""
    document: dict[str, Any] = {"config": dataclasses.asdict(config), "environment": environment()}
    document["environment"]["packages"]["torch"] = version("torch")
    document["environment"]["packages"]["pyautoattack"] = version("pyautoattack")
    cases = []
    for i, name in enumerate(config.networks):
        classifier, images, labels = _victim(config, name)
        for norm, radii in _radii(config):
            if radii:
                case = compare(
                    classifier,
                    images,
                    labels,
                    radii[i],
                    norm,
                    config.seed,
                    batch_size=config.batch_size,
                    theirs=config.theirs,
                )
                cases.append({"network": name, **case})
                say(_line(cases[-1]))
    return document | {"cases": cases}


def _radii(config: Config) -> list[tuple[Norm, tuple[float, ...]]]:
    return [("linf", config.epsilons), ("l2", config.epsilons_l2)]


def compare(
    classifier: Classifier,
    images: Images,
    labels: np.ndarray,
    epsilon: float,
    norm: Norm,
    seed: int = 0,
    *,
    batch_size: int = 25,
    theirs: bool = True,
) -> dict[str, Any]:
    """Attack a LeNet here and as AutoAttack does; plain values, image by image."""
    case: dict[str, Any] = {"norm": norm, "epsilon": epsilon, "images": len(images)}
    attack = lambda epsilon, **numbers: _ours(
        classifier, images, labels, epsilon, norm, seed, batch_size, **numbers
    )
    case["compile_wall_s"] = attack(0.0, steps=1, targets=1, queries=1)[1][-1]["wall_s_so_far"]
    result, case["ours"] = attack(epsilon)
    robust = ~np.asarray(result.result.success)
    case |= {"accuracy": result.accuracy, "robust_share": float(robust.mean())}
    if not theirs:
        return case
    resisting, case["theirs"] = _theirs(classifier, images, labels, epsilon, norm, seed)
    logits = twin(classifier)(as_torch(images)).numpy()
    case["logits_apart"] = float(abs(classifier(images) - logits).max())
    case["robust_share_theirs"] = float(resisting.mean())
    case["fooled_by_ours_only"] = np.flatnonzero(~robust & resisting).tolist()
    case["fooled_by_theirs_only"] = np.flatnonzero(robust & ~resisting).tolist()
    return case


class _Clock:
    """Notes what stage after stage took."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.begun = self.last = time.perf_counter(), time.process_time()

    def note(self, name: str, surviving: int) -> None:
        now = time.perf_counter(), time.process_time()
        self.rows.append(
            {
                "stage": name,
                "surviving": surviving,
                "wall_s": round(now[0] - self.last[0], 2),
                "cpu_s": round(now[1] - self.last[1], 2),
                "wall_s_so_far": round(now[0] - self.begun[0], 2),
            }
        )
        self.last = now


def _ours(
    classifier: Classifier,
    images: Images,
    labels: np.ndarray,
    epsilon: float,
    norm: Norm,
    seed: int,
    batch_size: int,
    **numbers: int,
) -> tuple[StandardResult, list[dict[str, Any]]]:
    clock = _Clock()

    def on_stage(stage: Stage) -> None:
        clock.note(stage.name, stage.surviving)

    result = fj.attacks.standard(
        jax.random.key(seed),
        classifier,
        images,
        fj.attacks.leave(jnp.asarray(labels)),
        epsilon,
        norm=norm,
        version="autoattack",
        batch_size=batch_size,
        on_stage=on_stage,
        **numbers,
    )
    return result, clock.rows


def _theirs(
    classifier: Classifier,
    images: Images,
    labels: np.ndarray,
    epsilon: float,
    norm: Norm,
    seed: int,
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Return which images resist AutoAttack's own code, and what its stages took."""
    import torch
    from pyautoattack import AutoAttack

    network = twin(classifier)
    adversary = AutoAttack(network, norm=norm.capitalize(), eps=epsilon, seed=seed)
    x, y = as_torch(images), torch.from_numpy(np.asarray(labels, np.int64))
    clock = _Clock()
    with torch.no_grad():
        robust = (network(x).argmax(1) == y).numpy()
    clock.note("clean", int(robust.sum()))
    for name, ours in _STAGES.items():
        left = np.flatnonzero(robust)
        if left.size:
            adversary.attacks_to_run = [name]  # the settings of each stay
            found, _ = adversary.run_standard_evaluation(x[left], y[left])
            with torch.no_grad():
                robust[left] = (network(found).argmax(1) == y[left]).numpy()
        clock.note(ours, int(robust.sum()))
    return robust, clock.rows


def _victim(config: Config, name: Network) -> tuple[Classifier, Images, np.ndarray]:
    """Return a network, published or trained here, and the first test images with labels."""
    folder = os.environ.get("FOOLJAX_DATA_DIR")
    if folder is None:
        raise ValueError("set FOOLJAX_DATA_DIR to the folder with the data sets")
    dataset = "cifar10" if "cifar10" in name else "mnist"
    splits = fj.data.load(dataset, folder)
    images = jnp.asarray(fj.data.as_float(splits.test.images[: config.images]))
    labels = np.asarray(splits.test.labels[: config.images])
    key = jax.random.key(config.seed)
    if name == "published":
        weights = Path(folder) / "models" / "caffe_lenet_mnist.safetensors"
        classifier = fj.models.build("lenet", key, images.shape[1:], 10)
        return fj.models.load_weights(weights, classifier), images, labels
    classifier = fj.models.init_flax(key, Narrow(10), images.shape[1:], 10)
    weights = Path(config.keep or "nowhere") / f"{name.replace(' ', '_')}.safetensors"
    if weights.exists():
        return fj.models.load_weights(weights, classifier), images, labels
    say(f"training {name}")
    recipe = fj.training.quick(config.train_steps)
    if "robust" in name:
        radius = 8 / 255 if dataset == "cifar10" else 0.2
        recipe = fj.training.adversarial(config.train_steps, epsilon=radius)
    key = jax.random.key(config.seed + 1)
    classifier, _ = fj.training.fit(key, classifier, splits.train, **recipe._asdict())
    if config.keep is not None:
        fj.models.save_weights(weights, classifier)
    return classifier, images, labels


def _line(case: dict[str, Any]) -> str:
    row = (
        f"{case['network']:15} {case['norm']:4} {case['epsilon']:.4g}: of {case['images']} "
        f"accuracy {case['accuracy']:.2f}, robust {case['robust_share']:.2f}"
    )
    if "theirs" in case:
        alone = len(case["fooled_by_ours_only"]), len(case["fooled_by_theirs_only"])
        row += (
            f", by AutoAttack {case['robust_share_theirs']:.2f}; fooled by ours only {alone[0]}, "
            f"by theirs only {alone[1]}"
        )
    for who in ("ours", "theirs"):
        if who in case:
            parts = [f"{one['stage']} {one['surviving']}" for one in case[who]]
            spent = [sum(one[unit] for one in case[who]) for unit in ("wall_s", "cpu_s")]
            row += f"\n  {who:6} {spent[0]:7.1f} s wall, {spent[1]:7.1f} s CPU: {', '.join(parts)}"
    return row


def summarize(document: dict[str, Any]) -> str:
    """Say the figures in lines for people."""
    return "\n".join(_line(case) for case in document["cases"])


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.autoattack", description=__doc__)
