"""Train a round sticker that turns whatever it lies on into one class, and put it on other images.

Run:    python -m experiments.patch
        python -m experiments.patch --preset imagenet --data-dir DIR --weights FOLDER
Cost:   a few minutes on two laptop cores, training included (embedded digits, two networks,
        three repeats); some ten minutes for ImageNet photographs.
Expect: with the sticker on it, far more held-out images are taken for the target than with a
        real picture of the target on a sticker of the same size; random colors do nothing.
Source: Brown, Mane, Roy, Abadi and Gilmer, 2017, Adversarial patch, arXiv:1712.09665; Athalye
        et al., 2018, arXiv:1707.07397 (training over random changes of place, angle, size).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Label, NotNegative, Pieces, RunFlags, Several, Share, Victim

RANDOM, REAL = "random colors", "real picture"
CONTROLS = (RANDOM, REAL)
PAPERS = {
    "1712.09665": "T. B. Brown, D. Mané, A. Roy, M. Abadi and J. Gilmer, “Adversarial patch”, 2017",
    "1707.07397": "A. Athalye, L. Engstrom, A. Ilyas and K. Kwok, “Synthesizing robust "
    "adversarial examples”, ICML 2018",
}


@dataclass(frozen=True)
class Config:
    """Train a sticker that turns whatever it lies on into one class.

    Attributes:
        victim: the data, and how each network is trained.
        models: architectures: softmax, mlp, lenet, resnet, or FILE.py:NAME for your own. A
            sticker is made for each and shown to all.
        target: number of the class that everything is to be taken for.
        size: diameter of the sticker that the page is about, as a share of an image's
            shorter side.
        sizes: diameters of the curve.
        least: smallest diameter that it is trained with.
        most: largest one.
        degrees: how far it is turned either way, in training and afterwards.
        steps: batches that it learns from.
        batch_size: images in a batch.
        test_images: held-out images that every sticker is tried on, at most.
        repeats: independent stickers, with the same networks.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    models: Several[str] = ("lenet", "mlp")
    target: Label = 0
    size: Share = 0.4
    sizes: Several[Share] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    least: Share = 0.2
    most: Share = 0.6
    degrees: NotNegative = 45.0
    steps: Count = 300
    batch_size: Batch = 50
    test_images: Count = 500
    repeats: Pieces = 3
    run: RunFlags = field(default_factory=RunFlags)

    @property
    def diameters(self) -> list[float]:
        """All diameters that stickers are tried in, ascending."""
        return sorted({*self.sizes, self.size})

    def side(self, shape: tuple[int, ...]) -> int:
        """Return the side of a sticker as it is stored: that of the largest in an image."""
        return max(2, round(max(self.most, *self.diameters) * min(shape[:2])))


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60),
        models=("softmax", "mlp"),
        sizes=(0.2, 0.5),
        size=0.5,
        steps=30,
        test_images=100,
        repeats=2,
    ),
    "imagenet": Config(
        victim=Victim(dataset="imagenet"),
        models=("squeezenet1_1", "mobilenet_v2"),
        target=859,  # toaster, the paper's
        sizes=(0.1, 0.2, 0.3, 0.4, 0.5),
        least=0.25,
        most=0.5,
        steps=150,
        batch_size=16,
        test_images=200,
        repeats=1,
    ),
}


class Scene(NamedTuple):
    """Networks, images to learn from, held-out images and what each network calls them.

    ``real`` are pictures of the target as square stickers ``[p, s, s, c]``, the surest first;
    ``sure`` is how sure the first network is of that one, before it is cut to a circle.
    """

    networks: study.Networks
    train: fj.data.Pictures
    test: np.ndarray
    clean: Mapping[str, np.ndarray]
    real: np.ndarray
    sure: float

    def name_of(self, label: int) -> str:
        """Name a class, or none."""
        known = 0 <= label < len(self.networks.class_names)
        return study.short_names(self.networks.class_names)[label] if known else "none"


