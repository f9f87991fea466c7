"""The page of a finished ``experiments.neurons`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import KINDS, RULES, Found

BRACKETS = " In brackets: 95 % intervals over the repeats."
WORDS = {
    "real": "the strongest real pictures",
    "jitter": "ascent in waves, with jitter",
    "phases": "ascent in phases, with jitter",
    "pixels": "ascent in pixels, without",
    "evolved": "evolved patterns",
}


def report(found: Found, sanity: Sequence[study.Record]) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config, layers = found.config, found.numbers.names("layer")
    high = found.numbers.column("kind", "deviations", layer=layers[0])
    kept = found.kept.column("kind", "kept", layer=layers[0])
    yield study.Opening(
        "What does a neuron look for, and can the picture be trusted?",
        f"Pictures that fire single units of {config.victim.model}: real ones, what goes back from "
        "them to the pixels, and made ones; and whether they hold when the picture is shifted or "
        "the network shuffled. Numbers are of the median unit, in standard deviations above the "
        "mean of real pictures, before a shift and after.",
        [
            (" → ".join(map(deviations, (of, of * kept[kind].mean))), WORDS[kind])
            for kind in ("real", *config.kinds)
            if kind in kept
            for of in (high[kind].mean,)
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("Can the made images be trusted? Shift them")
    yield from shifts(found)
    yield study.Heading("Can the maps be trusted? Shuffle the network")
    yield from curve(sanity)
    for layer in layers:
        yield study.Heading(f"Layer {layer}")
        yield from sheet(found, layer)


def deviations(mean: float) -> str:
    """Write a number of standard deviations."""
    return f"{round(mean, 1) + 0.0:.1f}".replace("-", "\N{MINUS SIGN}")


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config = found.config
    rows = [(kind, KINDS[kind]) for kind in config.kinds]
    yield (
        "A unit is a channel of a layer; its activation is the channel's mean over the picture. "
        f"{config.pictures:,} real pictures of {config.victim.dataset} were shown, and the one "
        "that fires each unit most is shown below, with what goes back from the unit to the "
        f"pixels. Then an image was made for each unit, {study.anew(config.repeats)}:"
    )
    yield fj.reporting.table(("Images", "How they were made"), rows)
    yield (
        "An ascent climbs the activation itself, whatever other units do, from grey; a unit that "
        "is off there is woken first: what its rectifier cuts off counts a tenth. Evolution keeps "
        "the best image for every unit of the layer at once (MAP-Elites, a niche for each). "
        "Activations are given as standard deviations above the mean of the real pictures, for "
        "units have scales of their own. Units that no picture fires were left out: "
        + ", ".join(
            f"{int(arrays['silent'])} in {cell['layer']}" for cell, arrays in found.real.found
        )
        + "."
    )


def shifts(found: Found) -> Iterator[study.Block]:
    """Say how much of an activation a shift leaves."""
    write = lambda mean: f"{mean:.2f}"
    rows = []
    layers = found.numbers.names("layer")
    for row in sorted(found.numbers.rows, key=lambda row: layers.index(row.keys["layer"])):
        kept = found.kept.value("kept", **row.keys)
        left = "" if np.isnan(kept.mean) else study.spell(kept, write)
        spelled = study.spell(row.values["deviations"], deviations)
        rows.append((row.keys["layer"], row.keys["kind"], spelled, left))
    titles = ("Layer", "Images", "Standard deviations above real pictures", "Kept after a shift")
    far = "1" if found.config.jitter == 1 else f"1 and by {found.config.jitter}"
    pixels = "pixel" if far == "1" else "pixels"
    caption = (
        f"Shifts are by {far} {pixels} up, down, left and right; what leaves one side enters "
        "opposite. Kept is the share of the deviations that is left on average. Both are of the "
        "median unit. An image of what a unit looks for fires it wherever it stands; one that "
        "loses its effect hangs on exact pixels, as adversarial patterns do."
        f"{study.of_several(found.config.repeats, BRACKETS)}"
    )
    yield fj.reporting.table(titles, rows, caption)


def curve(sanity: Sequence[study.Record]) -> Iterator[study.Block]:
    """Show how alike maps stay while the network is shuffled."""
    table = study.summarize(sanity, ("rule", "depth"), ["alike"])
    single = len({one["repeat"] for one in sanity}) == 1
    names = {one["depth"]: one["down_to"] for one in sanity}
    first = table.where(depth=min(names))
    said = [
        f"{row.keys['rule']} {study.spell(row.values['alike'], lambda x: f'{x:.2f}')}"
        for row in first.rows
    ]
    yield (
        "Weights change places, first those of the layer that answers, then those of the layers "
        "below it too. A map that says why the network answers as it does must change with them. "
        f"With only {names[min(names)]} shuffled, the rank correlation with the map before is: "
        f"{'; '.join(said)}{'' if single else ' (in brackets 95 % intervals over the repeats)'}."
    )
    caption = (
        "Rank correlation of maps of the answer with those of the shuffled network, by how many "
        "layers are shuffled, counted from the answer. How to read it: 1 is the same map; what "
        "unrelated networks have in common shows at the right, where all is shuffled. A line that "
        "stays high belongs to a picture that does not depend on what the network learned there. "
        f"Layers: {', '.join(f'{depth} {name}' for depth, name in names.items())}."
    )
    looks = {"x_label": "layers shuffled, from the answer down", "y_label": "rank correlation"}
    looks["intervals_over"] = "the repeats"
    yield study.lines("shuffled", table, "depth", "alike", "rule", caption, **looks)


def sheet(found: Found, layer: str) -> Iterator[study.Block]:
    """Show for each unit what fires it, what goes back, and what was made."""
    real = found.real.one(layer=layer)
    mean, spread, units = real["mean"], real["spread"], real["units"]
    above = lambda values: [f"{x:+.1f} sd" for x in (values - mean) / spread]
    rows, words, names = [real["images"]], [above(real["activation"])], ["strongest real"]
    # where no rectifier lies in between all rules are one
    same = [rule for rule in RULES[1:] if np.allclose(real[rule], real["gradient"], rtol=1e-3)]
    for rule in (rule for rule in RULES if rule not in same):
        most = np.quantile(np.abs(real[rule]), 0.995, axis=(1, 2, 3), keepdims=True)
        rows.append(np.clip(0.5 + real[rule] / np.maximum(2.0 * most, 1e-30), 0.0, 1.0))
        pairs = zip(real[f"{rule}_top"], real[f"{rule}_all"], strict=True)
        words.append(
            [f"shuffled: {_alike(top)}\nall of it: {_alike(every)}" for top, every in pairs]
        )
        names.append(rule)
    for kind in found.config.kinds:
        cell = found.made.one(layer=layer, kind=kind, repeat=0)
        rows.append(cell["images"])
        pairs = zip(above(cell["activation"]), above(cell["shifted"]), strict=True)
        words.append([f"{before}\nshifted {after}" for before, after in pairs])
        names.append(kind)
    left = " and ".join(same)
    caption = (
        f"What fires units of {layer}. How to read it: each column is a unit. On top the real "
        "picture that fires it most, of those shown. Below it what goes back from the unit to the "
        "pixels by several rules (grey is nothing, the largest half percent is cut off), with the "
        "rank correlation with the same map once weights are shuffled: from the layer down until "
        "every unit changes, and all of them. Near 1 the map does not depend on them; there is no "
        "map where the shuffled unit is off. "
        f"{f'Not shown, because the same as the gradient: {left}. ' if same else ''}"
        "Then images made for the unit, of the first repeat, not selected, with their activation "
        "in standard deviations above the mean of real pictures, also after shifts."
    )
    columns = [f"unit {unit}" for unit in units]
    looks = {"row_names": names, "column_names": columns, "columns": 8, "side": study.SIDE}
    yield study.images(f"units_{layer.replace('/', '_')}", rows, words, caption, **looks)


def _alike(value: float) -> str:
    return "no map" if np.isnan(value) else f"{value:.2f}"
