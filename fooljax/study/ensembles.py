"""Of which networks ensembles are made, and how they are attacked as one: the settings."""

from dataclasses import dataclass
from typing import Literal

from fooljax.runtime.limits import Batch, Confidence, Count, Pieces, Several, Share
from fooljax.study.victim import Victim

#: What the groups of ensembles are called.
ENSEMBLE_GROUPS = {"same": "One architecture", "mixed": "Mixed architectures"}


@dataclass(frozen=True)
class Ensembles:
    """Of which networks ensembles are made.

    A group of ensembles is made of one architecture (``same``) or of several in turn
    (``mixed``). Within a set, an ensemble of ``n`` consists of the set's first ``n``
    networks, so that larger ones contain smaller ones; sets share no network.

    Attributes:
        models: architectures: softmax, mlp, lenet, resnet, or FILE.py:NAME for your
            own. Ensembles are made of the first one with other starting weights, and
            of all of them in turn (mixed).
        members: numbers of networks in an ensemble.
        sets: disjoint sets of networks on which everything is repeated; intervals
            come from them.
    """

    models: Several[str] = ("lenet", "mlp", "softmax")
    members: Several[Pieces] = (1, 2, 3, 5, 8)
    sets: Pieces = 3

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The members' architectures, in the order in which they join, by group."""
        count, models = max(self.members), self.models
        mixed = tuple(models[i % len(models)] for i in range(count))
        same = {} if any(":" in model for model in models) else {"same": (models[0],) * count}
        return same | ({"mixed": mixed} if len(models) > 1 or not same else {})

    def title(self, group: str) -> str:
        """Say of which architectures the largest ensembles of a group are made."""
        names = self.groups[group]
        counts = ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))
        return f"{ENSEMBLE_GROUPS[group]}: {counts}"

    @property
    def repeated(self) -> str:
        """How often everything was done, in a sentence."""
        if self.sets == 1:
            return "Everything was done with one set of networks, so that no interval is known."
        return (
            f"Everything was repeated on {self.sets} sets that share no network; intervals are "
            "95 %, Student's t over these sets."
        )

    @property
    def needed(self) -> dict[str, int]:
        """How many networks of each architecture all sets take together."""
        most: dict[str, int] = {}
        for architectures in self.groups.values():
            for model in architectures:
                most[model] = max(most.get(model, 0), architectures.count(model))
        return {model: self.sets * count for model, count in most.items()}

    def names(self, group: str, place: int) -> tuple[str, ...]:
        """Return the names of a set's networks, in the order in which they join.

        Args:
            group: of ``groups``.
            place: number of the set.
        """
        counts, seen, names = self.needed, dict.fromkeys(self.models, 0), []
        for model in self.groups[group]:
            seen[model] += 1
            names.append(f"{model} {place * (counts[model] // self.sets) + seen[model]}")
        return tuple(names)

    def check(self, victim: Victim) -> None:
        """Refuse what is impossible whatever the networks.

        Args:
            victim: the settings of all networks.

        Raises:
            ValueError: naming the flag and the remedy.
        """
        if list(self.members) != sorted(self.members):
            raise ValueError(f"--members must ascend, got {' '.join(map(str, self.members))}")
        if victim.model != Victim().model:
            raise ValueError(f"--model: give --models {victim.model} another ..., not --model")
        own = [model for model in self.models if ":" in model]
        if own and self.sets > 1:
            raise ValueError(
                f"--models: {own[0]} has but one set of weights, so add --sets 1; there are then "
                "no intervals"
            )
        if own and max(self.members) > len(self.models):
            raise ValueError(
                f"--members: {max(self.members)} members, but --models names {len(self.models)}: "
                "networks of your own have one set of weights each; name more, or ask for fewer"
            )


@dataclass(frozen=True)
class Joint:
    """How several networks are attacked as one, and how much it may cost.

    Attributes:
        encodings: what evolves: direct (pixels), cppn (patterns).
        generations: of an evolution after the random population.
        children: images made in a generation.
        steps: of the gradient attacks from noise; for each member, where they take turns.
        step_size: of these, in units of [0, 1] for each pixel.
        images: test images that are perturbed.
        epsilon: most that pgd may change a pixel, in units of [0, 1].
        pgd_steps: steps of pgd; for each member, where they take turns.
        tau: confidence from which on the ensemble counts as fooled for certain.
    """

    encodings: Several[Literal["direct", "cppn"]] = ("direct",)
    generations: Count = 100
    children: Batch = 100
    steps: Count = 100
    step_size: Share = 0.01
    images: Batch = 40
    epsilon: Share = 0.1
    pgd_steps: Count = 20
    tau: Confidence = 0.99

    def check(self, rounds: int) -> None:
        """Refuse more turns than there are steps for.

        Raises:
            ValueError: naming the flag.
        """
        if rounds > self.steps:
            raise ValueError(f"--rounds must be at most --steps {self.steps}, got {rounds}")

    def way(self, attack: str) -> str:
        """Return what the random numbers of an attack go by: all gradients begin alike."""
        return attack if attack in self.encodings else "gradients"

    def most(self, attack: str) -> float:
        """Return what an attack that did not get there has spent; NaN if that is not known.

        Args:
            attack: an encoding (in images), ``perturb`` (a distance), or a gradient
                attack (in steps).
        """
        if attack == "perturb":
            return float("nan")
        shown = self.children * (self.generations + 1)
        return shown if attack in self.encodings else self.steps


#: The same in small, for presets that show that all is well.
SMALL_JOINT = Joint(
    generations=10, children=20, steps=20, step_size=0.03, images=10, pgd_steps=4, tau=0.5
)
