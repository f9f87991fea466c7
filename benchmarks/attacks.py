"""What an attack costs beyond the gradients of the network that it attacks.

    Run:    python -m benchmarks.attacks > attacks.json
    Cost:   about five minutes on two CPU cores; ``--quick`` one minute
    Expect: a PGD step at most 1.1 times (batch 256) or 1.3 times (batch 16) and a
            DeepFool step at most 9 times a bare gradient on a CPU; eight epsilons
            at most 8.5 times one; nothing compiled twice

The bare gradient is one jitted ``value_and_grad`` of the cross-entropy of LeNet by
the images. Everything that is compared is measured in turn in one run, and
medians are reported, by wall clock and by processor time. One JSON document goes
to standard output, progress and a summary to standard error.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.timing import environment, interleave, launch, say, version


@dataclass(frozen=True)
class Config:
    """What to measure, and how large.

    Attributes:
        batch_sizes: images attacked together.
        steps: of PGD; DeepFool takes a quarter of them, and at least two.
        epsilon: of PGD, in units of [0, 1].
        rounds: measurements of which the median is taken.
        network: lenet, or small: the same with 8, 16 and 64 units, where what a
            library adds to each step shows more.
        weights: safetensors file for LeNet; random weights unless given.
        peers: measure Foolbox and ART on the same network, where they are installed.
        quick: eight steps and three rounds of the smallest batch only.
        seed: decides everything random.
    """

    batch_sizes: tuple[int, ...] = (256, 16)
    steps: int = 20
    epsilon: float = 0.3
    rounds: int = 5
    network: Literal["lenet", "small"] = "lenet"
    weights: str | None = None
    peers: bool = True
    quick: bool = False
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "rounds", *(() if self.batch_sizes else ("batch_sizes",))):
            if not getattr(self, name) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.weights is not None and self.network != "lenet":
            raise ValueError("--weights are for --network lenet")


def measure(config: Config) -> dict[str, Any]:
    """Measure every batch size; a JSON document of plain values."""
    if config.quick:
        smallest = (min(config.batch_sizes),)
        config = dataclasses.replace(config, quick=False, batch_sizes=smallest, steps=8, rounds=3)
    import jax

    import fooljax as fj

    key_network, key_images = jax.random.split(jax.random.key(config.seed))
    classifier = _build(config.network, key_network)
    if config.weights is not None:
        classifier = fj.models.load_weights(config.weights, classifier)
    document: dict[str, Any] = {"config": dataclasses.asdict(config), "environment": environment()}
    for package in ("foolbox", "adversarial-robustness-toolbox"):
        document["environment"]["packages"][package] = version(package)
    document["batch_sizes"] = {
        size: _one_batch_size(config, jax.random.fold_in(key_images, size), classifier, size)
        for size in config.batch_sizes
    }
    document["environment"]["load_1_minute_after"] = environment()["load_1_minute"]
    return document


def _build(network: str, key: Any) -> Any:
    import flax.linen as nn

    import fooljax as fj

    if network == "lenet":
        return fj.models.build("lenet", key, (28, 28, 1), 10)

    class SmallLeNet(nn.Module):
        @nn.compact
        def __call__(self, images):
            for width in (8, 16):
                images = nn.Conv(width, (5, 5), padding="VALID")(images)
                b, h, w, c = images.shape
                images = images.reshape(b, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))
            x = nn.relu(nn.Dense(64)(images.reshape(len(images), -1)))
            return nn.Dense(10)(x)

    return fj.models.init_flax(key, SmallLeNet(), (28, 28, 1), 10)


def _one_batch_size(config: Config, key: Any, classifier: Any, size: int) -> dict[str, Any]:
    """Measure the bare gradient and every attack on one batch, in turn."""
    import jax
    import jax.numpy as jnp

    import fooljax as fj

    say(f"batch {size}")
    images = jax.random.uniform(key, (size, 28, 28, 1))
    # labels that the network does not give would make DeepFool stop at once
    goal = fj.attacks.leave(jnp.argmax(classifier(images), axis=1))
    deepfool_steps = max(2, config.steps // 4)
    traces: list[Any] = []
    counted = _counting(classifier, traces)
    run = lambda attack: fj.attacks.run(attack, key, counted, images, goal)
    endless = dataclasses.replace(fj.attacks.deepfool(deepfool_steps), stops=False)
    pgd = lambda epsilon: fj.attacks.pgd(epsilon, 0.01, config.steps)
    epsilons = [config.epsilon * (i + 1) / 8 for i in range(8)]
    tasks: dict[str, Callable[[], Any]] = {
        "bare gradient": lambda: _bare_gradients(classifier, images, goal, config.steps),
        "pgd": lambda: run(pgd(config.epsilon)),
        "pgd, one program": lambda: _whole(pgd(config.epsilon), key, classifier, images, goal),
        "deepfool": lambda: run(endless),
        "pgd, eight epsilons": lambda: [run(pgd(epsilon)) for epsilon in epsilons],
    }
    calls = {name: config.steps for name in tasks} | {"deepfool": deepfool_steps}
    peers = {}
    if config.peers:
        from benchmarks.attack_peers import tasks as peer_tasks

        peers = peer_tasks(config, classifier, images, goal, deepfool_steps)
    calls |= {name: deepfool_steps if "deepfool" in name else config.steps for name in peers}
    for name in ("pgd", "deepfool"):
        tasks[name]()
    before = len(traces)
    costs = interleave({**tasks, **peers}, config.rounds)
    bare = costs["bare gradient"]
    table = {
        name: {
            "wall_ms_per_step": 1e3 * cost.wall_s / calls[name],
            "cpu_ms_per_step": 1e3 * cost.cpu_s / calls[name],
            "ratio_wall": cost.wall_s / calls[name] / (bare.wall_s / config.steps),
            "ratio_cpu": cost.cpu_s / calls[name] / (bare.cpu_s / config.steps),
        }
        for name, cost in costs.items()
    }
    sweep, one = costs["pgd, eight epsilons"], costs["pgd"]
    return {
        "costs": table,
        "sweep_ratio_wall": sweep.wall_s / one.wall_s,
        "sweep_ratio_cpu": sweep.cpu_s / one.cpu_s,
        "recompiled": len(traces) - before,
    }


def _counting(classifier: Any, traces: list[Any]) -> Any:
    """Note every time that the network is traced, hence compiled."""

    def apply(params, images):
        traces.append(images.shape)
        return classifier.apply(params, images)

    return dataclasses.replace(classifier, apply=apply)


def _bare_gradients(classifier: Any, images: Any, goal: Any, count: int) -> Any:
    """Call the gradient as often as an attack has steps, one call after another."""
    for _ in range(count):
        result = _bare()(classifier, images, goal.labels)
    return result


def _bare() -> Callable[..., Any]:
    import jax
    import optax

    if "bare" not in _COMPILED:

        def loss(images, classifier, labels):
            logits = classifier(images)
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).sum()

        gradient = jax.jit(jax.value_and_grad(loss))
        _COMPILED["bare"] = lambda classifier, images, labels: gradient(images, classifier, labels)
    return _COMPILED["bare"]


def _whole(attack: Any, *arguments: Any) -> Any:
    import jax

    if "whole" not in _COMPILED:
        _COMPILED["whole"] = jax.jit(lambda attack, *rest: attack(*rest))
    return _COMPILED["whole"](attack, *arguments)


_COMPILED: dict[str, Callable[..., Any]] = {}


def summarize(document: dict[str, Any]) -> str:
    """Say the figures in lines for people."""
    lines = []
    for size, part in document["batch_sizes"].items():
        for name, row in part["costs"].items():
            lines.append(
                f"batch {size:>4}, {name:20}: {row['wall_ms_per_step']:8.2f} ms wall, "
                f"{row['cpu_ms_per_step']:8.2f} ms CPU a step; {row['ratio_wall']:6.2f} x wall, "
                f"{row['ratio_cpu']:6.2f} x CPU"
            )
        lines.append(
            f"batch {size:>4}, eight epsilons: {part['sweep_ratio_wall']:.2f} x one (wall), "
            f"{part['sweep_ratio_cpu']:.2f} x (CPU); {part['recompiled']} programs recompiled"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.attacks", description=__doc__)
