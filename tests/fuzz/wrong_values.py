"""Wrong values for every kind of argument of the Python API."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import attacks, data, defenses, encodings, evolution, models, training
from fooljax.types import Classifier

SHAPE, CLASSES, MANY = (4, 4, 1), 3, 6
NAN, INF = float("nan"), float("inf")


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
        "any_images": images,
        "any_labels": labels,
        "goal": attacks.leave(jnp.asarray(labels)),
        "attack": attacks.fgsm(0.1),
        "universal": attacks.universal_sgd(0.1),
        "encoding": encoding,
        "search": search,
        "score": defenses.maximum_probability(),
        "dataset": data.Dataset(bytes_, labels.astype(np.int32), ("a", "b", "c")),
        "shape": SHAPE,
        "any_shape": SHAPE,
        "network_shape": SHAPE,
        "count": 2,
        "real": 0.1,
        "share": 0.1,
        "radius": 0.1,
        "bound": 0.1,
        "values": np.array([0.1, 0.4, 0.3]),
        "perturbation": np.zeros(SHAPE, np.float32),
        "logits": np.zeros((2, MANY, CLASSES), np.float32),
    }


#: What is right for no argument at all, and a list of numbers, which is for some.
PLAIN = (None, "some", {"a": 1}, object(), print)
LIST = [1, 2]


@functools.cache
def wrong() -> dict[str, list[Any]]:
    """Return wrong values by kind."""
    right = good()
    images, labels, network = right["images"], right["labels"], right["classifier"]
    numbers = [*PLAIN, LIST, np.ones(3), NAN, True, 1j, b"1", jnp.zeros((2, 2)), lambda: 1]
    reals = [*numbers, -1.0, INF, -INF, 10**400, np.float32(NAN)]
    nan_image = images.copy()
    nan_image[2, 1, 1] = NAN
    other = Classifier(jnp.zeros((4, CLASSES)), linear, (2, 2, 1), CLASSES)
    broken_images = [
        *PLAIN,
        LIST,
        nan_image,
        images[0],
        images[:0],
        images[..., 0],
        images * 255.0,
        images - 0.7,
        images.astype("U4"),
        images * INF,
        images + 1j,
        (images > 0.5).astype(np.int64),
        [[1], [2, 3]],
        3,
    ]
    broken_labels = [
        *PLAIN,
        labels + 0.5,
        labels * NAN,
        labels == 0,
        3,
        np.eye(3)[labels],
        labels + 10**10,
        labels.astype("U1"),
        [[1], [2, 3]],
        1j * labels,
    ]
    impossible_shapes = [
        *PLAIN,
        28,
        (0, 4, 1),
        (-4, 4, 1),
        (4.5, 4, 1),
        (),
        "4x4x1",
        (4, 4, None),
        (NAN, 4, 1),
        (10**6, 10**6, 3),
    ]
    no_pictures = [LIST, (28, 28)]
    return {
        "count": [*numbers, -1, 0.5, 2.0, INF, 10**30, np.float32(1.5), -(10**30), "3"],
        "natural": [*numbers, -1, 0.5, 2.0, INF, 10**30, "3"],
        "real": reals,
        "share": [*reals, 1.5, 100, np.float64(-0.1)],
        "radius": reals,
        "bound": [*numbers, np.float32(NAN)],
        "choice": [*PLAIN, LIST, "nope", "", 3, b"linf", "LINF"],
        # a perturbation of anything, a network, a CPPN of gray or colored pictures or videos
        "any_shape": impossible_shapes,
        "network_shape": [*impossible_shapes, *no_pictures],
        "shape": [*impossible_shapes, *no_pictures, (28,), (4, 4, 2)],
        "key": [*PLAIN, LIST, 0, -1, 0.5, np.zeros(2), np.arange(2), jnp.zeros(()), True],
        "classifier": [
            *PLAIN,
            LIST,
            linear,
            [network],
            network.params,
            "lenet",
            Classifier,
            models.build,
            models.LeNet(CLASSES),
            3,
            (network, network),
        ],
        "classifiers": [
            *PLAIN,
            [],
            network,
            [None],
            [network, other],
            [linear],
            3,
            (network, "x"),
        ],
        "images": [
            *broken_images,
            np.zeros((MANY, 4, 4, 3)),
            images.transpose(0, 3, 1, 2),
        ],
        # of any shape, where no network says which
        "any_images": broken_images,
        "bytes": [*PLAIN, LIST, nan_image, images * 255.0, images[..., 0], labels, 3],
        "labels": [*broken_labels, labels[:-1], labels - 1, labels + 7],
        # of any number and any classes, where no images and no network say how many
        "any_labels": broken_labels,
        "goal": [*PLAIN, LIST, labels, attacks.leave, attacks.reach, 3, "leave"],
        "attack": [*PLAIN, LIST, attacks.fgsm, attacks.pgd, "pgd", 0.1, [attacks.fgsm(0.1)]],
        "universal": [*PLAIN, LIST, attacks.universal_sgd, "sgd", attacks.fgsm(0.1), 0.1],
        "encoding": [*PLAIN, LIST, encodings.direct, "direct", SHAPE, encodings.polynomial()],
        "search": [*PLAIN, LIST, evolution.map_elites, "map_elites", right["encoding"]],
        "score": [*PLAIN, LIST, defenses.energy, "energy", 0.5, lambda logits: logits],
        "dataset": [*PLAIN, LIST, (images, labels), "digits", images, data.load, 3],
        "values": [
            *PLAIN,
            [],
            [NAN],
            [0.1, NAN, 0.2],
            [[1], [2, 3]],
            ["a"],
            1j * np.ones(3),
        ],
        "numbers": [*PLAIN, [], [[1], [2, 3]], ["a"], 1j * np.ones(3)],
        "perturbation": [
            *PLAIN,
            LIST,
            np.zeros((3, 3, 1)),
            np.full(SHAPE, NAN),
            0.1,
            np.zeros(4),
            images,
            "0",
        ],
        "logits": [
            *PLAIN,
            LIST,
            np.zeros(3),
            right["logits"][..., :-1],
            np.zeros((2, MANY, 1)),
            3,
            np.zeros((2, 0, CLASSES)),
            right["logits"].astype("U3"),
            right["logits"] + 1j,
        ],
        "sampler": [*PLAIN, LIST, training.minibatches, 64, "minibatches"],
    }
