"""Ways to make images against a network, controls included, by name: add yours here.

Every attack and every encoding of their catalogs is a way to make images, too.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax import analysis, attacks, data, encodings
from fooljax.attacks.universal_measures import add
from fooljax.data import Dataset
from fooljax.runtime import memory
from fooljax.runtime.victim_data import blame
from fooljax.study.cells import key_of
from fooljax.study.classifiers import Networks, logits
from fooljax.study.evolved import evolve
from fooljax.study.run import Run, Settings
from fooljax.study.settings import Making
from fooljax.types import Classifier, Images, RandomKey

_UNIVERSAL_BATCH = 100


class Material(NamedTuple):
    """Real images that a maker may change, and learn from.

    Attributes:
        images: ``[n, h, w, c]`` in [0, 1].
        labels: ``[n]``, what they show.
        train: training images.
        places: ``[n]``, of the images in the test set.
    """

    images: Images
    labels: Int[Array, " n"]
    train: Dataset
    places: Int[np.ndarray, " n"]


class Made(NamedTuple):
    """Images made against a network.

    Attributes:
        images: ``[n, h, w, c]`` in [0, 1].
        labels: ``[n]``, the class to be shown, or the true class of a perturbed image.
        history: ``[t, n]``, the network's confidence in the best images after the random
            population and after each generation, where they were evolved.
    """

    images: Images
    labels: Int[Array, " n"]
    history: Float[np.ndarray, "t n"] | None = None


Make: TypeAlias = Callable[[RandomKey, Classifier, Material], Made]


class Maker(NamedTuple):
    """A way to make images against a network.

    Attributes:
        kind: ``fooling`` images show nothing, ``perturbed`` ones are real images a
            little changed.
        control: whether nobody looks at the network while making them.
        words: what is done, as the end of "these images were ...".
        source: who published it, if anybody did.
        build: ``(making, shape) -> make``; raises ``ValueError`` for impossible numbers
            or shapes.
    """

    kind: Literal["fooling", "perturbed"]
    control: bool
    words: str
    source: str
    build: Callable[[Making, tuple[int, ...]], Make]

    @property
    def fools(self) -> bool:
        """Whether it makes images that show nothing, and looks at the network."""
        return self.kind == "fooling" and not self.control

    @property
    def about(self) -> str:
        """What is done and who published it."""
        return f"{self.words} ({self.source})" if self.source else self.words


#: Ways to make images, by name.
Makers: TypeAlias = Mapping[str, Maker]


def choose_right(run: Run[Settings], networks: Networks, count: int, repeat: int) -> Material:
    """Draw test images that every network gets right, others in every repeat.

    Raises:
        ValueError: if there are too few, naming the flag.
    """
    test, train = networks.splits.test, networks.splits.train
    labels = np.asarray(test.labels)
    right = [attacks.perturbed_answers(one, test.images) == labels for one in networks.classifiers]
    key = key_of(run.config.run.seed, images="right", repeat=repeat)
    order = np.asarray(jax.random.permutation(key, len(labels)))
    rows = order[np.all(right, axis=0)[order]][:count]
    if len(rows) < count:
        raise ValueError(
            f"--images: all networks are right about {len(rows)} test images only, got {count}; "
            "ask for fewer, or train longer (--train-steps)"
        )
    return Material(data.as_float(test.images[rows]), test.labels[rows], train, rows)


def build(flag: str, makers: Makers, making: Making, shape: tuple[int, ...]) -> dict[str, Make]:
    """Get makers ready for images of a shape.

    Args:
        flag: that asked for them, with its dashes.
        makers: by name.
        making: how much they may use.
        shape: of an image.

    Raises:
        ValueError: if images or numbers are impossible, naming the flag.
    """
    memory.afford(shape, children=making.children)
    with blame(flag):
        return {name: maker.build(making, shape) for name, maker in makers.items()}


def judge(
    maker: Maker, logits: np.ndarray, place: int, labels: np.ndarray, num_classes: int, tau: float
) -> list[dict[str, float]]:
    """Say how often each network takes a maker's images for what.

    Args:
        maker: fooling or perturbed images.
        logits: ``[m, n, k]`` of every network.
        place: the network that they were made for.
        labels: ``[n]``, as in `Made`.
        num_classes: number of real classes.
        tau: confidence from which on a network counts as sure.

    Returns:
        For each network the shares of ``analysis.Verdicts`` by name, and ``fooled``: the
        share given the class that a fooling image was made to show, or any wrong class
        that a perturbed one does not show.
    """
    if maker.kind == "fooling":
        verdicts, fooled = analysis.judge_fooling(logits, labels, num_classes, tau), "same_label"
    else:
        verdicts = analysis.judge_perturbed(logits, place, labels, num_classes, tau)
        fooled = "any_label"
    shares = analysis.shares(verdicts)._asdict()
    each = [{name: float(share[i]) for name, share in shares.items()} for i in range(len(logits))]
    return [{"fooled": one[fooled], **one} for one in each]


def _evolved(entry: encodings.Entry) -> Maker:
    def build(making: Making, shape: tuple[int, ...]) -> Make:
        encoding = entry.build(shape)

        def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
            del material
            images, history = evolve(key, classifier, encoding, making.children, making.generations)
            return Made(images, _classes(classifier), history)

        return make

    return Maker("fooling", False, f"evolved {entry.words}", entry.source, build)


def _climbed(making: Making, shape: tuple[int, ...]) -> Make:
    """Start from uniform noise, once for each class."""
    climb = attacks.ascent(making.ascent_steps)

    def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        del material
        key_noise, key_run = jax.random.split(key)
        targets = _classes(classifier)
        noise = jax.random.uniform(key_noise, (len(targets), *shape), dtype=jnp.float32)
        found = attacks.run(climb, key_run, classifier, noise, attacks.reach(targets))
        return Made(found.images, targets)

    return make


def _noise(making: Making, shape: tuple[int, ...]) -> Make:
    """Uniform noise, made to show whatever the network takes it for."""

    def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        del material
        images = jax.random.uniform(key, (making.images, *shape), dtype=jnp.float32)
        columns = logits(classifier, images)[:, : classifier.num_classes]
        return Made(images, jnp.argmax(columns, axis=1))

    return make


def _perturbed(name: str, entry: attacks.Entry) -> Maker:
    def build(making: Making, shape: tuple[int, ...]) -> Make:
        del shape
        radii = {"linf": making.epsilon, "l2": making.epsilon_l2, "l1": making.epsilon_l1}
        effort = attacks.Effort(making.pgd_steps, making.queries)
        sizes = (radii[entry.norm],)

        def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
            images, goal = material.images, attacks.leave(material.labels)
            found = entry.perturb(key, classifier, images, goal, effort, sizes)
            return Made(found.images[0], material.labels)

        return make

    words = f"real ones, changed by {name}: {entry.words}"
    return Maker("perturbed", False, words, entry.source, build)


def _universal(making: Making, shape: tuple[int, ...]) -> Make:
    """One perturbation, learned on training images and added to others."""
    del shape
    method = attacks.UNIVERSAL["sgd"].build(making.epsilon, "linf")

    def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        found = attacks.run_universal(
            method,
            key,
            classifier,
            material.train.images,
            attacks.leave(material.train.labels),
            steps=making.universal_steps,
            batch_size=_UNIVERSAL_BATCH,
        )
        return Made(_add(material.images, found.perturbation), material.labels)

    return make


def _random_signs(making: Making, shape: tuple[int, ...]) -> Make:
    """Every pixel up or down by epsilon, by the toss of a coin."""
    del shape

    def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        del classifier
        signs = jax.random.rademacher(key, material.images.shape, jnp.float32)
        return Made(jnp.clip(material.images + making.epsilon * signs, 0.0, 1.0), material.labels)

    return make


def _classes(classifier: Classifier) -> Int[Array, " k"]:
    return jnp.arange(classifier.num_classes, dtype=jnp.int32)


_add = jax.jit(add)

MAKERS: Makers = {
    **{name: _evolved(entry) for name, entry in encodings.CATALOG.items()},
    "ascent": Maker(
        "fooling",
        False,
        "made from noise by gradient ascent",
        "Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897",
        _climbed,
    ),
    "noise": Maker("fooling", True, "uniform noise that nobody has changed", "", _noise),
    **{
        name: _perturbed(name, entry)
        for name, entry in attacks.CATALOG.items()
        if entry.kind != "control"
    },
    "universal": Maker(
        "perturbed",
        False,
        "real ones, all changed by the same pattern of at most epsilon",
        "Moosavi-Dezfooli et al., 2017, arXiv:1610.08401; Shafahi et al., 2020, arXiv:1811.11304",
        _universal,
    ),
    "random_signs": Maker(
        "perturbed",
        True,
        "real ones, changed by epsilon in every pixel, at random",
        "",
        _random_signs,
    ),
}
