"""Images of all kinds for ``experiments.retrain``: made against a network, and not."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, UInt8

from fooljax import attacks, data, encodings, evolution
from fooljax.types import Classifier, Encoding, RandomKey, Search

MOST = 1000  # images of a kind that nobody has made against a network

#: How images are made against a network, and the words for it.
MAKERS = {
    "cppn": "evolved patterns (CPPN)",
    "direct": "evolved pixels",
    "ascent": "gradient ascent from noise",
}


class Evolver(NamedTuple):
    """A search, repeated, and the encoding it searches."""

    search: Search
    encoding: Encoding


class Evolved(NamedTuple):
    """What runs of evolution found, as picture files hold it.

    Attributes:
        first: champions after the random images and one generation, ``[runs, k, h, w, c]``.
        last: champions at the end.
        trace: confidence of the champions after each generation, ``[generations, runs, k]``.
    """

    first: UInt8[np.ndarray, "r k h w c"]
    last: UInt8[np.ndarray, "r k h w c"]
    trace: Float32[np.ndarray, "g r k"]


def build_evolvers(shape: tuple[int, ...], children: int) -> dict[str, Evolver]:
    """Return the searches by name of their encoding.

    Raises:
        ValueError: if there is none for such images, naming the flag.
    """
    if shape[2] not in (1, 3):
        raise ValueError(f"--dataset: images need 1 or 3 channels to be evolved, got {shape[2]}")
    height, width, channels = shape
    size = (height, width, channels)
    made = {"cppn": encodings.cppn(size), "direct": encodings.direct(size)}
    return {
        name: Evolver(evolution.repeat(evolution.map_elites(encoding, children)), encoding)
        for name, encoding in made.items()
    }


def evolve(
    key: RandomKey, evolver: Evolver, classifier: Classifier, runs: int, generations: int
) -> Evolved:
    """Evolve images anew in independent runs.

    Fitness is the log-probability of a class with all columns in the softmax: who
    evolves knows the fooling class.
    """
    keys = jax.random.split(key, runs)
    state, _ = evolution.start(keys, evolver.search, classifier)
    state, one = evolution.advance(keys, evolver.search, classifier, state, 1)
    first = np.asarray(_express(evolver.encoding, state.archive))
    traces = [one.confidence]
    if generations > 1:
        state, more = evolution.advance(keys, evolver.search, classifier, state, generations - 1)
        traces.append(more.confidence)
    last = np.asarray(_express(evolver.encoding, state.archive))
    return Evolved(first, last, np.concatenate(jax.device_get(traces)))


def ascend(
    key: RandomKey, classifier: Classifier, runs: int, steps: int
) -> UInt8[np.ndarray, "r k h w c"]:
    """Climb from uniform noise toward every class, ``runs`` times."""
    k = classifier.num_classes
    key_noise, key_climb = jax.random.split(key)
    noise = jax.random.uniform(key_noise, (runs * k, *classifier.input_shape), dtype=jnp.float32)
    goal = attacks.reach(jnp.tile(jnp.arange(k, dtype=jnp.int32), runs))
    found = attacks.run(attacks.ascent(steps), key_climb, classifier, noise, goal).images
    return as_bytes(found).reshape(runs, k, *classifier.input_shape)


def unrelated(
    key: RandomKey, shape: tuple[int, ...], others: tuple[str, ...], data_dir: str | None
) -> dict[str, UInt8[np.ndarray, "n h w c"]]:
    """Gather images that nobody has made against any network, by name of their kind.

    Raises:
        ValueError, OSError: if one of the other kinds cannot be had, naming the flag.
    """
    key_uniform, key_gaussian = jax.random.split(key)
    grey = 0.5 + 0.25 * jax.random.normal(key_gaussian, (MOST, *shape), dtype=jnp.float32)
    kinds = {
        "uniform noise": as_bytes(
            jax.random.uniform(key_uniform, (MOST, *shape), dtype=jnp.float32)
        ),
        "Gaussian noise": as_bytes(jnp.clip(grey, 0.0, 1.0)),
    }
    for name in others:
        try:
            kinds[name] = data.load_others(name, shape, data_dir, MOST)
        except (ValueError, OSError) as error:
            raise ValueError(f"--others: {error}") from error
    return kinds


def as_bytes(images: Any) -> UInt8[np.ndarray, "..."]:
    """Round images in [0, 1] as a picture file does."""
    return np.round(np.asarray(images) * 255.0).astype(np.uint8)


def _paint(encoding: Encoding, archives: evolution.Archive) -> jax.Array:
    images = jax.vmap(lambda one: evolution.express_elites(encoding, one))(archives)
    return jnp.round(images * 255.0).astype(jnp.uint8)


_express = jax.jit(_paint, static_argnums=0)
