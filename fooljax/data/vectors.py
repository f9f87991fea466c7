"""Tables of word vectors, learned by others from much more text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from fooljax.data.dataset import blame
from fooljax.data.text_files import read_lines

_WORDS = "words.txt"


def holds_vectors(folder: Path) -> bool:
    """Tell whether a folder holds a table of word vectors.

    Example:
        >>> from fooljax import data
        >>> from pathlib import Path
        >>> data.holds_vectors(Path("nowhere"))
        False
    """
    return (folder / _WORDS).is_file() and len(list(folder.glob("*.npz"))) == 1


def words_with_vectors(path: Path) -> tuple[str, ...]:
    """Return the words of a table, in its order; see `read_vectors`."""
    return read_vectors(path)[0]


def read_vectors(path: Path) -> tuple[tuple[str, ...], Float[np.ndarray, "n d"]]:
    """Read words and their vectors.

    Args:
        path: a folder with ``words.txt`` (a word in each line) and one ``.npz`` with an array
            ``vectors``, a row for each; or a text file as GloVe is published, each line a
            word and its numbers.

    Returns:
        The words, and float32 ``[n, d]``.

    Raises:
        ValueError: if it is neither, or the two do not fit together.
        OSError: if there is no such file.

    Example:
        >>> from fooljax import data
        >>> from pathlib import Path
        >>> Path("vectors.txt").write_text("lark 0.5 1.0") > 0
        True
        >>> words, vectors = data.read_vectors(Path("vectors.txt"))
        >>> words, vectors.tolist()
        (('lark',), [[0.5, 1.0]])
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; give a table of word vectors")
    if path.is_file():
        words, table = _read_glove(path)
    elif holds_vectors(path):
        words = tuple(read_lines(path / _WORDS))
        with np.load(next(iter(path.glob("*.npz"))), allow_pickle=False) as arrays:
            if "vectors" not in arrays:
                raise ValueError(f"{path}: the .npz has no array called vectors")
            table = arrays["vectors"].astype(np.float32)
    else:
        raise ValueError(f"{path}: word vectors are a {_WORDS} and one .npz with an array vectors")
    if table.ndim != 2 or len(table) != len(words) or not np.isfinite(table).all():
        raise ValueError(
            f"{path}: must hold a row of finite numbers for each of {len(words):,} words, got "
            f"{table.shape}"
        )
    return words, table


def word_vectors(words: Sequence[str], path: Path) -> Float[np.ndarray, "count d"]:
    """Return the vectors of given words; rows of zeros for those that have none.

    Args:
        words: the words.
        path: of a table, as `read_vectors` takes it.

    Raises:
        ValueError, OSError: as `read_vectors`.

    Example:
        >>> from fooljax import data
        >>> from pathlib import Path
        >>> Path("vectors.txt").write_text("lark 0.5 1.0") > 0
        True
        >>> data.word_vectors(["lark", "stone"], Path("vectors.txt")).tolist()
        [[0.5, 1.0], [0.0, 0.0]]
    """
    known, table = read_vectors(path)
    place = {word: row for row, word in enumerate(known)}
    rows = np.array([place.get(word, -1) for word in words])
    return np.where((rows >= 0)[:, None], table[rows], np.float32(0.0))


def _read_glove(path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    words, rows = [], []
    with blame(path):
        for number, line in enumerate(read_lines(path), 1):
            word, *numbers = line.split(" ")
            try:
                rows.append(np.array(numbers, np.float32))
            except ValueError:
                raise ValueError(f"line {number} is not a word and its numbers") from None
            if len(rows[-1]) != len(rows[0]):
                raise ValueError(f"line {number} has {len(rows[-1])} numbers, not {len(rows[0])}")
            words.append(word)
        if not rows:
            raise ValueError("holds no word")
    return tuple(words), np.stack(rows)
