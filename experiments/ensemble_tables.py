"""Tables and paragraphs on one group of ensembles, for the page of ``experiments.ensemble``."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from experiments.ensemble_numbers import UNITS
from experiments.ensemble_pictures import SHORT, shown_in_turn
from fooljax.reporting import Html, paragraph, percent, strong, table
from fooljax.reporting.readings import percent_or_unknown

Show: TypeAlias = Callable[[str, str, str], Html | str]  # name, what is seen, how to read it

_RULES = {
    "probabilities": "mean of probabilities",
    "logits": "mean of logits",
    "log_probabilities": "mean of log-probabilities",
    "margins": "mean of margins",
    "majority_vote": "majority vote",
    "unanimous": "unanimous or reject",
}
_VERDICTS = {
    "harder": "dearer",
    "easier": "cheaper",
    "unclear": "no change beyond chance",
    "unmeasured": "not measured: too often without success",
}


def share(value: float | None) -> str:
    """A share in percent, to a tenth of one."""
    return percent_or_unknown(None if value is None else round(float(value), 3))


def told(rate: Mapping[str, float] | None, write: Callable[[float], str] = share) -> str:
    """A mean with its interval."""
    if rate is None or math.isnan(rate["mean"]):
        return "not measured"
    if math.isnan(rate["low"]):
        return write(rate["mean"])
    return f"{write(rate['mean'])} ({write(rate['low'])} to {write(rate['high'])})"


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "never"


def _cost(value: float) -> str:
    return f"{value:,.4g}" if math.isfinite(value) else "not within the budget"


def growth(found: Mapping[str, Any]) -> Html:
    """How the cost of every attack grows with the number of members."""
    rows = [
        (
            SHORT[attack],
            told(one["growth"]["per_doubling"], lambda value: f"{value:.2f}"),
            told(one["growth"]["whole_range"], lambda value: f"{value:.2f}"),
            str(one["growth"]["censored"]),
            _VERDICTS[one["growth"]["verdict"]],
        )
        for attack, one in found["attacks"].items()
        if one["growth"]
    ]
    return table(
        ("Attack", "Times, every doubling", "Times, all together", "Censored", "Verdict"),
        rows,
        "How the cost grows with the number of networks (95 % interval over the sets). Censored: "
        "ensembles that did not become certain of half of the classes within the budget; they "
        "count as if they had at its end. The verdict asks whether the interval of the growth "
        "excludes 1.",
    )


def costs(found: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[Html]:
    """All costs, shares and times against the number of members."""
    for attack, one in found["attacks"].items():
        rows = [
            (
                str(count),
                _cost(float(one["cost_median"][i])),
                ", ".join(_cost(float(value)) for value in one["cost_per_set"][:, i]),
                told(one["fooled"][i]),
                "not asked" if attack == "perturb" else percent(float(one["median_confidence"][i])),
                f"{one['seconds'][i]:.3g} s",
            )
            for i, count in enumerate(one["members"])
        ]
        what = "real images misjudged by PGD" if attack == "perturb" else "classes certain"
        yield table(
            ("Members", "Median cost", "Each set", f"Share of {what}", "Confidence", "Fastest set"),
            rows,
            f"{SHORT[attack].capitalize()}: {UNITS[attack]}",
        )
    yield table(
        ("Members", "Right on the test images"),
        [
            (str(count), told(one))
            for count, one in zip(summary["members"], found["accuracy"], strict=True)
        ],
    )


def turns(found: Mapping[str, Any], config: Any, show: Show) -> Iterator[Html | str]:
    """Whether one member's turn undoes what was won with the others."""
    count = shown_in_turn(config)
    if count is None:
        return
    numbers = found["in_turn"]["others"][str(count)]
    change, undone = numbers["change_in_log_odds"], numbers["undone"]
    if change["high"] < 0.0:
        word = "on the whole the progress with one member undoes some of that with the others"
    elif change["low"] > 0.0:
        word = "on the whole the progress with one member helps with the others too"
    else:
        word = "on the whole it neither helps nor hurts the others beyond chance"
    yield paragraph(
        strong("One member after the other. "),
        f"With {count} members, a turn changes the others' log-odds of the class to be shown by "
        f"{told(change, lambda value: f'{value:+.2f}')} on average, and loses "
        f"{told(undone)} of what had been won with them: {word}.",
    )
    yield show(
        "turns",
        "Confidence of each member, turn after turn.",
        "First set, mean over the classes. A line that falls while another one rises is progress "
        "undone.",
    )
    rows = [
        (
            size,
            told(one["change_in_log_odds"], lambda value: f"{value:+.2f}"),
            told(one["undone"]),
            told(found["in_turn"]["fooled"][found["in_turn"]["members"].index(int(size))]),
        )
        for size, one in found["in_turn"]["others"].items()
    ]
    yield table(
        ("Members", "Change of the others", "Lost of what was won", "Classes certain"), rows
    )


