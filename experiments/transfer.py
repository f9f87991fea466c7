"""Make images for one network and show them to others: what do those say?

Run:    python -m experiments.transfer
        python -m experiments.transfer --models lenet mlp softmax --network-seeds 2
        python -m experiments.transfer --dataset mnist --generators cppn direct noise
        python -m experiments.transfer --models ds_cnn_s ds_cnn_l cnn_l dnn_l
            --dataset speech_commands --network-seeds 1 --data-dir DIR --weights FOLDER
Cost:   a few minutes on two laptop cores, training included (embedded digits, six
        networks, eight kinds of images, three repeats).
Expect: evolved images fool some other networks too, those of the same architecture
        more often, and none as often as the network that they were made for.
Source: Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897, section 3.5 (evolved images);
        Szegedy et al., 2014, arXiv:1312.6199, section 4 (perturbations).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Confidence, Making, Pieces, RunFlags, Several, Victim

MEASURES = {
    "same_label": "Share given the label in question",
    "sure_label": "Share given it with certainty",
    "any_label": "Share fooled, whatever the label",
    "confidence": "Mean confidence in the label in question",
}
#: What suits other media where nothing else was asked for.
OTHERS: dict[str, dict[str, Any]] = {
    "sounds": {
        "generators": (
            *("partials", "quiet_signs", "quiet_noise", "noise", "pgd", "universal"),
            "random_signs",
        ),
        "making": {"epsilon": 0.001, "epsilon_l2": 0.125, "epsilon_l1": 4.0, "ascent_steps": 50},
    },
    "videos": {"generators": ("cppn", "ascent", "noise", "pgd", "universal", "random_signs")},
}
WAY = dict.fromkeys(("image", "video"), "the way from black to white")
WAY["sound"] = "the way from the lowest to the highest sample that there is"
CONFIDENCES = (0.1, 0.2, 0.5, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999, 0.9997, 0.9999)
PLAYED = 6  # sounds or videos of each maker on the page
PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled”, "
    "CVPR 2015, section 3.5: images evolved for one network shown to another",
    "1312.6199": "C. Szegedy and others, “Intriguing properties of neural networks”, 2014, section "
    "4: the same for perturbed images",
}


@dataclass(frozen=True)
class Config:
    """Make images for one network and show them to others.

    Attributes:
        victim: the data, and how each network is trained.
        making: how images are made.
        models: architectures: softmax, mlp, lenet, resnet, or FILE.py:NAME for your own.
        network_seeds: networks of each architecture, from other starting weights.
        generators: how images are made: direct and cppn (evolved), ascent, sparse and
            others (gradient), noise, mosaic and others (controls: nobody looks at the
            network); and test images changed by any attack of experiments.perturb,
            universal (one change for all of them) or random_signs (a control). An
            unknown name lists them all. Sounds and videos have others unless some are
            given, and sounds a smaller epsilon.
        repeats: how often everything is made anew from other random numbers, with the
            same networks.
        tau: confidence from which on a network counts as sure.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    making: Making = field(default_factory=Making)
    models: Several[str] = ("lenet", "mlp")
    network_seeds: Pieces = 3
    generators: Several[str] = (
        *("direct", "cppn", "ascent", "noise", "pgd", "deepfool", "universal", "random_signs"),
    )
    repeats: Pieces = 3
    tau: Confidence = 0.99
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60),
        making=Making(20, 3, 12, ascent_steps=3, pgd_steps=3, universal_steps=3),
        models=("softmax", "mlp"),
        network_seeds=2,
        generators=("noise", "pgd", "random_signs"),
        repeats=2,
    ),
}


