"""The page of a finished ``experiments.ascend`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import LOUDNESS, Found, controls, ways

FAINT = 4.0  # from here on a change from grey is hard to see
MOST_PLAYED = 24  # classes whose sounds or videos are on the page; a sound takes 43 kB

# Median confidence over the 20 classes shown in the paper; a large ImageNet network.
PAPER = {"none": "≥ 99.99 %", "decay": "99.46 %", "blur": "96.3 %", "sparse": "99.99 %"}


def title_of(cell: study.Cell) -> str:
    """Name a way to make images in few words."""
    if cell["way"] == "ascent":
        return fj.attacks.ASCENTS[cell["name"]].title
    return f"evolved, {'CPPN' if cell['name'] == 'cppn' else cell['name']}"


def full_name(found: Found, cell: study.Cell) -> str:
    """Name a way to make images, for a table."""
    if cell["way"] == "evolved":
        return f"{title_of(cell).capitalize().replace('cppn', 'CPPN')} encoding"
    published = fj.attacks.ASCENTS[cell["name"]].published
    return f"{in_words(found, cell['name'])}{' (published)' if published else ''}"


def in_words(found: Found, name: str) -> str:
    """Say what an ascent changes, and what holds it back."""
    words = fj.attacks.ASCENTS[name].words
    return words.replace("Pixels", found.words.numbers.capitalize())


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    none, evolved = found.ascent(), first_evolved(found)
    compared = [(passes(found, one), f"the same for {spoken(found, one)}") for one in evolved]
    one, many, plain = found.words.one, found.words.many, found.words.plain
    seem = "sound" if one == "sound" else "look"
    certain = none.values["above"].mean
    follow = f"Following it, from nothing, makes {many} that the network is certain about."
    if certain < 0.5:
        follow = (
            f"It was followed from nothing, and made {study.share(certain)} of the {many} such "
            "that the network is certain about them (above 99.99 %)."
        )
    yield study.Opening(
        f"Fooling {many} by gradient",
        "With the network in hand, its own gradient says how to change "
        f"{found.words.say('{a one}')} so "
        f"that the network becomes surer. {follow} Whether they {seem} like anything is for the "
        "reader to judge.",
        [
            (study.sure(none.values["confidence"].mean), "median confidence, no regularizer"),
            (least(none), "the least certain class and repeat of these"),
            (passes(found, none.keys), "passes until every class is above 99.99 %"),
            *compared,
            (study.share(found.network.accuracy), f"of real test {many} recognized correctly"),
        ],
    )
    yield study.Heading("What was done")
    yield (
        f"Each {one} began as {'' if plain == 'silence' else 'plain '}{plain} and was changed step "
        f"by step so that the network ({found.network.origin}) would be surer that it "
        f"{'is' if one == 'sound' else 'shows'} a given class. No real {found.words.real[0]} was "
        f"involved. Every class had {study.plural(found.config.repeats, 'start')}. "
        f"{held_back(found)} {study.confidence_of(found.network.classifier)}"
    )
    if evolved:
        yield (
            f"For comparison, {many} were evolved: changed at random, keeping what made the "
            "network surer, without its gradient."
        )
    yield study.Heading(f"The {many}")
    yield rows_of_images(
        found,
        "gallery",
        ways(found.config),
        [title_of(way) for way in ways(found.config)],
        f"{many.capitalize()} in rows by how they were made and columns by class, with "
        f"confidences. The first repeat of every setting, nothing picked. Below each {one} stands "
        "how sure the network is that it shows the class of its column. Would you have named the "
        f"class?{study.how_shown(found.network.medium)}",
    )
    yield from experienced(found)
    cell, names = found.results.one(**none.keys), found.class_names
    pictures = study.as_pictures(found.network.medium, cell["images"])
    yield study.Figure(
        "repeats",
        lambda path: fj.reporting.gallery(path, pictures, cell["confidence"], names),
        f"{many.capitalize()} made without a regularizer, a row for each repeat. How much do "
        "independent starts differ?",
    )
    yield study.Heading("How sure, how smooth, at what price")
    yield from prices(found)
    yield study.Heading("Does the starting point matter?")
    yield from starts(found)
    yield study.Heading("Or would any noise do?")
    yield (
        "A network that is sure of any noise would need no search. These are the starting points "
        "themselves, before any step."
    )
    columns: dict[str, Callable[[study.Record], str]] = {
        many.capitalize(): lambda one: found.begun(one["start"]),
        "Number": lambda one: f"{one['images']:,}",
        "Confidence in the most likely class (median)": lambda one: study.sure(one["top"]),
        "Share above 99 %": lambda one: study.share(one["above_0.99"]),
        "Best of them for each class (median)": lambda one: study.sure(one["best_per_class"]),
    }
    yield study.tabulate(controls(found), columns)


def first_evolved(found: Found) -> list[study.Cell]:
    """Return the first evolution, which pixels without a regularizer are compared with, if any."""
    return [cell for cell in ways(found.config) if cell["way"] == "evolved"][:1]


def held_back(found: Found) -> str:
    """Say what the settings do that are not plain ascents."""
    one, numbers = found.words.one, found.words.numbers
    if one == "image":
        return (
            "Some settings hold the image back: decay pulls it toward grey, blur smooths it, "
            "sparsity resets pixels that matter little, total variation makes differences between "
            "neighbors cost confidence. Others search elsewhere than in the pixels: in the "
            "strengths of waves (Fourier), or in the weights of a small network that paints the "
            "image (a CPPN), whose structure stays as it is."
        )
    return (
        f"One setting holds the {one} back: decay pulls it toward {found.words.plain}. Signs "
        f"change all {numbers} by the same small step, up or down. Another searches elsewhere than "
        f"in the {numbers}: in the weights of a small network that makes the {one} (a CPPN), whose "
        "structure stays as it is."
    )


def experienced(found: Found) -> Iterator[study.Block]:
    """Let the reader hear or watch what was made, each beside a real one of its class."""
    medium, one, real_one = found.network.medium, found.words.one, found.words.real[0]
    if one == "image":
        return
    real, some = study.real_ones(found.network, found.classes), found.class_names[:MOST_PLAYED]
    for place, cell in enumerate(ways(found.config)):
        arrays, pairs = found.results.one(**cell), list[tuple[np.ndarray, str]]()
        for column, name in enumerate(some):
            sure = study.sure(float(arrays["confidence"][0, column]))
            words = f"made to be {name}: the network is {sure} sure"
            pairs.append((arrays["images"][0, column], words))
            if column in real:
                pairs.append((real[column], f"a real {real_one} of {name}"))
        inputs, captions = zip(*pairs, strict=True)
        played = study.experience(medium, np.stack(inputs), captions)
        verb = "Listen to" if one == "sound" else "Watch"
        title = f"{verb} them: {title_of(cell)}, the first repeat"
        yield played if place == 0 else study.Folded(title, [played])


def spoken(found: Found, evolved: study.Cell) -> str:
    """Say what an evolution makes."""
    words = {"direct": f"evolved {found.words.numbers}", "cppn": "evolved CPPNs"}
    return words.get(evolved["name"], f"evolved {found.words.many} ({evolved['name']})")


def number(value: float, digits: int) -> str:
    """Write a number of either sign."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def least(row: study.Row) -> str:
    """The least certain class of all repeats; of a single one it is the value itself."""
    mean, low, _ = row.values["least"]
    return study.sure(mean if np.isnan(low) else low)