def rules(found: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[Html]:
    """How members answer as one, and what a joint attack climbs."""
    for count, compared in found["rules"].items():
        evolved = [attack for attack in ("direct", "cppn") if attack in found["attacks"]]
        header = ["Rule", "Right", "Rejected"]
        header += [f"{SHORT[attack]}: named / certain" for attack in (*evolved, "ascent")]
        header += ["Nearest mistake, L2", "PGD"]
        rows = [
            [
                _RULES[rule],
                share(one["accuracy"]["mean"]),
                share(one["rejected"]["mean"]),
                *(
                    f"{share(one[attack]['named']['mean'])} / "
                    f"{share(one[attack]['certain']['mean'])}"
                    for attack in (*evolved, "ascent")
                ),
                told(one["l2"], _number),
                told(one["pgd_success"]),
            ]
            for rule, one in compared.items()
        ]
        yield table(
            header,
            rows,
            f"How {count} members answer as one, each rule under its own adaptive attack. Named: "
            f"classes that the whole answers; certain: with at least {share(summary['tau'])} "
            "(a vote is that certain only if all agree). A rejected image counts as neither right "
            "nor fooled.",
        )
        yield table(
            ("Gradient of", "Classes certain", "Confidence", "PGD"),
            [
                (
                    _RULES[name],
                    told(one["certain"]),
                    percent(one["median_confidence"]),
                    told(one["pgd_success"]),
                )
                for name, one in found["objectives"][count].items()
            ],
            f"Joint attacks on {count} members that answer by the mean of their probabilities, by "
            "whose gradient they follow. That of the answer is blind to members that are still "
            "far away while others are certain.",
        )


def alone(found: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[Html]:
    """What each architecture costs alone, where several are mixed."""
    if not found["alone"]:
        return
    names = list(next(iter(found["alone"].values()))["cost_per_set"])
    rows = [
        [
            SHORT[attack],
            *(_cost(float(np.median(one["cost_per_set"][name]))) for name in names),
            _cost(float(np.median(one["whole_per_set"]))),
            told(one["times_hardest"], _number),
            str(one["times_hardest"]["censored"]),
        ]
        for attack, one in found["alone"].items()
    ]
    yield table(
        ("Attack", *names, f"All {summary['members'][-1]}", "Times the hardest", "Censored"),
        rows,
        "Single networks: is the mixed ensemble hard to fool, or one of its members? Median costs "
        "as above (for all together along the gradient of all members), and the whole against the "
        "hardest single one of the same set.",
    )


def transfer(found: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[Html]:
    """What images made for some of the members do to all of them, in words."""
    largest = summary["members"][-1]
    if len(summary["members"]) < 2:
        return
    for attack, rows in found["transfer"].items():
        kind = "Perturbed by PGD" if attack == "perturb" else SHORT[attack].capitalize()
        some = sorted({0, len(rows) - 2})
        said = "; ".join(
            f"made for {rows[i]['made_for']}: {share(rows[i]['all_same']['mean'])} with the same "
            f"label on all {largest} as one, {share(rows[i]['one_outside_same']['mean'])} on one "
            "network that had no part"
            for i in some
        )
        yield paragraph(strong(f"{kind}. "), f"{said[0].upper()}{said[1:]}.")


def alignment(found: Mapping[str, Any], show: Show) -> Iterator[Html | str]:
    """Whether the members pull in the same direction."""
    pairs = found["alignment"]["images"].get("pairs")
    if pairs is None:
        return
    number = lambda value: f"{value:.2f}"
    noise = found["alignment"]["noise"]["pairs"]
    yield paragraph(
        strong("Do the members pull in the same direction? "),
        f"Between different members the mean cosine of the gradients is {told(pairs, number)} at "
        f"test images and {told(noise, number)} at noise (1: the same direction, 0: unrelated).",
    )
    yield show(
        "alignment",
        "Cosines between the members' gradients.",
        "Mean cosine at test images, of the gradients toward the nearest wrong class.",
    )
