"""The page of a finished ``experiments.ensemble`` run, for somebody who did not run it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import ATTACKS, counted
from .numbers import Found, Group, conclude

UNITS = {
    "direct": "images shown until half of the classes are certain, evolved pixels",
    "cppn": "images shown until half of the classes are certain, evolved patterns",
    "ascent": "steps along the gradient of the answer until half of the classes are certain",
    "joint": "steps along the gradient of all members until half of the classes are certain",
    "perturb": "median L2 distance to the nearest misjudged image",
}
VERDICTS = {
    "dearer": "dearer",
    "cheaper": "cheaper",
    "unclear": "no change beyond chance",
    "unmeasured": "not measured: too often without success",
}
OVER = " (95 % interval over the sets)"
LOOKS: dict[str, Any] = {  # as reporting.lines takes them
    "x_label": "networks in the ensemble",
    "log_x": True,
    "note": "Mean of the sets; shaded: from the lowest to the highest set.",
}


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config, one = found.config, next(iter(found.groups.values()))
    first, last = config.ensembles.members[0], config.ensembles.members[-1]
    yield study.Opening(
        "Is an ensemble harder to fool the more networks vote?",
        "Several networks that answer as one are a natural defense: what fools one may not fool "
        "another. Here the attacker knows all of them.",
        [
            *(
                (f"{of.whole_range.mean:.2f} x", f"{ATTACKS[name]}: cost of {last} against {first}")
                for name, of in one.growth.items()
                if of.verdict != "unmeasured"
            ),
            (
                study.share(one.best[-1]),
                f"of classes made certain by one gradient attack or another on {last}",
            ),
            (study.duration(found.results.seconds), "of attacking"),
        ],
    )
    yield study.Heading("What came out")
    for name, one in found.groups.items():
        strong = fj.reporting.strong(f"{study.ENSEMBLE_GROUPS[name]}. ")
        yield fj.reporting.paragraph(strong, conclude(config, one))
    yield study.Heading("What was done")
    yield from story(found)
    for name, one in found.groups.items():
        yield study.Heading(config.ensembles.title(name))
        if len(config.ensembles.members) > 1:
            yield grown(one)
            yield relative_costs(found, name, one)
            yield shares(found, name, one)
        yield from single(found, one)
        yield study.Folded("All numbers", list(costs(found, one)))
        yield images(found, name, one)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, tau = found.config, study.sure(found.config.joint.tau)
    yield (
        f"Ensembles of {', '.join(map(str, config.ensembles.members))} networks, whose "
        f"probabilities are averaged, were attacked as a whole, on {config.victim.dataset}. "
        f"{config.ensembles.repeated} Within a set the larger ensembles contain the smaller ones."
    )
    ways = {
        "direct": f"images evolved pixel by pixel until the whole is {tau} sure of each class",
        "cppn": "the same for patterns painted by small networks",
        "ascent": f"for each class, the gradient of the answer followed from noise up to {tau}",
        "joint": "the same along the gradient of the members' mean log-probability, which also "
        "sees those that are still far away; judged by the answer all the same",
        "perturb": "real test images changed as little as it takes (DDN), or by at most "
        f"{config.joint.epsilon:g} in every pixel (PGD)",
    }
    said = "; ".join(f"{ATTACKS[attack]}: {ways[attack]}" for attack in counted(config))
    yield (
        f"The attacks: {said}; and one member after the other, "
        f"{study.plural(config.rounds, 'round')}, with as many gradients for each member as the "
        "joint attack has. The cost is counted in images shown to the whole, in steps or in "
        "distance; each image and each step is as many passes as there are members."
    )


def grown(one: Group) -> fj.reporting.Html:
    """Show how the cost of every attack grows with the number of members."""
    over = study.of_several(len({record["set"] for record in one.records}), OVER)
    rows = []
    for attack, of in one.growth.items():
        factors = (study.times(of.per_doubling), study.times(of.whole_range))
        rows.append((ATTACKS[attack], *factors, str(of.censored), VERDICTS[of.verdict]))
    return fj.reporting.table(
        ("Attack", "Times, every doubling", "Times, all together", "Censored", "Verdict"),
        rows,
        f"How the cost grows with the number of networks{over}. Censored: "
        "ensembles that did not become certain of half of the classes within the budget; they "
        "count as if they had at its end. The verdict asks whether the interval of the growth "
        "excludes 1.",
    )


def relative_costs(found: Found, name: str, one: Group) -> study.Figure:
    """Draw costs as multiples of what the smallest ensemble of the same set takes."""
    sizes, grids = found.config.ensembles.members, {}
    for attack in counted(found.config):
        cost = one.grid(attack, "cost")
        if not np.isfinite(cost).any():
            continue
        cost = np.where(np.isfinite(cost), cost, found.config.joint.most(attack))
        if np.isfinite(cost / cost[:, :1]).all():
            grids[ATTACKS[attack]] = cost / cost[:, :1]
    grids["no change"] = np.ones((1, len(sizes)))
    return study.ranges(
        f"{name}_cost",
        sizes,
        grids,
        "Cost of each attack against the number of networks, relative to the smallest. How to read "
        "it: a line that rises means that more networks are dearer to fool. An attack that did not "
        "get there within its budget counts as if it had at the end of it, so its line is a lower "
        "bound.",
        geometric=True,
        y_label=f"cost, times that of {sizes[0]}",
        log_y=True,
        dashed=("no change",),
        **LOOKS,
    )


def shares(found: Found, name: str, one: Group) -> study.Figure:
    """Draw shares of targets and of test images that ended as the attack wanted."""
    config = found.config
    grids = {ATTACKS[a]: one.grid(a, "fooled") for a in counted(config) if a != "perturb"}
    grids["one member after the other"] = one.grid("in turn", "fooled")
    grids["real images, PGD jointly"] = one.grid("perturb", "fooled")
    grids["real images, PGD in turn"] = one.grid("in turn", "pgd")
    return study.ranges(
        f"{name}_fooled",
        config.ensembles.members,
        grids,
        "Share fooled against the number of networks. Share of classes of which the whole ends up "
        f"{study.sure(config.joint.tau)} sure, and of real images that it misjudges.",
        y_label="share fooled within the budget",
        shares=True,
        **LOOKS,
    )


def single(found: Found, one: Group) -> Iterator[study.Block]:
    """Show what each architecture costs alone, where several are mixed."""
    if not one.hardest:
        return
    rows, names = list[tuple[str, ...]](), list[str]()
    for attack, (factor, censored) in one.hardest.items():
        alone = one.costs_alone(attack)
        names = list(alone)
        middle = [spend(np.median(cost)) for cost in (*alone.values(), one.cost_together(attack))]
        rows.append((ATTACKS[attack], *middle, study.times(factor), str(censored)))
    last = f"All {found.config.ensembles.members[-1]}"
    yield fj.reporting.table(
        ("Attack", *names, last, "Times the hardest", "Censored"),
        rows,
        "Single networks: is the mixed ensemble hard to fool, or one of its members? Median costs "
        "as above (for all together along the gradient of all members), and the whole against the "
        "hardest single one of the same set.",
    )


def costs(found: Found, one: Group) -> Iterator[study.Block]:
    """Show all costs, shares and times against the number of members."""
    sizes = found.config.ensembles.members
    for attack in counted(found.config):
        cost, fooled = one.grid(attack, "cost"), one.grid(attack, "fooled")
        sure = one.grid(attack, "confidence").mean(axis=0)
        # the fastest set has compiled nothing
        fastest = [min(float(a["seconds"]) for a in one.cells(attack, size)) for size in sizes]
        rows = [
            (
                str(count),
                spend(np.median(cost[:, i])),
                ", ".join(map(spend, cost[:, i])),
                study.spell(fj.analysis.over_repeats(fooled[:, i])),
                "not asked" if attack == "perturb" else study.sure(sure[i]),
                study.duration(fastest[i]),
            )
            for i, count in enumerate(sizes)
        ]
        what = "real images misjudged by PGD" if attack == "perturb" else "classes certain"
        yield fj.reporting.table(
            ("Members", "Median cost", "Each set", f"Share of {what}", "Confidence", "Fastest set"),
            rows,
            f"{ATTACKS[attack].capitalize()}: {UNITS[attack]}",
        )
    right = zip(sizes, one.grid("perturb", "accuracy").T, strict=True)
    said = [(str(count), study.spell(fj.analysis.over_repeats(share))) for count, share in right]
    yield fj.reporting.table(("Members", "Right on the test images"), said)


def images(found: Found, name: str, one: Group) -> study.Figure:
    """Show fooling images of the smallest and the largest ensembles of the first set."""
    config = found.config
    ends = sorted({config.ensembles.members[0], config.ensembles.members[-1]})
    ways = [(attack, count) for attack in (*config.joint.encodings, "joint") for count in ends]
    made = [one.cells(*way)[0] for way in ways]
    return study.images(
        f"{name}_images",
        [np.clip(arrays["images"], 0.0, 1.0) for arrays in made],
        [[study.sure(p) for p in study.confidence_in_targets(arrays)] for arrays in made],
        "Fooling images made for the smallest and the largest ensemble. Made for the first set: a "
        "row for each attack and number of members, a column for each class, below each image how "
        "sure the whole is.",
        row_names=[f"{ATTACKS[attack]}, {count}" for attack, count in ways],
        column_names=found.class_names,
    )


def spend(value: float) -> str:
    """Write a cost."""
    return f"{value:,.4g}" if math.isfinite(value) else "not within the budget"
