"""What other networks say of the images that ``experiments.evolve`` made for one."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import analysis
from fooljax.data import as_float
from fooljax.runtime.victim import Prepared

TAU = 0.9  # from here on a network counts as sure
_AT_ONCE = 25


def shown(images: np.ndarray, networks: Mapping[str, Prepared]) -> dict[str, dict[str, Any]]:
    """Show the champions of every niche to networks that they were not made for.

    Args:
        images: ``[repeats, k, h, w, c]``, float32 in [0, 1] or uint8.
        networks: by name, for the same classes.

    Returns:
        For every network, with a number for each repeat: ``same_label`` (share whose
        label is the niche's class), ``sure_label`` (and its confidence at least `TAU`),
        ``any_label_sure`` (any class, as confident) and ``median_confidence`` in the
        niche's class; and ``clean_accuracy``.
    """
    return {
        name: {"clean_accuracy": network.accuracy, **_says(images, network)}
        for name, network in networks.items()
    }


def _says(images: np.ndarray, network: Prepared) -> dict[str, list[float]]:
    classifier = network.classifier
    apply = jax.jit(classifier.apply)
    found: dict[str, list[float]] = {}
    for repeat in images:
        parts = [
            apply(classifier.params, as_float(repeat[i : i + _AT_ONCE]))
            for i in range(0, len(repeat), _AT_ONCE)
        ]
        verdicts = analysis.judge_fooling(
            jnp.concatenate(parts)[None], jnp.arange(len(repeat)), classifier.num_classes, TAU
        )
        shares = analysis.shares(verdicts)
        numbers = {
            "same_label": shares.same_label[0],
            "sure_label": shares.sure_label[0],
            "any_label_sure": shares.any_label[0],
            "median_confidence": np.median(np.asarray(verdicts.confidence)),
        }
        for name, number in numbers.items():
            found.setdefault(name, []).append(float(number))
    return found
