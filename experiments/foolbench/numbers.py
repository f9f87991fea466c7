"""Numbers of ``experiments.foolbench``: means over networks, the ranking, tables, the entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from . import measure
from .measure import BY, PLAIN, Config, Scene

NAME, VERSION = "Fooling benchmark", "v1"
INTERVALS = "95 %, Student's t over {over}, cut off where a share ends"
ALL = "all kinds"


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
        volumes: shares of uniform images that networks are sure of, if they were measured.
    """

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    table: study.Table
    qualities: study.Table
    gains: Sequence[study.Gain]
    overall: Sequence[study.Gain]
    volumes: Sequence[study.Record] = ()

    @property
    def over(self) -> str:
        """What intervals are over: a network that was given is the same in each repeat."""
        return "the repeats" if study.is_own(self.config.victim) else "the networks"

    @property
    def intervals(self) -> str:
        """What intervals are."""
        return INTERVALS.format(over=self.over)

    def accepted(self, defense: str, generator: str, adversary: str = "adaptive") -> float:
        """Return the mean share accepted where 95 % of clean images are."""
        keys = dict(zip(BY, (defense, generator, adversary), strict=True))
        return self.table.value("accepted_95", **keys).mean


def average(
    config: Config,
    scene: Scene,
    results: study.Results,
    records: Sequence[study.Record],
    volumes: Sequence[study.Record],
) -> Found:
    """Average what was measured over the networks, and compare the defenses."""
    made = [one for one in records if one["generator"] != measure.CLEAN]
    shares = [name for name in study.MEASURES if name != study.PASSES]
    middle = study.summarize(made, BY, [study.PASSES], "network", study.span)
    table = study.join(study.summarize(made, BY, shares, "network"), middle)
    clean = study.where(records, generator=measure.CLEAN)
    qualities = study.summarize(clean, ("defense",), study.QUALITIES, "network")
    fooling = [one for one in made if scene.makers[one["generator"]].fools]
    compared = study.compare_accepted(fooling, PLAIN, "generator")
    gains = study.gains(compared, PLAIN)
    overall = study.gains([{**one, "against": ALL} for one in compared], PLAIN)
    return Found(config, scene, results, records, table, qualities, gains, overall, volumes)


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
    """Find the defenses at which gradients mislead."""
    makers, listed = found.scene.makers, list[dict[str, Any]]()
    for defense in found.scene.defenses:
        one = study.misled({name: found.accepted(defense, name) for name in makers}, makers)
        if one is not None:
            shares = {
                "evolved_accepted_95": one.evolved,
                "by_gradient_accepted_95": one.by_gradient,
            }
            listed.append({"defense": defense, "generator": one.generator, **shares})
    return listed


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
            who = study.ADVERSARIES if maker.fools else study.ADVERSARIES[:1]
            cells.append(" / ".join(f"{100 * found.accepted(defense, name, a):.0f}" for a in who))
        rows.append(cells)
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in rows)]) + "\n"


def rows(found: Found) -> list[dict[str, Any]]:
    """Return what an entry of the leaderboard says of each defense."""
    made = [one for one in found.records if one["generator"] != measure.CLEAN]
    means = study.summarize(made, ("defense", "adversary"), ["accepted_95"], "network")
    smaller = study.shrinkage(found.volumes, ("defense",), PLAIN, "network")
    words = {name: one.words for name, one in found.scene.defenses.items()}
    misled = {one["defense"] for one in masked(found)}
    return study.entry_rows(words, found.qualities, found.table, means, smaller, misled)
