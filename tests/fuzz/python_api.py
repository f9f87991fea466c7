"""Bad calls of the Python API: each argument of each public function with wrong values."""

import functools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from calls import Call, descriptions
from wrong_values import CLASSES, MANY, good, wrong

from fooljax import analysis, attacks, data, defenses, encodings, evolution, metrics, models
from fooljax import reporting, training  # isort: skip

EACH = 2  # wrong values of every argument


def calls() -> list[Call]:
    """Return the same calls every time."""
    chance = random.Random(3)
    table = []
    for name, (function, kinds, rest) in functions().items():
        for argument, kind in kinds.items():
            for bad in chance.sample(wrong()[kind], EACH):
                right = {one: _right(of) for one, of in kinds.items() if of in good()}
                values = {**right, **rest, argument: bad.value}
                run = lambda folder, function=function, values=values: _run(function, values)
                shown = descriptions(bad.value)
                table.append(
                    Call(f"{name}({argument}={shown[0]})", run, (argument,), shown, bad.harmless)
                )
    return table


def _right(kind: str) -> Any:
    return good()[kind]


def _run(function: Callable[..., Any], values: dict[str, Any]) -> None:
    made = function(**values)
    if made is None:
        return
    np.asarray(made) if hasattr(made, "shape") else None


def _written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that writes a page or a picture a place in the folder of the call."""
    return functools.partial(function, Path("out"))


def functions() -> dict[str, tuple[Callable[..., Any], dict[str, str], dict[str, Any]]]:
    """Return functions by name, each with the kinds of its arguments and other right values."""
    on_images = {"classifier": "classifier", "images": "images"}
    attacked = {"key": "key", **on_images, "goal": "goal"}
    smoothed = {"key": "key", **on_images, "sigma": "radius", "samples": "count", "alpha": "share"}
    compared = {"known": "values", "outliers": "values"}
    labels = good()["labels"]
    targets = jnp.asarray(labels)
    verdicts = {"num_classes": CLASSES, "tau": 0.9}
    return {
        "pgd": (attacks.pgd, {"epsilon": "radius", "step_size": "radius", "steps": "count", "norm": "choice", "momentum": "share"}, {"norm": "linf"}),
        "fgsm": (attacks.fgsm, {"epsilon": "radius"}, {}),
        "apgd": (attacks.apgd, {"epsilon": "radius", "steps": "count", "norm": "choice"}, {"norm": "l2"}),
        "deepfool": (attacks.deepfool, {"steps": "count", "norm": "choice", "overshoot": "real", "candidates": "count"}, {"norm": "l2"}),
        "ddn": (attacks.ddn, {"steps": "count", "gamma": "share", "first_radius": "radius"}, {}),
        "carlini_wagner": (attacks.carlini_wagner, {"steps": "count", "rounds": "count", "step_size": "radius", "first_c": "radius", "kappa": "real"}, {}),
        "lbfgs": (attacks.lbfgs, {"steps": "count", "rounds": "count", "first_c": "radius"}, {}),
        "hop_skip_jump": (attacks.hop_skip_jump, {"steps": "count", "norm": "choice", "directions": "count", "gamma": "radius", "together": "count"}, {"norm": "l2"}),
        "square": (attacks.square, {"epsilon": "radius", "steps": "count", "norm": "choice", "share": "share"}, {"norm": "l2"}),
        "sparse": (attacks.sparse, {"pixels": "count"}, {}),
        "score_evolution": (attacks.score_evolution, {"epsilon": "radius", "strategy": "choice", "population": "count", "steps": "count", "std": "radius", "norm": "choice"}, {"strategy": "snes", "norm": "l2", "population": 4}),
        "ascent": (attacks.ascent, {"steps": "count", "rule": "choice", "early": "share", "late": "share", "step_size": "radius", "center": "share"}, {"rule": "adam"}),
        "universal_sgd": (attacks.universal_sgd, {"epsilon": "radius", "norm": "choice", "step_size": "radius", "ceiling": "radius"}, {"norm": "l2"}),
        "universal_deepfool": (attacks.universal_deepfool, {"epsilon": "radius", "norm": "choice", "steps": "count", "candidates": "count"}, {"norm": "l2"}),
        "published": (attacks.published, {"name": "choice"}, {}),
        "leave": (attacks.leave, {"labels": "labels"}, {}),
        "reach": (attacks.reach, {"labels": "labels"}, {}),
        "confident": (attacks.confident, {"goal": "goal", "tau": "share"}, {}),
        "run": (attacks.run, {"attack": "attack", **attacked, "batch_size": "count", "restarts": "count"}, {}),
        "in_turn": (attacks.in_turn, {"attack": "attack", "key": "key", "classifiers": "classifiers", "images": "images", "goal": "goal", "rounds": "count"}, {}),
        "on_each": (attacks.on_each, {"classifiers": "classifiers", "images": "images", "goal": "goal", "found": "images"}, {}),
        "score": (attacks.score, {**on_images, "goal": "goal", "found": "images"}, {}),
        "sweep": (attacks.sweep, {**attacked, "epsilons": "values", "batch_size": "count"}, {"make": attacks.fgsm}),
        "standard": (attacks.standard, {**attacked, "epsilon": "radius", "norm": "choice", "steps": "count", "queries": "count"}, {"norm": "l2"}),
        "diagnose": (attacks.diagnose, {**attacked, "epsilon": "radius", "norm": "choice", "steps": "count"}, {"norm": "l2"}),
        "run_universal": (attacks.run_universal, {"method": "universal", **attacked, "steps": "count", "batch_size": "count"}, {}),
        "fooling_rate": (attacks.fooling_rate, {**on_images, "perturbation": "perturbation", "goal": "goal"}, {}),
        "perturbed_answers": (attacks.perturbed_answers, {**on_images, "perturbation": "perturbation"}, {}),
        "random_perturbation": (attacks.random_perturbation, {"key": "key", "shape": "shape", "epsilon": "radius", "norm": "choice"}, {"norm": "l2"}),
        "calibrate": (defenses.calibrate, {**on_images, "score": "score", "true_positive_rate": "share"}, {}),
        "judge": (defenses.judge, {**on_images, "score": "score", "batch_size": "count"}, {}),
        "reject": (defenses.reject, {"classifier": "classifier", "score": "score"}, {"threshold": defenses.Threshold(0.0)}),
        "certify": (defenses.certify, {**smoothed, "selection": "count"}, {}),
        "predict_smoothed": (defenses.predict_smoothed, smoothed, {}),
        "noisy": (defenses.noisy, {"key": "key", "classifier": "classifier", "sigma": "radius"}, {}),
        "resize_and_pad": (defenses.resize_and_pad, {"key": "key", "classifier": "classifier", "smallest": "share"}, {}),
        "gaussian_blur": (defenses.gaussian_blur, {"classifier": "classifier", "sigma": "radius"}, {}),
        "jpeg": (defenses.jpeg, {"classifier": "classifier", "quality": "real"}, {}),
        "median_filter": (defenses.median_filter, {"classifier": "classifier", "size": "count"}, {}),
        "quantize": (defenses.quantize, {"classifier": "classifier", "levels": "count"}, {}),
        "ensemble": (defenses.ensemble, {"classifiers": "classifiers", "combine": "choice"}, {"combine": "logits"}),
        "majority_vote": (defenses.majority_vote, {"classifiers": "classifiers"}, {}),
        "unanimous": (defenses.unanimous, {"classifiers": "classifiers"}, {}),
        "energy": (defenses.energy, {"temperature": "radius"}, {}),
        "mahalanobis": (defenses.mahalanobis, {**on_images, "labels": "labels"}, {}),
        "nearest_neighbor": (defenses.nearest_neighbor, {**on_images, "neighbors": "count"}, {}),
        "openmax": (defenses.openmax, {**on_images, "labels": "labels", "tail": "count"}, {}),
        "map_elites": (evolution.map_elites, {"encoding": "encoding", "children": "count", "fitness": "choice", "niches": "choice", "micro_batch": "count"}, {"fitness": "margin", "niches": "all", "children": 4}),
        "strategy": (evolution.strategy, {"name": "choice", "encoding": "encoding", "children": "count", "std": "radius"}, {"name": "snes", "children": 12}),
        "repeat": (evolution.repeat, {"search": "search"}, {}),
        "start": (evolution.start, {"key": "key", "search": "search", "classifier": "classifier"}, {}),
        "direct": (encodings.direct, {"shape": "shape", "color": "choice", "storage": "choice"}, {"color": "hls", "storage": "uint8", "levels": 256}),
        "cppn": (encodings.cppn, {"shape": "shape", "nodes": "count", "edges": "count", "coordinates": "choice", "color": "choice"}, {"coordinates": "raw", "color": "hls", "nodes": 9, "edges": 20}),
        "polynomial": (encodings.polynomial, {"rate": "share", "eta": "real", "crossover": "choice", "crossover_rate": "share"}, {"crossover": "none"}),
        "iso_line_dd": (encodings.iso_line_dd, {"iso_sigma": "radius", "line_sigma": "radius"}, {}),
        "Rates": (encodings.Rates, {"weight": "share", "add_node": "share", "eta": "real"}, {}),
        "build": (models.build, {"name": "choice", "key": "key", "input_shape": "shape", "num_classes": "count", "rejecting": "natural"}, {"name": "softmax", "num_classes": 3, "rejecting": 0}),
        "validate": (models.validate, {"classifier": "classifier"}, {}),
        "in_bfloat16": (models.in_bfloat16, {"classifier": "classifier"}, {}),
        "center_crop": (models.center_crop, {"classifier": "classifier", "pixels": "count"}, {}),
        "load_published": (models.load_published, {"name": "choice"}, {}),
        "minibatches": (training.minibatches, {"batch_size": "count"}, {}),
        "perturbed_minibatches": (training.perturbed_minibatches, {"batch_size": "count", "share": "share"}, {}),
        "quick": (training.quick, {"steps": "count", "batch_size": "count", "learning_rate": "radius"}, {}),
        "adversarial": (training.adversarial, {"steps": "count", "epsilon": "radius", "attack_steps": "count"}, {}),
        "trades": (training.trades, {"steps": "count", "epsilon": "radius", "beta": "real"}, {}),
        "acet": (training.acet, {"steps": "count", "epsilon": "radius", "weight": "real"}, {}),
        "fit": (training.fit, {"key": "key", "classifier": "classifier", "dataset": "dataset", "steps": "count", "sampler": "sampler"}, {k: v for k, v in training.quick(steps=1)._asdict().items() if k != "steps"}),
        "evaluate": (training.evaluate, {"classifier": "classifier", "dataset": "dataset", "batch_size": "count"}, {}),
        "predict": (training.predict, {**on_images, "batch_size": "count"}, {}),
        "with_fooling_class": (training.with_fooling_class, {"dataset": "dataset", "images": "images", "capacity": "count"}, {"images": (good()["images"] * 255).astype(np.uint8), "capacity": 99}),
        "from_arrays": (data.from_arrays, {"images": "images", "labels": "labels"}, {}),
        "load": (data.load, {"name": "choice"}, {}),
        "even_rows": (data.even_rows, {"labels": "labels", "count": "count"}, {}),
        "train_substitute": (analysis.train_substitute, {"key": "key", "victim": "classifier", "untrained": "classifier", "images": "images"}, {"recipe": training.quick(steps=1)}),
        "gradient_alignment": (analysis.gradient_alignment, {"classifiers": "classifiers", "images": "images", "goal": "goal"}, {}),
        "judge_fooling": (analysis.judge_fooling, {"logits": "logits", "targets": "labels", "tau": "share"}, {**verdicts, "targets": targets}),
        "over_repeats": (analysis.over_repeats, {"shares": "values", "level": "share"}, {}),
        "auroc": (metrics.auroc, compared, {}),
        "roc_curve": (metrics.roc_curve, compared, {}),
        "fpr95_id_pos": (metrics.fpr95_id_pos, compared, {}),
        "acceptance_threshold": (metrics.acceptance_threshold, {"known": "values", "true_positive_rate": "share"}, {}),
        "share_accepted": (metrics.share_accepted, {"scores": "values", "threshold": "real"}, {}),
        "clopper_pearson": (metrics.clopper_pearson, {"successes": "natural", "trials": "count", "level": "share"}, {"successes": 1}),
        "confidence_summary": (metrics.confidence_summary, {"confidence": "values"}, {}),
        "expected_calibration_error": (metrics.expected_calibration_error, {"confidence": "values"}, {"right": np.ones(3, bool)}),
        "mann_whitney": (metrics.mann_whitney, {"first": "values", "second": "values"}, {}),
        "bootstrap": (metrics.bootstrap, {"values": "values", "level": "share"}, {}),
        "percent": (reporting.percent, {"confidence": "share"}, {}),
        "curves": (_written(reporting.curves), {"confidences": "values"}, {"generations": [0, 1, 2]}),
        "grid": (_written(reporting.grid), {"images": "images"}, {"captions": [["a"] * MANY]}),
        "matrix": (_written(reporting.matrix), {"values": "values"}, {"row_names": ["a"], "column_names": ["b"]}),
    }  # fmt: skip
