"""Texts in languages: names of countries, languages, months and days; CLD3's own test texts."""

import functools
from importlib import resources
from pathlib import Path

import numpy as np

from fooljax.data.dataset import Splits, from_arrays
from fooljax.data.text_files import read_lines
from fooljax.media import Texts

SAMPLES = ("samples.tsv", "languages.txt")
LENGTH = 40  # characters of a text
_CODES = {
    "ar": "Arabic",
    "cs": "Czech",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "ru": "Russian",
    "sv": "Swedish",
    "sw": "Swahili",
    "tr": "Turkish",
    "vi": "Vietnamese",
}
CLASSES = tuple(_CODES.values())
_TRAIN, _TEST = 400, 100  # texts of each language
_HELD_OUT = 5  # every fifth thing is named in test texts only
_SEED = 20150401


def read_languages() -> Splits:
    """Return 8,000 texts to learn from and 2,000 to be tested on, in twenty languages.

    A text is a row of names in one language, cut at 40 characters: of countries, languages,
    months and days of the week. What is named in test texts is named in no other, in any
    language. Names that languages share are in both all the same ("Mali" is "Mali"), so no
    network can be right on all. The same on every machine.

    Returns:
        Texts ``[n, 40]`` of code points, lower-case letters and single spaces.

    Source:
        Unicode CLDR, by way of Babel 2.19.
    """
    names = _names()
    held_out = np.arange(len(names)) % _HELD_OUT == 1
    halves = []
    for half, (count, rows) in enumerate(((_TRAIN, ~held_out), (_TEST, held_out))):
        random = np.random.default_rng([_SEED, half])
        labels = np.tile(np.arange(len(CLASSES)), count)
        texts = [_text(random, names[rows, label]) for label in labels]
        ids = np.stack([Texts().encode(text, LENGTH) for text in texts])
        halves.append(from_arrays(ids, labels, CLASSES, Texts()))
    return Splits(*halves)


def _text(random: np.random.Generator, names: np.ndarray) -> str:
    """Write names after each other until the text is long enough."""
    text = ""
    for name in random.permutation(names):
        text += f"{name} "
        if len(text) > LENGTH:
            break
    return text[:LENGTH].strip()


@functools.cache
def _names() -> np.ndarray:
    """Return all names, ``[things, languages]``, things in random but fixed order."""
    text = resources.files(__package__).joinpath("language_names.tsv").read_text("utf-8")
    _, head, *lines = (line.split("\t") for line in text.splitlines())
    columns = [head.index(code) for code in _CODES]
    names = np.array([[line[column] for column in columns] for line in lines])
    return np.random.default_rng(_SEED).permutation(names)


def read_samples(folder: Path) -> Splits:
    """Return the texts that CLD3's authors test it on, one in each of 90 languages.

    There is nothing to learn from one text a language, so both halves hold all of them.

    Args:
        folder: holds ``samples.tsv`` with the columns language and text, and
            ``languages.txt`` with the codes of all classes, a line each.

    Raises:
        ValueError: if a file is missing, is no text, lacks a column, or names a language that
            is no class.
    """
    for name in SAMPLES:
        if not (folder / name).is_file():
            raise ValueError(f"{folder}: {name} is missing")
    codes = read_lines(folder / SAMPLES[1])
    path = folder / SAMPLES[0]
    head, *lines = (line.split("\t") for line in read_lines(path))
    if not {"language", "text"} <= set(head):
        raise ValueError(f"{path}: the first line must name the columns language and text")
    language, text = head.index("language"), head.index("text")
    short = [number for number, line in enumerate(lines, 2) if len(line) != len(head)]
    if short or not lines:
        what = f"line {short[0]} has not" if short else "it lacks lines of"
        raise ValueError(f"{path}: {what} {len(head)} columns, separated by tabs")
    unknown = sorted({line[language] for line in lines} - set(codes))
    if unknown:
        raise ValueError(f"{path}: {', '.join(unknown[:5])} is not in {SAMPLES[1]}")
    longest = max(len(line[text]) for line in lines)
    ids = np.stack([Texts().encode(line[text], longest) for line in lines])
    labels = np.array([codes.index(line[language]) for line in lines])
    samples = from_arrays(ids, labels, codes, Texts())
    return Splits(samples, samples)
