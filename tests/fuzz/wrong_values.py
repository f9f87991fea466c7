"""Wrong values for every kind of argument of the Python API."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import attacks, data, defenses, encodings, evolution, models, training
from fooljax.types import Classifier

SHAPE, CLASSES, MANY = (4, 4, 1), 3, 6
NAN, INF = float("nan"), float("inf")


class Wrong(NamedTuple):
    """A wrong value.

    Attributes:
        value: what is given.
        harmless: whether accepting it is right too.
    """

    value: Any
    harmless: bool = False


def linear(params, images):
    return images.reshape(len(images), -1) @ params


@functools.cache
def good() -> dict[str, Any]:
    """Return a right value for every kind that no factory can leave out."""
    network = Classifier(
        jax.random.normal(jax.random.key(1), (16, CLASSES)), linear, SHAPE, CLASSES
    )
    images = np.asarray(jax.random.uniform(jax.random.key(2), (MANY, *SHAPE)))
    labels = np.arange(MANY) % CLASSES
    encoding = encodings.direct(SHAPE)
    search = evolution.map_elites(encoding, 4)
    bytes_ = (images * 255).astype(np.uint8)
    return {
        "key": jax.random.key(3),
        "classifier": network,
        "classifiers": (network, network),
        "images": images,
        "labels": labels,
        "goal": attacks.leave(jnp.asarray(labels)),
        "attack": attacks.fgsm(0.1),
        "universal": attacks.universal_sgd(0.1),
        "encoding": encoding,
        "search": search,
        "score": defenses.maximum_probability(),
        "dataset": data.Dataset(bytes_, labels.astype(np.int32), ("a", "b", "c")),
        "shape": SHAPE,
        "count": 2,
        "real": 0.1,
        "share": 0.1,
        "radius": 0.1,
        "values": np.array([0.1, 0.4, 0.3]),
        "perturbation": np.zeros(SHAPE, np.float32),
        "logits": np.zeros((2, MANY, CLASSES), np.float32),
    }


def _plain() -> list[Wrong]:
    """What is right for no argument at all."""
    return [Wrong(value) for value in (None, "some", [1, 2], {"a": 1}, object(), print)]


@functools.cache
def wrong() -> dict[str, list[Wrong]]:
    """Return wrong values by kind."""
    right = good()
    images, labels, network = right["images"], right["labels"], right["classifier"]
    each = lambda *values: [Wrong(value) for value in values]
    numbers = [*_plain(), *each(np.ones(3), NAN, True, 1j, b"1", jnp.zeros((2, 2)), lambda: 1)]
    reals = [*numbers, *each(-1.0, INF, -INF, 10**400, np.float32(NAN))]
    nan_image = images.copy()
    nan_image[2, 1, 1] = NAN
    other = Classifier(jnp.zeros((4, CLASSES)), linear, (2, 2, 1), CLASSES)
    return {
        "count": [*numbers, *each(-1, 0.5, 2.0, INF, 10**30, np.float32(1.5), -(10**30), "3")],
        "natural": [*numbers, *each(-1, 0.5, 2.0, INF, 10**30, "3")],
        "real": reals,
        "share": [*reals, *each(1.5, 100, np.float64(-0.1))],
        "radius": reals,
        "choice": [*_plain(), *each("nope", "", 3, b"linf", "LINF")],
        "shape": [
            *_plain(),
            *each(28, (28,), (28, 28), (0, 4, 1), (-4, 4, 1), (4.5, 4, 1), (4, 4, 2), (), "4x4x1"),
            *each((4, 4, None), (NAN, 4, 1), (4, 4, 1, 1), (10**6, 10**6, 3)),
        ],
        "key": [*_plain(), *each(0, -1, 0.5, np.zeros(2), np.arange(2), jnp.zeros(()), True)],
        "classifier": [*_plain(), *each(linear, [network], network.params, "lenet", Classifier)]
        + each(models.build, models.LeNet(CLASSES), 3, (network, network)),
        "classifiers": [
            *[one for one in _plain() if one.value != [1, 2]],
            *each([], network, [None], [network, other], [linear], 3, (network, "x")),
        ],
        "images": [
            *_plain(),
            *each(nan_image, images[0], images[:0], images[..., 0], images * 255.0, images - 0.7),
            *each(np.zeros((MANY, 4, 4, 3)), images.astype("U4"), images * INF, images + 1j),
            *each(images.transpose(0, 3, 1, 2), (images > 0.5).astype(np.int64), [[1], [2, 3]], 3),
        ],
        "labels": [
            *[one for one in _plain() if one.value != [1, 2]],
            *each(labels[:-1], labels - 1, labels + 7, labels + 0.5, labels * NAN, labels == 0, 3),
            *each(
                np.eye(3)[labels], labels + 10**10, labels.astype("U1"), [[1], [2, 3]], 1j * labels
            ),
        ],
        "goal": [*_plain(), *each(labels, attacks.leave, attacks.reach, 3, "leave")],
        "attack": [*_plain(), *each(attacks.fgsm, attacks.pgd, "pgd", 0.1, [attacks.fgsm(0.1)])],
        "universal": [*_plain(), *each(attacks.universal_sgd, "sgd", attacks.fgsm(0.1), 0.1)],
        "encoding": [*_plain(), *each(encodings.direct, "direct", SHAPE, encodings.polynomial())],
        "search": [*_plain(), *each(evolution.map_elites, "map_elites", right["encoding"])],
        "score": [*_plain(), *each(defenses.energy, "energy", 0.5, lambda logits: logits)],
        "dataset": [*_plain(), *each((images, labels), "digits", images, data.load, 3)],
        "values": [
            *[one for one in _plain() if one.value != [1, 2]],
            *each([], [NAN], [0.1, NAN, 0.2], [[1], [2, 3]], ["a"], 1j * np.ones(3)),
        ],
        "perturbation": [
            *_plain(),
            *each(np.zeros((3, 3, 1)), np.full(SHAPE, NAN), 0.1, np.zeros(4), images, "0"),
        ],
        "logits": [
            *_plain(),
            *each(np.zeros(3), np.full((2, MANY, CLASSES), NAN), np.zeros((2, MANY, 1)), 3),
            *each(np.zeros((2, 0, CLASSES)), right["logits"].astype("U3"), right["logits"] + 1j),
        ],
        "sampler": [*_plain(), *each(training.minibatches, 64, "minibatches")],
    }
