"""Training and testing of classifiers."""

from fooljax.training.evaluate import evaluate, evaluate_classes, predict
from fooljax.training.fit import fit
from fooljax.training.recipes import RECIPES, Recipe, adversarial, caffe_lenet, quick
from fooljax.training.retrain import FOOLING, with_fooling_class
from fooljax.training.samplers import Sampler, adversarial_minibatches, minibatches

__all__ = [
    "FOOLING",
    "RECIPES",
    "Recipe",
    "Sampler",
    "adversarial",
    "adversarial_minibatches",
    "caffe_lenet",
    "evaluate",
    "evaluate_classes",
    "fit",
    "minibatches",
    "predict",
    "quick",
    "with_fooling_class",
]
