"""What a defense seems to gain, and what is left once the adversary knows it."""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from fooljax import reporting
from fooljax.analysis import over_repeats
from fooljax.metrics import Interval
from fooljax.reporting import Html
from fooljax.study.page import Figure
from fooljax.study.pictures import matrix
from fooljax.study.tables import Record, summarize
from fooljax.study.wording import plural, share, spell, with_intervals

LEAST_GAIN = 0.02  # a smaller naive gain is none
VANISHED, SHRUNK = 0.2, 0.75  # share of the naive gain that is left, at most
RULE = (
    f"A naive gain counts if its mean is at least {LEAST_GAIN:g} and, with several networks, its "
    f"95 % interval lies above 0. It vanishes if at most {share(VANISHED)} of it is left against "
    f"the adversary who knows the defense, shrinks if at most {share(SHRUNK)} is left, and stays "
    "otherwise."
)
VERDICTS = {
    "none": "no sure gain even at first",
    "vanishes": "the gain vanishes",
    "shrinks": "part of the gain is left",
    "stays": "most of the gain is left",
}


class Gain(NamedTuple):
    """What a defense gains against one kind of images.

    Attributes:
        defense: by name.
        against: the kind of images.
        naive: gain against images made for the bare network.
        adaptive: gain against images made for the defended one.
        left: share of the naive gain that is left; None without a naive gain.
        verdict: one of `VERDICTS`.
    """

    defense: str
    against: str
    naive: Interval
    adaptive: Interval
    left: float | None
    verdict: str


def gains(records: Iterable[Record], bare: str = "bare", repeat: str = "network") -> list[Gain]:
    """Compare what defenses seem to gain with what they gain, by `RULE`.

    Args:
        records: with ``defense``, ``against``, ``naive_gain`` and ``adaptive_gain``, the
            gains in [-1, 1].
        bare: what the network without a defense is called, which is not compared.
        repeat: the key that tells independent repeats apart.

    Example:
        >>> from fooljax import study
        >>> about = {"defense": "blur", "against": "pgd", "adaptive_gain": 0.02}
        >>> records = [{**about, "network": i, "naive_gain": 0.5 + i / 100} for i in range(3)]
        >>> (gain,) = study.gains(records)
        >>> gain.verdict, round(gain.left, 2)
        ('vanishes', 0.04)
    """
    over = functools.partial(over_repeats, bounds=(-1.0, 1.0))
    by, measures = ("defense", "against"), ("naive_gain", "adaptive_gain")
    found = []
    others = [record for record in records if record["defense"] != bare]
    for row in summarize(others, by, measures, repeat, over).rows:
        naive, adaptive = (row.values[name] for name in measures)
        left, verdict = None, "none"
        if naive.mean >= LEAST_GAIN and not naive.low <= 0.0:  # NaN from a single network
            left = adaptive.mean / naive.mean
            verdict = "vanishes" if left <= VANISHED else "shrinks" if left <= SHRUNK else "stays"
        found.append(Gain(row.keys["defense"], row.keys["against"], naive, adaptive, left, verdict))
    return found


def counts(found: Sequence[Gain]) -> dict[str, int]:
    """Count verdicts; ``seen`` are the gains that there are at first.

    Example:
        >>> from fooljax import study
        >>> naive, adaptive = study.exactly(0.5), study.exactly(0.02)
        >>> blur = study.Gain("blur", "pgd", naive, adaptive, 0.04, "vanishes")
        >>> study.counts([blur, blur._replace(defense="jpeg", left=None, verdict="none")])
        {'none': 1, 'vanishes': 1, 'shrinks': 0, 'stays': 0, 'seen': 1}
    """
    verdicts = [gain.verdict for gain in found]
    number = {verdict: verdicts.count(verdict) for verdict in VERDICTS}
    return {**number, "seen": len(verdicts) - number["none"]}


def outcome(number: Mapping[str, int]) -> Literal["none", "all", "nothing", "some"]:
    """Say in a word what is left of the gains: ``none`` where there were none to begin with.

    Args:
        number: of verdicts, from `counts`.

    Example:
        >>> from fooljax import study
        >>> study.outcome({"seen": 3, "stays": 1}), study.outcome({"seen": 3, "stays": 0})
        ('some', 'nothing')
    """
    if not number["seen"]:
        return "none"
    if not number["stays"]:
        return "nothing"
    return "all" if number["stays"] == number["seen"] else "some"


