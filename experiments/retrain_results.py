"""Numbers of a finished ``experiments.retrain`` run."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import scipy.stats
from numpy.typing import NDArray

from experiments import retrain_pictures, retrain_report
from experiments.retrain_units import CONTROL, Scene, unit_name
from fooljax import metrics
from fooljax.reporting.wording import certainty
from fooljax.runtime import files, notices
from fooljax.runtime.units import Arrays

#: Medians of the paper's figure 11, MNIST, DNN 1 to 15, in [0, 1].
PAPER = tuple(
    round(number / 100, 4)
    for number in (
        *(99.99, 97.42, 99.83, 72.52, 97.55, 99.68, 76.13, 99.96),
        *(99.51, 99.48, 98.62, 99.97, 99.93, 99.15, 99.15),
    )
)
SURE, UNSURE = 0.9, 0.5
_RESAMPLES = 2000


def write(folder: Path, config: Any, scene: Scene, made: Mapping[str, Arrays]) -> dict[str, Any]:
    """Write ``evolved.npz``, pictures, ``summary.json`` and ``report.html``.

    Args:
        folder: run directory.
        config: the experiment's settings, a dataclass.
        scene: data, sizes and kinds of images.
        made: what every piece of work found, by ``unit_name``.

    Returns:
        The summary.
    """
    arrays = {}
    for index in range(1, config.networks + 1):
        for maker in config.attacks:
            name = unit_name(index, maker)
            arrays[f"{name}-images"] = made[name]["images"]
            arrays[f"{name}-confidence"] = confidence(made, index, maker, index)
    files.write_npz(folder / "evolved.npz", arrays, compress=True)
    summary = summarize(config, scene, made)
    summary = notices.summarize(folder, summary)
    pictures = retrain_pictures.draw(folder, config, scene, made, summary)
    retrain_report.write(folder / "report.html", summary, config, pictures)
    print(f"{summary['conclusion']}\nreport: {folder / 'report.html'}", file=sys.stderr)
    return summary


def confidence(
    made: Mapping[str, Arrays], shown_to: int, maker: str, made_for: int
) -> NDArray[np.float32]:
    """How sure a network is of images, each of the class it was made for, ``[runs, k]``."""
    told = made[unit_name(shown_to, "answers")][unit_name(made_for, maker)]
    return np.diagonal(told[..., :-1], axis1=-2, axis2=-1)


def called_fooling(made: Mapping[str, Arrays], shown_to: int, kind: str) -> NDArray[np.bool_]:
    """Whether a network puts images of a kind into the fooling class, ``[...]``."""
    told = made[unit_name(shown_to, "answers")][kind]
    return np.argmax(told, axis=-1) == told.shape[-1] - 1


def summarize(config: Any, scene: Scene, made: Mapping[str, Arrays]) -> dict[str, Any]:
    """Return everything that the page says, as numbers by flat names."""
    networks = range(1, config.networks + 1)
    labels = np.asarray(scene.test.labels)
    column = scene.train.num_classes
    tests = {i: made[unit_name(i, "answers")]["test"] for i in (*networks, CONTROL)}
    attacks = {maker: _attacked(config, scene, made, maker) for maker in config.attacks}
    headline = scene.trained_on[0]
    medians = attacks[headline]["median"]
    old = {maker: _over_pairs(config, made, maker) for maker in config.attacks}
    fooling = [scene.fooling_images(i) for i in networks]
    summary = {
        "dataset": config.victim.dataset,
        "class_names": list(scene.train.class_names),
        "networks": config.networks,
        "trained_on": list(scene.trained_on),
        "headline_attack": headline,
        "runs": config.runs,
        "train_images": len(scene.train.labels),
        "test_images": len(labels),
        "fooling_images": fooling,
        "fooling_share": [count / (len(scene.train.labels) + count) for count in fooling],
        "clean_error": [float(np.mean(tests[i] != labels)) for i in networks],
        "clean_called_fooling": [float(np.mean(tests[i] == column)) for i in networks],
        "control_clean_error": float(np.mean(tests[CONTROL] != labels)),
        "attacks": attacks,
        "paper_median": list(PAPER),
        "called_fooling_by_pair": {maker: one["called_fooling"] for maker, one in old.items()},
        "fooled_by_pair": {maker: one["fooled"] for maker, one in old.items()},
        "called_fooling_unrelated": {
            kind: [float(called_fooling(made, i, kind).mean()) for i in networks]
            for kind in scene.unrelated
        },
        "old_called_fooling": _mean_of_older(old[headline]["called_fooling"]),
        "old_fooled": _mean_of_older(old[headline]["fooled"]),
        "control": _control(config, scene, made, headline),
        "trend": _trend(medians),
        "intervals": "95 %, bootstrap over the runs; there is one network for each round",
        "seconds": sum(float(unit["seconds"]) for unit in made.values()),
        "seed": config.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }
    verdict = judge(medians)
    return {**summary, "verdict": verdict, "conclusion": conclude(summary, verdict, config)}


def _attacked(
    config: Any, scene: Scene, made: Mapping[str, Arrays], maker: str
) -> dict[str, list[Any]]:
    """What images made anew against each network reach, a list over the networks each."""
    networks = range(1, config.networks + 1)
    each = {i: confidence(made, i, maker, i) for i in networks}
    told = {i: made[unit_name(i, "answers")][unit_name(i, maker)] for i in networks}
    answers = {i: np.argmax(one, axis=-1) for i, one in told.items()}
    classes = scene.train.num_classes
    tests = [None, *(test(each[1], each[i]) for i in networks if i > 1)]
    intervals = [interval(config.seed, each[i]) for i in networks]
    result: dict[str, list[Any]] = {
        "median": [float(np.median(each[i])) for i in networks],
        "median_low": [low for low, _ in intervals],
        "median_high": [high for _, high in intervals],
        "above_99": [float(np.mean(each[i] > 0.99)) for i in networks],
        "accepted": [float(np.mean(answers[i] < classes)) for i in networks],
        "fooled": [float(np.mean(answers[i] == np.arange(classes))) for i in networks],
        "median_by_class": [np.median(each[i], axis=0).tolist() for i in networks],
        "against_first": tests,
    }
    if maker != "ascent":
        traces = [made[unit_name(i, maker)]["trace"] for i in networks]
        result["generations_to_99"] = [generations_to(trace, 0.99) for trace in traces]
    return result


def generations_to(trace: NDArray, level: float) -> float | None:
    """First generation whose median over runs and classes is above a level; None if none is."""
    above = np.flatnonzero(np.median(trace, axis=(1, 2)) > level)
    return int(above[0]) + 1 if above.size else None


def interval(seed: int, values: NDArray) -> tuple[float, float]:
    """95 % interval of the median over runs and classes, by resampling whole runs."""
    if len(values) == 1:
        return float("nan"), float("nan")
    found = scipy.stats.bootstrap(
        (np.arange(len(values)),),
        lambda rows: np.median(values[rows]),
        n_resamples=_RESAMPLES,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return tuple(map(float, found.confidence_interval))


def test(before: NDArray, after: NDArray) -> dict[str, float]:
    """Mann-Whitney's U test, two-sided, of the confidences in all images of two networks.

    Returns:
        ``u`` of the first, ``p``, ``first_higher``: how often an image of the first is the
        surer one, ties counting half; ``p_runs``: of the same test of the runs' medians.
    """
    both = metrics.mann_whitney(before.ravel(), after.ravel())
    runs = metrics.mann_whitney(np.median(before, axis=1), np.median(after, axis=1))
    return {
        "u": both.statistic,
        "p": both.p_value,
        "first_higher": both.statistic / (before.size * after.size),
        "p_runs": runs.p_value,
    }


def _over_pairs(config: Any, made: Mapping[str, Arrays], maker: str) -> dict[str, Any]:
    """Images made for one network (rows), shown to all (columns): shares of two answers."""
    networks = range(1, config.networks + 1)
    fooling, fooled = [], []
    for made_for in networks:
        name = unit_name(made_for, maker)
        fooling.append([float(called_fooling(made, to, name).mean()) for to in networks])
        answers = [np.argmax(made[unit_name(to, "answers")][name], axis=-1) for to in networks]
        fooled.append([float(np.mean(one == np.arange(one.shape[-1]))) for one in answers])
    return {"called_fooling": fooling, "fooled": fooled}


def _mean_of_older(by_pair: list[list[float]]) -> list[float | None]:
    """Mean over all earlier networks' images, for each network; None for the first."""
    means = [float(np.mean([by_pair[j][i] for j in range(i)])) for i in range(1, len(by_pair))]
    return [None, *means]


