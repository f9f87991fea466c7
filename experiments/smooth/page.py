"""The page of a finished ``experiments.smooth`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import BY, TAU, Config, Scene, average

#: Numbers of the certificates of all networks, by noise.
Proofs: TypeAlias = "Mapping[str, study.Record]"
TITLES = {
    "none": "Smoothing the input: no gain to begin with",
    "all": "Smoothing the input helps, also against who knows about it",
    "nothing": "Smoothing the input helps less than it seems",
    "some": "Smoothing the input: what helps, and what only seems to",
}


class Found(NamedTuple):
    """All that the page is about: a gain for each comparison, certificates for each noise."""

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    gains: Sequence[study.Gain]
    proofs: Proofs
    curve: study.Table


def conclude(gains: Sequence[study.Gain], proofs: Proofs) -> str:
    """Say in a sentence or two what the numbers say."""
    said = study.sum_up(gains)
    if any(one["attacked"] for one in proofs.values()):
        said += f" Inside the certified radius, attacks broke {broken(proofs)} certificates."
    return said


def broken(proofs: Proofs) -> str:
    """Say how many certificates attacks broke, and of how many."""
    total = lambda name: sum(one[name] for one in proofs.values())
    return f"{total('broken')} of {total('attacked')}"


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    counts = study.counts(found.gains)
    proved = [(broken(found.proofs), "certificates broken by attacks")] if found.proofs else []
    verdicts = " / ".join(str(counts[verdict]) for verdict in ("vanishes", "shrinks", "stays"))
    yield study.Opening(
        TITLES[study.outcome(counts)],
        "An obvious remedy against images that fool a network: smooth every image first. Images "
        "made for the bare network then often fail. This page asks what is left of that once the "
        "images are made by somebody who knows about the smoothing.",
        [
            (f"{counts['seen']} of {len(found.gains)}", "comparisons show a gain at first"),
            (verdicts, "of these vanish / shrink / stay"),
            *proved,
            study.counted(len(found.scene.networks), "network"),
            (study.duration(found.results.seconds), "of computing"),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield from findings(found)
    yield study.Heading("Small changes of real images")
    yield from perturbed(found)
    yield study.Heading("Images that show nothing")
    yield from fooling(found)
    if found.proofs:
        yield study.Heading("What is certain")
        yield from certain(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, scene = found.config, found.scene
    kinds = {one.kind: one.entry.about for name, one in scene.filters.items() if one.entry.words}
    starts, over = "", " One network gives no intervals."
    if len(scene.networks) > 1:
        starts = " from different starts"
        over = " Intervals are 95 %, Student's t over the networks."
    filters = "; ".join(f"{kind}: {about}" for kind, about in kinds.items())
    yield (
        f"{study.plural(len(scene.networks), 'network')} ({config.victim.model}) learned "
        f"{config.victim.dataset}{starts}, without any smoothing. Then every image was changed "
        f"before they saw it. {filters[0].upper()}{filters[1:]}.{over}"
    )
    yield fj.reporting.paragraph(
        fj.reporting.strong("Two adversaries. "),
        "The first does not know: images are made for the bare network and shown to the smoothed "
        "one. The second attacks the smoothed network itself: gradients go through the smoothing "
        "(through rounding as if it were not there, through randomness as the mean of "
        f"{config.draws} fixed draws; the network then answers with {config.judge_draws} other "
        f"ones), and what resists meets {config.queries} squares painted at random, which need no "
        "gradients. A test image counts as right only if no attack succeeded.",
    )
    ways = "; ".join(f"{name} ({study.MAKERS[name].words})" for name in scene.ways)
    epsilons = " and ".join(f"{epsilon:g}" for epsilon in config.epsilons)
    yield (
        f"Small changes: {len(scene.real.labels)} test images, no number changed by more than "
        f"{epsilons} of the range. Images from nothing: one for each class, {ways}; evolution made "
        f"{config.evolving.children} images in each of {config.evolving.generations} generations. "
        f"{study.RULE}"
    )


def findings(found: Found) -> Iterator[study.Block]:
    """Say what came out, for every way of making images."""
    yield fj.reporting.paragraph(fj.reporting.strong(conclude(found.gains, found.proofs)))
    sure = average(study.where(found.records, kind="fooling"), "adaptive")
    for against in dict.fromkeys(gain.against for gain in found.gains):
        question, reached = f"Does smoothing protect test images at {against}? ", ""
        if against in found.scene.ways:
            question = f"Does smoothing keep out images {study.MAKERS[against].words} ({against})? "
            medians = [row.values["adaptive"].mean for row in sure.where(against=against).rows[1:]]
            ends = dict.fromkeys(study.sure(end) for end in (min(medians), max(medians)))
            reached = f" Made knowing it, such images reach a median of {' to '.join(ends)}."
        yield fj.reporting.paragraph(
            fj.reporting.strong(question), f"{study.verdicts(found.gains, against)}{reached}"
        )
    if study.counts(found.gains)["stays"]:
        yield (
            "A gain that stays has withstood the attacks of this page; a better attack may still "
            "take it away. Only a certificate says more than that."
        )
    caption = (
        "Percentage points: of test images right under attack, or by which the median confidence "
        "in fooling images falls, both compared with the bare network."
    )
    gains = study.table_of_gains(found.gains, caption, "the networks")
    yield study.Folded("Every gain as a number", [gains])


def perturbed(found: Found) -> Iterator[study.Block]:
    """Show how many test images are right, by defense and attack."""
    records = study.where(found.records, kind="perturbed")
    yield study.knowing(
        "perturbed",
        records,
        {f"epsilon {one:g}": f"{one:g}" for one in found.config.epsilons},
        "Share of test images right, by defense and attack. Rows: ways of smoothing, the bare "
        "network first. Columns: unchanged test images (accuracy on "
        f"{len(found.scene.test.labels)}), then attacked by who does not know about the smoothing "
        "and by who does. Two columns that differ much are a gain that only seemed so.",
        "share of test images still right",
        "unchanged",
    )
    keys, titles = {"defense": "Smoothing", "against": "Attacked at"}, {"unchanged": "Unchanged"}
    titles |= {"naive": "Not knowing", "gradient": "By gradient", "adaptive": "Knowing"}
    caption = "Share of test images right"
    shares = average(records, *titles)
    table = study.numbers(shares, keys, titles, caption, intervals_over="the networks")
    yield study.Folded("The same as numbers, by attack", [table])


def fooling(found: Found) -> Iterator[study.Block]:
    """Show how sure networks are of images that show nothing, and these images."""
    scene, records = found.scene, study.where(found.records, kind="fooling")
    yield study.knowing(
        "fooling",
        records,
        {name: name for name in scene.ways},
        "Median confidence in fooling images, by defense and generator. How sure the smoothed "
        "networks are of images that show nothing, median over classes: of images made for the "
        "bare network (not knowing), and of images made against the smoothed one (knowing).",
        "median confidence in fooling images",
    )
    first = next(iter(scene.networks))
    cells = {name: found.results.one(defense=name, network=first) for name in scene.filters}
    bare = next(iter(cells.values()))
    seen = [scene.real.images[0], *(bare[f"{name}-images"][0] for name in scene.ways)]
    rows = ["test image", *scene.ways]
    yield study.images(
        "views",
        np.stack([one.view(np.stack(seen)) for one in scene.filters.values()], axis=1),
        [list(scene.filters)] * len(rows),
        "What the network sees behind each defense. A test image, and images made for the bare "
        "network (first class), behind each way of smoothing. Of the random ones this is one draw.",
        row_names=rows,
    )
    middle = study.summarize(records, BY, ["cost"], "network", study.span)

    def cost(row: study.Row) -> str:
        needed = middle.value("cost", **row.keys).mean
        return "not reached" if needed == np.inf else "" if np.isnan(needed) else f"{needed:,.0f}"

    limit = fj.reporting.percent(TAU)
    means = average(records, "naive", "adaptive", "adaptive_above")
    sure = lambda way: lambda row: study.sure(row.values[way].mean)
    more = {
        "Not knowing": sure("naive"),
        "Knowing": sure("adaptive"),
        f"Above {limit}": lambda row: study.share(row.values["adaptive_above"].mean),
        "Images needed": cost,
    }
    caption = (
        f"Median confidence; share of classes above {limit}; images shown to the network until the "
        f"median class was above {limit} for the adversary"
    )
    keys = {"defense": "Smoothing", "against": "Made by"}
    lines = study.numbers(means, keys, {}, caption, more)
    yield study.Folded("The same as numbers, and what it costs", [lines])
    for name in scene.ways:
        sure_of = lambda one: [study.sure(x) for x in one[f"{name}-confidence"][:10]]  # noqa: B023
        figure = study.images(
            name,
            [one[f"{name}-images"][:10] for one in cells.values()],
            [sure_of(one) for one in cells.values()],
            f"Images made against each defense ({name}). Made against the first network behind "
            "each way of smoothing; below each, how sure that network is of the class above the "
            "column.",
            row_names=list(scene.filters),
            column_names=scene.test.class_names[:10],
        )
        yield study.Folded(f"The images {study.MAKERS[name].words}", [figure])


def certain(found: Found) -> Iterator[study.Block]:
    """Say what randomized smoothing certifies, and whether attacks agree."""
    verdict = "That is more than the certificates allow: something is wrong with them."
    if not any(one["attacked"] for one in found.proofs.values()):
        verdict = "With nothing certified, nothing was put to the test."
    elif all(one["sound"] for one in found.proofs.values()):
        verdict = "That agrees with the certificates."
    yield (
        "Randomized smoothing can prove that no change of a certain Euclidean length alters its "
        f"answer, except with probability {found.config.alpha:g}. The networks had not learned "
        "from noisy images, as they would have to for large radii. Each certified image was "
        "attacked inside its radius, by gradients through the mean over noises: "
        f"{broken(found.proofs)} answers became others. {verdict}"
    )
    yield study.lines(
        "certified",
        found.curve,
        "length",
        "share",
        "defense",
        "Certified accuracy against the radius. Share of test images that are certified and right, "
        "against the length of the change that certainly does no harm. Each line ends where the "
        "number of noisy copies can prove no more.",
        intervals_over="the networks",
        x_label="Euclidean length of the change",
        y_label="share certified and right",
        shares=True,
    )
    radius = lambda one: (f"{one['median_radius']:.3f}", study.share(one["abstained"]))
    sound = lambda one: ("yes" if one["sound"] else "no", study.share(one["broken_beyond"]))
    rows = [
        (name, *radius(one), broken({name: one}), *sound(one)) for name, one in found.proofs.items()
    ]
    titles = ("", "Median radius", "Abstains", "Broken inside", "Sound", "Broken outside")
    yield fj.reporting.table(
        titles,
        rows,
        f"Outside: at {fj.analysis.BEYOND:g} times the radius, where the same attack may succeed "
        "and shows that it can",
    )