class Found(NamedTuple):
    """All that the page is about: networks, makers by name, a cell for each set of images."""

    config: Config
    networks: study.Networks
    makers: study.Makers
    results: study.Results
    records: Sequence[study.Record]

    @property
    def words(self) -> study.Words:
        """How to speak of what the networks take."""
        return study.words_for(self.networks.first.medium)


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        if len(config.models) * config.network_seeds < 2:
            raise ValueError("--models, --network-seeds: it takes two networks at least")
        makers = study.choose("--generators", config.generators, study.MAKERS)
        refuse = lambda shape, num_classes: study.refuse_texts(shape, study.NO_NUMBERS)
        networks = study.networks(run, config.models, config.network_seeds, fits=refuse)
        study.refuse_seeing("--generators", makers, study.MAKERS, networks.each.values())
        medium = networks.first.medium
        config = study.suit(config, Config(), OTHERS.get(fj.media.kind(medium), {}))
        makers = study.choose("--generators", config.generators, study.MAKERS)
        results = make(run, config, networks, makers)
        records = list(judge(networks, makers, results, config.tau))
        rates = study.summarize(records, ("generator", "relation"), ("fooled", *MEASURES))
        return study.publish(
            run,
            report(Found(config, networks, makers, results, records), rates),
            networks.each,
            results,
            records,
            PAPERS,
            keep=("images", "labels", "logits"),
            rates=rates.plain(),
            intervals="95 %, Student's t over the repeats; the networks are the same in all",
        )


def make(
    run: study.Run[Config], config: Config, networks: study.Networks, makers: study.Makers
) -> study.Results:
    """Make all images and show them to all networks, a cell for each set of images."""
    making, repeats = config.making, range(config.repeats)
    study.afford(networks.shape, repeats=len(repeats), images=making.images)
    ways = study.build("--generators", makers, making, networks.shape)
    real = [study.choose_right(run, networks, making.images, repeat) for repeat in repeats]

    def show(key: Any, generator: str, made_for: str, repeat: int) -> dict[str, Any]:
        made = ways[generator](key, networks.each[made_for].classifier, real[repeat])
        says = [study.logits(one, made.images) for one in networks.classifiers]
        return {"images": made.images, "labels": made.labels, "logits": np.stack(says)}

    cells = study.grid(generator=makers, made_for=networks.each, repeat=repeats)
    return study.compute(run, cells, show, "making images")


def judge(
    networks: study.Networks, makers: study.Makers, results: study.Results, tau: float
) -> Iterator[study.Record]:
    """Yield a record for each set of images and each network that it was shown to."""
    names, classes = list(networks.each), len(networks.class_names)
    for cell, arrays in results.found:
        maker, place = makers[cell["generator"]], names.index(cell["made_for"])
        said = study.judge(maker, arrays["logits"], place, arrays["labels"], classes, tau)
        for name, shares in zip(names, said, strict=True):
            relation = networks.relation(cell["made_for"], name)
            yield {**cell, "shown_to": name, "relation": relation, **shares}


