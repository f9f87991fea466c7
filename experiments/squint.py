"""Squint at images that fool: does a blur show the class that nobody sees?

Run:    python -m experiments.squint
        python -m experiments.squint --dataset mnist --weights lenet.safetensors
        python -m experiments.squint --dataset mnist --recipe adversarial
        python -m experiments.squint --dataset cifar10 --model resnet --shown-to mlp
Cost:   some minutes on two laptop cores (embedded digits, two networks, five runs); the
        blur costs nothing, making the images does. Of ImageNet's networks ask little, with
        images of every class: --runs 2 --shown-to --generators near_noise noise real
        --sigma 10 --sigmas 0 5 10 20. To evolve for a thousand classes takes hours there.
Expect: images whose every pixel evolved look like noise, and after a blur are as like
        their class as real digits are; noise that nobody changed is less so.
Source: Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897 ("unrecognizable" images).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Fooling, NotNegative, Positive, RunFlags, Several, Some, Victim

#: The column of a table and axis of a curve, and what it shows.
MEASURES = {
    "own": (
        "Correlation with the own class",
        "How like their class images are, by how much both are blurred",
    ),
    "named_by_template": (
        "Share most like its own class",
        "How many images are more like their own class than like any other",
    ),
    "kept": (
        "Share that the network names as before",
        "How many blurred images the network names as it named them before",
    ),
    "named_by_others": (
        "Share named so by other networks",
        "How many blurred images other networks take for the class in question",
    ),
}
CORRELATIONS, SHARES = ("own", "others"), ("named_by_template", "kept", "named_by_others")
PERMUTATIONS = 5000
REAL = "real"
PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015: images that networks are certain of and people do not recognize",
    "1603.05766": "B. Phipson and G. Smyth, “Permutation p-values should never be zero”, 2010",
}


@dataclass(frozen=True)
class Config:
    """Squint at images that fool.

    Attributes:
        victim: the data, and the network that images are made for.
        fooling: how images are made; --runs is how often, from other random numbers.
        shown_to: further networks, as --model takes them: images are made for them too,
            and each is shown the blurred images of all; none where the flag stands alone.
        generators: kinds of images: direct and cppn (evolved), ascent and others (gradient),
            noise and others (controls: nobody looks at the network), real (test images). An
            unknown name lists them all.
        sigma: standard deviation, in pixels, of the blur that the page is about.
        sigmas: of the curves.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    fooling: Fooling = field(default_factory=lambda: Fooling(runs=5, generations=300))
    shown_to: Some[str] = ("mlp",)
    generators: Several[str] = ("direct", "cppn", "ascent", "noise", REAL)
    sigma: Positive = 1.5
    sigmas: Several[NotNegative] = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
    run: RunFlags = field(default_factory=RunFlags)

    @property
    def widths(self) -> list[float]:
        """All standard deviations of a blur, ascending."""
        return sorted({*self.sigmas, self.sigma})


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60, model="mlp"),
        fooling=Fooling(20, 2, 5, 12),
        shown_to=("softmax",),
        generators=("direct", "noise", REAL),
        sigmas=(0.0, 1.5),
    ),
}


class Found(NamedTuple):
    """All that the page is about: networks, makers by name, a cell for each set of images."""

    config: Config
    networks: study.Networks
    makers: study.Makers
    results: study.Results
    records: Sequence[study.Record]
    means: study.Table
    patterns: np.ndarray

    def value(self, measure: str, generator: str, network: str) -> fj.metrics.Interval:
        """Return a mean over the runs at the blur that the page is about."""
        sigma = self.config.sigma
        return self.means.value(measure, generator=generator, made_for=network, sigma=sigma)

    def by_network(self, measure: str, generator: str) -> dict[str, float]:
        """Return the means of all networks."""
        return {name: self.value(measure, generator, name).mean for name in self.networks.each}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        known = {**study.FOOLING, REAL: real_images()}
        makers = study.choose("--generators", config.generators, known)
        networks = study.network_and_others(run, "--shown-to", config.shown_to)
        study.refuse_seeing("--generators", makers, known, networks.each.values())
        train = networks.splits.train
        with study.blame("--dataset"):
            patterns = fj.analysis.templates(train.images, train.labels, train.num_classes)
        results = make(run, networks, makers)
        records = list(judge(run, networks, results, patterns))
        found = Found(config, networks, makers, results, records, average(records), patterns)
        at_sigma = lambda measure: {name: found.by_network(measure, name) for name in makers}
        return study.publish(
            run,
            report(found),
            networks.each,
            results,
            records,
            PAPERS,
            keep=("images", "labels"),
            sigma=config.sigma,
            own_correlation=at_sigma("own"),
            named_by_template=at_sigma("named_by_template"),
            p_value=at_sigma("p_value"),
            means=found.means.plain(),
            intervals="95 %, Student's t over the runs; the networks are the same in all",
        )


def real_images() -> study.Maker:
    """Return a maker that hands out real test images: what a class is said to look like."""
    make = lambda key, classifier, material: study.Made(material.images, material.labels)
    return study.Maker(
        "fooling", True, "real test images", "", lambda making, shape: make, blind=True
    )


