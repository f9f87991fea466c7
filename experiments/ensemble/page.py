"""The page of a finished ``experiments.ensemble`` run, for somebody who did not run it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import MEAN, RULES, SHORT, UNITS, VERDICTS, Config, objectives_at, rules_at
from .numbers import (
    Found,
    Group,
    cap,
    conclude,
    confidences,
    costs_alone,
    interval,
    spend,
    times,
)

GROUPS = {"same": "One architecture", "mixed": "Mixed architectures"}
LOOKS: dict[str, Any] = {  # as reporting.lines takes them
    "x_label": "networks in the ensemble",
    "log_x": True,
    "note": "Mean of the sets; shaded: from the lowest to the highest set.",
}


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config, one = found.config, next(iter(found.groups.values()))
    first, last, certain = config.members[0], config.members[-1], one.certain("ascent")[-1]
    yield study.Opening(
        "Is an ensemble harder to fool the more networks vote?",
        "Several networks that answer as one are a natural defense: what fools one may not fool "
        "another. Here the attacker knows all of them.",
        [
            *(
                (f"{of.whole_range.mean:.2f} x", f"{SHORT[name]}: cost of {last} against {first}")
                for name, of in one.growth.items()
                if of and of.verdict != "unmeasured"
            ),
            (study.share(certain), f"of classes made certain by a gradient attack, {last}"),
            (study.duration(found.results.seconds), "of attacking"),
        ],
    )
    yield study.Heading("What came out")
    for name, one in found.groups.items():
        strong = fj.reporting.strong(f"{GROUPS[name]}. ")
        yield fj.reporting.paragraph(strong, conclude(config, one))
    yield study.Heading("What was done")
    yield from story(found)
    for name, one in found.groups.items():
        names = one.architectures
        counted = (f"{names.count(name)} x {name}" for name in dict.fromkeys(names))
        yield study.Heading(f"{GROUPS[name]}: {', '.join(counted)}")
        yield from about(found, name, one)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, tau = found.config, study.sure(found.config.tau)
    yield (
        f"Ensembles of {', '.join(map(str, config.members))} networks, whose probabilities are "
        f"averaged, were attacked as a whole, on {config.victim.dataset}. Everything was repeated "
        f"on {config.sets} sets that share no network; within a set the larger ensembles contain "
        "the smaller ones. Intervals are 95 %, Student's t over these sets."
    )
    ways = {
        "direct": f"images evolved pixel by pixel until the whole is {tau} sure of each class",
        "cppn": "the same for patterns painted by small networks",
        "ascent": f"for each class, the gradient of the answer followed from noise up to {tau}",
        "joint": "the same along the gradient of the members' mean log-probability, which also "
        "sees those that are still far away; judged by the answer all the same",
        "perturb": "real test images changed as little as it takes (DDN), or by at most "
        f"{config.epsilon:g} in every pixel (PGD)",
    }
    told = "; ".join(f"{SHORT[attack]}: {ways[attack]}" for attack in found.attacks)
    yield (
        f"The attacks: {told}; and one member after the other, {config.rounds} rounds, with as "
        "many gradients for each member as the joint attack has. The cost is counted in images "
        "shown to the whole, in steps or in distance; each image and each step is as many passes "
        "as there are members."
    )


def about(found: Found, name: str, one: Group) -> Iterator[study.Block]:
    """Say all there is to say about ensembles of one kind."""
    config = found.config
    if len(config.members) > 1:
        yield grown(one)
        yield relative_costs(found, name, one)
        yield shares(found, name, one)
    yield from single(found, one)
    yield study.Folded("All numbers", list(costs(found, one)))
    yield from turns(found, name, one)
    yield images(found, name, one)
    yield from transfer(found, name, one)
    for count in config.rule_sizes:
        yield from rules(found, name, one, count)
    yield from alignment(config, name, one)


def grown(one: Group) -> fj.reporting.Html:
    """Show how the cost of every attack grows with the number of members."""
    rows = []
    for attack, of in one.growth.items():
        if of is not None:
            factors = (times(of.per_doubling), times(of.whole_range))
            rows.append((SHORT[attack], *factors, str(of.censored), VERDICTS[of.verdict]))
    return fj.reporting.table(
        ("Attack", "Times, every doubling", "Times, all together", "Censored", "Verdict"),
        rows,
        "How the cost grows with the number of networks (95 % interval over the sets). Censored: "
        "ensembles that did not become certain of half of the classes within the budget; they "
        "count as if they had at its end. The verdict asks whether the interval of the growth "
        "excludes 1.",
    )


def relative_costs(found: Found, name: str, one: Group) -> study.Figure:
    """Draw costs as multiples of what the smallest ensemble of the same set takes."""
    config, grids = found.config, {}
    for attack in found.attacks:
        cost = one.grid(attack, "cost")
        cost = np.where(np.isfinite(cost), cost, cap(config, attack))
        if np.isfinite(cost / cost[:, :1]).all():
            grids[SHORT[attack]] = cost / cost[:, :1]
    grids["no change"] = np.ones((1, len(config.members)))
    return study.ranges(
        f"{name}_cost",
        config.members,
        grids,
        "Cost of each attack against the number of networks, relative to the smallest. How to read "
        "it: a line that rises means that more networks are dearer to fool. An attack that did not "
        "get there within its budget counts as if it had at the end of it, so its line is a lower "
        "bound.",
        geometric=True,
        y_label=f"cost, times that of {config.members[0]}",
        log_y=True,
        dashed=("no change",),
        **LOOKS,
    )


def shares(found: Found, name: str, one: Group) -> study.Figure:
    """Draw shares of targets and of test images that ended as the attack wanted."""
    config = found.config
    grids = {SHORT[a]: one.grid(a, "fooled") for a in found.attacks if a != "perturb"}
    grids["one member after the other"] = one.grid("in turn", "fooled")
    grids["real images, PGD jointly"] = one.grid("perturb", "fooled")
    grids["real images, PGD in turn"] = one.grid("in turn", "pgd")
    return study.ranges(
        f"{name}_fooled",
        config.members,
        grids,
        "Share fooled against the number of networks. Share of classes of which the whole ends up "
        f"{study.sure(config.tau)} sure, and of real images that it misjudges.",
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
        alone = costs_alone(one, attack)
        whole = one.grid("joint" if attack == "ascent" else attack, "cost")[:, -1]
        names = list(alone)
        middle = [spend(np.median(cost)) for cost in (*alone.values(), whole)]
        rows.append((SHORT[attack], *middle, times(factor), str(censored)))
    last = f"All {found.config.members[-1]}"
    yield fj.reporting.table(
        ("Attack", *names, last, "Times the hardest", "Censored"),
        rows,
        "Single networks: is the mixed ensemble hard to fool, or one of its members? Median costs "
        "as above (for all together along the gradient of all members), and the whole against the "
        "hardest single one of the same set.",
    )


def costs(found: Found, one: Group) -> Iterator[study.Block]:
    """Show all costs, shares and times against the number of members."""
    for attack in found.attacks:
        cost, fooled = one.grid(attack, "cost"), one.grid(attack, "fooled")
        sure = one.grid(attack, "confidence").mean(axis=0)
        rows = [
            (
                str(count),
                spend(np.median(cost[:, i])),
                ", ".join(map(spend, cost[:, i])),
                study.spell(fj.analysis.over_repeats(fooled[:, i])),
                "not asked" if attack == "perturb" else study.sure(sure[i]),
                study.duration(one.fastest(attack, count)),
            )
            for i, count in enumerate(found.config.members)
        ]
        what = "real images misjudged by PGD" if attack == "perturb" else "classes certain"
        yield fj.reporting.table(
            ("Members", "Median cost", "Each set", f"Share of {what}", "Confidence", "Fastest set"),
            rows,
            f"{SHORT[attack].capitalize()}: {UNITS[attack]}",
        )
    right = zip(found.config.members, one.grid("perturb", "accuracy").T, strict=True)
    told = [(str(count), study.spell(fj.analysis.over_repeats(share))) for count, share in right]
    yield fj.reporting.table(("Members", "Right on the test images"), told)


def turns(found: Found, name: str, one: Group) -> Iterator[study.Block]:
    """Say whether one member's turn undoes what was won with the others."""
    several = [count for count in found.config.members if count > 1]
    few = [count for count in several if count <= 3] or several[:1]  # lines to be told apart
    if not few:
        return
    change, undone = one.grid("in turn", "change"), one.grid("in turn", "undone")
    signed = lambda place: study.spell(interval(change[:, place]), lambda value: f"{value:+.2f}")
    lost = lambda place: study.spell(fj.analysis.over_repeats(undone[:, place]))
    at = found.config.members.index(few[-1])
    _, low, high = interval(change[:, at])
    word = "on the whole it neither helps nor hurts the others beyond chance"
    if high < 0.0:
        word = "on the whole the progress with one member undoes some of that with the others"
    elif low > 0.0:
        word = "on the whole the progress with one member helps with the others too"
    yield fj.reporting.paragraph(
        fj.reporting.strong("One member after the other. "),
        f"With {few[-1]} members, a turn changes the others' log-odds of the class to be shown by "
        f"{signed(at)} on average, and loses {lost(at)} of what had been won with them: {word}.",
    )
    arrays = one.results.one(set=0, members=few[-1], attack="in turn")
    after = arrays["after"]
    states = np.concatenate([arrays["before"][None], after.reshape(-1, *after.shape[2:])])
    curves = states.astype(np.float64).mean(axis=2)
    x, names = np.arange(len(curves), dtype=float), one.architectures
    draw = functools.partial(
        fj.reporting.lines,
        series={f"{names[i]} {i + 1}": (x, curve) for i, curve in enumerate(curves.T)},
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
    certain = one.grid("in turn", "fooled")
    rows = [
        (str(n), signed(i), lost(i), study.spell(fj.analysis.over_repeats(certain[:, i])))
        for i, n in enumerate(found.config.members)
        if n > 1
    ]
    titles = ("Members", "Change of the others", "Lost of what was won", "Classes certain")
    yield fj.reporting.table(titles, rows)


def images(found: Found, name: str, one: Group) -> study.Figure:
    """Show fooling images of the smallest and the largest ensembles of the first set."""
    ends = sorted({found.config.members[0], found.config.members[-1]})
    ways = [(attack, n) for attack in (*found.config.encodings, "joint") for n in ends]
    made = [one.found(*way) for way in ways]
    return study.images(
        f"{name}_images",
        [np.clip(arrays["images"], 0.0, 1.0) for arrays in made],
        [[study.sure(p) for p in confidences(arrays)] for arrays in made],
        "Fooling images made for the smallest and the largest ensemble. Made for the first set: a "
        "row for each attack and number of members, a column for each class, below each image how "
        "sure the whole is.",
        row_names=[f"{SHORT[attack]}, {count}" for attack, count in ways],
        column_names=found.class_names,
    )


def transfer(found: Found, name: str, one: Group) -> Iterator[study.Block]:
    """Show what images made for the first members do to one outside and to all as one."""
    config, largest = found.config, found.config.members[-1]
    columns = {
        "outside_same": "another network, same label",
        "outside_any": "another network, any label",
        "all_same": f"all {largest} as one, same label",
        "all_any": f"all {largest} as one, any label",
    }
    rows = []
    for attack in (attack for attack in found.attacks if attack != "ascent"):
        kind = "PGD" if attack == "perturb" else SHORT[attack]
        means = {key: one.grid(attack, key).mean(axis=0) for key in columns}
        rows += [
            study.Row(
                {"images": f"{kind}, made for {count}", "shown to": title},
                {"share": study.exactly(means[key][place])},
            )
            for place, count in enumerate(config.members)
            for key, title in columns.items()
        ]
        said = "; ".join(
            f"made for {config.members[i]}: {study.share(means['all_same'][i])} with the same "
            f"label on all {largest} as one, {study.share(means['outside_same'][i])} on one "
            "network that had no part"
            for i in sorted({0, len(config.members) - 2} if len(config.members) > 1 else ())
        )
        if said:
            title = "Perturbed by PGD" if attack == "perturb" else SHORT[attack].capitalize()
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
        f"Any label: for fooling images any class with at least {study.sure(config.tau)}, for "
        "real images any wrong class.",
        label="share of images",
        row_label="made for the first members",
    )


