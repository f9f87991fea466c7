"""What ``experiments.ensemble`` computes: ensembles of many sizes, attacked in many ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fooljax import study
from fooljax.study import Count, Ensembles, Joint, RunFlags, Victim

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fooljax.types import RandomKey

ATTACKS = {
    "direct": "evolved pixels",
    "cppn": "evolved patterns",
    "ascent": "gradient of the answer",
    "joint": "joint gradient",
    "perturb": "nearest mistake",
}


@dataclass(frozen=True)
class Config:
    """Fool several networks that answer as one.

    Attributes:
        victim: the data, and how each network is trained.
        ensembles: of which networks.
        joint: how they are attacked.
        rounds: turns that each member has in the attack that takes one after the other.
        ddn_steps: steps of the search for the nearest misjudged image (DDN).
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=300))
    ensembles: Ensembles = field(default_factory=Ensembles)
    joint: Joint = field(default_factory=Joint)
    rounds: Count = 5
    ddn_steps: Count = 50
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60),
        ensembles=Ensembles(models=("softmax",), members=(1, 2), sets=2),
        joint=study.SMALL_JOINT,
        rounds=4,
        ddn_steps=10,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist", train_steps=600),
        joint=Joint(encodings=("direct", "cppn"), generations=250, images=60, epsilon=0.15),
    ),
}


def counted(config: Config) -> tuple[str, ...]:
    """Return the names of the attacks whose cost is counted."""
    return (*config.joint.encodings, "ascent", "joint", "perturb")


def alone(config: Config, group: str) -> dict[str, int]:
    """Return the place of the first network of every architecture but the first one."""
    first, *others = dict.fromkeys(config.ensembles.groups[group])
    del first
    return {name: config.ensembles.groups[group].index(name) for name in others}


def attack(run: study.Run[Config], sets: study.NetworkSets) -> study.Results:
    """Attack every ensemble in every way, a cell each, and single networks for comparison.

    All sizes of a set meet the same random numbers, so that they differ in nothing but
    the networks. A single one has no joint gradient but its own.
    """
    config, cells = run.config, list[study.Cell]()
    usual = (*config.joint.encodings, "ascent", "perturb")
    for group, place in sets:
        where: dict[str, list[Any]] = {"group": [group], "set": [place]}
        for count in config.ensembles.members:
            more = ("in turn", "joint") if count > 1 else ("in turn",)
            cells += study.grid(**where, members=[count], attack=(*usual, *more))
        cells += study.grid(**where, members=[1], attack=usual, alone=alone(config, group))

    def make(
        key: RandomKey, attack: str, alone: str | None = None, **cell: Any
    ) -> Mapping[str, ArrayLike]:
        del key  # that of the cell
        group, place = cell["group"], cell["set"]
        real, joint = sets[group, place], config.joint
        first = 0 if alone is None else config.ensembles.groups[group].index(alone)
        members = real.members[first : first + cell["members"]]
        whole = study.as_one(members)
        key = study.key_of(config.run.seed, set=place, way=joint.way(attack))
        match attack:
            case "ascent":
                return study.climb(key, whole, joint)
            case "joint":
                return study.climb_by(key, members, joint, real)
            case "in turn":
                return study.take_turns(key, members, joint, real, config.rounds)
            case "perturb":
                nearest = study.find_nearest(key, whole, real, config.ddn_steps)
                return {**nearest, **study.perturb(key, whole, joint, real)}
        return study.evolve_for(key, whole, joint, attack)

    return study.compute(run, cells, make, "attacking")