def verdicts(found: Sequence[Gain], against: str) -> str:
    """Say of which defenses the gain against some images stays, shrinks or vanishes.

    Example:
        >>> from fooljax import study
        >>> naive, adaptive = study.exactly(0.5), study.exactly(0.02)
        >>> blur = study.Gain("blur", "pgd", naive, adaptive, 0.04, "vanishes")
        >>> study.verdicts([blur, blur._replace(defense="median")], "pgd")
        'The gain vanishes: blur, median.'
    """
    parts = []
    for verdict, words in VERDICTS.items():
        some = [one.defense for one in found if (one.against, one.verdict) == (against, verdict)]
        parts += [f"{words}: {', '.join(some)}"] if some else []
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def sum_up(found: Sequence[Gain]) -> str:
    """Say in one sentence how many gains there are, and how many are left.

    Example:
        >>> from fooljax import study
        >>> naive, adaptive = study.exactly(0.5), study.exactly(0.02)
        >>> blur = study.Gain("blur", "pgd", naive, adaptive, 0.04, "vanishes")
        >>> study.sum_up([blur])[:48]
        'Of 1 comparison 1 shows a gain against images ma'
    """
    number = counts(found)
    show, of = "shows" if number["seen"] == 1 else "show", plural(len(found), "comparison")
    if not number["seen"]:
        return f"Of {of} none shows a gain against images made for the bare network."
    return (
        f"Of {of} {number['seen']} {show} a gain against images made "
        "for the bare network. Against images made for the defended one, of these gains vanish: "
        f"{number['vanishes']}; shrink: {number['shrinks']}; stay: {number['stays']}."
    )


def knowing(
    name: str,
    records: Sequence[Record],
    titles: Mapping[str, str],
    caption: str,
    label: str,
    start: str = "",
) -> Figure:
    """Show a row for each defense, attacked not knowing it and knowing it.

    Args:
        name: of the picture's file.
        records: with ``defense``, ``against``, ``network``, ``naive`` and ``adaptive``, and
            ``unchanged`` where it is shown; shares in [0, 1].
        titles: of the kinds of images, by ``against``.
        caption: what is seen, and how to read it.
        label: what the numbers are.
        start: title of the column for unchanged images, if it is to be shown.

    Example:
        >>> from fooljax import study
        >>> about = {"defense": "blur", "against": "pgd", "network": 0}
        >>> record = {**about, "naive": 0.9, "adaptive": 0.2}  # shares
        >>> titles = {"pgd": "PGD"}
        >>> block = study.knowing("blur", [record], titles, "Who is right.", "share right")
        >>> block.name, block.caption
        ('blur', 'Who is right.')
    """
    ways = {"naive": "not knowing", "adaptive": "knowing"}
    shown = [{**one, "column": start, "share": one["unchanged"]} for one in records if start]
    shown += [
        {**one, "column": f"{titles[one['against']]}, {how}", "share": one[way]}
        for one in records
        for way, how in ways.items()
    ]
    means = summarize(shown, ("defense", "column"), ["share"], "network")
    looks = {"label": label, "row_label": "", "column_label": "", "intervals_over": "the networks"}
    return matrix(name, means, "defense", "column", "share", caption, **looks)


def table_of_gains(found: Sequence[Gain], caption: str, intervals_over: str = "") -> Html:
    """Write every gain as a number, in percentage points.

    Args:
        found: the gains.
        caption: how to read it.
        intervals_over: what the repeats are, with which the caption ends where there are several.

    Example:
        >>> from fooljax import study
        >>> naive, adaptive = study.exactly(0.5), study.exactly(0.02)
        >>> blur = study.Gain("blur", "pgd", naive, adaptive, 0.04, "vanishes")
        >>> block = study.table_of_gains([blur], "In percentage points.")
        >>> [part in block.markup for part in ("+50.0", "+2.0", "the gain vanishes")]
        [True, True, True]
    """
    points = lambda gain: f"{100 * gain:+.1f}".replace("-", "\N{MINUS SIGN}")
    rows = [
        (
            gain.defense,
            gain.against,
            spell(gain.naive, points),
            spell(gain.adaptive, points),
            "" if gain.left is None else f"{100 * max(gain.left, 0.0):.0f} %",
            VERDICTS[gain.verdict],
        )
        for gain in found
    ]
    known = any(math.isfinite(gain.naive.low) for gain in found)
    caption = with_intervals(caption, "In brackets: 95 % intervals over", intervals_over, known)
    titles = ("Defense", "Against", "Gain, not knowing", "Gain, knowing", "Left", "So")
    return reporting.table(titles, rows, caption, sortable=True)
