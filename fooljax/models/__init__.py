"""Networks, and how they and their published weights become classifiers."""

from fooljax.models.check import validate
from fooljax.models.classifier import NETWORKS, build, from_flax, init_flax
from fooljax.models.features import penultimate
from fooljax.models.networks import MLP, LeNet, ResNet, SoftmaxRegression, max_pool
from fooljax.models.weights import load_weights, save_weights

__all__ = [
    "MLP",
    "NETWORKS",
    "LeNet",
    "ResNet",
    "SoftmaxRegression",
    "build",
    "from_flax",
    "init_flax",
    "load_weights",
    "max_pool",
    "penultimate",
    "save_weights",
    "validate",
]
