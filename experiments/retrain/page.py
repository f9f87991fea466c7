"""The page of a finished ``experiments.retrain`` run, for somebody who did not run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import REAL
from .numbers import SURE, UNSURE, Found, trend

_PLAYED = 12  # images that can be heard or watched
INTERVALS = "95 % over the runs (medians: bootstrap, shares: Student's t); one network a round"
TITLES = {
    "untested": "Runs too short to tell whether learning fooling images helps",
    "no": "Learning what fooling images look like does not keep a network from being fooled",
    "yes": "Learning what fooling images look like makes networks harder to fool",
    "partly": "Learning what fooling images look like helps some networks, not all",
    "harder": "Learning what fooling images look like makes new ones harder to find",
}


def conclude(found: Found) -> str:
    """Say in words what the numbers of this run say."""
    config, (first, *later) = found.config, found.medians
    kind, end, control = config.encoding[0], config.networks, study.CONTROL
    sure, unsure = (sum(one >= SURE for one in later), sum(one <= UNSURE for one in later))
    fooled, called = found.old_and_new("fooled")[1], found.old_and_new("fooling")[0]
    effort = [found.effort(kind, network) for network in (1, end)]
    made = found.tenth.column("network", "surest_tenth", attack=kind)
    tenth = lambda network: study.sure(made[network].mean)
    last = found.sure.where(network=end).column("attack", "confidence").items()
    others = [f"{name} {study.sure(median.mean)}" for name, median in last if name != kind]
    return (
        f"{TITLES[found.verdict]}. Images evolved for {config.evolving.generations} generations "
        f"make DNN 1 sure by a median of {study.sure(first)}. Half of the new images make {sure} "
        f"of {study.plural(len(later), 'retrained network')} at least {study.share(SURE)} sure, "
        f"{unsure} at most {study.share(UNSURE)}. The last one, DNN {end}: median "
        f"{study.sure(later[-1])}, {study.share(fooled)} of the new images called what they were "
        f"made to be; of images made for earlier networks it calls {study.share(called)} fooling. "
        f"A tenth of the images exceed {tenth(1)} for DNN 1, {tenth(control)} for the control, "
        f"{tenth(end)} for the last. "
        f"First generation with a median above 99 %: {effort[0]} (DNN 1), {effort[1]} (the last)."
        + (f" Other ways, median against the last: {', '.join(others)}." if others else "")
    )


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    wrong = found.shares.value("fooled", images=REAL, network=found.config.networks).mean
    yield study.Opening(
        TITLES[found.verdict],
        "Images that mean nothing to people fool networks. An obvious remedy: teach the network "
        "to call them “fooling”. Then whoever wants to fool it begins again, knowing it.",
        [
            (study.sure(found.medians[0]), "median confidence in images evolved against DNN 1"),
            (study.sure(found.medians[-1]), "in images evolved anew against the last network"),
            (study.share(found.old_and_new("fooling")[0]), "of older images it calls fooling"),
            (study.share(wrong), "of its answers to real images are wrong"),
            (study.duration(found.results.seconds), "of computing"),
        ],
    )
    yield from study.sections(
        {
            "What was done": story(found),
            "Does it help?": rounds(found),
            "What the images look like": looks(found),
            "What does the fooling class recognize?": recognized(found),
            "How hard is the search?": [search(found)],
        },
    )


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done, for somebody who did not run it."""
    config, scene, data = found.config, found.scene.rounds, found.config.victim.dataset
    sizes = config.evolving
    yield from study.note(scene.medium, scene.train.input_shape)
    first = f"({config.victim.model}) was trained on {len(scene.train.labels):,} images of {data}"
    again = "from scratch on everything"
    control = "like DNN 1, from other starting weights. What lies between these two is chance"
    if scene.origin is not None:
        first = f"is {scene.origin}, and one more column, the mean of all others"
        again = f"from there on, on {len(scene.train.labels):,} images of {data} and that class"
        control = (
            "DNN 1, trained on as the others, but on real images alone. What lies between these "
            "two is what such training does by itself"
        )
    more = ""
    if config.networks > 2:
        more = (
            f", images were made against it in the same way, {scene.added_images:,} more joined "
            f"the class, and so on up to DNN {config.networks}"
        )
    if len(found.names) < scene.train.num_classes:
        yield (
            f"Images were made for {len(found.names)} of {scene.train.num_classes:,} classes, "
            f"drawn at random; the others are only answers: {', '.join(found.names)}."
        )
    yield (
        f"DNN 1 {first}. Images were made against it in many short independent runs "
        f"({' and '.join(config.encoding)}), and {scene.learned(2):,} of the first and of the last "
        f"generation were put into one further class, “fooling”. DNN 2 was trained {again}{more}. "
        f"Errors are of {len(scene.test.labels):,} test images."
    )
    yield (
        "How easily a network is fooled was measured by "
        f"{study.plural(config.runs, 'further run')} of each kind below (evolution: "
        f"{sizes.generations} generations of {sizes.children} images), begun anew against that "
        "very network. Their images were never trained on. The confidence is the network's in the "
        "class that an image is to show, the fooling class being among the answers: whoever makes "
        f"the images knows about it and must avoid it. DNN 0 is a control: {control}."
    )
    learned = lambda name: "yes" if name in config.encoding else "never"
    kinds = [(name, study.MAKERS[name].about, learned(name)) for name in config.attacks]
    yield fj.reporting.table(("Images", "How they were made", "In the fooling class"), kinds)
    sure, unsure = study.share(SURE), study.share(UNSURE)
    yield (
        f"Intervals: {INTERVALS}, so differences between networks hold chance in the training, "
        f"too. The runs count as too short if the first network's median is below {sure}: then "
        "all they can show is that new images are harder to find, if those made for each retrained "
        "network are less sure than those for DNN 1 and the control (p below 0.05). Otherwise "
        "retraining counts as no help if the median of every retrained network is at least "
        f"{sure}, as help if each is at most {unsure}, else as help in part."
    )


