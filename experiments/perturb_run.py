"""What ``experiments.perturb`` computes: images that are right, and what attacks make of them."""

import functools
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import attacks, data
from fooljax.attacks import Effort, Entry
from fooljax.attacks.attack import sample_keys
from fooljax.runtime import units
from fooljax.runtime.victim import Prepared
from fooljax.types import Classifier

GOODFELLOW = 0.25  # the epsilon that FGSM was published with, always measured
_FINE = tuple(np.round(np.arange(0.02, 1.001, 0.02), 2).tolist())  # smallest that fools 90 %
MEASURED = ("success", "margin", "confidence", "log_doubt", "forwards", "gradients")
MEASURED += ("l0", "l1", "l2", "linf")


class Chosen(NamedTuple):
    """The images to attack, all of which the network gets right.

    Attributes:
        images: ``[n, h, w, c]`` in [0, 1].
        labels: what they show.
        targets: a random other class for each.
        places: where they stand in the test set.
    """

    images: np.ndarray
    labels: np.ndarray
    targets: np.ndarray
    places: np.ndarray


def choose_images(prepared: Prepared, count: int, seed: int) -> Chosen:
    """Draw test images that the network gets right.

    Raises:
        ValueError: if there are not so many, or the network says the same of all.
    """
    assert prepared.splits is not None
    test, network = prepared.splits.test, prepared.classifier
    total = len(test.images)
    if count > total:
        raise ValueError(f"--images {count}: there are only {total} test images; ask for fewer")
    draw = np.random.default_rng(seed)
    order = draw.permutation(total)
    right: list[np.ndarray] = []
    read = jax.jit(lambda network, images: network(data.as_float(images)))
    size = min(500, total)
    low, high = jnp.inf, -jnp.inf
    for first in range(0, total, size):
        places = order[np.minimum(np.arange(first, first + size), total - 1)]
        logits = np.asarray(read(network, test.images[places]))[: total - first]
        low, high = np.minimum(low, logits.min(axis=0)), np.maximum(high, logits.max(axis=0))
        places = places[: len(logits)]
        right.append(places[logits.argmax(axis=1) == np.asarray(test.labels)[places]])
        if sum(map(len, right)) >= count:
            break
    found = np.concatenate(right)[:count]
    if total > 1 and np.all(low == high):
        raise ValueError(
            "the network gives the same answer to every test image, so there is nothing to "
            "attack; check its weights and the preprocessing inside it"
        )
    if len(found) < count:
        remedy = f"ask for at most {len(found)}" if len(found) else "check --weights and --dataset"
        raise ValueError(
            f"--images {count}: the network gets only {len(found)} of {total} test images right; "
            f"{remedy}"
        )
    labels = np.asarray(test.labels)[found]
    others = draw.integers(1, network.num_classes, count)
    images = np.asarray(data.as_float(test.images[found]))
    return Chosen(images, labels, ((labels + others) % network.num_classes).astype(np.int32), found)


def radius(method: Entry, config: Any) -> float:
    """The epsilon of a method's row in the table."""
    return {"linf": config.epsilon, "l2": config.epsilon_l2, "l1": config.epsilon_l1}[method.norm]


def radii(name: str, method: Entry, config: Any) -> tuple[float, ...]:
    """Every epsilon that a method is run with, increasing."""
    if not method.curve:
        return (radius(method, config),)
    curve = {"linf": config.epsilons, "l2": config.epsilons_l2, "l1": ()}[method.norm]
    extra = (GOODFELLOW, *_FINE) if name == "fgsm" else ()
    return tuple(sorted({radius(method, config), *curve, *extra}))


def attack_all(
    folder: Path, config: Any, network: Classifier, chosen: Chosen, methods: Mapping[str, Entry]
) -> dict[str, dict[str, np.ndarray]]:
    """Run every attack on every batch; each of these is a unit that is kept.

    Returns:
        For each attack: measurements ``[e, n]`` over ``radii`` and images;
        ``images``, what it made of the images shown, at ``radius``; ``seconds``,
        one for each batch.
    """
    count = len(chosen.images)
    size = min(config.batch_size, count)
    starts = range(0, count, size)
    work = {
        f"{name}-{first // size:03d}": functools.partial(
            _attack, name, method, config, network, chosen, first, size
        )
        for name, method in methods.items()
        for first in starts
    }
    done = units.compute_all(folder, work, "attacking")
    results = {}
    for name in methods:
        parts = [done[f"{name}-{first // size:03d}"] for first in starts]
        join = {key: np.concatenate([part[key] for part in parts], axis=1) for key in MEASURED}
        join["images"] = np.concatenate([part["images"] for part in parts])
        join["seconds"] = np.stack([part["seconds"] for part in parts])
        results[name] = join
    return results


def _attack(
    name: str,
    method: Entry,
    config: Any,
    network: Classifier,
    chosen: Chosen,
    first: int,
    size: int,
) -> dict[str, Any]:
    """One attack on one batch; a short last batch is filled up, to compile nothing new."""
    count = len(chosen.images)
    rows = np.minimum(np.arange(first, first + size), count - 1)
    real = min(size, count - first)
    key = jax.random.fold_in(jax.random.key(config.seed), zlib.crc32(name.encode()))
    keys = sample_keys(key, count)[rows]
    goal = (
        attacks.reach(chosen.targets[rows]) if method.aimed else attacks.leave(chosen.labels[rows])
    )
    sizes = radii(name, method, config)
    images = chosen.images[rows]
    effort = Effort(config.steps, config.queries)
    found = method.perturb(keys, network, images, goal, effort, sizes)
    at = sizes.index(radius(method, config))
    shown = max(0, min(config.shown - first, real))
    measured = {name: np.asarray(getattr(found, name))[:, :real] for name in MEASURED}
    return {**measured, "images": np.asarray(found.images[at, :shown])}


def diagnose(
    folder: Path, config: Any, network: Classifier, chosen: Chosen
) -> dict[str, list[dict[str, Any]]]:
    """Ask whether the network makes attacks fail without being robust, in both norms.

    Returns:
        What was found for each norm: ``name``, ``message`` and ``share`` of the images.
    """
    some = min(config.batch_size, len(chosen.images))
    goal = attacks.leave(chosen.labels[:some])

    def ask(norm: Literal["linf", "l2"]) -> dict[str, Any]:
        name = f"diagnosis-{norm}".encode()
        key = jax.random.fold_in(jax.random.key(config.seed), zlib.crc32(name))
        epsilon = config.epsilon if norm == "linf" else config.epsilon_l2
        asked = attacks.diagnose(
            key,
            network,
            chosen.images[:some],
            goal,
            epsilon,
            norm=norm,
            steps=config.steps,
            queries=config.queries,
        )
        return {
            "name": np.array([one.name for one in asked], str),
            "message": np.array([one.message for one in asked], str),
            "share": np.array([one.share for one in asked], float),
        }

    work = {
        "diagnosis-linf": functools.partial(ask, "linf"),
        "diagnosis-l2": functools.partial(ask, "l2"),
    }
    done = units.compute_all(folder, work, "asking whether to believe it")
    return {
        name.removeprefix("diagnosis-"): [
            {"name": str(name), "message": str(message), "share": float(share)}
            for name, message, share in zip(
                answer["name"], answer["message"], answer["share"], strict=True
            )
        ]
        for name, answer in done.items()
    }