def passes_of(found: Found, keys: study.Cell) -> list[float | None]:
    """Passes until every class was above the level, None where one never was."""
    place = {name: keys[name] for name in ("way", "name", "start")}
    return [record["passes"] for record in study.where(found.records, **place)]


def passes(found: Found, keys: study.Cell) -> str:
    """Write the median of the passes, and in how many repeats there were enough."""
    every = passes_of(found, keys)
    there = [one for one in every if one is not None]
    if not there:
        return "never"
    some = f" ({len(there)} of {len(every)} repeats)" if len(there) < len(every) else ""
    return f"{np.median(there):,.0f}{some}"


def prices(found: Found) -> Iterator[study.Block]:
    """Compare all ways to make images in numbers."""
    one, numbers, loud = found.words.one, found.words.numbers, LOUDNESS in found.records[0]
    first = lambda row, name: study.where(found.records, **row.keys)[0][name]
    mean = lambda row, name: row.values[name].mean
    columns: dict[str, Callable[[study.Row], str]] = {
        "Made by": lambda row: full_name(found, row.keys),
        "Median confidence (lowest to highest repeat)": study.spelled("confidence", study.sure),
        "Median log-odds": lambda row: number(mean(row, "odds"), 1),
        f"{found.words.many.capitalize()} above 99.99 %": lambda row: study.share(
            mean(row, "above")
        ),
        "In the paper": lambda row: PAPER.get(row.keys["name"], "—"),
        "Total variation": lambda row: f"{mean(row, 'variation'):.4f}",
        "High frequencies": lambda row: study.share(mean(row, "fine")),
        **({"Loudest sample, dB": lambda row: number(mean(row, LOUDNESS), 1)} if loud else {}),
        "Passes (forward + gradient)": lambda row: (
            f"{first(row, 'forwards'):,} + {first(row, 'gradients'):,}"
        ),
        "Passes until all above 99.99 %": lambda row: passes(found, row.keys),
        "Seconds": lambda row: f"{float(found.results.one(**row.keys)['seconds']):.1f}",
    }
    caption = (
        "Medians over classes, then repeats. The paper's numbers are for 20 classes of another "
        "network, one for ImageNet, so only their order can be compared."
    )
    yield study.tabulate(found.rows, columns, caption)
    loudness = (
        "The loudest sample is in decibels of full scale: 0 is as loud as can be, "
        "\N{MINUS SIGN}40 a hundredth. "
    )
    yield (
        "Log-odds are log(p / (1 - p)): 0 is an even chance, 9.2 is 99.99 %. They go on where a "
        "confidence can no longer be told from 100 %. Total variation is the mean difference "
        f"between neighboring {numbers}, in units of {found.words.span}: about 0.33 in uniform "
        f"noise, 0 in {found.words.blank}. High frequencies are the share of the {one}'s energy "
        f"above half the finest wave. {loudness if loud else ''}Passes are those of one repeat, "
        "for all classes together; one evolution serves all classes at once. Seconds are those of "
        "all repeats, compiling included."
    )
    yield " ".join(reading(found))
    yield from curves(found)


