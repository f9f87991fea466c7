"""Several attacks on the same images, batch after batch, each of which is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from fooljax import attacks
from fooljax.attacks import Norm
from fooljax.attacks.attack import sample_keys
from fooljax.attacks.summary import LENGTHS, within
from fooljax.media import Sounds
from fooljax.study.cells import Results, compute, gather, grid, key_of
from fooljax.study.heard import LOUDNESS, loudness
from fooljax.study.making import Material
from fooljax.study.prepared import Prepared
from fooljax.study.run import Run, Runnable
from fooljax.study.units import Arrays
from fooljax.types import RandomKey

_DRAWN = ("labels", "targets", "places_in_test_set", "originals")
_MEASURED = ("success", "margin", "confidence", "log_doubt", "forwards", "gradients", *LENGTHS)
_BESIDE = ("epsilons", "images", "seconds")  # in a cell, beside what was measured
#: Arrays of the cells, for who reads on.
ATTACKED = (*_DRAWN, "epsilons", "images", *_MEASURED, *LOUDNESS)


class Radii(NamedTuple):
    """The epsilons that an attack is run with.

    Attributes:
        epsilons: ``[e]``, increasing.
        at: place of the one that tables and pictures are about.
    """

    epsilons: tuple[float, ...]
    at: int


class Outcome(NamedTuple):
    """What an attack did to all images.

    Attributes:
        radii: its epsilons, ``[e]``.
        measured: each ``[e, n]``, by the names of an `attacks.AttackResult`; of sounds how
            loud the change is, too, by those of `LOUDNESS`.
        images: the first ones, ``[shown, *shape]`` in [0, 1], made at the tables' epsilon.
        seconds: for an image, of the fastest batch, which has compiled nothing.
    """

    radii: Radii
    measured: Arrays
    images: np.ndarray
    seconds: float

    def tabled(self, name: str) -> np.ndarray:
        """Return a measurement at the tables' epsilon, ``[n]``."""
        return self.measured[name][self.radii.at]


def draw_targets(seed: int, labels: Int[np.ndarray, " n"], num_classes: int) -> np.ndarray:
    """Draw a wrong class for each image, ``[n]``, int32.

    One draw an image, so that more images leave the others' targets as they are.
    """
    draw = np.random.default_rng([seed, *b"targets"])
    others = np.array([draw.integers(1, num_classes) for _ in labels])
    return ((labels + others) % num_classes).astype(np.int32)


