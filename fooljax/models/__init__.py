"""Networks, and how they and their published weights become classifiers."""

from fooljax.models.check import look, validate
from fooljax.models.classifier import NETWORKS, build, from_flax, init_flax
from fooljax.models.equinox_module import from_equinox
from fooljax.models.features import penultimate
from fooljax.models.foreign import IMAGENET, Preprocess
from fooljax.models.function import from_function
from fooljax.models.keras_model import from_keras
from fooljax.models.layers import max_pool
from fooljax.models.matcher import Matcher
from fooljax.models.networks import MLP, LeNet, ResNet, SoftmaxRegression
from fooljax.models.nnx_module import from_nnx
from fooljax.models.precision import in_bfloat16
from fooljax.models.pretrained import PRETRAINED, Pretrained, load_pretrained
from fooljax.models.published import PUBLISHED, load_published
from fooljax.models.sentences import SentenceEncoder, embed, load_minilm
from fooljax.models.torch_module import from_torch
from fooljax.models.units import Layer, layers, units
from fooljax.models.views import center_crop, crop_probabilities, ten_crop
from fooljax.models.weights import load_weights, save_weights
from fooljax.models.wordpiece import WordPiece

__all__ = [
    "IMAGENET",
    "MLP",
    "NETWORKS",
    "PRETRAINED",
    "PUBLISHED",
    "Layer",
    "LeNet",
    "Matcher",
    "Preprocess",
    "Pretrained",
    "ResNet",
    "SentenceEncoder",
    "SoftmaxRegression",
    "WordPiece",
    "build",
    "center_crop",
    "crop_probabilities",
    "embed",
    "from_equinox",
    "from_flax",
    "from_function",
    "from_keras",
    "from_nnx",
    "from_torch",
    "in_bfloat16",
    "init_flax",
    "layers",
    "load_minilm",
    "load_pretrained",
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
