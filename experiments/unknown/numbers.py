"""Numbers of a finished ``experiments.unknown`` run, from every method's word on every image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study

from .measure import CLEAN, FOOLING, NAIVE, PERTURBED, PUSHED, RATES, REFUSED, Config, Scene

ADAPTIVE = "adaptive"
MOST, FEW = 0.5, 0.1  # shares accepted from which on, and up to which, words are used
MEASURES = {
    "accepted_95": "accepted, 95 % of clean are",
    "accepted_99": "accepted, 99 % of clean are",
    "auroc": "AUROC",
    "aupr_id_pos": "AUPR, clean positive",
    "aupr_ood_pos": "AUPR, outliers positive",
    "fpr95_id_pos": "FPR95, clean positive",
    "fpr95_ood_pos": "FPR95, outliers positive",
}
KEPT = {
    "accepted_95": "accepted (95 %)",
    "right_95": "right among them",
    "accepted_99": "accepted (99 %)",
    "right_99": "right among them ",
}
SURE = {
    "mean": "mean confidence",
    "median": "median",
    "quantile_95": "95 % quantile",
    "share_95": "share from 0.95",
    "share_99": "from 0.99",
    "share_9999": "from 0.9999",
}


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        networks: by name.
        scene: clean images and outliers, networks and thresholds.
        results: what all cells found.
        records: one for each network, method and kind of images.
        methods: means over the networks, by method, kind of images and how they were made.
        clean: what each method does to real images.
        refused: how many real images a small change gets rejected, and how many were before.
        bare: how sure the networks are without any method.
    """

    config: Config
    networks: study.Networks
    scene: Scene
    results: study.Results
    records: Sequence[study.Record]
    methods: study.Table
    clean: study.Table
    refused: study.Table
    bare: study.Table

    @property
    def columns(self) -> list[tuple[str, str]]:
        """All kinds of images to be rejected, with how they were made."""
        made = [(family, how) for family in (*FOOLING, PERTURBED) for how in (NAIVE, ADAPTIVE)]
        still = ((family, NAIVE) for family in self.scene.families)
        return [*still, *made, (PUSHED, ADAPTIVE)]

    def accepted(self, method: str, family: str, how: str) -> float:
        """Return the mean share accepted at the threshold that the adversary faces."""
        return self.methods.value("accepted_95", method=method, family=family, how=how).mean

    def asked(self, network: str, family: str, how: str, method: str) -> study.Arrays:
        """Return the cell whose images are of a kind, made naively or against the method."""
        against = NAIVE if how == NAIVE else method
        return self.results.one(network=network, family=family, against=against)

    def scores(self, network: str, method: str) -> np.ndarray:
        """Return a method's scores of the clean images."""
        return self.asked(network, CLEAN, NAIVE, method)[f"score_{method}"]

    def right(self, network: str) -> np.ndarray:
        """Tell which clean images the bare network gets right."""
        logits = self.results.one(network=network, family=CLEAN, against=NAIVE)["logits"]
        return answers(self.scene, network, logits) == self.scene.clean.labels


def gather(config: Config, networks: study.Networks, scene: Scene, results: study.Results) -> Found:
    """Derive from the answers and scores all that the page is about."""
    nothing = study.Table(())
    found = Found(config, networks, scene, results, [], nothing, nothing, nothing, nothing)
    records = list(judge(found))
    of = lambda part: study.where(records, part=part)
    over = lambda part, by, names: study.summarize(of(part), by, names, "network")
    return found._replace(
        records=records,
        methods=over("family", ("method", "family", "how"), MEASURES),
        clean=over(CLEAN, ("method",), KEPT),
        refused=over(REFUSED, ("method",), ("rejected_before", "rejected")),
        bare=over("bare", ("family",), (*SURE, "accuracy", "calibration_error", "mistaken")),
    )


def judge(found: Found) -> Iterator[study.Record]:
    """Yield a record for each network, method and kind of images, and of the bare network."""
    scene = found.scene
    for network, stage in scene.stages.items():
        for method in stage.scores:
            about = {"network": network, "method": method}
            limits = [limit.value for limit in stage.thresholds[method]]
            yield {**about, "part": CLEAN, **kept(found, network, method, limits)}
            refused = found.results.one(network=network, family=REFUSED, against=method)
            yield {
                **about,
                "part": REFUSED,
                "rejected_before": float(np.mean(found.scores(network, method) < limits[0])),
                "rejected": float(np.mean(refused[f"score_{method}"] < limits[0])),
            }
            for family, how in found.columns:
                numbers = let_in(found, network, method, family, how, limits)
                yield {**about, "part": "family", "family": family, "how": how, **numbers}
        for family in (CLEAN, *scene.families, *FOOLING, PERTURBED):
            about = {"network": network, "part": "bare", "family": family}
            yield {**about, **confidence(found, network, family)}


