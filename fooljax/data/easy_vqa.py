"""Questions about pictures by name: made here, easy-VQA, or a file of the same layout."""

import os
from pathlib import Path

import numpy as np

from fooljax.data.dataset import blame
from fooljax.data.npz import open_arrays
from fooljax.data.questions import Asked, QuestionSet, from_asked
from fooljax.data.shapes import synthetic
from fooljax.spelling import meant

FILE = "easy_vqa.npz"
PLACE = "vqa"
NAMES = ("synthetic", "easy_vqa")
_KEYS = ("images", "image", "question", "answer")


def load_questions(name: str, data_dir: str | None = None) -> QuestionSet:
    """Load questions about pictures.

    Args:
        name: ``synthetic`` (made here), ``easy_vqa`` (easy_vqa.npz in the folder ``vqa`` of
            ``data_dir``), or an ``.npz`` file of the same layout: for ``train`` and for
            ``test`` ``_images`` ``[p, h, w, c]`` uint8, and a row ``[s]`` each of
            ``_image``, ``_question`` and ``_answer``, numbers of picture, text and name;
            ``questions`` and ``answers`` are the texts and the names.
        data_dir: folder with data sets; without it, ``FOOLJAX_DATA_DIR``.

    Raises:
        ValueError: if the name is unknown, a file is missing, damaged, or lacks an array,
            or what it holds does not fit together.

    Source:
        Zhou, 2019, easy-VQA 1.0: 5,000 pictures, 48,248 questions.

    Example:
        >>> from fooljax import data
        >>> asked = data.load_questions("synthetic")  # doctest: +SKIP
    """
    if name == "synthetic":
        return synthetic()
    if name.endswith(".npz"):
        return read_questions(Path(name))
    if name != "easy_vqa":
        hint = meant(name, NAMES)
        raise ValueError(f"unknown {name!r}; {hint}There are {', '.join(NAMES)} and FILE.npz")
    data_dir = data_dir or os.environ.get("FOOLJAX_DATA_DIR")
    if data_dir is None:
        raise ValueError(
            f"{FILE} is not fetched by itself; put it into DIR/{PLACE} and pass --data-dir DIR"
        )
    return read_questions(Path(data_dir) / PLACE / FILE)


def read_questions(path: Path) -> QuestionSet:
    """Read a file; see `load_questions`.

    Raises:
        ValueError: if it is missing, damaged, lacks an array, or does not fit together.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; put it there, or name another one")
    arrays = open_arrays(path)
    halves = ("train", "test")
    needed = [*(f"{half}_{key}" for half in halves for key in _KEYS), "questions", "answers"]
    missing = [key for key in needed if key not in arrays]
    if missing:
        held = ", ".join(sorted(arrays)) or "nothing"
        raise ValueError(
            f"{path}: array {', '.join(missing)} missing (it holds {held}); save it with all of "
            f"{', '.join(needed)}"
        )
    found = [Asked(*(arrays[f"{half}_{key}"] for key in _KEYS)) for half in halves]
    texts, names = (np.asarray(arrays[key]).ravel() for key in ("questions", "answers"))
    with blame(path):
        return from_asked(found[0], found[1], tuple(texts), tuple(names))
