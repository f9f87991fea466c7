"""Fool some members of an ensemble: does it fool the others, or undo what fooled them?

Run:    python -m experiments.members
        python -m experiments.members --models mlp resnet --members 2 4
Cost:   five to ten minutes on two laptop cores, most of it compiling (embedded digits,
        three disjoint sets of eight networks, two groups).
Expect: members pull in similar directions, so that what is won with one is seldom lost by
        the turn of another; images made for more members fool more of the others.
Source: Kariyappa and Qureshi, 2019, arXiv:1901.09981 (aligned gradients of members);
        Liu et al., 2017, arXiv:1611.02770 (images made for several networks fool others).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Count, Ensembles, Joint, RunFlags, Victim

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fooljax.types import RandomKey

ATTACKS = {
    "direct": "evolved pixels",
    "cppn": "evolved patterns",
    "joint": "joint gradient",
    "perturb": "PGD",
}
SHOWN_TO = {
    "outside_same": "another network, same label",
    "outside_any": "another network, any label",
    "all_same": "all {} as one, same label",
    "all_any": "all {} as one, any label",
}
MEASURES, BY = ("fooled", "change", "undone", *SHOWN_TO), ("group", "members", "attack")
PAPERS = {
    "1901.09981": "S. Kariyappa and M. K. Qureshi, “Improving adversarial robustness of ensembles "
    "with diversity training”, 2019: whether gradients of members point the same way",
    "1611.02770": "Y. Liu, X. Chen, C. Liu and D. Song, “Delving into transferable adversarial "
    "examples and black-box attacks”, ICLR 2017: one image for several networks",
}


@dataclass(frozen=True)
class Config:
    """Fool some members of an ensemble, and ask the others.

    Attributes:
        victim: the data, and how each network is trained.
        ensembles: of which networks.
        joint: how they are attacked.
        rounds: turns that each member has in the attack that takes one after the other.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=300))
    ensembles: Ensembles = field(default_factory=Ensembles)
    joint: Joint = field(default_factory=Joint)
    rounds: Count = 5
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60),
        ensembles=Ensembles(models=("softmax",), members=(1, 2), sets=2),
        joint=study.SMALL_JOINT,
        rounds=4,
    ),
}


class Group(NamedTuple):
    """What was found about ensembles of one kind: its members' names, numbers, arrays."""

    names: tuple[str, ...]
    records: Sequence[study.Record]
    results: study.Results

    def grid(self, attack: str, measure: str) -> np.ndarray:
        """Return a measure of an attack, ``[sets, sizes]``."""
        rows = study.where(self.records, attack=attack)
        return study.by_repeat(rows, measure, "set", "members")

    def cosines(self, where: str) -> np.ndarray:
        """Return mean cosines between members, ``[sets, s, s]``, at ``images`` or ``noise``."""
        every = self.results.where(attack="alignment").found
        return np.array([np.nanmean(one[f"cosines_{where}"], axis=2) for _, one in every])

    def between(self, where: str) -> fj.metrics.Interval:
        """Return the mean cosine between different members."""
        pairs = np.triu_indices(len(self.names), 1)
        return fj.analysis.over_repeats(self.cosines(where)[:, *pairs].mean(1), bounds=(-1.0, 1.0))


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        ensembles, joint = config.ensembles, config.joint
        joint.check(config.rounds)
        if max(ensembles.members) < 2:
            raise ValueError("--members must name 2 or more: one network has no other members")
        networks = study.train_sets(run, ensembles, joint)
        sets = study.make_sets(networks, ensembles, joint.images, config.run.seed)
        results = attack(run, sets)
        records = list(judge(config, sets, results))
        groups = {
            name: Group(
                tuple(f"{model} {i + 1}" for i, model in enumerate(models)),
                study.where(records, group=name),
                results.where(group=name),
            )
            for name, models in ensembles.groups.items()
        }
        conclusion = {name: conclude(config, one) for name, one in groups.items()}
        print("\n".join(f"{name}: {words}" for name, words in conclusion.items()), file=sys.stderr)
        means = study.summarize(records, BY, MEASURES, "set", study.unbounded)
        return study.publish(
            run,
            report(config, groups, conclusion),
            networks,
            results,
            records,
            PAPERS,
            keep=("images",),
            conclusion=conclusion,
            means=means.plain(),
            alignment={
                name: {where: one.cosines(where) for where in ("images", "noise")}
                for name, one in groups.items()
            },
            intervals="95 %, Student's t over disjoint sets of networks",
        )


