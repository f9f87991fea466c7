"""Published weights of networks that listen, and what their classes mean elsewhere."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
from flax import linen as nn

from fooljax.models.audioset_names import audioset_names
from fooljax.models.classifier import from_flax
from fooljax.models.keyword_networks import KEYWORD_NETWORKS, KEYWORD_SAMPLES, KEYWORDS
from fooljax.models.weights import load_weights
from fooljax.models.yamnet import AUDIOSET_CLASSES, YAMNET_SAMPLES, YAMNet, grouped
from fooljax.types import Classifier

#: The kinds of sound of AudioSet that mean a class of ESC-10.
ESC10_GROUPS = {
    "dog": "Dog|Bark|Bow-wow|Yip|Howl|Growling|Whimper (dog)|Domestic animals, pets",
    "rain": "Rain|Raindrop|Rain on surface",
    "sea_waves": "Ocean|Waves, surf",
    "crying_baby": "Baby cry, infant cry|Crying, sobbing|Whimper",
    "clock_tick": "Tick|Tick-tock|Clock|Mechanisms",
    "sneezing": "Sneeze",
    "helicopter": "Helicopter|Aircraft|Aircraft engine",
    "chainsaw": "Chainsaw",
    "rooster": "Chicken, rooster|Crowing, cock-a-doodle-doo|Cluck|Fowl",
    "crackling_fire": "Fire|Crackle",
}


def load_keywords(name: str, path: Path) -> Classifier:
    """Load a network of `KEYWORD_NETWORKS`: sounds ``[b, 16000, 1]``, twelve words.

    Raises:
        ValueError: if the file is damaged or another network's.
    """
    module = KEYWORD_NETWORKS[name](len(KEYWORDS))
    return _load(module, KEYWORD_SAMPLES, len(KEYWORDS), path)


def load_yamnet(path: Path) -> Classifier:
    """Load YAMNet: sounds ``[b, 15600, 1]``, 521 classes, which do not exclude each other.

    Raises:
        ValueError: if the file is damaged or another network's.
    """
    network = _load(YAMNet(AUDIOSET_CLASSES), YAMNET_SAMPLES, AUDIOSET_CLASSES, path)
    return dataclasses.replace(network, exclusive=False)


def load_yamnet_esc10(path: Path) -> Classifier:
    """Load YAMNet to choose among the ten classes of ESC-10, by the best kind that means each.

    It must choose, as in published comparisons: its softmax says which of the ten it is. Its
    scores are often low there, and "none of these" would be right for most clips.

    Raises:
        ValueError: if the file is damaged or another network's.
    """
    number = {name: label for label, name in enumerate(audioset_names())}
    groups = [[number[kind] for kind in kinds.split("|")] for kinds in ESC10_GROUPS.values()]
    return grouped(load_yamnet(path), groups, rejecting=False)


def _load(module: nn.Module, samples: int, num_classes: int, path: Path) -> Classifier:
    sounds = jax.ShapeDtypeStruct((1, samples, 1), jnp.float32)
    params = jax.eval_shape(module.init, jax.random.key(0), sounds)["params"]
    return load_weights(path, from_flax(module, params, (samples, 1), num_classes))
