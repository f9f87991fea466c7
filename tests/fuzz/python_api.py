"""Bad calls of the Python API: each argument of each public function with wrong values."""

import importlib
import inspect
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from calls import Call, descriptions
from wrong_values import CLASSES, MANY, good, wrong

from fooljax import analysis, attacks, defenses, training
from fooljax.models.findings import Finding

EACH = 2  # wrong values of every argument

#: A function a line, with the kinds of its arguments; an argument without a kind has its name's.
FUNCTIONS = """
attacks.pgd epsilon:radius step_size:radius steps:count norm:choice momentum:share
attacks.fgsm epsilon:radius
attacks.apgd epsilon:radius steps:count norm:choice
attacks.deepfool steps:count norm:choice overshoot:real candidates:count
attacks.ddn steps:count gamma:share first_radius:radius
attacks.fmn steps:count norm:choice step_size:radius gamma:share
attacks.elastic_net steps:count rounds:count beta:radius rule:choice step_size:radius kappa:real
attacks.carlini_wagner steps:count rounds:count step_size:radius first_c:radius kappa:real
attacks.lbfgs steps:count rounds:count first_c:radius
attacks.hop_skip_jump steps:count norm:choice directions:count gamma:radius together:count
attacks.brendel_bethge steps:count norm:choice rate:radius momentum:share
attacks.simba step_size:radius steps:count basis:choice low:share
attacks.nes epsilon:radius steps:count pairs:count probe:share momentum:share norm:choice
attacks.spsa epsilon:radius step_size:radius steps:count pairs:count probe:share norm:choice
attacks.one_pixel pixels:count steps:count population:count weight:radius
attacks.square epsilon:radius steps:count norm:choice share:share
attacks.sparse pixels:count
attacks.score_evolution epsilon:radius strategy:choice population:count steps:count std:radius
attacks.ascent steps:count rule:choice early:radius late:radius step_size:radius center:share
attacks.universal_sgd epsilon:radius norm:choice step_size:radius ceiling:bound
attacks.universal_deepfool epsilon:radius norm:choice steps:count candidates:count
attacks.published name:choice
attacks.leave labels:any_labels
attacks.reach labels:any_labels
attacks.confident goal tau:share
attacks.run attack key classifier images goal batch_size:count restarts:count
attacks.in_turn attack key classifiers images goal rounds:count
attacks.on_each classifiers images goal found:images
attacks.score classifier images goal found:images
attacks.sweep key classifier images goal epsilons:values batch_size:count
attacks.standard key classifier images goal epsilon:radius norm:choice steps:count queries:count
attacks.diagnose key classifier images goal epsilon:radius norm:choice steps:count
attacks.run_universal method:universal key classifier images goal steps:count batch_size:count
attacks.fooling_rate classifier images goal perturbation
attacks.perturbed_answers classifier images perturbation
attacks.noise epsilon:radius norm:choice draws:count
attacks.random_perturbation key shape:any_shape epsilon:radius norm:choice
defenses.calibrate classifier images score true_positive_rate:share
defenses.judge classifier images score batch_size:count
defenses.reject classifier score
defenses.certify key classifier images sigma:radius selection:count samples:count alpha:share
defenses.predict_smoothed key classifier images sigma:radius samples:count alpha:share
defenses.noisy key classifier sigma:radius
defenses.resize_and_pad key classifier smallest:share
defenses.gaussian_blur classifier sigma:radius
defenses.tempered classifier temperature:radius
defenses.jpeg classifier quality:real
defenses.median_filter classifier size:count
defenses.quantize classifier levels:count
defenses.ensemble classifiers combine:choice
defenses.majority_vote classifiers
defenses.unanimous classifiers
defenses.energy temperature:radius
defenses.mahalanobis classifier images labels
defenses.nearest_neighbor classifier images neighbors:count
defenses.odin classifier epsilon:radius temperature:radius
defenses.openmax classifier images labels tail:count
evolution.map_elites encoding children:count fitness:choice niches:choice micro_batch:count
evolution.strategy name:choice encoding children:count std:radius
evolution.repeat search
evolution.start key search classifier
encodings.direct shape:any_shape color:choice storage:choice
encodings.cppn shape nodes:count edges:count coordinates:choice color:choice
encodings.polynomial rate:share eta:real crossover:choice crossover_rate:share
encodings.iso_line_dd iso_sigma:radius line_sigma:radius
encodings.Rates weight:share add_node:share eta:real
models.build name:choice key input_shape:network_shape num_classes:count rejecting:natural
models.validate classifier
models.in_bfloat16 classifier
models.center_crop classifier pixels:count
models.load_published name:choice
training.minibatches batch_size:count
training.perturbed_minibatches batch_size:count share:share
training.quick steps:count batch_size:count learning_rate:radius
training.adversarial steps:count epsilon:radius attack_steps:count
training.trades steps:count epsilon:radius beta:real
training.acet steps:count epsilon:radius weight:real
training.fit key classifier dataset steps:count sampler
training.evaluate classifier dataset batch_size:count
training.predict classifier images batch_size:count
training.with_fooling_class dataset images:bytes capacity:count
data.from_arrays images:any_images labels:any_labels
data.load name:choice
data.even_rows labels:any_labels count:count
analysis.train_substitute key victim:classifier untrained:classifier images
analysis.gradient_alignment classifiers images goal
analysis.try_certificates key classifier images sigma:radius steps:count samples:count alpha:share
analysis.sign_steps key classifier images labels epsilons:values
analysis.along classifier images lengths:values
analysis.tangent_reach classifier images ends:images steps:values
analysis.judge_fooling logits targets:labels tau:share
analysis.over_repeats level:share shares:numbers
analysis.sample key classifier tilt:radius chains:count steps:count step_size:radius score:choice
analysis.log_normalizer levels:values log_p:values tilts:values
analysis.log_density scores:numbers tilt:radius log_z:values
metrics.mixing traces:numbers
metrics.auroc known:values outliers:values
metrics.roc_curve known:values outliers:values
metrics.fpr95_id_pos known:values outliers:values
metrics.acceptance_threshold known:values true_positive_rate:share
metrics.share_accepted scores:values threshold:bound
metrics.clopper_pearson successes:natural trials:count level:share
metrics.confidence_summary confidence:values
metrics.expected_calibration_error confidence:values
metrics.reliability confidence:values bins:count level:share
metrics.mann_whitney first:values second:values
metrics.superiority first:values second:values
metrics.spearman first:values second:values
metrics.nearest_distances images known:images
metrics.bootstrap values:values level:share
reporting.percent confidence:share
reporting.curves confidences:values
reporting.grid images
reporting.matrix values:numbers
evolution.with_references classifier images
analysis.effective_number features:numbers
analysis.explained features:numbers permutations:count key
analysis.cost_growth sizes:numbers costs:numbers
analysis.cost_ratio costs:numbers others:numbers
analysis.turn_effects before:numbers after:numbers
"""