def make(run: study.Run[Config], networks: study.Networks, makers: study.Makers) -> study.Results:
    """Make all images, blur them, and ask all networks; a cell for each set of images."""
    config, repeats = run.config, range(run.config.fooling.runs)
    ways = study.build("--generators", makers, config.fooling.making, networks.shape)
    train, test = networks.splits
    count, labels, seed = config.fooling.images, np.asarray(test.labels), config.run.seed
    rows = [fj.data.even_rows(labels, count, seed + repeat) for repeat in repeats]
    material = [study.take(test, train, some) for some in rows]

    def show(key: Any, generator: str, made_for: str, repeat: int) -> dict[str, Any]:
        made = ways[generator](key, networks.each[made_for].classifier, material[repeat])
        images = [fj.analysis.blurred(made.images, sigma) for sigma in (0.0, *config.widths)]
        ask = lambda one: np.stack([fj.training.predict(one, some) for some in images])
        answers = np.stack([ask(one) for one in networks.classifiers])
        return {"images": made.images, "labels": made.labels, "answers": answers}

    cells = study.grid(generator=makers, made_for=networks.each, repeat=repeats)
    return study.compute(run, cells, show, "making images")


def judge(
    run: study.Run[Config], networks: study.Networks, results: study.Results, patterns: np.ndarray
) -> Iterator[study.Record]:
    """Yield a record for each set of images and each blur.

    Images of all runs are one kind: what they share is subtracted, and they are tested, together.
    """
    names, config = list(networks.each), run.config
    kinds = dict.fromkeys((cell["generator"], cell["made_for"]) for cell, _ in results.found)
    for generator, made_for in kinds:
        runs = results.where(generator=generator, made_for=made_for).found
        images, labels = gather(runs)
        own_place = names.index(made_for)
        other = [place for place in range(len(names)) if place != own_place]
        ends = np.cumsum([len(arrays["labels"]) for _, arrays in runs])[:-1]
        for place, sigma in enumerate(config.widths, 1):
            about = {"generator": generator, "made_for": made_for, "sigma": sigma}
            key = study.key_of(config.run.seed, **about)
            alike = fj.analysis.resemblance(images, labels, patterns, sigma, key, PERMUTATIONS)
            own, others, named = (np.split(np.asarray(one), ends) for one in alike[:3])
            for i, (cell, arrays) in enumerate(runs):
                answers, truth = arrays["answers"][:, place], arrays["labels"]
                before = arrays["answers"][own_place, 0]
                named_so = float(np.mean(answers[other] == truth)) if other else None
                yield {
                    **cell,
                    "sigma": sigma,
                    "own": float(own[i].mean()),
                    "others": float(others[i].mean()),
                    "named_by_template": float(np.mean(named[i] == truth)),
                    "kept": float(np.mean(answers[own_place] == before)),
                    "named_by_others": named_so,
                    "p_value": float(alike.p_value),
                }


