"""SST-2: phrases and sentences of film reviews, negative or positive."""

from pathlib import Path

import numpy as np

from fooljax.data.dataset import Splits
from fooljax.data.sentence_files import read_table
from fooljax.data.sentences import Sentences, encoded
from fooljax.data.vectors import holds_vectors, words_with_vectors

FILES = ("train.tsv", "test.tsv")
CLASSES = ("negative", "positive")
_MORE = "dev.tsv"  # where GLUE's training part is in two files


def read_sst2(folder: Path) -> Splits:
    """Read SST-2 and turn it into ids.

    Phrases to learn from are those of ``train.tsv`` and, if it is there, ``dev.tsv``; sentences
    to test on are those of ``test.tsv``. Words are what spaces separate: the files are in lower
    case, and in the tokens of the Penn Treebank ("ca n't", "-lrb-"). If a table of word vectors
    lies beside the folder (``glove``), all words that have one are among the words.

    Source:
        Socher et al., 2013, Recursive Deep Models for Semantic Compositionality Over a
        Sentiment Treebank; Wang et al., 2019, arXiv:1804.07461 (GLUE).

    Raises:
        ValueError: if a file is missing or damaged.
    """
    train, test = read_sst2_sentences(folder)
    vectors = folder.parent / "glove"
    return encoded(train, test, words_with_vectors(vectors) if holds_vectors(vectors) else ())


def read_sst2_sentences(folder: Path) -> tuple[Sentences, Sentences]:
    """Return the sentences of `read_sst2` as they are written, to learn from and to test on.

    Raises:
        ValueError: if a file is missing or damaged.

    Example:
        >>> from fooljax import data
        >>> from pathlib import Path
        >>> train, test = data.read_sst2_sentences(Path("DIR/text/sst2"))  # doctest: +SKIP
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder}: {', '.join(missing)} is missing")
    train = _read(folder / FILES[0])
    if (folder / _MORE).is_file():
        more = _read(folder / _MORE)
        labels = np.concatenate([train.labels, more.labels])
        train = Sentences(train.texts + more.texts, labels, CLASSES)
    return train, _read(folder / FILES[1])


def _read(path: Path) -> Sentences:
    texts, labels = read_table(path)
    wrong = sorted({label for label in labels if label not in ("0", "1")})
    if wrong:
        raise ValueError(f"{path}: labels must be 0 (negative) or 1 (positive), got {wrong[0]!r}")
    words = tuple(" ".join(text.split()) for text in texts)
    return Sentences(words, np.array([int(label) for label in labels]), CLASSES)
