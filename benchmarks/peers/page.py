"""The page that answers "why not X?", made of what was measured."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.peers import verdicts
from benchmarks.peers.causes import CAUSES
from benchmarks.peers.clock import Row

QUESTIONS = {
    "attacks": "Attacks",
    "evolution": "Evolution",
    "scores": "Scores",
    "certification": "Certification",
}
_NETWORKS = {
    "lenet": "LeNet",
    "adversarial": "small LeNet, trained adversarially",
    "": "without a network",
}
_START = """# Measured against peers

The same work in fooljax and in the packages of [Why not …?](peers.md): the same network and
weights, the same images, the same budget, both called in turn on one machine. Made of
`{source}` by `python -m benchmarks.peers`; no number here is typed by hand.

{machine}

"""
_READ = """
How to read it. Found: the mean over {repeats} repeats with other random numbers, and the range
where there is one; a median distance counts an image that was not fooled as infinitely far, and
is none where that is half of the images or more.
Passes: of an image, in the mean, forward and backward. Seconds: the median of warm calls, fooljax /
peer. Faster: how many times longer the peer took, with the range of the repeats, by the clock
and in processor time. First call: seconds, with compilation, and with what a peer imports when
it is first used. Whoever is ahead in every repeat is faster; a difference in what was found
counts beyond the range of the repeats and beyond {floor:.1%} of the figure.
"""
_HEAD = (
    "| peer, work | found: fooljax | found: peer | seconds | faster, clock | faster, processor | "
)
_HEAD += "first call | verdict | cause |\n" + "| --- " * 9 + "|"


def to_markdown(document: dict[str, Any], source: str) -> str:
    """Return the page.

    Args:
        document: what ``benchmarks.peers`` printed.
        source: where it is kept, as readers find it.
    """
    rows = list(document["rows"].values())
    parts = [_START.format(source=source, machine=_machine(document)), _summary(rows)]
    parts.append(_READ.format(repeats=document["config"]["repeats"], floor=verdicts.FLOOR))
    for question, title in QUESTIONS.items():
        asked = [row for row in rows if row["question"] == question]
        if asked:
            parts.append(f"\n## {title}\n")
            parts += _tables(asked, _processor(document))
    return "".join(parts)


def summarize(document: dict[str, Any]) -> str:
    """Say in a line for each row who is ahead."""
    return "\n".join(_line(row) for row in document["rows"].values())


def _line(row: Row) -> str:
    name = f"{row['network'] or 'no network'}, {row['name']}"
    if "fooljax" not in row:
        return f"{name}: {row.get('skipped') or row['error']}"
    return f"{name}: {verdicts.verdict(row)}"


def _machine(document: dict[str, Any]) -> str:
    where = document["environment"]
    config, packages = document["config"], where["packages"]
    versions = ", ".join(f"{name} {at}" for name, at in packages.items() if at is not None)
    loads = [row["load_1_minute"] for row in document["rows"].values()]
    images = "MNIST" if config["data_dir"] else "scikit-learn's digits"
    weights = "its released weights" if config["weights"] else "random weights"
    return (
        f"{_processor(document)} unless a row says otherwise, {where['cpus']} cores, "
        f"{where['backend']}; load before a pair {min(loads, default=0.0)} to "
        f"{max(loads, default=0.0)}. Python {where['python']}, "
        f"fooljax {where['fooljax']}, {versions}. {config['images']} test images of {images} that "
        f"the network recognizes; LeNet has {weights}."
    )


def _processor(document: dict[str, Any]) -> str:
    """Return the processor on which most rows were measured."""
    begun = document["environment"]["processor"]
    own = Counter(row.get("processor", begun) for row in document["rows"].values())
    return own.most_common(1)[0][0] if own else begun


def _summary(rows: list[Row]) -> str:
    """Count the rows, and name those that are not ahead."""
    measured = [row for row in rows if "fooljax" in row]
    judged = [(row, verdicts.verdict(row)) for row in measured]
    behind = [(row, one) for row, one in judged if one.kinds & {"weaker", "slower"}]
    ahead = [one for _, one in judged if one.ahead]
    text = (
        f"Of {len(measured)} rows fooljax is ahead in time at equal or better strength in "
        f"{len(ahead)}, as fast and as strong in {len(measured) - len(ahead) - len(behind)}, and "
        f"behind in {len(behind)}{':' if behind else '.'}\n"
    )
    lines = [
        f"- {row['name']}{', ' + _NETWORKS[row['network']] if row['network'] else ''}: {one}"
        for row, one in behind
    ]
    return text + ("\n" + "\n".join(lines) + "\n" if lines else "")


def _tables(rows: list[Row], processor: str) -> Iterator[str]:
    for network, title in _NETWORKS.items():
        own = [row for row in rows if row["network"] == network]
        measured = [row for row in own if "fooljax" in row]
        if measured:
            yield (
                f"\n### {title[0].upper()}{title[1:]}\n\n{_HEAD}\n"
                + "\n".join(_cells(row, processor) for row in measured)
                + "\n"
            )
        for row in own:
            if "fooljax" not in row:
                why = row.get("skipped") or f"raised {row['error']}"
                yield f"\n- Not measured: {row['name']}, {title}: {why}\n"


def _cells(row: Row, processor: str) -> str:
    mine, peer, verdict = row["fooljax"], row["peer"], verdicts.verdict(row)
    which = row["name"], row["network"]
    where = row.get("processor", processor)
    elsewhere = "" if where == processor else f" ({where})"
    cells = [
        f"{row['name']} {row['version']}: {row['work']}{elsewhere}",
        _found(mine),
        _found(peer),
        f"{verdicts.seconds(mine):.3g} / {verdicts.seconds(peer):.3g}",
        _times(verdict.wall),
        _times(verdict.cpu),
        f"{verdicts.first_call(mine):.2g} / {verdicts.first_call(peer):.2g}",
        str(verdict),
        "; ".join(filter(None, (CAUSES.get((*which, kind)) for kind in sorted(verdict.kinds)))),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _times(ratio: verdicts.Ratio) -> str:
    ends = (f"{end:.3g}" for end in (ratio.least, ratio.most))
    return f"{verdicts.times(ratio.median)} ({' to '.join(ends)})"


def _found(side: Row) -> str:
    """Write what a side found, then its passes."""
    words = []
    for name in side["found"][0]:
        if name in verdicts.BETTER:
            every = verdicts.values(side, name)
            low, high = (verdicts.number(end(every)) for end in (min, max))
            spread = f" ({low} to {high})" if low != high else ""
            words.append(f"{name} {verdicts.mean(every)}{spread}")
    if "forward passes" in side["found"][0]:
        forth, back = (verdicts.values(side, name) for name in ("forward passes", "gradients"))
        words.append(f"{verdicts.mean(forth)} and {verdicts.mean(back)} passes")
    return "; ".join(words)
