"""Ways to make images against a network, controls included, by name: add yours here.

Every attack of the catalog is such a way, too; those that show nothing are in `FOOLING`.
"""

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import analysis, attacks, training
from fooljax.attacks.universal_measures import add
from fooljax.study import memory
from fooljax.study.classifiers import Networks
from fooljax.study.fooling import FOOLING
from fooljax.study.making import Made, Make, Maker, Makers, Material, take
from fooljax.study.places import order_of
from fooljax.study.run import Run, Settings
from fooljax.study.settings import Making, radii_of
from fooljax.study.victim_data import blame
from fooljax.types import Classifier, RandomKey

_UNIVERSAL_BATCH = 100


def choose_right(run: Run[Settings], networks: Networks, count: int, repeat: int) -> Material:
    """Draw test images that every network gets right, others in every repeat.

    Raises:
        ValueError: if there are too few, naming the flag.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> victim = study.Victim(model="softmax", train_steps=60)
        >>> settings = SimpleNamespace(victim=victim, run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> networks = study.networks(run, ("softmax",))
        >>> real = study.choose_right(run, networks, count=20, repeat=0)
        >>> answers = study.all_logits(networks.classifiers[0], real.images).argmax(axis=1)
        >>> bool((answers == real.labels).all())
        True
    """
    test, train = networks.splits.test, networks.splits.train
    labels = np.asarray(test.labels)
    right = [attacks.perturbed_answers(one, test.images) == labels for one in networks.classifiers]
    order = order_of(run.config.run.seed, len(labels), images="right", repeat=repeat)
    rows = order[np.all(right, axis=0)[order]][:count]
    if len(rows) < count:
        raise ValueError(
            f"--images: all networks are right about {len(rows)} test images only, got {count}; "
            "ask for fewer, or train longer (--train-steps)"
        )
    return take(test, train, rows)


def first_right(classifier: Classifier, clean: Material, most: int) -> Material:
    """Take the first images that one network gets right; any, if it gets none right.

    Args:
        classifier: the network.
        clean: the images.
        most: how many to take at most.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits = fj.data.load("digits")
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> clean = study.take(digits.test, digits.train, np.arange(100))
        >>> right = study.first_right(network, clean, most=3)  # by chance
        >>> answers = study.all_logits(network, right.images).argmax(axis=1)
        >>> bool((answers == right.labels).all())
        True
    """
    right = np.flatnonzero(training.predict(classifier, clean.images) == np.asarray(clean.labels))
    few = (right if right.size else np.arange(len(clean.labels)))[:most]
    return Material(clean.images[few], clean.labels[few], clean.train, clean.places[few])


def build(flag: str, makers: Makers, making: Making, shape: tuple[int, ...]) -> dict[str, Make]:
    """Get makers ready for images of a shape.

    Args:
        flag: that asked for them, with its dashes.
        makers: by name.
        making: how much they may use.
        shape: of an image.

    Raises:
        ValueError: if images or numbers are impossible, naming the flag.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits = fj.data.load("digits")
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> makers = {name: study.MAKERS[name] for name in ("fgsm", "noise")}
        >>> ways = study.build("--makers", makers, study.Making(images=5), (28, 28, 1))
        >>> real = study.take(digits.test, digits.train, np.arange(3))
        >>> shown = lambda make: make(jax.random.key(1), network, real).images.shape
        >>> {name: shown(make) for name, make in ways.items()}
        {'fgsm': (3, 28, 28, 1), 'noise': (5, 28, 28, 1)}
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

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> logits = np.log([[[0.1, 0.9], [0.6, 0.4]], [[0.9, 0.1], [0.8, 0.2]]])  # of two networks
        >>> maker, labels = study.MAKERS["cppn"], np.array([1, 1])
        >>> said = study.judge(maker, logits, 0, labels, num_classes=2, tau=0.8)
        >>> [one["fooled"] for one in said]  # both images were to show class 1
        [0.5, 0.0]
    """
    if maker.kind == "fooling":
        verdicts, fooled = analysis.judge_fooling(logits, labels, num_classes, tau), "same_label"
    else:
        verdicts = analysis.judge_perturbed(logits, place, labels, num_classes, tau)
        fooled = "any_label"
    shares = analysis.shares(verdicts)._asdict()
    each = [{name: float(share[i]) for name, share in shares.items()} for i in range(len(logits))]
    return [{"fooled": one[fooled], **one} for one in each]


def _perturbed(name: str, entry: attacks.Entry) -> Maker:
    def build(making: Making, shape: tuple[int, ...]) -> Make:
        del shape
        effort = attacks.Effort(making.pgd_steps, making.queries)
        sizes = (radii_of(making)[entry.norm],)

        def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
            images, goal = material.images, attacks.leave(material.labels)
            found = entry.perturb(key, classifier, images, goal, effort, sizes)
            return Made(found.images[0], material.labels)

        return make

    words = f"real ones, changed by {name}: {entry.words}"
    return Maker("perturbed", False, words, entry.source, build, entry.blind)


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


_add = jax.jit(add)

MAKERS: Makers = {
    **FOOLING,
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
        blind=True,
    ),
}
