"""What one step along the sign of the gradient gains, measured on one network."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax import data, metrics
from fooljax.runtime.victim import Prepared
from fooljax.types import Classifier, Images


def doubt(classifier: Classifier, images: Images, labels: Int[Array, " b"]) -> Float[Array, " b"]:
    """Return the log-odds that the network speaks against each label."""
    return -jnp.take_along_axis(metrics.log_odds(classifier(images)), labels[:, None], 1)[:, 0]


@jax.jit
def steps(
    key: Array,
    classifier: Classifier,
    images: Images,
    labels: Int[Array, " b"],
    epsilons: Float[Array, " e"],
) -> dict[str, Array]:
    """Take steps of every length: along the gradient's sign, with random signs, inside [0, 1].

    Returns:
        ``start`` log-odds ``[b]``, ``l1`` the sum of the gradient's sizes, gains in
        log-odds ``gain``, ``random``, ``inside`` ``[e, b]`` and the images of the
        last two directions, for pictures.
    """
    worth = lambda images: doubt(classifier, images, labels)
    slope = jax.grad(lambda images: jnp.sum(worth(images)))(images)
    signs = jax.random.rademacher(key, images.shape, jnp.float32)
    start = worth(images)
    uphill = jnp.sign(slope)

    def gains(epsilon):
        moved = images + epsilon * uphill
        return (
            worth(moved) - start,
            worth(images + epsilon * signs) - start,
            worth(jnp.clip(moved, 0.0, 1.0)) - start,
        )

    gain, random, inside = jax.lax.map(gains, epsilons)
    l1 = jnp.sum(jnp.abs(slope), axis=(1, 2, 3))
    return {"start": start, "l1": l1, "gain": gain, "random": random, "inside": inside} | {
        "uphill": uphill[:10],
        "signs": signs[:10],
    }


def measure(config: Any, index: int, prepared: Prepared) -> dict[str, Any]:
    """Measure one network on the first test images.

    Args:
        config: the experiment's settings.
        index: number of the network; decides its random signs.
        prepared: the network and its data.
    """
    test = prepared.splits.test
    count = min(config.images, len(test.images))
    images, labels = data.as_float(test.images[:count]), test.labels[:count]
    key = jax.random.fold_in(jax.random.key(config.seed), index)
    epsilons = jnp.asarray(sorted(config.epsilons), jnp.float32)
    found = steps(key, prepared.classifier, images, labels, epsilons)
    return {
        **found,
        "images": images[:10],
        "labels": np.asarray(labels),
        "inputs": np.asarray(np.prod(images.shape[1:])),
        "accuracy": np.asarray(prepared.accuracy),
    }