def attack_all(
    run: Run[Runnable],
    network: Prepared,
    entries: Mapping[str, attacks.Entry],
    radii: Mapping[str, Radii],
    real: Material,
    effort: attacks.Effort,
    batch_size: int,
    shown: int,
) -> Results:
    """Run every attack on every batch, a cell for each; the first cell says on which images.

    Aimed attacks must bring each image to a wrong class, drawn at random. An image's random
    numbers depend on the attack and on its place among the images, not on the other attacks,
    the size of batches or the number of images.

    Args:
        run: keeps every batch.
        network: to be fooled.
        entries: the attacks, by name.
        radii: of each.
        real: the images, and what they show.
        effort: how much work an attack may do.
        batch_size: images attacked together.
        shown: how many of the images made are kept.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits = fj.data.load("digits")
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> named = study.Prepared(network, digits.train.class_names, None, "drawn at random")
        >>> run = study.Run("mine", SimpleNamespace(run=study.RunFlags()), Path())
        >>> entries = {"fgsm": fj.attacks.CATALOG["fgsm"]}
        >>> radii = {"fgsm": study.Radii((0.1, 0.3), 0)}
        >>> real = study.take(digits.test, digits.train, np.arange(8))
        >>> sizes = {"effort": fj.attacks.Effort(1, 1), "batch_size": 4, "shown": 2}
        >>> results = study.attack_all(run, named, entries, radii, real, **sizes)
        >>> [cell for cell, _ in results.found]
        [{'drawn': 'images'}, {'attack': 'fgsm', 'batch': 0}, {'attack': 'fgsm', 'batch': 1}]
        >>> study.outcomes(results, radii)["fgsm"].measured["success"].shape  # [epsilons, images]
        (2, 8)
    """
    labels, images = np.asarray(real.labels), np.asarray(real.images)
    targets = draw_targets(run.config.run.seed, labels, network.classifier.num_classes)
    count = len(labels)
    size = min(batch_size, count)
    found = dict(zip(_DRAWN, (labels, targets, real.places, images[:shown]), strict=True))
    drawn = compute(run, [{"drawn": "images"}], lambda *_, **__: found, "drawing test images")

    def perturb(key: RandomKey, attack: str, batch: int) -> dict[str, Any]:
        del key  # that of the batch
        first = batch * size
        # a short last batch is filled up, to compile nothing new
        rows = np.minimum(np.arange(first, first + size), count - 1)
        real, entry = min(size, count - first), entries[attack]
        keys = sample_keys(key_of(run.config.run.seed, attack=attack), count)[rows]
        goal = attacks.reach(jnp.asarray(targets[rows]))
        if not entry.aimed:
            goal = attacks.leave(jnp.asarray(labels[rows]))
        sizes, at = radii[attack]
        begun = jnp.asarray(images[rows])
        found = entry.perturb(keys, network.classifier, begun, goal, effort, sizes)
        measured = {name: getattr(found, name)[:, :real] for name in _MEASURED}
        if isinstance(network.medium, Sounds):
            measured |= loudness(images[rows[:real]], np.asarray(found.images)[:, :real])
        made = found.images[at, : max(0, shown - first)][:real]
        return {**measured, "epsilons": np.array(sizes), "images": made}

    cells = grid(attack=entries, batch=range(-(-count // size)))
    return gather(drawn, compute(run, cells, perturb, "attacking"))


def outcomes(results: Results, radii: Mapping[str, Radii]) -> dict[str, Outcome]:
    """Put the batches of each attack together; from `attack_all`.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> two = [{"success": np.array([one])} for one in ([True, False], [True, True])]
        >>> more = {"images": np.zeros((1, 2, 2, 1)), "seconds": 2.0}
        >>> cells = [({"attack": "pgd", "batch": i}, {**two[i], **more}) for i in (0, 1)]
        >>> found = study.outcomes(study.Results(tuple(cells)), {"pgd": study.Radii((0.1,), 0)})
        >>> pgd = found["pgd"]
        >>> pgd.tabled("success").tolist(), pgd.seconds  # of all batches; for an image
        ([True, False, True, True], 1.0)
    """

    def join(name: str) -> Outcome:
        parts = [arrays for _, arrays in results.where(attack=name).found]
        names = [key for key in parts[0] if key not in _BESIDE]
        size = parts[0]["success"].shape[1]
        fastest = min(float(part["seconds"]) for part in parts)
        return Outcome(
            radii[name],
            {key: np.concatenate([part[key] for part in parts], axis=1) for key in names},
            np.concatenate([part["images"] for part in parts]),
            fastest / size / len(radii[name].epsilons),
        )

    return {name: join(name) for name in radii}


def accuracy_curves(
    norm: Norm,
    entries: Mapping[str, attacks.Entry],
    outcomes: Mapping[str, Outcome],
    epsilons: Sequence[float],
) -> dict[str, tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]]:
    """Return the accuracy that is left over the size of the change, for each attack in a norm.

    That of attacks that look for the nearest image follows from their distances, everywhere;
    others are drawn where they were run. Aimed attacks have none.

    Args:
        norm: of the attacks.
        entries: the attacks, by name.
        outcomes: of each.
        epsilons: of the curve, to which those of the tables are added.

    Returns:
        Epsilons and accuracies, by attack.

    Example:
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> nearest = {"success": np.ones((1, 4), bool), "l2": np.array([[0.1, 0.2, 0.3, 0.4]])}
        >>> outcome = study.Outcome(study.Radii((0.5,), 0), nearest, np.zeros((0, 8, 8, 1)), 0.1)
        >>> entries = {"deepfool": fj.attacks.CATALOG["deepfool"]}
        >>> curves = study.accuracy_curves("l2", entries, {"deepfool": outcome}, (0.5,))
        >>> sizes, left = curves["deepfool"]
        >>> [(float(sizes[i]), float(left[i])) for i in (0, 50, 100)]
        [(0.0, 1.0), (0.25, 0.5), (0.5, 0.0)]
    """
    curves = {}
    for name, entry in entries.items():
        if entry.norm != norm or entry.aimed:
            continue
        outcome = outcomes[name]
        if entry.kind == "nearest":
            sizes = np.linspace(0.0, max(epsilons), 101)
            nearest = outcome.tabled("success"), outcome.tabled(norm)
            curves[name] = (sizes, attacks.accuracy_left(*nearest, sizes))
        elif entry.curve:
            sizes, at = np.array(outcome.radii.epsilons), outcome.radii.at
            drawn = np.isin(sizes, (*epsilons, sizes[at]))
            success, distance = outcome.measured["success"], outcome.measured[norm]
            fooled = within(success, distance, sizes[:, None])[drawn].mean(axis=1)
            curves[name] = (np.append(0.0, sizes[drawn]), np.append(1.0, 1.0 - fooled))
    return curves
