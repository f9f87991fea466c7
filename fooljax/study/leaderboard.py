"""What an entry of the leaderboard says of each defense, and of each network."""

import math
from collections.abc import Container, Mapping
from typing import Any

from fooljax.metrics import Interval
from fooljax.runtime import identity
from fooljax.study.adversaries import ADVERSARIES
from fooljax.study.defended import Bench, Defended
from fooljax.study.tables import Table
from fooljax.study.volumes import SMALLER

_ACCEPTED = "accepted_95"
_CLEAN = ("clean_accuracy", "clean_rejected")


def entry_rows(
    words: Mapping[str, str],
    clean: Table,
    accepted: Table,
    means: Table,
    smaller: Table,
    masked: Container[str],
) -> list[dict[str, Any]]:
    """Return a row for each defense, as ``entries.write`` takes them.

    Args:
        words: what each defense is, by name.
        clean: ``clean_accuracy`` and ``clean_rejected``, by ``defense``.
        accepted: share of images accepted, by ``defense``, ``generator`` and ``adversary``.
        means: the same over all generators, by ``defense`` and ``adversary``.
        smaller: as `shrinkage` returns it, by ``defense``.
        masked: defenses at which gradients mislead.

    Returns:
        Rows whose intervals are three numbers, or None where there are none: ``defense``,
        ``words``, the measures of clean images, for each adversary its mean (``naive_mean``)
        and its shares by generator (``naive``), ``masked`` and ``smaller``.

    Example:
        >>> from fooljax import study
        >>> names = ("clean_accuracy", "clean_rejected", "accepted_95", "decades_smaller")
        >>> about = {"defense": "blur", "generator": "cppn", **dict.fromkeys(names, 0.5)}
        >>> records = [{**about, "adversary": who, "repeat": 0} for who in study.ADVERSARIES]
        >>> each = study.summarize(records, ("defense", "generator", "adversary"), names)
        >>> whole = study.summarize(records, ("defense",), names)
        >>> (row,) = study.entry_rows({"blur": "blurs"}, whole, each, each, whole, masked=())
        >>> row["defense"], row["naive"]["cppn"][0], row["masked"]
        ('blur', 0.5, False)
    """

    def row(defense: str) -> dict[str, Any]:
        line: dict[str, Any] = {"defense": defense, "words": words[defense]}
        line |= {name: _short(clean.value(name, defense=defense)) for name in _CLEAN}
        for who in ADVERSARIES:
            at = {"defense": defense, "adversary": who}
            each = accepted.where(**at).column("generator", _ACCEPTED)
            line[f"{who}_mean"] = _short(means.value(_ACCEPTED, **at))
            line[who] = {name: _short(share) for name, share in each.items()}
        left = _short(smaller.value(SMALLER, defense=defense))
        return {**line, "masked": defense in masked, "smaller": left}

    return [row(defense) for defense in words]


def digests(
    benches: Mapping[str, Bench], networks: Mapping[tuple[str, str], Defended]
) -> dict[str, dict[str, Any]]:
    """Return what an entry says of each plain network: its accuracy, digests of all weights.

    Args:
        benches: plain networks by name.
        networks: with their defenses, by defense and name of the plain network.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits = fj.data.load("digits")
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> plain = study.given(network, lambda shape, num_classes: None)._replace(accuracy=0.9)
        >>> material = study.take(digits.test, digits.train, np.arange(4))
        >>> held, fooling = material.images, study.Fooling()
        >>> bench = study.Bench("net", plain, study.Victim(), material, held, fooling)
        >>> networks = {("plain", "net"): study.Defended(network, network)}
        >>> told = study.digests({"net": bench}, networks)["net"]
        >>> told["accuracy"], told["weights"].startswith(told["defended"]["plain"])
        (0.9, True)
    """
    marks = {place: identity.of_weights(one.victim.params) for place, one in networks.items()}
    return {
        name: {
            "accuracy": bench.plain.accuracy,
            "weights": identity.of_weights(bench.classifier.params),
            "defended": {defense: mark[:16] for (defense, of), mark in marks.items() if of == name},
        }
        for name, bench in benches.items()
    }


def _short(found: Interval) -> list[float] | None:
    """Return a mean and its interval as an entry holds it; None where there is no mean."""
    return None if math.isnan(found.mean) else [round(number, 4) for number in found]
