"""Let several networks answer as one: by which rule are they hardest to fool?

Run:    python -m experiments.vote
        python -m experiments.vote --models mlp resnet --members 3 5 --rules majority_vote
Cost:   ten minutes on two laptop cores, most of it compiling (embedded digits, three
        disjoint sets of three networks, two groups, four rules).
Expect: no rule keeps an attacker out who knows it; a vote is not certain before all agree,
        and members that must be unanimous reject what they were right about, too.
Source: Tramer et al., 2020, On Adaptive Attacks to Adversarial Example Defenses,
        arXiv:2002.08347 (how to attack an ensemble, and which objective to follow);
        Liu et al., 2017, arXiv:1611.02770 (attacking several networks jointly).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Count, Ensembles, Joint, RunFlags, Some, Victim

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fooljax.types import RandomKey

Rule = Literal["logits", "majority_vote", "unanimous"]
Objective = Literal["log_probabilities", "margins"]
MEAN = "probabilities"  # what everything is compared with
ATTACKS = {
    "direct": "evolved pixels",
    "cppn": "evolved patterns",
    "ascent": "gradient of the answer",
    "perturb": "nearest mistake",
}
PAPERS = {
    "2002.08347": "F. Tramèr et al., “On adaptive attacks to adversarial example defenses”, "
    "NeurIPS 2020",
    "1611.02770": "Y. Liu, X. Chen, C. Liu and D. Song, “Delving into transferable adversarial "
    "examples and black-box attacks”, ICLR 2017: one image for several networks",
}


@dataclass(frozen=True)
class Config:
    """Let several networks answer as one, by several rules, and attack each.

    Attributes:
        victim: the data, and how each network is trained.
        ensembles: of which networks.
        rules: how members answer as one besides the mean of their probabilities:
            logits (their mean), majority_vote, unanimous (or reject).
        objectives: what a joint attack on the mean of probabilities may follow besides it:
            the mean of the members' log_probabilities (it has the same gradient as
            that of their logits) or margins.
        joint: how they are attacked.
        ddn_steps: steps of the search for the nearest misjudged image (DDN).
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=300))
    ensembles: Ensembles = field(default_factory=lambda: Ensembles(members=(3,)))
    rules: Some[Rule] = ("logits", "majority_vote", "unanimous")
    objectives: Some[Objective] = ("log_probabilities", "margins")
    joint: Joint = field(default_factory=Joint)
    ddn_steps: Count = 50
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60),
        ensembles=Ensembles(models=("softmax",), members=(2,), sets=2),
        joint=study.SMALL_JOINT,
        ddn_steps=10,
    ),
}


class Found(NamedTuple):
    """All that the page is about."""

    config: Config
    class_names: tuple[str, ...]
    results: study.Results
    records: Sequence[study.Record]

    @property
    def rules(self) -> tuple[str, ...]:
        """The ways of answering as one."""
        return (MEAN, *self.config.rules)

    def rows(self, **coordinates: Any) -> list[study.Record]:  # as the records have them
        """Return the records of some attack, a set each."""
        return study.where(self.records, **coordinates)

    def values(self, measure: str, **coordinates: Any) -> list[float]:
        """Return a measure of these records."""
        return [one[measure] for one in self.rows(**coordinates)]


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        ensembles, joint = config.ensembles, config.joint
        if min(ensembles.members) < 2:
            raise ValueError("--members must be at least 2, got 1: one network answers for itself")
        networks = study.train_sets(run, ensembles, joint)
        sets = study.make_sets(networks, ensembles, joint.images, config.run.seed)
        results = attack(run, sets)
        test = study.splits_of(next(iter(networks.values()))).test
        labels, names = np.asarray(test.labels), test.class_names
        records = [
            {**cell, **study.judge_whole(joint, arrays, labels, len(names))}
            for cell, arrays in results.found
        ]
        found = Found(config, names, results, records)
        conclusion = conclude(found)
        print("\n".join(conclusion), file=sys.stderr)
        by = ("group", "members", "rule", "attack")
        means = study.summarize(records, by, study.JOINT_MEASURES, "set", study.unbounded)
        return study.publish(
            run,
            report(found, conclusion),
            networks,
            results,
            records,
            PAPERS,
            keep=("images",),
            conclusion=conclusion,
            means=means.plain(),
            intervals="95 %, Student's t over disjoint sets of networks",
        )


