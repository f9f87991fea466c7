"""The page of a finished ``experiments.imagine`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import BEYOND, MIXED, REAL, SIGMA, UNIFORM, Found, Tables, drawn_at

#: The first columns of every table.
ABOUT: dict[str, Callable[[study.Row], str]] = {
    "Network": lambda row: row.keys["network"],
    "Tilt": lambda row: f"{row.keys['tilt']:g}",
}

BRACKETS = "In brackets 95 % intervals over the repeats. "


def report(found: Found, tables: Tables) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    network, low, high = found.config.networks[0], min(found.config.tilts), max(found.config.tilts)
    median = lambda tilt: tables.confidence.value("confidence", network=network, tilt=tilt).mean
    like = tables.chains.value("own_correlation", network=network, tilt=high).mean
    figures = [(study.sure(median(low)), f"median confidence in what is drawn at tilt {low:g}")]
    if high > low:
        figures.append((study.sure(median(high)), f"the same at tilt {high:g}"))
    figures.append((f"{like:.2f}", "correlation of these with their class, 1 being the mean image"))
    yield study.Opening(
        "What do the same weights generate?",
        "A classifier's logits can be taken for a density of images: the more a logit says, the "
        "likelier the image. Here images are drawn from it.",
        figures,
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield from findings(found, tables)
    yield study.Heading("What it looks like")
    for name in found.scene.networks.each:
        yield pictures(found, name)
    yield study.Heading("Did the chains mix?")
    yield from mixing(found, tables)
    yield study.Heading("Would a density tell fooling images from real ones?")
    yield from densities(found, tables)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, scene = found.config, found.scene
    words = fj.analysis.MEASURES[config.measure].words
    yield (
        "A network gives an image a number for each class, the logit. Read as a model of images, "
        "an image of a class is more probable than another one by the exponential of the "
        "difference of their logits; where logits do not differ, all images of a reference are "
        f"equally probable: images drawn {words}. The tilt multiplies the logit. At 1 the weights "
        "are taken literally: the softmax is what Bayes' rule makes of such densities, up to their "
        "normalizers. A higher tilt favors high logits more, as a lower temperature does."
    )
    yield (
        f"For each of {len(scene.classes)} classes and each tilt, {config.chains} chains of "
        f"{config.steps:,} steps each draw from this density, {study.anew(config.repeats)}. A "
        "step goes some way up the gradient of the logit, adds noise, and is taken or refused such "
        "that the density stays exactly as it is, for any size of the step (preconditioned "
        "Crank-Nicolson Langevin). The first half of the steps only sets the size and does not "
        f"count. An image is compared with its class after a blur of {SIGMA:g} pixels: with the "
        "class's mean training image, less the mean of all classes."
    )


def findings(found: Found, tables: Tables) -> Iterator[study.Block]:
    """Say in words what the numbers say, and no more."""
    for name in found.scene.networks.each:
        said = []
        for tilt in sorted(found.config.tilts):
            sure = tables.confidence.value("confidence", network=name, tilt=tilt)
            named = study.spell(tables.chains.value("named", network=name, tilt=tilt))
            words = f"a median confidence of {study.spell(sure, study.sure)}"
            said.append(f"at tilt {tilt:g} {words}, and {named} are most like their own class")
        yield fj.reporting.paragraph(fj.reporting.strong(name), ": ", "; ".join(said), ".")
    low = min(found.config.tilts)
    if tables.confidence.value("confidence", network=found.config.networks[0], tilt=low).mean < 0.5:
        yield (
            f"At tilt {low:g}{', the weights read literally,' if low == 1 else ''} the network "
            "draws images that it is itself not sure of: it is a model of noise. Nearly all images "
            "are noise, and a few units of logit do not pay for leaving so many of them. Training "
            "has taught it which class a picture shows, not what pictures look like; to be a "
            "generator, a network must be trained as one."
        )

    def without_chains(row: study.Row) -> str:
        curves = [one.values for one in tables.normalizers.where(**row.keys).rows]
        if not curves or any(one["beyond"].mean > BEYOND for one in curves):
            return _plain(np.nan)
        return _plain(float(np.mean([one["mean_by_curve"].mean for one in curves])))

    yield study.tabulate(
        study.join(tables.confidence, tables.chains).rows,
        {
            **ABOUT,
            "Median confidence": study.spelled("confidence", study.sure),
            "Correlation with own class": study.spelled("own_correlation", _plain),
            "Most like own class": study.spelled("named"),
            "Mean logit of the chains": study.spelled("logit", _plain),
            "Mean logit without chains": without_chains,
        },
        f"{study.of_several(found.config.repeats, BRACKETS)}"
        "Most like own class: share of images that "
        "are more like the mean image of their own class than like any other; by guessing 1 in "
        f"{len(found.scene.classes)}. The mean logit without chains follows from how "
        "probable each logit is (last section): where it agrees with that of the chains both can "
        "be believed, for they share nothing but the network.",
    )


def pictures(found: Found, network: str) -> study.Figure:
    """Show the last state of the first chain of each class, a row for each tilt."""
    names, tilts = found.scene.networks.class_names, sorted(found.config.tilts)
    cells = [found.results.one(network=network, tilt=tilt, repeat=0) for tilt in tilts]
    caption = (
        f"What the {network} network draws, a column for each class and a row for each tilt. "
        "These are the last images of the first chain of each class, of the first repeat, not "
        "selected. How to read it: going down, the logit outweighs the noise more and more. Below "
        "each: the network's confidence in the class."
    )
    return study.images(
        f"drawn_{network}",
        [cell["images"][:, 0] for cell in cells],
        [[study.sure(float(one)) for one in cell["confidence"][:, 0]] for cell in cells],
        caption,
        row_names=[f"tilt {tilt:g}" for tilt in tilts],
        column_names=study.short_names([names[label] for label in found.scene.classes]),
    )


def mixing(found: Found, tables: Tables) -> Iterator[study.Block]:
    """Say how far the chains can be believed."""
    config = found.config
    chains = lambda row: study.where(found.records, part="chains", **row.keys)
    r_hats = lambda row: [np.inf if one["r_hat"] is None else one["r_hat"] for one in chains(row)]
    mixed: dict[bool, list[str]] = {True: [], False: []}
    for row in tables.chains.rows:
        name = f"{row.keys['network']} at tilt {row.keys['tilt']:g}"
        mixed[max(r_hats(row)) <= MIXED].append(name)
    good, bad = ", ".join(mixed[True]), ", ".join(mixed[False])
    if good:
        yield (
            f"Mixed, by the logit: {good}. Chains of a class started from different "
            "images and went through the same logits: their images are draws from the density."
        )
    if bad:
        yield (
            f"Not mixed in {config.steps:,} steps: {bad}. Chains of a class are still "
            "at different logits. Each step is exact all the same; but these are images that a "
            "chain reaches, not yet fair draws, and numbers would move with more --steps."
        )
    yield study.tabulate(
        tables.chains.rows,
        {
            **ABOUT,
            "Steps accepted": study.spelled("acceptance", _plain),
            "R-hat": study.spelled("r_hat", _plain),
            "Worth independent draws": study.spelled("effective", _plain),
            "Worst R-hat": lambda row: _plain(max(r_hats(row))),
        },
        "R-hat compares the spread of all chains of a class with that of each half of one, by the "
        f"logit: 1 is mixed, above {MIXED:g} not. Worth independent draws: of the "
        f"{config.chains * (config.steps - config.steps // 2):,} images of all chains of a class, "
        "how many independent ones would say as much. Means over classes"
        f"{study.of_several(config.repeats, ' and repeats, in brackets 95 % intervals')}; the last "
        "column is the worst class of any. A good share of accepted steps is 0.57.",
    )
    network = found.config.networks[0]
    steps = np.unique(np.linspace(0, config.steps - 1, 200).astype(int))
    first = lambda tilt: found.results.one(network=network, tilt=tilt, repeat=0)["scores"]
    grids = {
        f"tilt {tilt:g}": np.concatenate(first(tilt))[:, steps] for tilt in sorted(config.tilts)
    }
    caption = (
        f"Logits along the chains of the {network} network. Lines: mean over all chains of all "
        f"classes{study.of_several(config.repeats, ' of the first repeat')}; shaded: from the "
        "lowest to the highest chain. Where a line still climbs at its end, the chains have not "
        "arrived."
    )
    yield study.ranges("chains", steps + 1, grids, caption, x_label="step", y_label="logit")


def densities(found: Found, tables: Tables) -> Iterator[study.Block]:
    """Compare the densities that images get, and say whether they tell fooling ones."""
    config, makers = found.config, found.scene.makers.items()
    if not tables.densities.rows:
        far = "--depth is too small for all tilts"
        other = f"real images are images of --measure {UNIFORM} only"
        yield f"Not measured: {far if config.measure == UNIFORM else other}."
        return
    yield (
        "The paper that found fooling images hoped that a network which knew how probable an image "
        "is would see that they are not. So here is p(x), the even mixture of the classes drawn, "
        "in nats above the reference, where every image has 0. It takes each class's log Z, which "
        "follows from how probable every logit is among images of the reference; multilevel "
        f"splitting finds that down to e^-{config.depth:g}. A tilt of which more than "
        f"{100 * BEYOND:g} % of Z lies beyond that is left out."
    )
    network = tables.densities.rows[0].keys["network"]
    tilt = min(tables.densities.where(network=network).names("tilt"))
    kinds = {name: "made to fool it" if maker.fools else "a control" for name, maker in makers}
    kinds[drawn_at(max(config.tilts))] = "by its own chains"
    yield f"What the {network} network's p(x) at tilt {tilt:g} says of each kind of images:"
    for name, made in kinds.items():
        higher = tables.densities.value("auroc", network=network, tilt=tilt, images=name)
        verdict = "less probable than" if higher.low > 0.5 else "not to be told from"
        verdict = "more probable than" if higher.high < 0.5 else verdict
        yield fj.reporting.paragraph(
            fj.reporting.strong(name),
            f" ({made}): {verdict} real ones, which have the higher p(x) in {study.spell(higher)} "
            "of all pairs.",
        )

    def area(name: str) -> Callable[[study.Row], str]:
        write = study.spelled(name)
        return lambda row: "" if row.keys["images"] == REAL else write(row)

    yield study.tabulate(
        tables.densities.rows,
        {
            **ABOUT,
            "Images": lambda row: row.keys["images"],
            "log p(x), nats": study.spelled("log_p", _plain),
            "Real one higher: by p(x)": area("auroc"),
            "by p(x) without log Z (energy)": area("auroc_energy"),
            "by confidence": area("auroc_confidence"),
        },
        f"Images: {REAL} test images that the networks get right, others made to fool, controls, "
        "and the last images of the chains. Last columns: how often a real image has the "
        "higher score, of all pairs with an image of this kind (the area under the ROC curve): "
        "50 % is no help, below it the score prefers the other image. "
        f"{study.of_several(found.config.repeats, BRACKETS)}",
    )
    yield (
        "Makers stop where the network is certain, which is far from where its logits end: colder "
        "chains climb on, and a threshold on p(x) that real images pass lets them through where "
        "their p(x) is higher. Nor is density what draws look like: each real image may be far "
        f"more probable than those {drawn_at(tilt)} from this very density, and yet none is ever "
        "drawn, because there are so few of them."
    )
    columns = {
        **ABOUT,
        "Class": lambda row: found.scene.networks.class_names[row.keys["class"]],
        "log Z": study.spelled("log_z", _plain),
        "Mean logit": study.spelled("mean_by_curve", _plain),
        "Beyond the curve": lambda row: f"{100 * row.values['beyond'].mean:.2g} %",
    }
    words = (
        f"{study.of_several(found.config.repeats, BRACKETS)}"
        "Natural logarithms. Where more than a little of Z lies "
        "beyond the end of the curve, the numbers are lower bounds: give a larger --depth."
    )
    table = study.tabulate(tables.normalizers.rows, columns, words)
    yield study.Folded("log Z of every class", [table])


def _plain(value: float) -> str:
    """Write a number of any size and sign."""
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}") if np.isfinite(value) else "not known"
