"""The networks of an experiment, from its flags."""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax.data import Splits, Streams
from fooljax.runtime import several, victim
from fooljax.runtime.units import Arrays
from fooljax.runtime.victim import Prepared, Victim
from fooljax.study.run import Run, Settings
from fooljax.types import Classifier

#: What a network is to another, and how to say it.
RELATIONS = {
    "itself": "the network itself",
    "other weights": "a network of other weights",
    "other architecture": "a network of another architecture",
}


class Networks(NamedTuple):
    """Several networks that know the same pictures.

    Attributes:
        each: networks by name: ``lenet``, or ``lenet 1``, ``lenet 2``, ...
        models: architecture of each.
    """

    each: dict[str, Prepared]
    models: tuple[str, ...]

    @property
    def first(self) -> Prepared:
        """The first of them."""
        return next(iter(self.each.values()))

    @property
    def classifiers(self) -> list[Classifier]:
        """The networks themselves, in order."""
        return [one.classifier for one in self.each.values()]

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels of a picture."""
        return self.first.classifier.input_shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.first.class_names

    @property
    def splits(self) -> Splits:
        """The pictures, or as many as are held in memory."""
        return splits_of(self.first)

    @property
    def pictures(self) -> Splits | Streams:
        """The pictures, in memory or on disk."""
        return self.splits if self.first.streams is None else self.first.streams

    def relation(self, name: str, other: str) -> str:
        """Say what a network is to another, as one of `RELATIONS`."""
        if name == other:
            return "itself"
        model = dict(zip(self.each, self.models, strict=True))
        return "other weights" if model[name] == model[other] else "other architecture"

    def related(self, name: str) -> dict[str, str]:
        """Return the first network of each relation to one, by relation."""
        found: dict[str, str] = {}
        for other in self.each:
            found.setdefault(self.relation(name, other), other)
        return {relation: found[relation] for relation in RELATIONS if relation in found}


def networks(
    run: Run[Settings], models: Sequence[str], seeds: int = 1, whole: bool = False
) -> Networks:
    """Train, load or fetch networks of several architectures, and say how good they are.

    Args:
        run: keeps the trained networks.
        models: architectures, as ``--model`` takes them.
        seeds: networks of each, from other starting weights.
        whole: leave a set of pictures on disk that does not fit in memory.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    settings = run.config.victim
    if settings.model != Victim().model:
        raise ValueError(f"--model: give --models {settings.model} another ..., not --model")
    refuse_no_data(settings)
    own = [model for model in models if ":" in model]
    if own and seeds > 1:
        raise ValueError(
            f"--models: {own[0]} has but one set of weights; add --network-seeds 1, or give "
            "several functions that return other ones"
        )
    found = several.prepare_several(settings, run.folder, models, seeds, whole)
    for name, one in found.items():
        print(f"{name}: {100 * (one.accuracy or 0.0):.2f} % right", file=sys.stderr)
    return Networks(found, tuple(model for model in models for _ in range(seeds)))


def network(
    run: Run[Settings],
    whole: bool = False,
    real: bool = True,
    fits: Callable[[tuple[int, ...], int], None] | None = None,
) -> Prepared:
    """Train, load or fetch the network that ``--model`` names.

    Args:
        run: keeps the trained network.
        whole: leave a set of pictures on disk that does not fit in memory.
        real: refuse to go on without pictures.
        fits: called with image shape and number of classes as soon as they are known,
            to refuse them before anything is trained.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    if real:
        refuse_no_data(run.config.victim)
    check = fits or (lambda shape, num_classes: None)
    return victim.prepare(run.config.victim, run.folder, check, whole)


def refuse_no_data(settings: Victim) -> None:
    """Refuse a network without data where an experiment needs real images.

    Raises:
        ValueError: naming the flag.
    """
    if settings.dataset == "none":
        raise ValueError("--dataset: real images are needed to perturb; name a data set")


def splits_of(prepared: Prepared) -> Splits:
    """Return a network's pictures.

    Raises:
        ValueError: if it came without, or they were left on disk.
    """
    if prepared.splits is None:
        raise ValueError("--dataset: real images are needed; name a data set")
    return prepared.splits


def weights_of(classifier: Classifier) -> dict[str, Array]:
    """Return all weights of a network by name, as a cell keeps them."""
    leaves = jax.tree.leaves(classifier.params)
    return {f"weights_{place:03}": leaf for place, leaf in enumerate(leaves)}


def with_weights(classifier: Classifier, arrays: Arrays) -> Classifier:
    """Return a network with the weights that `weights_of` named."""
    leaves, tree = jax.tree.flatten(classifier.params)
    stored = [jnp.asarray(arrays[f"weights_{place:03}"]) for place in range(len(leaves))]
    return dataclasses.replace(classifier, params=jax.tree.unflatten(tree, stored))
