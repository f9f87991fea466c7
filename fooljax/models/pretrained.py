"""Published networks that hear, watch or read, by name: whose weights, and what they know."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from fooljax.media import Medium, Sounds, Texts
from fooljax.models import cld3
from fooljax.models.audioset_names import audioset_names
from fooljax.models.keyword_networks import KEYWORD_NETWORKS, KEYWORD_RATE, KEYWORDS
from fooljax.models.movie_review import CLASSES as REVIEWS
from fooljax.models.movie_review import FILE as REVIEW_FILE
from fooljax.models.movie_review import ORIGIN as REVIEW_ORIGIN
from fooljax.models.movie_review import movie_review, movie_review_words, split_review
from fooljax.models.sound_weights import (
    ESC10_GROUPS,
    load_keywords,
    load_yamnet,
    load_yamnet_esc10,
)
from fooljax.models.yamnet import YAMNET_RATE
from fooljax.types import Classifier


class Pretrained(NamedTuple):
    """A network that comes with its weights.

    Attributes:
        load: reads its weights' file.
        file: name of that file in a folder of weights.
        medium: what it takes.
        class_names: in the order of its logits.
        knows: names of the data sets that it can be tested on, whose classes are its own.
        origin: who published it.
        words: of a network that reads words: reads what its ids mean, beside its weights;
            ``medium`` says only that it reads.
        split: of the same: returns a text's words as the network tells them apart, with
            spaces between them.
    """

    load: Callable[[Path], Classifier]
    file: str
    medium: Medium
    class_names: tuple[str, ...]
    knows: tuple[str, ...]
    origin: str
    words: Callable[[Path], Texts] | None = None
    split: Callable[[str], str] | None = None


def _yamnet(
    load: Callable[[Path], Classifier], class_names: tuple[str, ...], knows: tuple[str, ...]
) -> Pretrained:
    return Pretrained(
        load=load,
        file="yamnet_audioset.safetensors",
        medium=Sounds(YAMNET_RATE),
        class_names=class_names,
        knows=knows,
        origin="tensorflow/models (YAMNet, TensorFlow Lite), dequantized",
    )


PRETRAINED: dict[str, Pretrained] = {
    **{
        name: Pretrained(
            load=partial(load_keywords, name),
            file=f"{name}_speech_commands.safetensors",
            medium=Sounds(KEYWORD_RATE),
            class_names=KEYWORDS,
            knows=("speech_commands",),
            origin="ARM-software/ML-KWS-for-MCU (Hello Edge), batch normalization folded",
        )
        for name in KEYWORD_NETWORKS
    },
    "yamnet": _yamnet(load_yamnet, audioset_names(), ()),
    "yamnet_esc10": _yamnet(load_yamnet_esc10, tuple(ESC10_GROUPS), ("esc10",)),
    "cld3": Pretrained(
        load=cld3.load_cld3,
        file="cld3_language.safetensors",
        medium=Texts(),
        class_names=cld3.NAMES,
        knows=("language_samples",),
        origin="the language detector of Chrome (google/cld3)",
    ),
    "movie_review": Pretrained(
        movie_review,
        REVIEW_FILE,
        Texts(),
        REVIEWS,
        ("sst2",),
        REVIEW_ORIGIN,
        movie_review_words,
        split_review,
    ),
}


def load_pretrained(name: str, weights: str | os.PathLike | None) -> Classifier:
    """Load a network of `PRETRAINED`; nothing that it reads is ever executed.

    Args:
        name: a key of `PRETRAINED`.
        weights: the file, or a folder that holds it.

    Raises:
        ValueError: if the name is unknown, no weights are given, or they are damaged or
            another network's.
        OSError: if the weights are not there.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> module = fj.models.KEYWORD_NETWORKS["dnn_l"](12)
        >>> drawn = fj.models.init_flax(jax.random.key(0), module, (16_000, 1), 12)
        >>> entry = fj.models.PRETRAINED["dnn_l"]
        >>> fj.models.save_weights(entry.file, drawn)  # stands for the published weights
        >>> network = fj.models.load_pretrained("dnn_l", ".")  # the folder with the file
        >>> said = network(jax.numpy.full((1, 16_000, 1), 0.5)).argmax()
        >>> entry.class_names[int(said)] in fj.models.KEYWORDS
        True
    """
    path = _place(name, weights)
    return PRETRAINED[name].load(path)


def pretrained_medium(name: str, weights: str | os.PathLike | None) -> Medium:
    """Return what a network of `PRETRAINED` takes; of one that reads words, the words too.

    Raises:
        ValueError, OSError: as `load_pretrained`.

    Example:
        >>> from fooljax import models
        >>> models.pretrained_medium("yamnet", None)  # needs no weights to be known
        Sounds(rate=16000)
    """
    entry = PRETRAINED[name]
    return entry.medium if entry.words is None else entry.words(_place(name, weights))


def _place(name: str, weights: str | os.PathLike | None) -> Path:
    """Return where the weights lie."""
    if name not in PRETRAINED:
        raise ValueError(f"unknown network {name!r}; name one of {', '.join(PRETRAINED)}")
    entry = PRETRAINED[name]
    if weights is None:
        raise ValueError(
            f"the weights of {name} cannot be fetched by name; they are from {entry.origin}; give "
            f"--weights FILE, or a folder that holds {entry.file}"
        )
    path = Path(weights).expanduser()
    if path.is_dir():
        path = path / entry.file
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; the weights of {name} are to be there")
    return path