def answers(scene: Scene, network: str, logits: np.ndarray) -> np.ndarray:
    """Return the real classes that the bare network names."""
    return np.argmax(logits[:, : scene.stages[network].classifier.num_classes], axis=1)


def let_in(
    found: Found, network: str, method: str, family: str, how: str, limits: Sequence[float]
) -> dict[str, float]:
    """Measure what a method lets in; perturbed images count as accepted only if mistaken."""
    cell, known = found.asked(network, family, how, method), found.scores(network, method)
    scores = cell[f"score_{method}"]
    counts = np.ones(len(scores), bool)
    if family == PERTURBED:
        counts = answers(found.scene, network, cell["logits"]) != cell["labels"]
    numbers = {name: getattr(fj.metrics, name)(known, scores) for name in list(MEASURES)[2:]}
    for rate, limit in zip(RATES, limits, strict=True):
        numbers[f"accepted_{100 * rate:.0f}"] = float(np.mean(counts & (scores >= limit)))
    return numbers


def kept(found: Found, network: str, method: str, limits: Sequence[float]) -> dict[str, float]:
    """Measure what a method does to clean images."""
    scores, right, numbers = found.scores(network, method), found.right(network), {}
    for rate, limit in zip(RATES, limits, strict=True):
        some = scores >= limit
        numbers[f"accepted_{100 * rate:.0f}"] = float(some.mean())
        numbers[f"right_{100 * rate:.0f}"] = float(right[some].mean()) if some.any() else np.nan
    return numbers


def confidence(found: Found, network: str, family: str) -> dict[str, float | None]:
    """Measure how sure the network without any rejection is."""
    import jax.numpy as jnp

    cell = found.results.one(network=network, family=family, against=NAIVE)
    num_classes = found.scene.stages[network].classifier.num_classes
    sure = np.asarray(fj.metrics.probabilities(jnp.asarray(cell["logits"])))[:, :num_classes].max(
        axis=1
    )
    sure = np.minimum(sure, 1.0)
    numbers: dict[str, float | None] = fj.metrics.confidence_summary(sure)._asdict()
    numbers |= {"accuracy": None, "calibration_error": None, "mistaken": None}
    if family == CLEAN:
        right = found.right(network)
        numbers["accuracy"] = float(right.mean())
        numbers["calibration_error"] = fj.metrics.expected_calibration_error(sure, right)
    if family == PERTURBED:
        wrong = answers(found.scene, network, cell["logits"]) != cell["labels"]
        numbers["mistaken"] = float(np.mean(wrong))
    return numbers


class Best(NamedTuple):
    """A method, and the kind of images that it accepts most of."""

    method: str
    accepted_most: float
    family: str


def headline(found: Found) -> dict[str, Best]:
    """Find the method whose worst kind is least bad: nobody attacking it, and attacked itself."""
    still = [(family, NAIVE) for family in (*found.scene.families, *FOOLING)]
    moving = [(family, ADAPTIVE) for family in (*FOOLING, PERTURBED, PUSHED)]

    def worst(method: str, columns: Sequence[tuple[str, str]]) -> Best:
        share, family = max((found.accepted(method, *one), one[0]) for one in columns)
        return Best(method, share, family)

    least = lambda columns: min(
        (worst(method, columns) for method in found.config.methods),
        key=lambda one: one.accepted_most,
    )
    return {NAIVE: least(still), ADAPTIVE: least(moving)}


def say(shares: dict[tuple[str, str], float]) -> str:
    """Say in words what a method lets through, and what changes when it is attacked itself.

    Args:
        shares: accepted, by kind of images and how they were made.
    """
    still = {family: share for (family, how), share in shares.items() if how == NAIVE}
    through = [name for name, share in still.items() if share > MOST]
    stopped = [name for name, share in still.items() if share <= FEW]
    words = [
        f"lets most of {_list(through)} through" if through else "lets no family mostly through",
        f"stops {_list(stopped)}" if stopped else "stops none",
    ]
    pairs = {name: (still[name], shares[name, ADAPTIVE]) for name in (*FOOLING, PERTURBED)
             if name in still}  # fmt: skip
    broken = [name for name, (before, after) in pairs.items() if before <= MOST < after]
    held = [name for name, (_, after) in pairs.items() if after <= FEW]
    if broken:
        words.append(f"made against the method itself, most of {_list(broken)} get through too")
    if held:
        words.append(f"of those made against it, {_list(held)} are still stopped")
    if not broken and not held:
        words.append("made against the method itself, no other kind gets through")
    return "; ".join(words)


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