def reading(found: Found) -> Iterator[str]:
    """Say what the numbers of this very run show."""
    published = [name for name in found.config.ascents if fj.attacks.ASCENTS[name].published]
    odds = lambda name: found.ascent(name).values["odds"].mean
    order = sorted(published, key=odds, reverse=True)
    words = [in_words(found, name) for name in order]
    if len(words) > 1:
        yield f"From the surest to the least sure, the published settings are: {'; '.join(words)}."
        yield "In the paper: no regularizer and decay, blur and sparsity; decay; decay and blur."
    if "decay" in published:
        yield (
            "Decay sets a ceiling of its own: each step it takes back a share of all that was "
            "gained, and at rest it takes back exactly what the step adds. Where a network is "
            "close to linear between grey and the image, that is once the log-odds have risen by "
            "late / (decay x p) over those of grey: 2 / p for the published setting. How sure "
            "the network then is depends on where grey lies and on how much it bends."
        )
    mine = passes_of(found, found.ascent().keys)
    for evolved in first_evolved(found):
        theirs = passes_of(found, evolved)
        if None not in (*mine, *theirs):
            times = np.median(np.array(theirs, float)) / np.median(np.array(mine, float))
            yield (
                f"Until every class was above 99.99 %, {spoken(found, evolved)} took {times:.2g} "
                "times as many passes as the gradient."
            )
        elif None not in mine:
            yield f"Of {spoken(found, evolved)}, not every class came above 99.99 % in each repeat."