def attack(run: study.Run[Config], sets: study.NetworkSets) -> study.Results:
    """Attack the first members of every set, and show what came of it to all of the set."""
    config, joint, cells = run.config, run.config.joint, list[study.Cell]()
    for group, place in sets:
        where: dict[str, list[Any]] = {"group": [group], "set": [place]}
        for count in config.ensembles.members:
            ways = (*joint.encodings, "joint", "perturb", *(["in turn"] if count > 1 else []))
            cells += study.grid(**where, members=[count], attack=ways)
        cells += study.grid(**where, members=[count], attack=["alignment"])  # of all members

    def make(
        key: RandomKey, group: str, members: int, attack: str, **cell: int
    ) -> Mapping[str, ArrayLike]:
        del key  # that of the cell
        real = sets[group, cell["set"]]
        some = real.members[:members]
        key = study.key_of(config.run.seed, set=cell["set"], way=joint.way(attack))
        if attack == "alignment":
            return align(key, real)
        if attack == "in turn":
            found = study.take_turns(key, some, joint, real, config.rounds)
        elif attack == "perturb":
            found = study.perturb(key, study.as_one(some), joint, real)
        elif attack == "joint":
            found = study.climb_by(key, some, joint, real)
        else:
            found = study.evolve_for(key, study.as_one(some), joint, attack)
        asked = (study.as_one(some), study.as_one(real.members), *real.members[members:])
        logits = [study.logits(one, found["images"]) for one in asked]
        return {**found, "logits": np.stack(logits)}

    return study.compute(run, cells, make, "attacking")


def align(key: RandomKey, real: study.NetworkSet) -> Mapping[str, ArrayLike]:
    """Measure cosines between the members' gradients at noise and at test images, ``[s, s, n]``."""
    noise, targets = study.noise_and_targets(key, real.members[0])
    asked = {"noise": (noise, fj.attacks.reach(targets))}
    asked["images"] = (real.images, fj.attacks.leave(real.labels))
    cosines = functools.partial(fj.analysis.gradient_alignment, real.members)
    return {f"cosines_{where}": cosines(*both) for where, both in asked.items()}


def judge(
    config: Config, sets: study.NetworkSets, results: study.Results
) -> Iterator[study.Record]:
    """Yield a record for each attack on some members of a set."""
    for cell, arrays in results.found:
        if cell["attack"] == "alignment":
            continue
        real = sets[cell["group"], cell["set"]]
        classes, tau = real.members[0].num_classes, config.joint.tau
        numbers: dict[str, float | None] = dict.fromkeys(MEASURES)
        if "success" in arrays:  # real images
            numbers["fooled"] = float(np.mean(arrays["success"]))
            said = fj.analysis.judge_perturbed(arrays["logits"], 0, real.labels, classes, tau)
        else:
            numbers["fooled"] = float(np.mean(study.confidence_in_targets(arrays) >= tau))
            said = fj.analysis.judge_fooling(arrays["logits"], np.arange(classes), classes, tau)
        if "after" in arrays:
            numbers |= fj.analysis.turn_effects(arrays["before"], arrays["after"])._asdict()
        same, _, wrong, _ = fj.analysis.shares(said)
        outside = lambda row: float(np.mean(row[2:])) if len(row) > 2 else None
        shown = (outside(same), outside(wrong), float(same[1]), float(wrong[1]))
        yield {**cell, **numbers, **dict(zip(SHOWN_TO, shown, strict=True))}


