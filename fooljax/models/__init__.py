"""Networks, and how they and their published weights become classifiers."""

from fooljax.models.asking import about, answer_all, answer_each, asked, shown
from fooljax.models.audioset_names import audioset_names
from fooljax.models.check import has_gradient, look, validate
from fooljax.models.classifier import NETWORKS, build, from_flax, init_flax
from fooljax.models.cld3 import load_cld3
from fooljax.models.equinox_module import from_equinox
from fooljax.models.features import penultimate
from fooljax.models.foreign import IMAGENET, Preprocess
from fooljax.models.function import from_function
from fooljax.models.keras_model import from_keras
from fooljax.models.keyword_networks import (
    KEYWORD_NETWORKS,
    KEYWORDS,
    KeywordCNN,
    KeywordDNN,
    KeywordDSCNN,
)
from fooljax.models.layers import max_pool
from fooljax.models.matcher import Matcher
from fooljax.models.movie_review import movie_review, movie_review_words, split_review
from fooljax.models.networks import MLP, LeNet, ResNet, SoftmaxRegression
from fooljax.models.nnx_module import from_nnx
from fooljax.models.precision import in_bfloat16
from fooljax.models.pretrained import PRETRAINED, Pretrained, load_pretrained, pretrained_medium
from fooljax.models.published import PUBLISHED, load_published
from fooljax.models.sentences import SentenceEncoder, embed, load_minilm
from fooljax.models.sound_cnn import SoundCNN
from fooljax.models.text_cnn import TextCNN, text_cnn
from fooljax.models.torch_module import from_torch
from fooljax.models.units import Layer, layers, units
from fooljax.models.views import center_crop, crop_probabilities, ten_crop
from fooljax.models.vqa import VQA, VQANet, init_vqa
from fooljax.models.weights import load_weights, save_weights
from fooljax.models.widening import widen
from fooljax.models.wordpiece import WordPiece
from fooljax.models.yamnet import YAMNet, grouped, one_sound, presence, presence_in_clips

__all__ = [
    "IMAGENET",
    "KEYWORDS",
    "KEYWORD_NETWORKS",
    "MLP",
    "NETWORKS",
    "PRETRAINED",
    "PUBLISHED",
    "VQA",
    "KeywordCNN",
    "KeywordDNN",
    "KeywordDSCNN",
    "Layer",
    "LeNet",
    "Matcher",
    "Preprocess",
    "Pretrained",
    "ResNet",
    "SentenceEncoder",
    "SoftmaxRegression",
    "SoundCNN",
    "TextCNN",
    "VQANet",
    "WordPiece",
    "YAMNet",
    "about",
    "answer_all",
    "answer_each",
    "asked",
    "audioset_names",
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
    "grouped",
    "has_gradient",
    "in_bfloat16",
    "init_flax",
    "init_vqa",
    "layers",
    "load_cld3",
    "load_minilm",
    "load_pretrained",
    "load_published",
    "load_weights",
    "look",
    "max_pool",
    "movie_review",
    "movie_review_words",
    "one_sound",
    "penultimate",
    "presence",
    "presence_in_clips",
    "pretrained_medium",
    "save_weights",
    "shown",
    "split_review",
    "ten_crop",
    "text_cnn",
    "units",
    "validate",
    "widen",
]
