"""Training and testing of classifiers."""

from fooljax.training import losses
from fooljax.training.descents import caffe_lenet, fine_tune
from fooljax.training.evaluate import evaluate, evaluate_classes, predict
from fooljax.training.fit import fit
from fooljax.training.outliers import (
    minibatches_and_changed,
    minibatches_with_noise,
    noise_like,
)
from fooljax.training.perturbed import (
    PerturbedDataset,
    perturbed_minibatches,
    with_perturbations,
)
from fooljax.training.recipe import Recipe
from fooljax.training.recipes import (
    RECIPES,
    acet,
    adversarial,
    energy_bounded,
    outlier_exposure,
    quick,
    trades,
)
from fooljax.training.retrain import FOOLING, with_fooling_class
from fooljax.training.samplers import Minibatches, Sampler, adversarial_minibatches, minibatches

__all__ = [
    "FOOLING",
    "RECIPES",
    "Minibatches",
    "PerturbedDataset",
    "Recipe",
    "Sampler",
    "acet",
    "adversarial",
    "adversarial_minibatches",
    "caffe_lenet",
    "energy_bounded",
    "evaluate",
    "evaluate_classes",
    "fine_tune",
    "fit",
    "losses",
    "minibatches",
    "minibatches_and_changed",
    "minibatches_with_noise",
    "noise_like",
    "outlier_exposure",
    "perturbed_minibatches",
    "predict",
    "quick",
    "trades",
    "with_fooling_class",
    "with_perturbations",
]
