"""Networks, and how they and their published weights become classifiers."""

from fooljax.models.check import look, validate
from fooljax.models.classifier import NETWORKS, build, from_flax, init_flax
from fooljax.models.features import penultimate
from fooljax.models.layers import max_pool
from fooljax.models.networks import MLP, LeNet, ResNet, SoftmaxRegression
from fooljax.models.precision import in_bfloat16
from fooljax.models.published import PUBLISHED, load_published
from fooljax.models.units import Layer, layers, units
from fooljax.models.views import center_crop, crop_probabilities, ten_crop
from fooljax.models.weights import load_weights, save_weights

__all__ = [
    "MLP",
    "NETWORKS",
    "PUBLISHED",
    "Layer",
    "LeNet",
    "ResNet",
    "SoftmaxRegression",
    "build",
    "center_crop",
    "crop_probabilities",
    "from_flax",
    "in_bfloat16",
    "init_flax",
    "layers",
    "load_published",
    "load_weights",
    "look",
    "max_pool",
    "penultimate",
    "save_weights",
    "ten_crop",
    "units",
    "validate",
]
