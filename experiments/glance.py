"""A first look: what nonsense is a network certain of, and how little makes it err?

Run:    python -m experiments.glance
        python -m experiments.glance --dataset mnist
        python -m experiments.glance --dataset path/to/pictures --model resnet
Cost:   about a minute on two laptop cores, training included (embedded digits, five
        evolutions of pixels and five of patterns).
Expect: pixels that look like static and patterns that look like art, which the network
        names with 99 % confidence and more; blurred, the static shows its class. Noise that
        nobody evolved convinces it of little, and real images need to change very little.
Source: Nguyen, Yosinski and Clune, 2015, Deep Neural Networks are Easily Fooled,
        arXiv:1412.1897; Szegedy et al., 2014, arXiv:1312.6199.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Pieces, Positive, RunFlags, Victim

#: How images come about, and the words for them.
EVOLVED = {"direct": "evolved pixels", "cppn": "evolved patterns"}
NOISE, CHANGED = "noise", "changed"
MOST_SHOWN = 10  # classes
PAPERS = {
    "1412.1897": "A. Nguyen, J. Yosinski and J. Clune, “Deep neural networks are easily fooled: "
    "high confidence predictions for unrecognizable images”, CVPR 2015",
    "1312.6199": "C. Szegedy et al., “Intriguing properties of neural networks”, ICLR 2014",
    "1811.09600": "J. Rony et al., “Decoupling direction and norm”, CVPR 2019 (the attack)",
}
#: Where to go on, by what a reader may ask next.
NEXT = {
    "evolve": "every class, its ancestors, other encodings, your own network",
    "squint": "does a blur show the class, by chance or not?",
    "perturb": "every attack on the same real images",
    "volume": "how much of image space fools like this?",
    "foolbench": "which defense helps, against somebody who knows it?",
}


@dataclass(frozen=True)
class Config:
    """Take a first look at what a network is certain of.

    Attributes:
        victim: the network and its data.
        generations: of each evolution after the random population.
        children: images made in a generation.
        repeats: evolutions of each kind, from other random numbers.
        steps: of the search for the nearest mistake (DDN).
        sigma: standard deviation in pixels of the blur that squints.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=300))
    generations: Count = 200
    children: Batch = 100
    repeats: Pieces = 5
    steps: Count = 50
    sigma: Positive = 1.5
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60), generations=60, children=50, repeats=2
    ),
}


class Found(NamedTuple):
    """All that the page is about: the network, what was made, by kind, and its numbers."""

    config: Config
    network: study.Prepared
    results: study.Results
    table: study.Table

    @property
    def classes(self) -> range:
        """Numbers of the classes that are shown."""
        return range(min(MOST_SHOWN, len(self.class_names)))

    @property
    def names(self) -> Sequence[str]:
        """Names of these classes."""
        return self.class_names[: len(self.classes)]

    @property
    def class_names(self) -> Sequence[str]:
        """Names of all classes."""
        return study.splits_of(self.network).test.class_names

    def median(self, kind: str) -> float:
        """Return the confidence in images of a kind, the median over all."""
        return float(np.median(self.results.one(kind=kind)["confidence"]))


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        network = study.network(run, fits=study.only_pictures)
        study.refuse_no_gradient([network], "--model: steps to the nearest mistake")
        results = make(run, network)
        records = list(judge(results))
        table = study.summarize(records, ("kind",), ("confidence", "named"))
        found = Found(config, network, results, table)
        return study.publish(
            run,
            report(found),
            {config.victim.model: network},
            results,
            records,
            PAPERS,
            keep=("images", "confidence", "answers", "l2"),
            median_confidence={kind: found.median(kind) for kind in (*EVOLVED, NOISE)},
            median_l2=float(np.median(results.one(kind=CHANGED)["l2"])),
            by_kind=table.plain(),
            intervals="95 %, Student's t over the repeats",
        )


def make(run: study.Run[Config], network: study.Prepared) -> study.Results:
    """Evolve images of both kinds, draw as much noise, and change one real image a class.

    Where there are many classes all evolve, and the first few are looked at.
    """
    import jax

    config, classifier = run.config, network.classifier
    shape, classes = classifier.input_shape, np.arange(min(MOST_SHOWN, classifier.num_classes))
    count = config.repeats, len(classes)

    def one(key: Any, kind: str) -> dict[str, Any]:
        if kind == CHANGED:
            return change(config, network, key)
        if kind == NOISE:
            images = np.asarray(jax.random.uniform(key, (*count, *shape), dtype="float32"))
        else:
            space = fj.encodings.CATALOG[kind].build(shape, fj.media.Pictures())
            effort = config.children, config.generations, config.repeats
            images = study.evolve_repeats(key, classifier, space, *effort, classes).images
        logits = study.all_logits(classifier, images.reshape(-1, *shape)).reshape(*count, -1)
        sure = np.asarray(fj.metrics.probabilities(jax.numpy.asarray(logits)))
        asked = np.take_along_axis(sure, classes[None, :, None], axis=2)[..., 0]
        confidence = sure.max(axis=2) if kind == NOISE else asked
        return {"images": images, "confidence": confidence, "answers": logits.argmax(axis=2)}

    return study.compute(run, study.grid(kind=(*EVOLVED, NOISE, CHANGED)), one, "looking")