def report(found: Found, rates: study.Table) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    first = next(name for name in ("cppn", "direct", *found.makers) if name in found.makers)
    shares = rates.column("relation", "fooled", generator=first).items()
    words = {
        one: f"of the {first} {found.words.many} fool {study.RELATIONS[one]}" for one, _ in shares
    }
    many = found.words.many
    yield study.Opening(
        f"Do {many} that fool one network fool another?",
        f"{many.capitalize()} were made to fool one network each, and then shown to all the "
        "others.",
        [study.counted(len(found.networks.each), "network")]
        + [(study.share(share.mean), words[one]) for one, share in shares],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What came out")
    yield from findings(found, rates)
    caption = (
        f"Share of {many} that fool, by generator and by how the networks are related. How to read "
        f"it: each line is a way to make {many}, each column a kind of network that they were "
        f"shown to. Fooling {many} count when the class that they were made for is named, "
        "perturbed ones when any wrong class is."
    )
    looks = {"label": f"share of {many} that fool", "column_label": "shown to"}
    looks["intervals_over"] = "the repeats, the networks being the same; others would add to it"
    yield study.matrix("overview", rates, "generator", "relation", "fooled", caption, **looks)
    by = ("generator", "relation", "made_for", "shown_to")
    pairs = study.summarize(found.records, by, ["fooled"])

    def ends(row: study.Row) -> str:
        means = [one.values["fooled"].mean for one in pairs.where(**row.keys).rows]
        return f"{study.share(min(means))} to {study.share(max(means))}"

    caption = (
        "The label in question is the class to be shown, or the wrong class that the first network "
        f"named. With certainty: at least {study.sure(found.config.tau)}; fooling {many} count as "
        "fooling whatever the label only with certainty."
    )
    keys, more = (
        {"generator": many.capitalize(), "relation": "Shown to"},
        {"Lowest and highest pair": ends},
    )
    means = study.numbers(rates, keys, MEASURES, caption, more)
    yield study.Folded("All means over pairs of networks", [means])
    yield from curves(found)
    for name in found.makers:
        yield from gallery(found, name)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, makers = found.config, found.makers.items()
    many, one, count = found.words.many, found.words.one, len(found.networks.each)
    whose = f"the same {found.words.real[1]} ({config.victim.dataset})"
    starts, differs = "one random start", ""
    if config.network_seeds > 1:
        starts = f"{config.network_seeds} different random starts"
        differs = " A network of other weights differs in its random start only."
    trained = (
        f"{count} networks were trained on {whose}: {len(config.models)} architectures "
        f"({', '.join(config.models)}), each from {starts}. "
    )
    if any(name in fj.models.PRETRAINED for name in config.models):
        trained = f"{count} networks came with their weights and know {whose}: "
        trained, differs = f"{trained}{', '.join(config.models)}. ", ""
    yield (
        f"{trained}For every network {many} were made in the ways below, "
        f"{study.anew(config.repeats)}, and shown to every "
        f"network.{differs}"
    )
    made = lambda name: len(found.results.where(generator=name).found[0][1]["labels"])
    kind = lambda maker: "control" if maker.control else maker.kind
    rows = [(name, kind(maker), maker.words, str(made(name))) for name, maker in makers]
    yield fj.reporting.table(
        (many.capitalize(), "Kind", "How they were made", "How many, each time"), rows
    )
    yield (
        f"A fooling {one} shows nothing. It was made to be taken for a certain class, and fools a "
        "network that names this class; by guessing, a network would name it for 1 in "
        f"{len(found.networks.class_names)} {many}. A perturbed {one} is a real test {one}, one "
        "that every network gets right, a little changed; it fools a network that names a wrong "
        f"class. Epsilon is {config.making.epsilon:g} of {WAY[one]}. The controls "
        f"are {many} that nobody fitted to a network: noise counts as made to show what the first "
        "network takes it for, so its row says how far networks agree about noise."
    )
    if one == "sound":
        real = study.splits_of(found.networks.first).test.images
        yield study.table_of_levels(fj.data.as_float(real), [config.making.epsilon])


def findings(found: Found, rates: study.Table) -> Iterator[study.Block]:
    """Say in words what the numbers say, and no more."""
    chance, known = 1.0 / len(found.networks.class_names), fj.attacks.CATALOG.items()
    signs = rates.column("relation", "fooled", generator="random_signs")
    within = [name for name, one in known if (one.norm, one.kind) == ("linf", "ball")]
    for name in (name for name, maker in found.makers.items() if not maker.control):
        said, fooling = [], found.makers[name].kind == "fooling"
        for relation, rate in rates.column("relation", "fooled", generator=name).items():
            said.append(f"{study.spell(rate)} fool {study.RELATIONS[relation]}")
            if fooling and relation != "itself":
                said[-1] += f", {study.against(rate, chance, 'guessing')}"
            elif relation in signs and name in (*within, "universal"):
                random = study.share(signs[relation].mean)
                said[-1] += f" (random changes of the same size: {random})"
        yield fj.reporting.paragraph(fj.reporting.strong(name), ": ", "; ".join(said), ".")
    given = list[str]()
    for name in (name for name in ("direct", "cppn") if name in found.makers):
        shares = rates.column("relation", "sure_label", generator=name).items()
        said = [f"by {study.RELATIONS[one]} in {study.share(share.mean)}" for one, share in shares]
        given.append(f"{name} {found.words.many} {', '.join(said)}")
    if given:
        yield (
            f"With {study.sure(found.config.tau)} or more the class that they were evolved for is "
            f"given to {'; to '.join(given)} of all cases. The paper reports that some images "
            "evolved for one network are named as surely by another, others only by the first."
        )


def curves(found: Found) -> Iterator[study.Block]:
    """Show how many fooling images others name, by the confidence that is asked for."""
    fooling = [name for name, one in found.makers.items() if one[:2] == ("fooling", False)]
    records = [
        {**record, "doubt": 1.0 - sure}
        for sure in CONFIDENCES
        for record in judge(found.networks, found.makers, found.results, sure)
        if record["generator"] in fooling
    ]
    table = study.summarize(records, ("relation", "generator", "doubt"), ["sure_label"])
    if records:
        yield study.Heading("How sure are the other networks?")
    for relation in table.names("relation"):
        many, one = found.words.many, found.words.one
        caption = (
            f"Share of fooling {many} named by {study.RELATIONS[relation]}, by the confidence "
            "asked for. How to read it: the further to the left, the surer the network has to be "
            f"for {'an' if one == 'image' else 'a'} {one} to count; 0.01 stands for a confidence "
            f"of 99 %. The ways to make {many} differ in how sure they make the network itself."
        )
        name, lines = f"sure_for_{relation.replace(' ', '_')}", table.where(relation=relation)
        looks = {"x_label": "doubt allowed (1 - confidence)", "log_x": True, "shares": True}
        looks["intervals_over"] = "the repeats"
        looks["y_label"] = f"share named by {study.RELATIONS[relation]}"
        yield study.lines(name, lines, "doubt", "sure_label", "generator", caption, **looks)


def gallery(found: Found, name: str) -> Iterator[study.Block]:
    """Show examples of a maker's images, and who is fooled by those made for whom."""
    many = found.words.many
    records, axes = study.where(found.records, generator=name), ("made_for", "shown_to")
    pairs = study.summarize(records, axes, MEASURES)

    def draw(measure: str) -> study.Figure:
        words = MEASURES[measure]
        caption = (
            f"{words}, {name} {many}. Line: the network that the {many} were made for; column: the "
            "one that they were shown to. The diagonal is the attack with the weights in hand."
        )
        looks = {"intervals_over": "the repeats", "label": words}
        return study.matrix(f"{measure}_{name}", pairs, *axes, measure, caption, **looks)

    yield study.Heading(f"{many.capitalize()}: {name}")
    yield f"These {many} were {found.makers[name].about}."
    yield examples(found, name)
    yield from heard(found, name)
    main, other = sorted(("any_label", "same_label"), reverse=found.makers[name].kind == "fooling")
    yield draw(main)
    yield study.Folded("Other measures", [draw(other), draw("confidence")])


def heard(found: Found, name: str) -> Iterator[study.Block]:
    """Let the reader hear or watch a few of a maker's sounds or videos."""
    medium, networks = found.networks.first.medium, list(found.networks.each)
    if found.words.one == "image":
        return
    cell = found.results.one(generator=name, made_for=networks[0], repeat=0)
    some = slice(0, PLAYED)
    said = [
        f"{'is' if found.makers[name].kind == 'perturbed' else 'to be'} "
        f"{found.networks.class_names[label]}, {networks[0]}: "
        + study.answer(logits, found.networks.class_names).replace("\n", " ")
        for label, logits in zip(cell["labels"][some], cell["logits"][0, some], strict=True)
    ]
    yield study.Folded(
        f"Some of these {found.words.many}", [study.experience(medium, cell["images"][some], said)]
    )


def examples(found: Found, name: str) -> study.Figure:
    """Show a few images made for two networks, and what those and others say of them."""
    networks, classes = list(found.networks.each), found.networks.class_names
    perturbed = found.makers[name].kind == "perturbed"
    rows = [networks[0], networks[-1]]
    cells = [found.results.one(generator=name, made_for=row, repeat=0) for row in rows]
    columns = study.spread(len(cells[0]["labels"]), 8)

    def say(row: str, cell: study.Arrays, column: int) -> str:
        lines = [f"{'is' if perturbed else 'to be'} {classes[cell['labels'][column]]}"]
        for other in found.networks.related(row).values():
            logits = cell["logits"][networks.index(other), column]
            lines.append(f"{other}: {study.answer(logits, classes)}")
        return "\n".join(lines)

    medium, one = found.networks.first.medium, found.words.one
    shown = [study.as_pictures(medium, cell["images"][columns]) for cell in cells]
    words = [[say(*both, i) for i in columns] for both in zip(rows, cells, strict=True)]
    caption = (
        f"Examples of {name} {found.words.many}, with what several networks say of them. They are "
        f"of the first repeat, not selected. Below each {one} stands what it "
        f"{'is' if perturbed else 'was to be taken for'}, then the answer and the confidence of "
        "the network that it was made for, of one of the same architecture and of one of another."
        f"{study.how_shown(medium)}"
    )
    names = [f"for {row}" for row in rows]
    return study.images(f"examples_{name}", shown, words, caption, row_names=names, columns=8)


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
