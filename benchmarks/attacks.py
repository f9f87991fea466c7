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
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Config:
    """What to measure, and how large.

    Attributes:
        batch_sizes: images attacked together.
        steps: of PGD; DeepFool takes a quarter of them, and at least two.
        epsilon: of PGD, in units of [0, 1].
        rounds: measurements of which the median is taken.
        weights: safetensors file for LeNet; random weights unless given.
        foolbox: measure Foolbox on the same network, where it is installed.
        quick: eight steps and three rounds of the smallest batch only.
        seed: decides everything random.
    """

    batch_sizes: tuple[int, ...] = (256, 16)
    steps: int = 20
    epsilon: float = 0.3
    rounds: int = 5
    weights: str | None = None
    foolbox: bool = True
    quick: bool = False
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "rounds", *(() if self.batch_sizes else ("batch_sizes",))):
            if not getattr(self, name) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


def measure(config: Config) -> dict[str, Any]:
    """Measure every batch size; a JSON document of plain values."""
    if config.quick:
        smallest = (min(config.batch_sizes),)
        config = dataclasses.replace(config, quick=False, batch_sizes=smallest, steps=8, rounds=3)
    import jax

    import fooljax as fj
    from benchmarks.timing import environment, version

    key_network, key_images = jax.random.split(jax.random.key(config.seed))
    classifier = fj.models.build("lenet", key_network, (28, 28, 1), 10)
    if config.weights is not None:
        classifier = fj.models.load_weights(config.weights, classifier)
    document: dict[str, Any] = {"config": dataclasses.asdict(config), "environment": environment()}
    document["environment"]["packages"]["foolbox"] = version("foolbox")
    document["network"] = "lenet"
    document["batch_sizes"] = {
        size: _one_batch_size(config, jax.random.fold_in(key_images, size), classifier, size)
        for size in config.batch_sizes
    }
    document["environment"]["load_1_minute_after"] = environment()["load_1_minute"]
    return document


def _one_batch_size(config: Config, key: Any, classifier: Any, size: int) -> dict[str, Any]:
    """Measure the bare gradient and every attack on one batch, in turn."""
    import jax
    import jax.numpy as jnp

    import fooljax as fj
    from benchmarks.timing import interleave

    _say(f"batch {size}")
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
    peers = _foolbox_tasks(config, classifier, images, goal, deepfool_steps)
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


def _foolbox_tasks(
    config: Config, classifier: Any, images: Any, goal: Any, deepfool_steps: int
) -> dict[str, Callable[[], Any]]:
    """Foolbox on the same network, which its user has compiled."""
    if not config.foolbox:
        return {}
    try:
        import foolbox
    except ImportError:
        _say("foolbox is not installed")
        return {}
    import jax

    forward = jax.jit(lambda images: classifier(images))
    model = foolbox.models.JAXModel(forward, bounds=(0, 1))
    pgd = foolbox.attacks.LinfPGD(abs_stepsize=0.01, steps=config.steps, random_start=False)
    deepfool = foolbox.attacks.L2DeepFoolAttack(steps=deepfool_steps)
    return {
        "foolbox pgd": lambda: pgd(model, images, goal.labels, epsilons=config.epsilon)[0],
        # it stops once every image is done, so a step may cost more than this says
        "foolbox deepfool": lambda: deepfool(model, images, goal.labels, epsilons=None)[0],
    }


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


def main() -> None:
    """Read flags, measure, print."""
    import tyro

    config = tyro.cli(Config, prog="python -m benchmarks.attacks", description=__doc__)
    document = measure(config)
    _say(summarize(document))
    print(json.dumps(document, indent=2))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
