"""Numbers of ``experiments.foolbench``: means over networks, the ranking, tables, the entry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from . import measure
from .measure import ADVERSARIES, BY, PASSES, PLAIN, Config, Scene

if TYPE_CHECKING:
    from fooljax.metrics import Interval

NAME, VERSION = "Fooling benchmark", "v1"
INTERVALS = "95 %, Student's t over the networks, cut off where a share ends"
ALL = "all kinds"
_MASKED = 0.3  # by so much more of evolved images pass where gradients mislead


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        scene: networks, defenses and makers.
        results: what all cells found.
        records: one for each network, defense, kind of images and adversary.
        table: means over the networks of the same.
        qualities: means over the networks on clean images, by defense.
        gains: what each defense seems to gain against each kind of images, and does.
        overall: the same against all kinds together.
    """

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    table: study.Table
    qualities: study.Table
    gains: Sequence[study.Gain]
    overall: Sequence[study.Gain]

    def accepted(self, defense: str, generator: str, adversary: str = "adaptive") -> float:
        """Return the mean share accepted where 95 % of clean images are."""
        keys = dict(zip(BY, (defense, generator, adversary), strict=True))
        return self.table.value("accepted_95", **keys).mean


def average(
    config: Config, scene: Scene, results: study.Results, records: Sequence[study.Record]
) -> Found:
    """Average what was measured over the networks, and compare the defenses."""
    made = [one for one in records if one["generator"] != measure.CLEAN]
    shares = [name for name in measure.MEASURES if name != PASSES]
    rows = study.summarize(made, BY, shares, "network").rows
    passes = study.summarize(made, BY, [PASSES], "network", study.span)
    values = [{**row.values, PASSES: passes.value(PASSES, **row.keys)} for row in rows]
    table = study.Table(tuple(row._replace(values=v) for row, v in zip(rows, values, strict=True)))
    clean = study.where(records, generator=measure.CLEAN)
    qualities = study.summarize(clean, ("defense",), measure.QUALITIES, "network")
    compared = list(measure.compare(scene, made))
    gains = study.gains(compared, PLAIN)
    overall = study.gains([{**one, "against": ALL} for one in compared], PLAIN)
    return Found(config, scene, results, records, table, qualities, gains, overall)


def rank(found: Found) -> list[dict[str, Any]]:
    """Order the defenses by the worst kind of images for them, the adversary knowing them."""

    def line(defense: str) -> dict[str, Any]:
        shares = {name: found.accepted(defense, name) for name in found.scene.makers}
        worst = max(shares, key=shares.__getitem__)
        return {
            "defense": defense,
            "worst_accepted_95": shares[worst],
            "worst_generator": worst,
            "mean_accepted_95": float(np.mean(list(shares.values()))),
            "clean_accuracy": found.qualities.value("clean_accuracy", defense=defense).mean,
        }

    order = lambda one: (one["worst_accepted_95"], one["mean_accepted_95"])
    return sorted(map(line, found.scene.defenses), key=order)


def masked(found: Found) -> list[dict[str, Any]]:
    """Find networks that makers without gradients get far more past than those by gradient.

    The search by gradient is then what fails, and what it does not get past the network
    is no evidence that nothing would (Carlini et al., 2019, arXiv:1902.06705, section 4).
    """
    makers, listed = found.scene.makers, list[dict[str, Any]]()
    for defense in found.scene.defenses:
        passed = {n: found.accepted(defense, n) for n, maker in makers.items() if maker.fools}
        blind = {name: share for name, share in passed.items() if makers[name].blind}
        seeing = max((share for name, share in passed.items() if name not in blind), default=1.0)
        best = max(blind, key=blind.__getitem__, default=None)
        if best is not None and blind[best] > seeing + _MASKED:
            shares = {"evolved_accepted_95": blind[best], "by_gradient_accepted_95": seeing}
            listed.append({"defense": defense, "generator": best, **shares})
    return listed


def csv(found: Found) -> str:
    """Write the whole table, a line for each defense, generator and adversary."""
    lines = []
    for row in found.table.rows:
        lines.append(dict(row.keys))
        for name in measure.MEASURES:
            for part, value in row.values[name]._asdict().items():
                lines[-1][f"{name}_{part}"] = "" if math.isnan(value) else f"{value:.6g}"
    return study.to_csv(lines).decode()


def markdown(found: Found) -> str:
    """Write the table that a paper cites: what is accepted, naive and adaptive, in percent."""
    config, makers = found.config, found.scene.makers
    lines = [
        f"**{NAME} {VERSION}**: {config.victim.dataset}, {config.victim.model}, {config.seeds} "
        f"seeds, fooljax {fj.__version__}. Share of fooling images accepted where 95 % of clean "
        "images are, in percent, naive / adaptive adversary.",
        "",
    ]
    rows = [["defense", "clean accuracy", *makers], ["---"] * (2 + len(makers))]
    for defense in found.scene.defenses:
        right = found.qualities.value("clean_accuracy", defense=defense).mean
        cells = [defense, f"{100 * right:.1f}"]
        for name, maker in makers.items():
            who = ADVERSARIES if maker.fools else ADVERSARIES[:1]
            cells.append(" / ".join(f"{100 * found.accepted(defense, name, a):.0f}" for a in who))
        rows.append(cells)
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in rows)]) + "\n"


def rows(found: Found, volumes: Sequence[study.Record]) -> list[dict[str, Any]]:
    """Return what an entry of the leaderboard says of each defense, intervals as three numbers."""
    made = [one for one in found.records if one["generator"] != measure.CLEAN]
    means = study.summarize(made, ("defense", "adversary"), ["accepted_95"], "network")
    smaller = study.shrinkage(volumes, ("defense",), PLAIN, "network")
    misled = {one["defense"] for one in masked(found)}

    def row(defense: str) -> dict[str, Any]:
        line: dict[str, Any] = {"defense": defense, "words": found.scene.defenses[defense].words}
        for name in ("clean_accuracy", "clean_rejected"):
            line[name] = _short(found.qualities.value(name, defense=defense))
        for who in ADVERSARIES:
            at = {"defense": defense, "adversary": who}
            each = found.table.where(**at).column("generator", "accepted_95")
            line[f"{who}_mean"] = _short(means.value("accepted_95", **at))
            line[who] = {name: _short(share) for name, share in each.items()}
        left = _short(smaller.value(study.SMALLER, defense=defense))
        return {**line, "masked": defense in misled, "smaller": left}

    return [row(defense) for defense in found.scene.defenses]


def networks(scene: Scene) -> dict[str, dict[str, Any]]:
    """Return what an entry says of each network: its accuracy, digests of all its weights."""
    from fooljax.runtime import identity

    return {
        name: {
            "accuracy": bench.plain.accuracy,
            "weights": identity.of_weights(bench.classifier.params),
            "defended": {
                defense: identity.of_weights(scene.networks[defense, name].victim.params)[:16]
                for defense in scene.defenses
            },
        }
        for name, bench in scene.benches.items()
    }


def _short(found: Interval) -> list[float] | None:
    """Return a mean and its interval as an entry holds it; None where there is no mean."""
    return None if math.isnan(found.mean) else [round(number, 4) for number in found]