class Found(NamedTuple):
    """All that the page is about: networks and images, a cell for each sticker, means."""

    config: Config
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    means: study.Table

    def share(self, made_for: str, shown_to: str, size: float) -> fj.metrics.Interval:
        """Return how many images a sticker turns into the target."""
        return self.means.value("named", made_for=made_for, shown_to=shown_to, size=size)


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds.

    Raises:
        ValueError, OSError, Interrupted: if anything is wrong, or if stopped; says what to do.
    """
    with study.opened(main, config) as run:
        with study.blame("--least, --most, --degrees"):
            fj.attacks.placement(config.least, config.most, config.degrees)
        fits = lambda *of: check(config, *of)
        networks = study.networks(run, config.models, whole=True, fits=fits)
        study.refuse_no_gradient(networks.each.values(), "--models: stickers")
        scene = set_scene(run, networks)
        results = make(run, scene)
        records = list(judge(config, scene, results))
        means = study.summarize(records, ("made_for", "shown_to", "size"), ("named", "wrong"))
        return study.publish(
            run,
            report(Found(config, scene, results, records, means)),
            networks.each,
            results,
            records,
            PAPERS,
            keep=["patch"],
            target=scene.name_of(config.target),
            sure_of_the_real_picture=scene.sure,
            shares=means.plain(),
            test_images=len(scene.test),
            intervals="95 %, Student's t over the repeats",
        )


def check(config: Config, shape: tuple[int, ...], num_classes: int) -> None:
    """Refuse what no sticker lies on, and a class that is not there, before any training."""
    if len(shape) != 3:
        raise ValueError(f"--dataset, --model: a sticker lies on pictures, got inputs {shape}")
    if config.target >= num_classes:
        raise ValueError(f"--target must be in [0, {num_classes}), got {config.target}")


def set_scene(run: study.Run[Config], networks: study.Networks) -> Scene:
    """Choose held-out images and real pictures of the target, and ask about the former."""
    import jax.numpy as jnp

    config, (train, test) = run.config, networks.pictures
    chosen = study.draw(config.run.seed, len(test.labels), config.test_images, images="test")
    tried = held(test, chosen)
    ask = lambda one: fj.attacks.perturbed_answers(one.classifier, jnp.asarray(tried))
    clean = {name: ask(one) for name, one in networks.each.items()}
    part = next((one for one in (train, test) if np.any(one.labels == config.target)), None)
    if part is None:
        raise ValueError(f"--target: there is no picture of class {config.target} to compare with")
    mine = held(part, np.flatnonzero(part.labels == config.target)[:200])
    truth = jnp.full(len(mine), config.target)
    sure = study.confidences(networks.first.classifier, fj.data.as_float(mine), truth)
    surest = mine[np.argsort(-sure, kind="stable")[: config.repeats]]
    images = train if isinstance(train, fj.data.Stream) else train.images
    real = as_stickers(surest, config.side(networks.shape))
    return Scene(networks, images, tried, clean, real, float(sure.max()))


def held(part: fj.data.Dataset | fj.data.Stream, rows: np.ndarray) -> np.ndarray:
    """Hold chosen images in memory."""
    if isinstance(part, fj.data.Stream):
        return np.asarray(fj.data.take(part, rows).images)
    return np.asarray(part.images)[rows]


def as_stickers(images: np.ndarray, side: int) -> np.ndarray:
    """Return the middle of images as squares of a side."""
    import jax

    short = min(images.shape[1:3])
    top, left = ((length - short) // 2 for length in images.shape[1:3])
    middle = fj.data.as_float(images[:, top : top + short, left : left + short])
    shape = (len(images), side, side, images.shape[3])
    return np.clip(np.asarray(jax.image.resize(middle, shape, "linear")), 0.0, 1.0)


def make(run: study.Run[Config], scene: Scene) -> study.Results:
    """Make all stickers and show them to all networks, a cell for each sticker."""
    import jax
    import jax.numpy as jnp

    config = run.config
    networks = {name: one.classifier for name, one in scene.networks.each.items()}
    side, channels = config.side(scene.networks.shape), scene.networks.shape[2]
    trained = fj.attacks.placement(config.least, config.most, config.degrees)
    learning: dict[str, Any] = {"steps": config.steps, "batch_size": config.batch_size}
    learning |= {"pixels": side, "where": trained}

    def stick(key: fj.types.RandomKey, made_for: str, repeat: int) -> dict[str, Any]:
        trace = np.zeros(0, np.float32)
        if made_for == RANDOM:
            patch = jax.random.uniform(key, (side, side, channels))
        elif made_for == REAL:
            patch = jnp.asarray(scene.real[repeat % len(scene.real)])
        else:
            given = key, networks[made_for], scene.train, config.target
            patch, trace, _ = fj.attacks.train_patch(*given, **learning)
        ask_all = lambda one: [ask(one, patch, size, repeat) for size in config.diameters]
        answers = np.array([ask_all(one) for one in networks.values()])
        return {"patch": patch, "trace": trace, "answers": answers}

    def ask(network: fj.types.Classifier, patch: Any, size: float, repeat: int) -> np.ndarray:
        """Ask about all held-out images: every sticker in the same places."""
        places = places_of(config, size, repeat)
        where = fj.attacks.placement(size, size, config.degrees)
        return fj.attacks.patched_answers(places, network, jnp.asarray(scene.test), patch, where)

    cells = study.grid(made_for=[*CONTROLS, *networks], repeat=range(config.repeats))
    return study.compute(run, cells, stick, "making stickers")


def places_of(config: Config, size: float, repeat: int) -> fj.types.RandomKey:
    """Return the key of the places that stickers of a size lie in."""
    return study.key_of(config.run.seed, places="test", size=size, repeat=repeat)


def judge(config: Config, scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each sticker, network that it was shown to, and size."""
    for cell, arrays in results.found:
        for name, of_sizes in zip(scene.clean, arrays["answers"], strict=True):
            for size, after in zip(config.diameters, of_sizes, strict=True):
                both = scene.clean[name], after, len(scene.networks.class_names)
                goals = (config.target, None)
                named, wrong = (fj.attacks.share_fooled(*both, goal) for goal in goals)
                yield {**cell, "shown_to": name, "size": size, "named": named, "wrong": wrong}


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    config, scene, first = found.config, found.scene, next(iter(found.scene.clean))
    target = scene.name_of(config.target)
    share = lambda made_for: study.share(found.share(made_for, first, config.size).mean)
    yield study.Opening(
        "Does a sticker fool it?",
        f"One round sticker was trained to make a network say “{target}” of whatever it lies on, "
        "and then put on images that it has never seen.",
        [
            (share(first), f"of held-out images become “{target}” to {first} by its sticker"),
            (share(REAL), f"by a real picture of “{target}” of the same size"),
            (share(RANDOM), "by random colors of the same size"),
            (study.share(np.pi / 4 * config.size**2), "of a square image covered"),
        ],
    )
    yield study.Heading("What was done")
    then = "; each further repeat takes the next" if len(scene.real) > 1 else ""
    yield (
        f"For each network ({', '.join(scene.clean)}) a sticker learned in {config.steps} batches "
        f"of {config.batch_size} training images of {config.victim.dataset}. In every batch it "
        f"lies on each image somewhere else, turned by up to {config.degrees:g} degrees either "
        f"way, its diameter {config.least:g} to {config.most:g} of the shorter side, and all its "
        f"pixels follow the gradient toward “{target}”. Then it was put on {len(scene.test)} "
        "held-out images, in places drawn anew. Images that the network calls so without any "
        f"sticker do not count. All this was done {study.anew(config.repeats)}."
    )
    yield (
        "Two controls of the same size lie in the same places: random colors, for any sticker "
        f"hides a part of the image, and the real picture of “{target}” that the first network is "
        f"surest of ({study.sure(scene.sure)}{then}), for an image with such a picture in "
        "it may rightly be called so. What a sticker does beyond it is what training is worth."
    )
    yield study.Heading("What it looks like")
    yield examples(found, first)
    yield stickers(found)
    yield study.Heading("What came out")
    yield from outcome(found, first)