def change(config: Config, network: study.Prepared, key: Any) -> dict[str, Any]:
    """Look for the nearest mistake beside the first test image of each class it gets right."""
    import jax.numpy as jnp

    test, classifier = study.splits_of(network).test, network.classifier
    labels = np.asarray(test.labels)
    right = fj.training.predict(classifier, test.images) == labels
    rows = [np.flatnonzero(right & (labels == label))[:1] for label in range(MOST_SHOWN)]
    row = np.concatenate(rows)
    if not len(row):
        raise ValueError(
            "--model: the network gets no test image right; train longer (--train-steps)"
        )
    images, goal = fj.data.as_float(test.images[row]), fj.attacks.leave(jnp.asarray(labels[row]))
    found = fj.attacks.run(fj.attacks.ddn(config.steps), key, classifier, images, goal)
    after = np.asarray(fj.metrics.probabilities(study.logits(classifier, found.images)))
    return {
        "originals": images,
        "labels": labels[row],
        "images": found.images,
        "l2": np.where(found.success, found.l2, np.inf),
        "confidence": after.max(axis=1),
        "answers": after.argmax(axis=1),
    }


def judge(results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each repeat of a kind: how sure the network is, and how often so named."""
    for cell, arrays in results.found:
        if cell["kind"] == CHANGED:
            continue
        asked = np.arange(arrays["confidence"].shape[1])
        for repeat, confidence in enumerate(arrays["confidence"]):
            named = float(np.mean(arrays["answers"][repeat] == asked))
            yield {
                **cell,
                "repeat": repeat,
                "confidence": float(np.median(confidence)),
                "named": None if cell["kind"] == NOISE else named,
            }


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config, near = found.config, found.results.one(kind=CHANGED)["l2"]
    yield study.Opening(
        "What nonsense is this network certain of?",
        "None of the first images shows anything, and none was drawn by a person: a network's own "
        "confidence bred them. A first look at four questions.",
        [
            *((study.sure(found.median(kind)), f"sure of {EVOLVED[kind]}") for kind in EVOLVED),
            (
                study.sure(found.median(NOISE)),
                "sure of noise that nobody evolved",
            ),
            (f"{np.median(near):.2g}", "L2 distance from a real image to a mistake"),
            (study.share(found.network.accuracy), "of real test images recognized correctly"),
        ],
    )
    yield from study.sections(
        {
            "Static, it thinks": evolved(
                found,
                "direct",
                "Every pixel of these evolved by itself: of random images the surest of each class "
                "had children with a few pixels changed, and so on.",
            ),
            "Art, it thinks": evolved(
                found,
                "cppn",
                "The same, but what evolves is a small network that paints (a CPPN): it makes "
                "regular images, of which the network is as sure.",
            ),
            "Squint": squint(found),
            "How little makes it err?": changed(found),
            "Going on": [
                f"Each evolution took {config.generations:,} generations of {config.children:,} "
                "images. More of it, each by one command:",
                fj.reporting.table(
                    ("Command", "Question"),
                    [(f"python -m experiments.{name}", words) for name, words in NEXT.items()],
                ),
            ],
        }
    )


def evolved(found: Found, kind: str, words: str) -> Iterator[study.Block]:
    """Show the images of all repeats."""
    arrays = found.results.one(kind=kind)
    value = found.table.value("confidence", kind=kind)
    yield f"{words} Median confidence of a run: {study.spell(value, study.sure)}."
    yield study.images(
        kind,
        arrays["images"],
        [[study.sure(value) for value in row] for row in arrays["confidence"]],
        f"{EVOLVED[kind].capitalize()}: a column for each class, a row for each independent run, "
        "below each how sure the network is that it shows the class. None was selected.",
        column_names=found.names,
    )


def squint(found: Found) -> Iterator[study.Block]:
    """Blur the pixels, and put them beside the class."""
    images, sigma = found.results.one(kind="direct")["images"], found.config.sigma
    train, classes = study.splits_of(found.network).train, found.classes
    labels = np.asarray(train.labels)
    if not set(classes) <= set(labels.tolist()):
        return
    first = [int(np.flatnonzero(labels == label)[0]) for label in classes]
    flat = images.reshape(-1, *images.shape[2:])
    soft = np.asarray(fj.analysis.blurred(flat, sigma)).reshape(images.shape)
    mean = soft.mean(axis=0) - soft.mean(axis=(0, 1))
    yield (
        "Is the static nothing but static? Blurred, as by somebody who squints, and averaged over "
        "the runs, it often resembles what it was bred to be: the network answers to what people "
        "would answer to, and to much more. Whether that is chance is asked by experiments.squint."
    )
    yield study.images(
        "squint",
        [
            images[0],
            study.full_range(mean),
            np.asarray(fj.data.as_float(train.images[np.array(first)])),
        ],
        [[""] * len(classes)] * 3,
        f"The first run; the mean of all runs, blurred by {sigma:g} pixels, less what all classes "
        "have in common and stretched from black to white; a real image.",
        row_names=["as evolved", "blurred mean", "a real one"],
        column_names=found.names,
    )


def changed(found: Found) -> Iterator[study.Block]:
    """Show real images beside the nearest ones that the network gets wrong."""
    arrays, names = found.results.one(kind=CHANGED), found.class_names
    said = [
        f"{names[int(answer)]}, {study.sure(float(sure))}" if np.isfinite(far) else "not fooled"
        for answer, sure, far in zip(
            arrays["answers"], arrays["confidence"], arrays["l2"], strict=True
        )
    ]
    labels = [names[int(label)] for label in arrays["labels"]]
    yield (
        "And what it reads well? The nearest image that it takes for something else, found along "
        "its gradient, differs from each of these by so little:"
    )
    yield study.images(
        "changed",
        [arrays["originals"], arrays["images"]],
        [labels, said],
        "Above real test images, the first of each class that the network gets right; below the "
        "nearest ones found that it gets wrong, with its new answer.",
        row_names=["real", "changed"],
    )


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