def conclude(config: Config, one: Group) -> str:
    """Say in plain words, from the numbers alone, what fooling some does to the others."""
    count = few(config)[-1]
    place = takers(config).index(count)
    change = study.unbounded(one.grid("in turn", "change")[:, place])
    word = "on the whole it neither helps nor hurts the others beyond chance"
    if change.high < 0.0:
        word = "on the whole the progress with one member undoes some of that with the others"
    elif change.low > 0.0:
        word = "on the whole the progress with one member helps with the others too"
    images, noise = (study.times(one.between(where)) for where in ("images", "noise"))
    sizes, shown = config.ensembles.members, ""
    if len(sizes) > 1:  # else nobody is outside
        share = study.spell(fj.analysis.over_repeats(one.grid("joint", "outside_same")[:, 0]))
        shown = f" {share} of the images made for {sizes[0]} of {sizes[-1]} by the joint gradient "
        shown += "get the same label from a network that had no part."
    return (
        f"With {count} members that are fooled one after the other, a turn changes the others' "
        f"log-odds of the class to be shown by {signed(change)} on average, and loses "
        f"{lost(one, place)} of what had been won with them: {word}. Between different members "
        f"the mean cosine of the gradients is {images} at test images and {noise} at noise (1: "
        f"the same direction, 0: unrelated).{shown}"
    )


def takers(config: Config) -> list[int]:
    """Return numbers of members that can take turns."""
    return [count for count in config.ensembles.members if count > 1]


def few(config: Config) -> list[int]:
    """Return those of them whose lines can be told apart in a picture."""
    return [count for count in takers(config) if count <= 3] or takers(config)[:1]


def signed(change: fj.metrics.Interval) -> str:
    """Write a change of log-odds."""
    return study.spell(change, lambda value: f"{value:+.2f}")


def lost(one: Group, place: int) -> str:
    """Write the share that turns lose of what had been won with others."""
    return study.spell(fj.analysis.over_repeats(one.grid("in turn", "undone")[:, place]))


def report(
    config: Config, groups: Mapping[str, Group], conclusion: Mapping[str, str]
) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    one = next(iter(groups.values()))
    first, outside = config.ensembles.members[0], one.grid("joint", "outside_same")[:, 0].mean()
    undone = one.grid("in turn", "undone")[:, -1].mean()
    yield study.Opening(
        "Does what fools some members of an ensemble fool the others?",
        "Members of an ensemble protect each other if what fools one does not fool the next, or "
        "if fooling the next undoes what was won. Here they are fooled jointly and in turn.",
        [
            (study.share(undone), "of what was won is lost by the turn of another member"),
            (f"{one.between('images').mean:.2f}", "cosine of two members' gradients"),
            (study.share(outside), f"of images made for {first} get the same label from another"),
            (study.duration(sum(one.results.seconds for one in groups.values())), "of attacking"),
        ],
    )
    yield study.Heading("What came out")
    for name, words in conclusion.items():
        strong = fj.reporting.strong(f"{study.ENSEMBLE_GROUPS[name]}. ")
        yield fj.reporting.paragraph(strong, words)
    yield study.Heading("What was done")
    yield story(config)
    for name, one in groups.items():
        yield study.Heading(config.ensembles.title(name))
        yield from turns(config, name, one)
        yield from transfer(config, name, one)
        yield alignment(name, one)


def story(config: Config) -> str:
    """Say what was done."""
    ensembles, joint = config.ensembles, config.joint
    made = "; ".join(f"by images {study.MAKERS[one].words}" for one in joint.encodings)
    return (
        f"Of {study.plural(len(ensembles.groups), 'kind')} of ensembles the first "
        f"{', '.join(map(str, ensembles.members))} members, whose probabilities are averaged, were "
        f"fooled on {config.victim.dataset}: {made}; along the gradient of the members' mean "
        "log-probability from noise; by changing real test images by at most "
        f"{joint.epsilon:g} in every pixel (PGD); and one member after the other, "
        f"{study.plural(config.rounds, 'round')}. The images were then shown to the members that "
        "had no part, and "
        f"to all as one. {ensembles.repeated}"
    )