def examples(found: Found, first: str) -> study.Figure:
    """Show held-out images without a sticker, and with each."""
    import jax.numpy as jnp

    config, scene = found.config, found.scene
    chosen = study.spread(len(scene.test), 8)
    images, count = np.asarray(fj.data.as_float(scene.test)), len(scene.test)
    keys = lambda: fj.attacks.attack.sample_keys(places_of(config, config.size, 0), count)[chosen]
    where = fj.attacks.placement(config.size, config.size, config.degrees)
    size = config.diameters.index(config.size)
    rows, words = [images[chosen]], [[scene.name_of(scene.clean[first][i]) for i in chosen]]
    for made_for in (first, REAL, RANDOM):
        cell = found.results.one(made_for=made_for, repeat=0)
        covered = fj.attacks.apply_patch(keys(), images[chosen], jnp.asarray(cell["patch"]), where)
        rows.append(np.asarray(covered))
        words.append([scene.name_of(cell["answers"][0, size, i]) for i in chosen])
    return study.images(
        "examples",
        rows,
        words,
        f"Held-out images as they are, and with each sticker in the same places; below them what "
        f"{first} calls them. They are evenly spaced through the held-out images and not selected.",
        row_names=["as it is", "with the sticker", f"with a {REAL}", f"with {RANDOM}"],
    )