def gather(runs: Sequence[tuple[study.Cell, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Put images, and their classes, of all runs together."""
    images, labels = ([arrays[name] for _, arrays in runs] for name in ("images", "labels"))
    return np.concatenate(images), np.concatenate(labels)


def average(records: Sequence[study.Record]) -> study.Table:
    """Average over the runs: correlations may be negative, shares may not."""
    by = ("generator", "made_for", "sigma")
    alike = study.summarize(records, by, CORRELATIONS, over=study.within(-1.0, 1.0))
    return study.join(alike, study.summarize(records, by, (*SHARES, "p_value")))


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    (first, *others), kinds = found.networks.each, found.config.generators
    kind = next((name for name in kinds if found.makers[name].fools), kinds[0])
    measures = ("own", "named_by_template", "p_value")
    own, named, p_value = (found.value(measure, kind, first).mean for measure in measures)
    shown = [
        (number(own), f"correlation of blurred {kind} images with their class"),
        (study.share(named), f"of blurred {kind} images are most like their class"),
        (f"p = {p_value:.1g}", "chance of as much, had the classes other names"),
    ]
    if REAL in found.makers and kind != REAL:
        real = found.value("own", REAL, first).mean
        shown.insert(1, (number(real), "of real test images with theirs"))
    title = "Squint: does a blur show the class that nobody sees?"
    lead = "Images that networks are sure of are blurred, and compared with what classes look like."
    yield study.Opening(title, lead, shown)
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield picture(found, kind, first)
    yield from findings(found)
    yield study.Heading("How much blur?")
    yield from curves(found, first)
    rest = [picture(found, name, first) for name in found.makers if name not in (kind, REAL)]
    if rest or others:
        yield study.Heading("The other kinds of images, and other networks")
    yield from rest
    yield from (picture(found, kind, name) for name in others)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, names = found.config, ", ".join(found.networks.each)
    yield (
        f"Images were made for networks that know the same pictures ({config.victim.dataset}; "
        f"{names}), {study.anew(config.fooling.runs)}, in the ways "
        "below."
    )
    kind = lambda maker: "control" if maker.control else "fools"
    rows = [(name, kind(maker), maker.words) for name, maker in found.makers.items()]
    yield fj.reporting.table(("Images", "Kind", "These images were"), rows)
    yield (
        "What tells a class from the others is its template: the mean of its training images, less "
        "the mean of all such means. Images and templates were blurred by the same Gaussian "
        f"({config.sigma:g} pixels unless another number is given). From all images of a kind "
        "their mean was subtracted, so that a ground that they share counts for nothing; then each "
        "was correlated with every template over all pixels: 1 is the template itself, 0 no "
        "likeness. The class in question is the one that an image was made to show; of controls "
        "what the network takes them for, and of real images what they show."
    )
    yield (
        "Whether such likeness is chance was tested by calling the classes by each other's names "
        f"{PERMUTATIONS:,} times at random: p is the share of these in which the images were as "
        f"like their classes, {1.0 / (1 + PERMUTATIONS):.1g} at least. Classes count, not images."
    )


def number(value: float) -> str:
    """Write a correlation."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def findings(found: Found) -> Iterator[study.Block]:
    """Say in words what the numbers say, and no more; then all numbers."""
    for generator in found.makers:
        said = []
        for network in found.networks.each:
            value = functools.partial(found.value, generator=generator, network=network)
            said.append(
                f"those for {network} correlate with their class by "
                f"{study.spell(value('own'), number)} (p = {value('p_value').mean:.1g}), "
                f"{study.share(value('named_by_template').mean)} are most like it, and the network "
                f"names {study.share(value('kept').mean)} as before the blur"
            )
        yield fj.reporting.paragraph(fj.reporting.strong(generator), ": ", "; ".join(said), ".")
    write = lambda name: (number,) if name in CORRELATIONS else ()
    rows = [
        (
            *map(str, row.keys.values()),
            *(study.spell(row.values[name], *write(name)) for name in MEASURES),
            f"{row.values['p_value'].mean:.1g}",
        )
        for row in found.means.rows
    ]
    header = ("Images", "Made for", "Blur, pixels", *(one[0] for one in MEASURES.values()), "p")
    over = study.of_several(
        found.config.fooling.runs, " In brackets: 95 % intervals over the runs."
    )
    caption = f"What the columns mean is said below the curves.{over}"
    main = [row for row in rows if row[2] == str(found.config.sigma)]
    yield fj.reporting.table(header, main, caption)
    yield study.Folded("All blurs", [fj.reporting.table(header, rows, sortable=True)])


def curves(found: Found, network: str) -> Iterator[study.Block]:
    """Show likeness, and what networks say, over the blur."""
    drawn = found.means.where(made_for=network)
    for measure, (axis, words) in MEASURES.items():
        looks: dict[str, Any] = {"y_label": axis.lower(), "shares": measure in SHARES}
        looks["intervals_over"] = "the runs"
        looks["x_label"] = "standard deviation of the blur, pixels"
        looks["dashed"] = [name for name, maker in found.makers.items() if maker.control]
        caption = (
            f"{words}. How to read it: each line is a kind of images made for {network}; "
            "controls are dashed."
        )
        if len(found.networks.each) > 1 or measure != "named_by_others":
            yield study.lines(measure, drawn, "sigma", measure, "generator", caption, **looks)


def picture(found: Found, generator: str, network: str) -> study.Figure:
    """Show images of every class, blurred, their mean over the runs, and the class itself."""
    runs = found.results.where(generator=generator, made_for=network).found
    every, labels = gather(runs)
    sigma, classes = found.config.sigma, np.unique(labels)[:10]
    first = [int(np.flatnonzero(labels == label)[0]) for label in classes]
    key = study.key_of(0, picture=generator)
    alike = fj.analysis.resemblance(every, labels, found.patterns, sigma, key, 1)
    soft = np.asarray(fj.analysis.blurred(every, sigma))
    means = np.stack([soft[labels == label].mean(axis=0) for label in classes]) - soft.mean(axis=0)
    train, names = found.networks.splits.train, found.networks.class_names
    shown = [int(np.flatnonzero(np.asarray(train.labels) == label)[0]) for label in classes]
    rows = {
        "as made": every[first],
        "blurred": study.full_range(soft[first]),
        "mean of all runs,\nblurred": study.full_range(means),
        "what tells the\nclass from others": study.full_range(found.patterns[classes]),
        "a real one": fj.data.as_float(train.images[np.array(shown)]),
    }
    said = [f"{number(float(alike.own[i]))}, like {names[int(alike.named[i])]}" for i in first]
    captions = [said if name == "blurred" else [""] * len(first) for name in rows]
    caption = (
        f"Images of kind {generator} made for {network}, and what a blur of {sigma:g} pixels shows "
        "in them. From top to bottom: the first image of each class, not selected; the same "
        "blurred, with its correlation with the class and the class that it is most like; the mean "
        "of all such images, blurred, less what all classes have in common; the template of the "
        "class; a real image. Blurred ones, means and templates are stretched to the full "
        "range from black to white."
    )
    looks = {"row_names": list(rows), "column_names": [names[label] for label in classes]}
    name = f"picture_{generator}_{list(found.networks.each).index(network)}"
    return study.images(name, list(rows.values()), captions, caption, **looks)


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