def old_and_new(found: Found) -> str:
    """Compare what images made for earlier networks say with what those made anew say."""
    if found.verdict == "untested":
        return "Give evolution more --generations or --children."
    if found.verdict == "harder":
        return (
            "Whether the defense holds cannot be said, for evolution of this length does not even "
            "make DNN 1 sure. Give it more --generations or --children."
        )
    naive, anew = found.old_and_new("fooled")
    again = study.share(anew)
    then = f"the defense does not even look good; of images made for it {again} do."
    if naive < 0.5 <= anew:
        then = (
            "the defense looks good. That is no measure of it: of images made for this network "
            f"{again} do. What it has learned are the old images."
        )
    elif anew < 0.5:
        then = (
            f"and by images made for it, {again} of which do, the defense holds against evolution "
            "of this length. A longer search, or another, may still succeed."
        )
    return (
        f"Judged by images made for earlier networks, {study.share(naive)} of which still fool DNN "
        f"{found.config.networks}, {then}"
    )


def rounds(found: Found) -> Iterator[study.Block]:
    """Show what images made anew reach, network after network."""
    yield fj.reporting.paragraph(fj.reporting.strong("In short. "), conclude(found))
    yield old_and_new(found)
    if (line := trend(found.medians)) is not None:
        seen = "there is a trend" if line["p"] < 0.05 else "no trend is to be seen"
        yield (
            f"Over the retrained networks {seen} (Spearman's correlation of round and median "
            f"{line['rho']:+.2f}, p = {line['p']:.2g})."
        )
    caption = (
        "Median confidence in images made anew, network after network. How to read it: a line "
        f"that stays at the top means that retraining does not help. Shaded: {INTERVALS}. Dashed: "
        "medians of the paper's figures 11 and 12, where that many networks are shown."
    )
    looks = {"y_label": "median confidence in new images", "shares": True}
    looks["x_label"] = "network: 0 and 1 have seen no fooling images, each later one more of them"
    looks["dashed"] = found.paper.names("attack")
    table = study.Table(found.sure.rows + found.paper.rows)
    yield study.lines("medians", table, "network", "confidence", "attack", caption, **looks)
    attacks = dict.fromkeys((found.config.encoding[0], *found.config.attacks))
    first, *others = (numbers(found, name) for name in attacks)
    yield from (first, study.Folded("The same for the other ways of making images", others))


def numbers(found: Found, attack: str) -> fj.reporting.Html:
    """Write what images made anew reach, a line for each network."""
    sure = found.sure.column("network", "confidence", attack=attack)
    tenth = found.tenth.column("network", "surest_tenth", attack=attack)
    table = found.shares.where(images=REAL)
    real = lambda measure, one: study.share(table.value(measure, network=one).mean)

    def test(network: int) -> str:
        higher, p = found.against(attack, network)
        return f"p = {p:.2g} ({study.share(higher)})" if network != 1 else ""

    columns: dict[str, Callable[[int], str]] = {
        "Median confidence": lambda one: study.spell(sure[one], study.sure),
        "Surest tenth": lambda one: study.spell(tenth[one], study.sure),
        "Test against DNN 1": test,
        "First generation above 99 %": lambda one: str(found.effort(attack, one)),
        "Fooling images learned": lambda one: f"{found.scene.rounds.learned(one):,}",
        "Errors on real images": lambda one: real("fooled", one),
        "Real images called fooling": lambda one: real("fooling", one),
    }
    if attack == "cppn":
        paper = found.paper.column("network", "confidence")
        percent = lambda one: f"{100 * paper[one].mean:.2f} %" if one in paper else ""
        columns["The paper's median"] = percent
    caption = (
        f"Images made anew: {attack}. Surest tenth: what a tenth of them exceed. Test: "
        "Mann-Whitney's U, two-sided, of the confidences in all images; in brackets how often an "
        "image made for DNN 1 is the surer of two."
    )
    measures = {"fooled": "Called what they show", "fooling": "Called fooling"}
    more = {name: lambda row, of=of: of(row.keys["network"]) for name, of in columns.items()}
    return study.numbers(found.anew(attack), {"network": "DNN"}, measures, caption, more)