def stickers(found: Found) -> study.Figure:
    """Show the stickers themselves, of the first repeat."""
    names = [*found.scene.clean, *CONTROLS]
    patches = [found.results.one(made_for=name, repeat=0)["patch"] for name in names]
    rows = np.linspace(-1.0, 1.0, len(patches[0]))
    circle = (rows[:, None] ** 2 + rows[None] ** 2 <= 1.0)[..., None]
    return study.images(
        "stickers",
        [[np.where(circle, one, 1.0) for one in patches]],
        [names],
        "The stickers (first repeat), by the network that each was made for, and the controls.",
    )


def worth(found: Found, name: str) -> str:
    """Say whether a network's own sticker does more than a real picture in the same places."""
    mine = study.where(found.records, shown_to=name, size=found.config.size)
    own, real = (study.where(mine, made_for=one) for one in (name, REAL))
    gain = study.unbounded([a["named"] - b["named"] for a, b in zip(own, real, strict=True)])
    points = study.spell(gain, lambda share: f"{100 * share:+.1f}")
    side = study.beyond_chance(gain, 0.0, "a gain", "a loss")
    return f"Beyond the real picture, in points, repeat by repeat: {points}, {side}."


def outcome(found: Found, first: str) -> Iterator[study.Block]:
    """Say in words, in a curve and in a matrix how often stickers work."""
    config, target = found.config, found.scene.name_of(found.config.target)
    for name in found.scene.clean:
        own, real, random = (found.share(one, name, config.size) for one in (name, REAL, RANDOM))
        yield fj.reporting.paragraph(
            fj.reporting.strong(f"{name}: "),
            f"at a diameter of {config.size:g} of the shorter side, its sticker turns "
            f"{study.spell(own)} of the held-out images into “{target}”, a real picture "
            f"{study.spell(real)}, random colors {study.spell(random)}. {worth(found, name)}",
        )
    mine = study.where(found.records, shown_to=first)
    mine = [one for one in mine if one["made_for"] in (first, *CONTROLS)]
    yield study.lines(
        "sizes",
        study.summarize(mine, ("made_for", "size"), ["named"]),
        "size",
        "named",
        "made_for",
        f"Share of held-out images that {first} takes for “{target}”, by the diameter of the "
        "sticker. How to read it: the further left a line rises, the smaller a sticker will do. "
        "Dashed: the controls.",
        intervals_over="the repeats",
        x_label="diameter, as a share of the shorter side",
        y_label="share taken for the target",
        shares=True,
        dashed=list(CONTROLS),
    )
    yield study.matrix(
        "transfer", found.means.where(size=config.size), "made_for", "shown_to", "named",
        f"Share of held-out images taken for “{target}”, at a diameter of {config.size:g}. Line: "
        "the network that the sticker was made for, or the control; column: the one that it was "
        "shown to.", intervals_over="the repeats", label="share taken for the target",
    )  # fmt: skip
    titles = {"made_for": "Sticker", "shown_to": "Network", "size": "Diameter"}
    measured = {"named": "Taken for the target", "wrong": "Named otherwise than before"}
    yield study.Folded("All means", [study.numbers(found.means, titles, measured)])


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
