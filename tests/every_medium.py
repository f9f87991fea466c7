"""A tiny network of every medium: what contracts are run over beside pictures."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.media import Medium, Pictures, Sounds, Texts, Videos
from fooljax.types import Classifier, Tokens

CLASSES, COUNT, WORDS = 4, 5, 30


class Sense(NamedTuple):
    """A medium, and the shape of one input."""

    medium: Medium
    shape: tuple[int, ...]

    @property
    def reads(self) -> bool:
        return isinstance(self.medium, Texts)


SENSES = {
    "pictures": Sense(Pictures(), (6, 6, 1)),
    "sounds": Sense(Sounds(8_000), (36, 1)),
    "videos": Sense(Videos(), (2, 3, 6, 1)),
    "words": Sense(Texts(("", "?", *(f"word{i}" for i in range(WORDS - 2)))), (7,)),
    "letters": Sense(Texts(), (7,)),
}
NUMBERS = [name for name, sense in SENSES.items() if not sense.reads]


def network(name: str, seed: int = 0, vector: int = 5) -> Classifier:
    """A smooth network of two layers; of a text it reads the sum of the words' vectors."""
    sense = SENSES[name]
    key_first, key_second, key_table = jax.random.split(jax.random.key(seed), 3)
    width = vector if sense.reads else int(np.prod(sense.shape))
    params = {
        "first": jax.random.normal(key_first, (width, 12)) / 2.0,
        "second": jax.random.normal(key_second, (12, CLASSES)),
    }
    if not sense.reads:
        return Classifier(params, _see, sense.shape, CLASSES)
    count = WORDS if name == "words" else 128
    params["table"] = jax.random.normal(key_table, (count, vector)).at[0].set(0.0)
    table = lambda params: params["table"]
    return Classifier(params, _read, sense.shape, CLASSES, Tokens(count, _embed, _sum, table))


def inputs(name: str) -> jax.Array:
    """Five inputs, texts of different lengths."""
    sense = SENSES[name]
    if not sense.reads:
        return jax.random.uniform(jax.random.key(1), (COUNT, *sense.shape))
    drawn = np.random.default_rng(0).integers(2, WORDS, (COUNT, *sense.shape))
    lengths = np.array([7, 1, 4, 6, 3])
    return jnp.asarray(np.where(np.arange(7) < lengths[:, None], drawn, 0), jnp.int32)


def said(classifier: Classifier, images: jax.Array) -> jax.Array:
    """The network's own answers."""
    return jnp.argmax(classifier(images)[:, : classifier.num_classes], axis=1).astype(jnp.int32)


def _see(params, images):
    pixels = images.reshape(len(images), -1) - 0.5
    return 3.0 * jnp.tanh(pixels @ params["first"]) @ params["second"]


def _embed(params, ids):
    return params["table"][ids]


def _sum(params, vectors):
    return 3.0 * jnp.tanh(jnp.sum(vectors, axis=1) @ params["first"]) @ params["second"]


def _read(params, ids):
    return _sum(params, _embed(params, ids))