def turns(config: Config, name: str, one: Group) -> Iterator[study.Block]:
    """Show whether one member's turn undoes what was won with the others."""
    arrays = one.results.one(set=0, members=few(config)[-1], attack="in turn")
    after = arrays["after"]
    states = np.concatenate([arrays["before"][None], after.reshape(-1, *after.shape[2:])])
    curves = states.astype(np.float64).mean(axis=2)
    x = np.arange(len(curves), dtype=float)
    draw = functools.partial(
        fj.reporting.lines,
        series={one.names[i]: (x, curve) for i, curve in enumerate(curves.T)},
        x_label="turns taken, the members one after the other (0: noise)",
        y_label="mean log-odds of the class to be shown",
        note="Each member's confidence: 0 is 50 %, 4.6 is 99 %, 9.2 is 99.99 %.",
    )
    yield study.Figure(
        f"{name}_turns",
        draw,
        "Confidence of each member, turn after turn. First set, mean over the classes. A line that "
        "falls while another one rises is progress undone.",
    )
    change, certain = one.grid("in turn", "change"), one.grid("in turn", "fooled")
    rows = [
        (
            str(count),
            signed(study.unbounded(change[:, i])),
            lost(one, i),
            study.spell(fj.analysis.over_repeats(certain[:, i])),
        )
        for i, count in enumerate(takers(config))
    ]
    titles = ("Members", "Change of the others", "Lost of what was won", "Classes certain")
    yield fj.reporting.table(titles, rows)


def transfer(config: Config, name: str, one: Group) -> Iterator[study.Block]:
    """Show what images made for the first members do to one outside and to all as one."""
    sizes = config.ensembles.members
    rows = []
    for attack in (*config.joint.encodings, "joint", "perturb"):
        means = {key: one.grid(attack, key).mean(axis=0) for key in SHOWN_TO}
        rows += [
            study.Row(
                {
                    "images": f"{ATTACKS[attack]}, made for {count}",
                    "shown to": title.format(sizes[-1]),
                },
                {"share": study.exactly(means[key][place])},
            )
            for place, count in enumerate(sizes)
            for key, title in SHOWN_TO.items()
        ]
        said = "; ".join(
            f"made for {sizes[i]}: {study.share(means['all_same'][i])} with the same label on all "
            f"{sizes[-1]} as one, {study.share(means['outside_same'][i])} on one network that had "
            "no part"
            for i in sorted({0, len(sizes) - 2} if len(sizes) > 1 else ())
        )
        if said:
            title = "Perturbed by PGD" if attack == "perturb" else ATTACKS[attack].capitalize()
            strong = fj.reporting.strong(f"{title}. ")
            yield fj.reporting.paragraph(strong, f"{said[0].upper()}{said[1:]}.")
    yield study.matrix(
        f"{name}_transfer",
        study.Table(tuple(rows)),
        "images",
        "shown to",
        "share",
        "Transfer from the first members to others and to all as one. Images made for the first "
        "members. The same label: the class to be shown, or the wrong one that the members said. "
        "Any label: for fooling images any class with at least "
        f"{study.sure(config.joint.tau)}, for real images any wrong class.",
        label="share of images",
        row_label="made for the first members",
    )


def alignment(name: str, one: Group) -> study.Figure:
    """Show whether the members pull in the same direction."""
    cosines, label = one.cosines("images"), "mean cosine of the gradients at test images"
    draw = lambda path: fj.reporting.matrix(
        path, cosines.mean(axis=0), one.names, one.names, label=label, shares=False
    )
    return study.Figure(
        f"{name}_alignment",
        draw,
        "Cosines between the members' gradients. Mean cosine at test images, of the gradients "
        "toward the nearest wrong class.",
    )


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
