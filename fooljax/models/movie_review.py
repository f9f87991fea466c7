"""The network of TensorFlow Lite's example for texts: is a film review kind?

It takes the mean of its words' vectors, so it cannot see their order.
"""

import dataclasses
import os
import re
from pathlib import Path

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int32

from fooljax import checks
from fooljax.media import Texts
from fooljax.models.classifier import from_flax
from fooljax.models.weights import load_weights
from fooljax.types import Classifier, Logits

CLASSES = ("negative", "positive")
FILE = "movie_review_sentiment.safetensors"
ORIGIN = "TensorFlow Lite's example for classifying texts"
LONGEST = 255  # words that it reads; the published one takes 256, the first marks the start
_SPECIAL = ["<PAD>", "<START>", "<UNKNOWN>"]
_HERE = ["", "<unknown>", "<start>"]  # as `media.Texts` wants the first two
_START = 2
_BETWEEN = re.compile(r"[^\w']+")


class MovieReview(nn.Module):
    """The mean of the vectors of 256 words, padding included, and two layers.

    Attributes:
        count: number of words that there are.
        size: of a word's vector and of the hidden layer.
    """

    count: int
    size: int = 16

    def setup(self) -> None:
        """Name the weights."""
        self.embedding = nn.Embed(self.count, self.size)
        self.linear1 = nn.Dense(self.size)
        self.classifier = nn.Dense(len(CLASSES))

    def __call__(self, ids: Int32[Array, "b n"]) -> Logits:
        """Return logits ``[b, 2]`` of texts of at most 255 words."""
        return self.answer(self.embed(ids))

    def embed(self, ids: Int32[Array, "b n"]) -> Float[Array, "b n d"]:
        """Return the vectors of words."""
        return self.embedding(ids)

    def answer(self, vectors: Float[Array, "b n d"]) -> Logits:
        """Return the logits of texts of such vectors, as if padded to 255 words."""
        table = self.table()
        rest = table[_START] + (LONGEST - vectors.shape[1]) * table[0]
        mean = (jnp.sum(vectors, axis=1) + rest[None]) / (LONGEST + 1)
        return self.classifier(nn.relu(self.linear1(mean)))

    def table(self) -> Float[Array, "count d"]:
        """Return the vectors of all words."""
        return self.embedding(jnp.arange(self.count, dtype=jnp.int32))


def movie_review(weights: str | os.PathLike, length: int = LONGEST) -> Classifier:
    """Load the published network.

    Shorter texts get the answers that they get when they are padded to 255 words.

    Args:
        weights: its safetensors file.
        length: of a text, at most 255 words.

    Returns:
        A classifier of texts ``[b, length]`` whose words are `movie_review_words`.

    Raises:
        ValueError: if the length is out of range, or the weights are damaged or another
            network's.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax.models.movie_review import MovieReview
        >>> words = ["<PAD>", "<START>", "<UNKNOWN>", "a", "good", "bad", "film"]
        >>> with open("review_vocabulary.txt", "w") as file:
        ...     for word in words:
        ...         print(word, file=file)
        >>> drawn = fj.models.init_flax(jax.random.key(0), MovieReview(len(words)), (4,), 2)
        >>> fj.models.save_weights("review.safetensors", drawn)  # stands for the published weights
        >>> network = fj.models.movie_review("review.safetensors", length=4)
        >>> medium = fj.models.movie_review_words("review.safetensors")
        >>> network(medium.encode("a good film", 4)[None]).shape  # negative, positive
        (1, 2)
    """
    length = checks.count("length", length)
    if length > LONGEST:
        raise ValueError(f"length must be at most {LONGEST} words, got {length}")
    count = len(movie_review_words(weights).words or ())
    module = MovieReview(count)
    blank = jax.ShapeDtypeStruct((1, length), jnp.int32)
    params = jax.eval_shape(module.init, jax.random.key(0), blank)["params"]
    loaded = load_weights(weights, from_flax(module, params, (length,), len(CLASSES)))
    table = loaded.params["embedding"]["embedding"]
    swapped = {"embedding": table.at[jnp.array([1, 2])].set(table[jnp.array([2, 1])])}
    return dataclasses.replace(loaded, params={**loaded.params, "embedding": swapped})


def movie_review_words(weights: str | os.PathLike) -> Texts:
    """Return what the ids of the published network mean.

    Args:
        weights: its safetensors file ``NAME.safetensors``; the words are read from
            ``NAME_vocabulary.txt`` beside it.

    Raises:
        ValueError: if there is no such file, or it is another network's.

    Example:
        >>> from fooljax import models
        >>> words = ["<PAD>", "<START>", "<UNKNOWN>", "a", "good", "bad", "film"]
        >>> with open("review_vocabulary.txt", "w") as file:
        ...     for word in words:
        ...         print(word, file=file)
        >>> medium = models.movie_review_words("review.safetensors")  # reads the file beside it
        >>> medium.encode("a good movie", 5).tolist()
        [3, 4, 1, 0, 0]
        >>> medium.spell([3, 4, 1, 0, 0])
        'a good <unknown>'
    """
    weights = Path(weights)
    path = weights.with_name(f"{weights.stem}_vocabulary.txt")
    if not path.is_file():
        raise ValueError(f"{path}: no such file; it holds the words of {weights.name}, a line each")
    words = path.read_text(encoding="utf-8").splitlines()
    if words[:3] != _SPECIAL:
        raise ValueError(f"{path}: must begin with {', '.join(_SPECIAL)}, got {words[:3]}")
    return Texts((*_HERE, *words[3:]))


def split_review(text: str) -> str:
    """Return a text's words as the published network takes them, with spaces between them.

    Words are runs of letters, digits, underscores and apostrophes, in lower case.

    Example:
        >>> from fooljax import models
        >>> models.split_review("It's NOT good - not at all!")
        "it's not good not at all"
    """
    return " ".join(_BETWEEN.sub(" ", text.lower()).split())
