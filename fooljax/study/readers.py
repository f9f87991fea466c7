"""Networks that read words: built for a data set's words, or shown texts in words of their own."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fooljax.media import Medium, Texts
from fooljax.study.victim import Victim
from fooljax.study.victim_data import blame

if TYPE_CHECKING:
    import numpy as np

    from fooljax.data import Dataset, Splits
    from fooljax.types import Classifier, RandomKey

#: The architecture that reads words.
READER = "text_cnn"
_RECIPES = ("quick", "caffe_lenet")  # that show the data as they are
_GENERATED = "opinions"  # the same on every machine, so without anybody's vectors
_VECTORS = "text/glove"  # folder below the one with all data


def reads_words(victim: Victim, train: "Dataset") -> bool:
    """Tell whether the network is to be one that reads words.

    Raises:
        ValueError: if the architecture does not suit the data, naming the flag.
    """
    words = isinstance(train.medium, Texts) and train.medium.words is not None
    if victim.model == READER and not words:
        what = "characters" if isinstance(train.medium, Texts) else "no texts"
        raise ValueError(
            f"--model {READER} reads words, and --dataset {victim.dataset} holds {what}; give "
            "opinions, sst2 or sentences of your own"
        )
    if words and victim.model != READER:
        raise ValueError(
            f"--model {victim.model} does not read words, which --dataset {victim.dataset} holds; "
            f"give --model {READER}, or movie_review with its --weights"
        )
    if words and victim.recipe not in _RECIPES:
        raise ValueError(
            f"--recipe {victim.recipe} changes numbers of images or draws noise, which words are "
            f"not; give {' or '.join(_RECIPES)}"
        )
    return words


def fresh_reader(victim: Victim, key: "RandomKey", train: "Dataset") -> "Classifier":
    """Build a network that reads the words of a data set, with fresh weights."""
    from fooljax import data, models

    words = data.words_of(train)
    with blame(f"--model {victim.model}"):
        return models.text_cnn(
            key,
            len(words),
            train.input_shape[0],
            train.num_classes,
            vectors=vectors_of(victim, words),
        )


def vectors_of(victim: Victim, words: "Sequence[str]") -> "np.ndarray | None":
    """Return the vectors that words begin with: GloVe's, if they lie with the other data.

    They are looked for in ``DATA_DIR/text/glove``; generated sentences do without.
    """
    from fooljax import data

    if not has_vectors(victim):
        return None
    with blame("--data-dir"):
        return data.word_vectors(words, _home(victim) / _VECTORS)


def has_vectors(victim: Victim) -> bool:
    """Tell whether a network that reads words begins with vectors that others learned."""
    from fooljax import data

    return victim.dataset != _GENERATED and data.holds_vectors(_home(victim) / _VECTORS)


def _home(victim: Victim) -> Path:
    home = victim.data_dir or os.environ.get("FOOLJAX_DATA_DIR") or os.devnull
    return Path(home).expanduser()


def in_words_of(medium: Medium, length: int, found: "Splits", respell: str) -> "Splits":
    """Return texts in the words that a published network reads.

    Args:
        medium: what it takes; texts of other kinds than words are left as they are.
        length: of its texts.
        found: the texts.
        respell: name of the network, which says how it tells words apart.
    """
    from fooljax import data, models

    split = models.PRETRAINED[respell].split
    own = found.train.medium
    if split is None or not isinstance(medium, Texts) or not isinstance(own, Texts):
        return found
    parts = []
    for part in found:
        texts = tuple(split(own.spell(row)) for row in _rows(part))
        sentences = data.Sentences(texts, _labels(part), part.class_names)
        parts.append(data.encode(sentences, medium, length))
    return data.Splits(*parts)


def _rows(part: "Dataset") -> "np.ndarray":
    import numpy as np

    return np.asarray(part.images)


def _labels(part: "Dataset") -> "np.ndarray":
    import numpy as np

    return np.asarray(part.labels)