def attack(run: study.Run[Config], sets: study.NetworkSets) -> study.Results:
    """Attack every rule by its own gradient, and the mean by other ones, a cell each.

    All rules of a set meet the same random numbers, so that they differ in nothing else.
    """
    config, joint, cells = run.config, run.config.joint, list[study.Cell]()
    rules, usual = (MEAN, *config.rules), (*joint.encodings, "ascent", "perturb")
    for group, place in sets:
        where: dict[str, Any] = {
            "group": [group],
            "set": [place],
            "members": config.ensembles.members,
        }
        cells += study.grid(**where, rule=rules, attack=usual)
        cells += study.grid(**where, rule=[MEAN], attack=[f"by {one}" for one in config.objectives])

    def make(
        key: RandomKey, group: str, members: int, rule: str, attack: str, **cell: int
    ) -> Mapping[str, ArrayLike]:
        del key  # that of the cell
        place = cell["set"]
        real = sets[group, place]
        some = real.members[:members]
        whole = study.as_one(some, rule)
        key = study.key_of(config.run.seed, set=place, way=joint.way(attack))
        if attack in joint.encodings:
            return study.evolve_for(key, whole, joint, attack)
        if attack == "ascent":
            return study.climb(key, whole, joint)
        if attack == "perturb":
            nearest = study.find_nearest(key, whole, real, config.ddn_steps)
            return {**nearest, **study.perturb(key, whole, joint, real)}
        return study.climb_by(key, some, joint, real, attack.removeprefix("by "))

    return study.compute(run, cells, make, "attacking")


def conclude(found: Found) -> list[str]:
    """Say of every kind and size, from the numbers alone, whether a rule is harder to fool."""
    return [
        f"{study.ENSEMBLE_GROUPS[group]}, {count} members: {compare_rules(found, group, count)} "
        f"{compare_objectives(found, group, count)}".strip()
        for group in found.config.ensembles.groups
        for count in found.config.ensembles.members
    ]


def compare_rules(found: Found, group: str, count: int) -> str:
    """Compare every rule with the mean of probabilities."""
    at, said = {"group": group, "members": count}, []
    certain = lambda rule: study.share(
        float(np.mean(found.values("fooled", rule=rule, attack="ascent", **at)))
    )
    for rule in found.config.rules:
        near, than = (
            found.values("cost", rule=one, attack="perturb", **at) for one in (rule, MEAN)
        )
        times = fj.analysis.cost_ratio(near, than).times
        side = study.beyond_chance(times, 1.0, "farther", "nearer")
        words = f"puts the nearest mistake {study.times(times)} times as far away ({side})"
        if np.isnan(times.mean):
            words = (
                "cannot be compared by the nearest mistake (for half of the images of some set "
                "the search found none)"
            )
        rejected = np.mean(found.values("rejected", rule=rule, attack="perturb", **at))
        said.append(
            f"{study.ANSWERS[rule]} {words}, lets {certain(rule)} of the classes become certain "
            f"and rejects {study.share(float(rejected))} of the test images"
        )
    alone = (
        f"a gradient attack makes the {study.ANSWERS[MEAN]} certain of {certain(MEAN)} of the "
        "classes."
    )
    return f"{alone} Compared with it: {'; '.join(said)}." if said else alone


def compare_objectives(found: Found, group: str, count: int) -> str:
    """Say what following another objective than the answer is worth."""
    at = {"group": group, "members": count, "rule": MEAN}
    before = found.values("fooled", attack="ascent", **at)
    said = []
    for objective in found.config.objectives:
        after = found.values("fooled", attack=f"by {objective}", **at)
        gain = study.unbounded(np.subtract(after, before))
        word = study.beyond_chance(gain, 0.0, "more", "fewer")
        said.append(f"the {study.ANSWERS[objective]} {study.share(float(np.mean(after)))} ({word})")
    if not said:
        return ""
    return f"Who follows another gradient makes certain: by {', by '.join(said)}."


def report(found: Found, conclusion: Sequence[str]) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config = found.config
    group, count = next(iter(config.ensembles.groups)), config.ensembles.members[0]
    at = {"group": group, "members": count, "attack": "perturb"}
    near = {rule: np.mean(found.values("cost", rule=rule, **at)) for rule in found.rules}
    yield study.Opening(
        "By which rule are several networks hardest to fool?",
        "Several networks can answer as one by a mean, by vote, or only if all agree. Here each "
        "rule meets an attacker who knows it.",
        [
            *(
                (f"{cost:.3g}", f"L2 distance to the nearest mistake, {study.ANSWERS[rule]}")
                for rule, cost in near.items()
                if np.isfinite(cost)
            ),
            (study.duration(found.results.seconds), "of attacking"),
        ],
    )
    yield study.Heading("What came out")
    yield from conclusion
    yield study.Heading("What was done")
    yield story(found)
    for group in config.ensembles.groups:
        yield study.Heading(config.ensembles.title(group))
        for count in config.ensembles.members:
            yield rules(found, group, count)
            yield images(found, group, count)
            yield objectives(found, group, count)


