"""A convolutional network that reads words."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int32

from fooljax import checks
from fooljax.models.classifier import init_flax
from fooljax.types import Classifier, Logits, RandomKey


class TextCNN(nn.Module):
    """Word vectors, windows of three widths, the largest answer of each filter, a linear layer.

    Padding is vectors of zeros, and is never learned. Windows are products of matrices:
    texts are short, and their gradient costs a CPU less than that of a convolution.

    Attributes:
        outputs: number of logits.
        count: number of words that there are.
        size: of a word's vector.
        widths: of the windows, in words.
        filters: for each width.
        dropout: share of the filters' answers that training leaves out.

    Source:
        Kim, 2014, arXiv:1408.5882 (100 filters for each width there).
    """

    outputs: int
    count: int
    size: int = 50
    widths: tuple[int, ...] = (3, 4, 5)
    filters: int = 64
    dropout: float = 0.5

    def setup(self) -> None:
        """Name the weights."""
        draw = nn.initializers.uniform(0.5)  # in [0, 0.5); Kim draws from -0.25 to 0.25
        centered = lambda *given: draw(*given) - 0.25
        self.embedding = nn.Embed(self.count, self.size, embedding_init=centered)
        self.windows = [nn.Dense(self.filters, name=f"window{width}") for width in self.widths]
        self.drop = nn.Dropout(self.dropout)
        self.classifier = nn.Dense(self.outputs)

    def __call__(self, ids: Int32[Array, "b n"], train: bool = False) -> Logits:
        """Return logits ``[b, outputs]``."""
        return self.answer(self.embed(ids), train)

    def embed(self, ids: Int32[Array, "b n"]) -> Float[Array, "b n d"]:
        """Return the vectors of words; zeros for padding."""
        return jnp.where((ids != 0)[..., None], self.embedding(ids), 0.0)

    def answer(self, vectors: Float[Array, "b n d"], train: bool = False) -> Logits:
        """Return the logits of texts of such vectors."""
        found = []
        for width, window in zip(self.widths, self.windows, strict=True):
            edge = ((0, 0), (width - 1, width - 1), (0, 0))
            padded = jnp.pad(vectors, edge)
            places = padded.shape[1] - width + 1
            parts = [padded[:, shift : shift + places] for shift in range(width)]
            found.append(jnp.max(nn.relu(window(jnp.concatenate(parts, axis=-1))), axis=1))
        kept = self.drop(jnp.concatenate(found, axis=-1), deterministic=not train)
        return self.classifier(kept)

    def table(self) -> Float[Array, "count d"]:
        """Return the vectors of all words, that of the padding first."""
        return self.embed(jnp.arange(self.count, dtype=jnp.int32)[:, None])[:, 0]


def text_cnn(
    key: RandomKey,
    count: int,
    length: int,
    num_classes: int,
    *,
    rejecting: int = 0,
    vectors: Float[np.ndarray, "count d"] | None = None,
) -> Classifier:
    """Build a convolutional network of words with fresh weights.

    Args:
        key: decides the weights.
        count: number of words, those for padding and for unknown words included.
        length: of a text, in words.
        num_classes: number of real classes.
        rejecting: further logits, which mean "none of these".
        vectors: of the words, to begin with; words whose row is all zeros begin at random,
            as all do unless given.

    Raises:
        ValueError: if a number is not positive, or there is not a vector for each word.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> words = fj.media.Texts(("", "<unknown>", "a", "good", "bad", "film"))
        >>> network = fj.models.text_cnn(jax.random.key(0), count=6, length=5, num_classes=2)
        >>> network(words.encode("a good film", 5)[None]).shape
        (1, 2)
    """
    count, length = checks.count("count", count, 3), checks.count("length", length)
    num_classes = checks.count("num_classes", num_classes)
    module = TextCNN(num_classes + checks.count("rejecting", rejecting, 0), count)
    if vectors is None:
        return init_flax(key, module, (length,), num_classes)
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        raise ValueError(
            f"vectors must be a row of finite numbers for each of {count} words, got "
            f"{vectors.shape}"
        )
    module = dataclasses.replace(module, size=vectors.shape[1])
    classifier = init_flax(key, module, (length,), num_classes)
    drawn = classifier.params["embedding"]["embedding"]
    known = jnp.any(jnp.asarray(vectors) != 0.0, axis=1)[:, None]
    table = {"embedding": jnp.where(known, jnp.asarray(vectors, jnp.float32), drawn)}
    return dataclasses.replace(classifier, params={**classifier.params, "embedding": table})