def _others() -> dict[str, dict[str, Any]]:
    """Return right values where those of the kind are not, or an argument is in no table."""
    quick = training.quick(steps=1)._asdict()
    out, three = Path("out"), np.ones(3, bool)
    return {
        "pgd": {"norm": "linf"},
        "score_evolution": {"strategy": "snes", "population": 4},
        "ascent": {"rule": "adam"},
        "sample": {"measure": analysis.measures.uniform(good()["shape"]), "score": "logit"},
        "log_normalizer": {"levels": [0.0, 1.0, 2.0], "log_p": [-0.1, -1.0, -3.0]},
        "log_density": {"scores": np.zeros((2, 3))},
        "mixing": {"traces": np.zeros((2, 9))},
        "sweep": {"make": attacks.fgsm},
        "reject": {"threshold": defenses.Threshold(0.0)},
        "over_repeats": {"shares": [0.1, 0.2]},
        "jpeg": {"quality": 50.0},
        "ensemble": {"combine": "logits"},
        "map_elites": {"fitness": "margin", "niches": "all", "children": 4},
        "strategy": {"name": "snes", "children": 12},
        "direct": {"color": "hls", "storage": "uint8"},
        "cppn": {"coordinates": "raw", "color": "hls", "nodes": 9, "edges": 20},
        "polynomial": {"crossover": "none"},
        "one_pixel": {"population": 4},
        "build": {"name": "softmax", "num_classes": 3, "rejecting": 0},
        "fit": {name: value for name, value in quick.items() if name != "steps"},
        "with_fooling_class": {"images": (good()["images"] * 255).astype(np.uint8), "capacity": 99},
        "try_certificates": {"through": good()["classifier"], "steps": 2, "selection": 5},
        "train_substitute": {"recipe": training.quick(steps=1)},
        "judge_fooling": {"num_classes": CLASSES, "targets": jnp.asarray(good()["labels"])},
        "effective_number": {"features": np.eye(3)},
        "explained": {"features": np.eye(3), "groups": [0, 0, 1], "permutations": 2},
        "cost_growth": {"sizes": [1, 2, 4], "costs": np.ones((2, 3))},
        "cost_ratio": {"costs": [1.0, 2.0], "others": [1.0, 2.0]},
        "turn_effects": {"before": np.zeros((2, 3)), "after": np.zeros((1, 2, 2, 3))},
        "clopper_pearson": {"successes": 1},
        "expected_calibration_error": {"right": three},
        "reliability": {"right": three},
        "along": {"directions": good()["images"]},
        "curves": {"path": out, "generations": [0, 1, 2]},
        "grid": {"path": out, "captions": [["a"] * MANY]},
        "matrix": {"path": out, "row_names": ["a"], "column_names": ["b"], "label": "x"},
    }


def calls() -> list[Call]:
    """Return the same calls every time."""
    chance, others, table = random.Random(3), _others(), []
    for line in FUNCTIONS.strip().splitlines():
        place, *described = line.split()
        module, name = place.split(".")
        function = getattr(importlib.import_module(f"fooljax.{module}"), name)
        kinds = dict(word.split(":") if ":" in word else (word, word) for word in described)
        right = {argument: good()[kind] for argument, kind in kinds.items() if kind in good()}
        right |= {"norm": "l2"} if "norm" in kinds else {}
        right |= others.get(name, {})
        for argument, kind in kinds.items():
            for bad in chance.sample(wrong()[kind], EACH):
                table.append(_call(name, function, right, argument, bad))
    return table


def _call(
    name: str, function: Callable[..., Any], right: dict[str, Any], argument: str, bad: Any
) -> Call:
    def run(folder: Path) -> None:
        made = function(**{**right, argument: bad})
        for one in made if isinstance(made, tuple) else ():
            if isinstance(one, Finding):  # a doubt that is returned is said too
                warnings.warn(one.message, stacklevel=2)

    shown = descriptions(bad)
    default = inspect.signature(function).parameters[argument].default
    harmless = bad is None and default is None  # which is right, then
    return Call(f"{name}({argument}={shown[0][:60]})", run, (argument,), shown, harmless)