def story(found: Found) -> str:
    """Say what was done."""
    config, joint = found.config, found.config.joint
    made = "; ".join(f"by images {study.MAKERS[one].words}" for one in joint.encodings)
    return (
        f"Ensembles of {', '.join(map(str, config.ensembles.members))} networks were attacked as "
        f"a whole, on {config.victim.dataset}: {made}; along the gradient of the answer from "
        f"noise, for each class, until the whole is {study.sure(joint.tau)} sure; and from real "
        "test images, changed as little as it takes (DDN), or by at most "
        f"{joint.epsilon:g} in every pixel (PGD). A vote has no gradient: the attacker follows "
        f"how near each class is to winning it. {config.ensembles.repeated}"
    )


def rules(found: Found, group: str, count: int) -> fj.reporting.Html:
    """Compare how members answer as one."""
    shown, lines = (*found.config.joint.encodings, "ascent"), []
    for rule in found.rules:
        at = {"group": group, "members": count, "rule": rule}
        mean = lambda measure, attack, at=at: study.share(
            float(np.mean(found.values(measure, attack=attack, **at)))
        )
        pgd = fj.analysis.over_repeats(found.values("fooled", attack="perturb", **at))
        lines.append(
            (
                study.ANSWERS[rule],
                mean("accuracy", "perturb"),
                mean("rejected", "perturb"),
                *(f"{mean('named', one)} / {mean('fooled', one)}" for one in shown),
                study.times(study.unbounded(found.values("cost", attack="perturb", **at))),
                study.spell(pgd),
            )
        )
    titles = [f"{ATTACKS[attack]}: named / certain" for attack in shown]
    return fj.reporting.table(
        ("Rule", "Right", "Rejected", *titles, "Nearest mistake, L2", "Fooled by PGD"),
        lines,
        f"How {count} members answer as one, each rule under its own adaptive attack. Named: "
        f"classes that the whole answers; certain: with at least "
        f"{study.sure(found.config.joint.tau)} (a vote is that certain only if all agree). A "
        "rejected image counts as neither right nor fooled.",
    )


def images(found: Found, group: str, count: int) -> study.Figure:
    """Show the images to which the gradient of every rule leads, of the first set."""
    where = {"group": group, "set": 0, "members": count, "attack": "ascent"}
    made = [found.results.one(rule=rule, **where) for rule in found.rules]
    return study.images(
        f"{group}_{count}_images",
        [np.clip(arrays["images"], 0.0, 1.0) for arrays in made],
        [[study.sure(p) for p in study.confidence_in_targets(arrays)] for arrays in made],
        f"Fooling images made for {count} members that answer by each rule. Along the gradient of "
        "the answer, for the first set: a row for each rule, a column for each class, below each "
        "image how sure the whole is.",
        row_names=[study.ANSWERS[rule] for rule in found.rules],
        column_names=found.class_names,
    )


def objectives(found: Found, group: str, count: int) -> fj.reporting.Html:
    """Compare what a joint attack climbs."""
    at, lines = {"group": group, "members": count, "rule": MEAN}, []
    over = lambda values: study.spell(fj.analysis.over_repeats(values))
    climbed = {MEAN: "ascent"} | {one: f"by {one}" for one in found.config.objectives}
    for objective, attack in climbed.items():
        pgd = found.values("pgd", attack=attack, **at)
        if objective == MEAN:
            pgd = found.values("fooled", attack="perturb", **at)
        certain, sure = (found.values(one, attack=attack, **at) for one in ("fooled", "confidence"))
        confidence = study.sure(float(np.mean(sure)))
        lines.append((study.ANSWERS[objective], over(certain), confidence, over(pgd)))
    return fj.reporting.table(
        ("Gradient of", "Classes certain", "Confidence", "Fooled by PGD"),
        lines,
        f"Joint attacks on {count} members that answer by the mean of their probabilities, by "
        "whose gradient they follow. That of the answer is blind to members that are still far "
        "away while others are certain.",
    )


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
