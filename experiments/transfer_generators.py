"""How ``experiments.transfer`` makes images for a network: one table, controls included."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fooljax import attacks, data, encodings, evolution
from fooljax.attacks.universal_measures import add
from fooljax.data import Dataset
from fooljax.types import Classifier, Encoding, Images, RandomKey

Made = tuple[Images, Array]

_UNIVERSAL_BATCH = 100


class Examples(NamedTuple):
    """Real images to perturb, and to learn from.

    Attributes:
        images: ``[n, h, w, c]`` in [0, 1], which all networks get right.
        labels: of them.
        train: the training images.
    """

    images: Images
    labels: Array
    train: Dataset


class Generator(NamedTuple):
    """A way to make images for a network.

    Attributes:
        kind: ``fooling`` images show nothing, ``perturbed`` ones are real images
            a little changed.
        control: whether nobody looks at the network while making them.
        words: what is done, as the end of a sentence.
        make: ``(config, key, classifier, examples) -> (images, labels)``, labels
            being the class to be shown, or the true class of a perturbed image.
    """

    kind: Literal["fooling", "perturbed"]
    control: bool
    words: str
    make: Callable[[Any, RandomKey, Classifier, Examples], Made]


def _evolve(config: Any, key: RandomKey, classifier: Classifier, encoding: Encoding) -> Made:
    search = evolution.map_elites(encoding, config.children)
    state, _ = evolution.start(key, search, classifier)
    state, _ = evolution.advance(key, search, classifier, state, config.generations)
    return _express(encoding, state.archive), jnp.arange(classifier.num_classes, dtype=jnp.int32)


def _direct(config: Any, key: RandomKey, classifier: Classifier, examples: Examples) -> Made:
    return _evolve(config, key, classifier, encodings.direct(tuple(classifier.input_shape)))


def _cppn(config: Any, key: RandomKey, classifier: Classifier, examples: Examples) -> Made:
    return _evolve(config, key, classifier, encodings.cppn(tuple(classifier.input_shape)))


def _ascent(config: Any, key: RandomKey, classifier: Classifier, examples: Examples) -> Made:
    """Start from uniform noise, once for each class."""
    targets = jnp.arange(classifier.num_classes, dtype=jnp.int32)
    noise = jax.random.uniform(key, (len(targets), *classifier.input_shape), dtype=jnp.float32)
    climb = attacks.ascent(config.ascent_steps)
    return attacks.run(climb, key, classifier, noise, attacks.reach(targets)).images, targets


def _noise(config: Any, key: RandomKey, classifier: Classifier, examples: Examples) -> Made:
    """Uniform noise, made to show whatever the network takes it for."""
    images = jax.random.uniform(key, (config.images, *classifier.input_shape), dtype=jnp.float32)
    columns = _logits(classifier, images)[:, : classifier.num_classes]
    return images, jnp.argmax(columns, axis=1)


def _pgd(config: Any, key: RandomKey, classifier: Classifier, examples: Examples) -> Made:
    attack = attacks.pgd(config.epsilon, steps=config.pgd_steps, random_start=True)
    return _perturbed(attack, key, classifier, examples)


def _deepfool(config: Any, key: RandomKey, classifier: Classifier, examples: Examples) -> Made:
    return _perturbed(attacks.deepfool(), key, classifier, examples)


def _perturbed(
    attack: attacks.Attack, key: RandomKey, classifier: Classifier, examples: Examples
) -> Made:
    goal = attacks.leave(examples.labels)
    return attacks.run(attack, key, classifier, examples.images, goal).images, examples.labels


def _universal(config: Any, key: RandomKey, classifier: Classifier, examples: Examples) -> Made:
    """One perturbation, learned on training images and added to others."""
    train = examples.train
    found = attacks.run_universal(
        attacks.universal_sgd(config.epsilon),
        key,
        classifier,
        train.images,
        attacks.leave(train.labels),
        steps=config.universal_steps,
        batch_size=_UNIVERSAL_BATCH,
    )
    return _add(examples.images, found.perturbation), examples.labels


def _signs(config: Any, key: RandomKey, classifier: Classifier, examples: Examples) -> Made:
    """Every pixel up or down by epsilon, by the toss of a coin."""
    change = config.epsilon * jax.random.rademacher(key, examples.images.shape, jnp.float32)
    return jnp.clip(examples.images + change, 0.0, 1.0), examples.labels


_add = jax.jit(add)
_logits = jax.jit(lambda classifier, images: classifier(images))
_express = jax.jit(evolution.express_elites, static_argnums=0)

# The place in the table decides the random numbers: add at the end.
GENERATORS = {
    "direct": Generator(
        "fooling", False, "evolved from noise, every pixel a number of its own", _direct
    ),
    "cppn": Generator(
        "fooling", False, "evolved as patterns, painted by small networks (CPPNs)", _cppn
    ),
    "ascent": Generator("fooling", False, "made from noise by gradient ascent", _ascent),
    "noise": Generator("fooling", True, "uniform noise that nobody has changed", _noise),
    "pgd": Generator(
        "perturbed", False, "changed by at most epsilon in every pixel, by gradient (PGD)", _pgd
    ),
    "deepfool": Generator(
        "perturbed", False, "changed as little as it takes (DeepFool)", _deepfool
    ),
    "universal": Generator(
        "perturbed", False, "all changed by the same pattern of at most epsilon", _universal
    ),
    "random_signs": Generator(
        "perturbed", True, "changed by epsilon in every pixel, at random", _signs
    ),
}


def build(
    name: str,
    config: Any,
    key: RandomKey,
    index: int,
    networks: list[Classifier],
    examples: Examples,
) -> dict[str, Array]:
    """Make images for network ``index`` and show them to all of them.

    Returns:
        ``images`` ``[n, h, w, c]``, ``labels`` ``[n]`` and ``logits`` ``[m, n, k]``.
    """
    images, labels = GENERATORS[name].make(config, key, networks[index], examples)
    logits = jnp.stack([_logits(network, images) for network in networks])
    return {"images": images, "labels": labels, "logits": logits}


def choose_examples(
    key: RandomKey, networks: list[Classifier], test: Dataset, train: Dataset, count: int
) -> Examples:
    """Draw test images that every network gets right.

    Raises:
        ValueError: if there are too few, naming the flag.
    """
    labels = np.asarray(test.labels)
    right = [attacks.perturbed_answers(network, test.images) == labels for network in networks]
    order = np.asarray(jax.random.permutation(key, len(labels)))
    rows = order[np.all(right, axis=0)[order]][:count]
    if len(rows) < count:
        raise ValueError(
            f"--images: all networks are right about {len(rows)} test images only, got {count}; "
            "ask for fewer, or train longer (--train-steps)"
        )
    return Examples(data.as_float(test.images[rows]), test.labels[rows], train)
