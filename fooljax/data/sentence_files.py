"""Texts of the user's own: a table of sentences and labels, or a folder of class folders."""

import csv
import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fooljax.data.dataset import Splits, blame
from fooljax.data.sentences import Sentences, encoded
from fooljax.data.text_files import read_text

#: Files that hold a table of sentences and labels.
TABLES = (".tsv", ".csv")
_TEXTS = ("sentence", "text", "review", "sentence1", "content")
_LABELS = ("label", "class", "sentiment", "target", "category")
# words with the apostrophes and hyphens inside them, and each other mark by itself
_TOKENS = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[^\w\s]|_")


def read_sentences(path: Path) -> Splits:
    """Read texts and turn them into ids; a fifth of every class is held out for testing.

    Text is put into lower case; words are runs of letters and digits with the apostrophes and
    hyphens inside them, and every other mark is a word of its own.

    Args:
        path: a ``.tsv`` or ``.csv`` file whose first line names its columns, one ``sentence``
            (or text, review) and one ``label`` (or class, sentiment); or a folder with a
            folder of ``.txt`` files for each class, or with such in ``train`` and ``test``.

    Raises:
        ValueError: if there are no texts, columns are missing, or there is one class only.
    """
    if path.is_dir():
        divided = (path / "train").is_dir() and (path / "test").is_dir()
        homes = [path / "train", path / "test"] if divided else [path]
        found = [_read_folder(home) for home in homes]
    else:
        found = [read_table(path)]
    with blame(path):
        names = _class_names(found[0][1])
        parts = [_sentences(texts, labels, names) for texts, labels in found]
        return encoded(*(parts if len(parts) > 1 else _held_out(parts[0])))


def holds_texts(folder: Path) -> bool:
    """Tell whether class folders hold ``.txt`` files, and no other kind that is shown."""
    homes = [folder / "train"] if (folder / "train").is_dir() else [folder]
    kinds = {
        file.suffix.lower()
        for home in homes
        for place in home.iterdir()
        if place.is_dir() and not place.name.startswith(".")
        for file in place.iterdir()
        if not file.name.startswith(".")
    }
    return kinds == {".txt"}


def read_table(path: Path) -> tuple[list[str], list[str]]:
    """Read the texts and labels of a table, as they are written.

    Texts without a word are left out, with a warning that counts them.

    Raises:
        ValueError: if a column is missing, a line has other columns than the first, or no
            sentence is left.
    """
    tabs = path.suffix.lower() == ".tsv"
    plain: dict = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if tabs else {}
    lines = csv.reader(io.StringIO(read_text(path), newline=""), **plain)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        text, label = _column(path, header, _TEXTS), _column(path, header, _LABELS)
        texts, labels = [], []
        for row in lines:
            if not row:
                continue
            if len(row) != len(header):
                raise ValueError(
                    f"{path}: line {lines.line_num} has {len(row)} columns, the first line "
                    f"{len(header)}; mend it"
                )
            texts.append(row[text])
            labels.append(row[label].strip())
    except csv.Error as error:
        raise ValueError(f"{path}: line {lines.line_num} cannot be read: {error}") from error
    return _not_empty(path, texts, labels)


def _column(path: Path, header: Sequence[str], names: Sequence[str]) -> int:
    found = [header.index(name) for name in names if name in header]
    if not found:
        raise ValueError(
            f"{path}: the first line must name a column {names[0]} (or {', '.join(names[1:])}), "
            f"got {', '.join(header) or 'nothing'}"
        )
    return found[0]


def _read_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Return the texts of all files, and the names of their folders."""
    homes = sorted(one for one in folder.iterdir() if one.is_dir() and one.name[0] != ".")
    texts, labels = [], []
    for home in homes:
        for file in sorted(home.glob("*.txt")):
            texts.append(read_text(file))
            labels.append(home.name)
    return _not_empty(folder, texts, labels)


def _not_empty(
    path: Path, texts: Sequence[str], labels: Sequence[str]
) -> tuple[list[str], list[str]]:
    kept = [place for place, text in enumerate(texts) if text.strip()]
    if not kept:
        raise ValueError(f"{path}: holds no sentence")
    if len(kept) < len(texts):
        warnings.warn(
            f"{path}: left out {len(texts) - len(kept)} texts without a word", stacklevel=3
        )
    return [texts[place] for place in kept], [labels[place] for place in kept]


def _class_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Return all labels, in the order of numbers if they are numbers, else of the alphabet."""
    numbers = all(re.fullmatch(r"-?\d{1,9}", label) for label in labels)
    names = tuple(sorted(set(labels), key=int if numbers else str))
    if "" in names:
        raise ValueError(f"the label of {labels.index('') + 1}. sentence is empty; fill it in")
    if len(names) < 2:
        raise ValueError(f"all texts are of one class, {names[0]}; add texts of another")
    return names


def _sentences(texts: Sequence[str], labels: Sequence[str], names: tuple[str, ...]) -> Sentences:
    unknown = sorted(set(labels) - set(names))
    if unknown:
        raise ValueError(f"class {unknown[0]} is in test only; put some of it into train")
    rows = np.array([names.index(label) for label in labels])
    return Sentences(tuple(" ".join(split(text)) for text in texts), rows, names)


def split(text: str) -> list[str]:
    """Return the words of a text as it is written, in lower case; each mark is one too."""
    return _TOKENS.findall(text.lower())


def _held_out(sentences: Sentences) -> tuple[Sentences, Sentences]:
    """Put the second, seventh, twelfth ... text of every class into the test part."""
    texts, labels, names = sentences
    out = np.zeros(len(labels), bool)
    for label in range(len(names)):
        out[np.flatnonzero(labels == label)[1::5]] = True
    if not out.any():
        raise ValueError("no class has two texts, so nothing is left to test on; add texts")
    part = lambda rows: Sentences(tuple(texts[row] for row in rows), labels[rows], names)
    return part(np.flatnonzero(~out)), part(np.flatnonzero(out))