def _control(config: Any, scene: Scene, made: Mapping[str, Arrays], maker: str) -> dict[str, Any]:
    """A second network without any fooling image: how far two such are apart."""
    values = confidence(made, CONTROL, maker, CONTROL)
    low, high = interval(config.seed, values)
    return {
        "median": float(np.median(values)),
        "median_low": low,
        "median_high": high,
        "against_first": test(confidence(made, 1, maker, 1), values),
    }


def _trend(medians: list[float]) -> dict[str, float] | None:
    """Spearman's correlation of round and median among retrained networks; None below four."""
    later = medians[1:]
    if len(later) < 4 or len(set(later)) < 2:
        return None
    found = scipy.stats.spearmanr(np.arange(len(later)), later)
    return {"rho": float(found.statistic), "p": float(found.pvalue)}


def judge(medians: list[float]) -> str:
    """Say whether retraining helped against images made anew.

    Returns:
        ``untested`` unless the first network's median is at least ``SURE``: a search
        that does not fool it says nothing about the others. Otherwise ``no`` if every
        retrained network's median is at least ``SURE``, ``yes`` if each is at most
        ``UNSURE``, and else ``partly``.
    """
    first, *later = medians
    if first < SURE:
        return "untested"
    if min(later) >= SURE:
        return "no"
    return "yes" if max(later) <= UNSURE else "partly"


def conclude(summary: Mapping[str, Any], verdict: str, config: Any) -> str:
    """Say in words what the numbers of this run say."""
    of = summary["attacks"][summary["headline_attack"]]
    later, last = of["median"][1:], summary["networks"]
    sure, unsure = sum(m >= SURE for m in later), sum(m <= UNSURE for m in later)
    opening = {
        "untested": "These runs say nothing about retraining, for they do not even make the first "
        f"network sure (median {certainty(of['median'][0])})",
        "no": "Retraining did not help against an adversary who evolves anew",
        "yes": "Retraining helped, also against an adversary who evolves anew",
        "partly": "Retraining helped some of the networks against an adversary who evolves anew",
    }[verdict]
    effort = [one or "never" for one in of["generations_to_99"]]
    return (
        f"{opening} (runs of {config.generations} generations): of {len(later)} retrained "
        f"networks, {sure} are again made at least {100 * SURE:.0f} % sure of half of the new "
        f"images, {unsure} at most {100 * UNSURE:.0f} %. The last one, DNN {last}: median "
        f"{certainty(of['median'][-1])}, {100 * of['fooled'][-1]:.0f} % of the new images called "
        "what they were made to be; of images made for earlier networks it calls "
        f"{100 * summary['old_called_fooling'][-1]:.0f} % fooling. The generation in which the "
        f"median first exceeds 99 %: {effort[0]} against DNN 1, {effort[-1]} against DNN {last}."
    )