def curves(found: Found) -> Iterator[study.Figure]:
    """Draw log-odds against passes, and what they end at against smoothness."""
    every = {title_of(row.keys): found.results.one(**row.keys) for row in found.rows}
    nines = {name: np.median(one["odds"], axis=1) / np.log(10.0) for name, one in every.items()}
    rough = {title_of(row.keys): [row.values["variation"].mean] for row in found.rows}
    yield study.ranges(
        "curves",
        {name: one["passes"] for name, one in every.items()},
        nines,
        "Log-odds against passes, a line for each setting. How fast certainty grows: the higher a "
        "line, the surer.",
        median=True,
        log_x=True,
        dashed=[name for name in every if name.startswith("evolved")],
        x_label="passes through the network, for all classes together",
        y_label="log10 of the odds: 2 is 99 %, 4 is 99.99 %",
        note="Lines: median over classes, then repeats. Bands: lowest to highest repeat.",
    )
    yield study.ranges(
        "trade",
        rough,
        {name: one[:, -1:] for name, one in nines.items()},
        "Log-odds against total variation. Smoothness against certainty: right is rougher, up is "
        "surer.",
        median=True,
        log_x=True,
        x_label=f"total variation: mean difference of neighboring {found.words.numbers}",
        y_label="log10 of the odds",
        note="Points: median over classes, then repeats. Bars: lowest to highest repeat.",
    )


def starts(found: Found) -> Iterator[study.Block]:
    """Compare starting points of the ascent without a regularizer."""
    kinds = [start for start in fj.attacks.STARTS if start in found.config.starts]
    rows = [found.ascent("none", start) for start in kinds]
    columns: dict[str, Callable[[study.Row], str]] = {
        "Beginning at": lambda row: found.begun(row.keys["start"]),
        "Median confidence": lambda row: study.sure(row.values["confidence"].mean),
        "Lowest": least,
        "Passes until all above 99.99 %": lambda row: passes(found, row.keys),
        "Total variation": lambda row: f"{row.values['variation'].mean:.4f}",
    }
    caption = f"Ascent in {found.words.numbers} without a regularizer, from other starting points."
    yield study.tabulate(rows, columns, caption)
    yield rows_of_images(
        found,
        "starts",
        [row.keys for row in rows],
        [start.replace("grey", found.words.plain).replace("_", " ") for start in kinds],
        f"{found.words.many.capitalize()} by starting point and class. The first repeat from each "
        "starting point. Noise that was there at the start stays: nothing asks for its removal.",
    )


def rows_of_images(
    found: Found, place: str, cells: Sequence[study.Cell], names: Sequence[str], caption: str
) -> study.Figure:
    """Show the first repeat of some cells; faint changes from grey also enlarged."""
    images, words, row_names = [], [], []
    medium, faint = found.network.medium, found.words.one == "image"
    if not faint and (real := study.real_ones(found.network, found.classes)):
        nothing = np.full(found.network.classifier.input_shape, 0.5, np.float32)
        row = [real.get(column, nothing) for column in range(len(found.classes))]
        images.append(study.as_pictures(medium, np.stack(row)))
        words.append(["real" if column in real else "none there" for column in range(len(row))])
        row_names.append(f"{found.words.real[0]} of the class")
    for cell, name in zip(cells, names, strict=True):
        arrays = found.results.one(**cell)
        images.append(study.as_pictures(medium, arrays["images"][0]))
        words.append([study.sure(float(one)) for one in arrays["confidence"][0]])
        row_names.append(name)
        if not faint:  # a spectrogram shows quiet sounds as it does loud ones
            continue
        stretched, factors = fj.reporting.enlarge(images[-1])
        if np.median(factors) > FAINT:
            images.append(stretched)
            words.append([f"x {factor:.0f}" for factor in factors])
            row_names.append(f"{name}, change from grey enlarged")
    looks = {"row_names": row_names, "column_names": found.class_names}
    return study.images(place, images, words, caption, **looks)