def rules(found: Found, name: str, one: Group, count: int) -> Iterator[study.Block]:
    """Compare how members answer as one, and what a joint attack climbs."""
    config = found.config
    over = lambda rows, key: study.spell(fj.analysis.over_repeats([row[key] for row in rows]))
    mean = lambda rows, key: study.share(float(np.mean([row[key] for row in rows])))
    at = lambda rule, attack: study.where(
        one.records, members=count, rule=rule, attack=attack, alone=None
    )
    several, shown = rules_at(config, name, count), (*config.encodings, "ascent")
    lines = []
    for rule in (MEAN, *several):
        rows = at(rule, "perturb")
        named = [f"{mean(at(rule, a), 'named')} / {mean(at(rule, a), 'fooled')}" for a in shown]
        near = times(interval([row["cost"] for row in rows]))
        right = (mean(rows, "accuracy"), mean(rows, "rejected"))
        lines.append((RULES[rule], *right, *named, near, over(rows, "fooled")))
    titles = [f"{SHORT[attack]}: named / certain" for attack in shown]
    if several:
        yield fj.reporting.table(
            ("Rule", "Right", "Rejected", *titles, "Nearest mistake, L2", "PGD"),
            lines,
            f"How {count} members answer as one, each rule under its own adaptive attack. Named: "
            f"classes that the whole answers; certain: with at least {study.sure(config.tau)} (a "
            "vote is that certain only if all agree). A rejected image counts as neither right nor "
            "fooled.",
        )
    climbed = {MEAN: at(MEAN, "ascent")}
    climbed |= {other: at(MEAN, f"by {other}") for other in objectives_at(config, count)}
    lines = []
    for other, rows in climbed.items():
        pgd = over(at(MEAN, "perturb"), "fooled") if other == MEAN else over(rows, "pgd")
        lines.append((RULES[other], over(rows, "fooled"), mean(rows, "confidence"), pgd))
    if count > 1:
        yield fj.reporting.table(
            ("Gradient of", "Classes certain", "Confidence", "PGD"),
            lines,
            f"Joint attacks on {count} members that answer by the mean of their probabilities, by "
            "whose gradient they follow. That of the answer is blind to members that are still far "
            "away while others are certain.",
        )


def alignment(config: Config, name: str, one: Group) -> Iterator[study.Block]:
    """Say whether the members pull in the same direction."""
    pairs = np.triu_indices(max(config.members), 1)
    if not len(pairs[0]):
        return
    told = {where: times(interval(every[:, *pairs].mean(axis=1)))
            for where, every in one.cosines.items()}  # fmt: skip
    yield fj.reporting.paragraph(
        fj.reporting.strong("Do the members pull in the same direction? "),
        "Between different members the mean cosine of the gradients is "
        f"{told['images']} at test images and {told['noise']} at noise (1: the same direction, 0: "
        "unrelated).",
    )
    names = [f"{architecture} {i + 1}" for i, architecture in enumerate(one.architectures)]
    draw = functools.partial(
        fj.reporting.matrix,
        values=one.cosines["images"].mean(axis=0),
        row_names=names,
        column_names=names,
        label="mean cosine of the gradients at test images",
        shares=False,
    )
    yield study.Figure(
        f"{name}_alignment",
        draw,
        "Cosines between the members' gradients. Mean cosine at test images, of the gradients "
        "toward the nearest wrong class.",
    )