def looks(found: Found) -> Iterator[study.Block]:
    """Show images of the first run against each network; those of the last can be heard, too."""
    networks, names, kind = (
        range(1, found.config.networks + 1),
        found.names,
        found.config.encoding[0],
    )
    of = lambda part: found.results.stacked(part, attack=kind, run=0)[1:]  # not of the control
    medium, made = found.scene.rounds.medium, fj.data.as_float(of("images"))
    images, sure = study.as_pictures(medium, np.asarray(made)), of("confidence")
    if isinstance(medium, fj.media.Pictures):
        images = fj.data.resize.shrink(images, study.SIDE)
    draw = lambda path: fj.reporting.gallery(
        path,
        images,
        sure,
        names,
        row_names=[f"DNN {network}" for network in networks],
        max_pictures=max(100, min(len(names), 10) * len(networks)),
    )
    caption = (
        "Images evolved against each network, one column for each class. The first run against "
        "each network, not selected; below each image how sure that network is of the class. Do "
        "later rows look more like what they are to show?"
    )
    yield study.Figure("gallery", draw, caption)
    captions = [f"{name} for DNN {networks[-1]}" for name in names[:_PLAYED]]
    shares = [study.sure(one) for one in sure[-1, :_PLAYED]]
    yield study.experience(medium, np.asarray(made[-1, :_PLAYED]), captions, shares)


def recognized(found: Found) -> Iterator[study.Block]:
    """Show what networks call fooling: images made for each of them, and others."""
    pairs = found.shares
    kinds = {REAL: pairs.where(images=REAL)}
    for name in found.config.attacks:
        kinds[f"{name}, made for DNN 1"] = pairs.where(images=name, made_for=1)
        kinds[f"{name}, made anew"] = found.anew(name)
    kinds |= {name: pairs.where(images=name) for name in found.scene.unrelated}
    table, last = study.stack("kind", kinds), found.config.networks
    called = table.where(network=last).column("kind", "fooling").items()
    said = (f"{study.spell(share)} of {kind}" for kind, share in called)
    yield f"DNN {last} calls fooling: {'; '.join(said)}."
    caption = (
        "Share called fooling, by kind of image and network. “Made for DNN 1”: the same images for "
        "all networks; “made anew”: made against the network of that column."
    )
    looks = {"label": "share called fooling", "column_label": "shown to DNN", "row_label": "images"}
    yield study.matrix("unrelated", table, "kind", "network", "fooling", caption, **looks)
    looks["row_label"] = "made for DNN"
    axes, blocks = ("made_for", "network", "fooling"), []
    for name in found.config.attacks:
        caption = (
            f"Share called fooling of {name} images: rows made for, columns shown to. Below the "
            "diagonal are networks older than the images, above it those trained after such images "
            "had joined the class."
        )
        figure, table = f"pairs_{name}", pairs.where(images=name)
        blocks.append(study.matrix(figure, table, *axes, caption, **looks))
    yield study.Folded("Images of every network, shown to every network", blocks)


def search(found: Found) -> study.Block:
    """Show how long evolution has to search."""
    last, rows = found.config.networks, found.course.where(attack=found.config.encoding[0]).rows
    some = {study.CONTROL, *np.linspace(1, last, min(5, last)).astype(int)}
    table = study.Table(tuple(row for row in rows if row.keys["network"] in some))
    caption = (
        "Median confidence by generation, for several networks. How to read it: the further right "
        "a line rises, the longer evolution has to search. A defense may be worth that much even "
        "where it fails in the end. Medians over the classes, then over the runs; shaded: from the "
        "lowest run to the highest. Dashed: the control."
    )
    looks = {"x_label": "generation", "y_label": "median confidence", "log_x": True, "shares": True}
    looks["dashed"] = [f"DNN {study.CONTROL}"]
    return study.lines("curves", table, "generation", "median", "name", caption, **looks)
