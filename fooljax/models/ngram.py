"""A small network that tells texts apart by the short runs of characters in them."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int32

from fooljax.types import Logits

_ROWS = 4096  # of the embedding: characters that share one are taken for the same
_BITS = 12
_FIBONACCI = 2654435769  # spreads neighbors: no two letters of an alphabet share a row
CODES = 0x110000


class CharacterNgrams(nn.Module):
    """Vectors of characters, a convolution over a few neighbors, and its mean over the text.

    Code points are hashed into 4,096 rows. The mean is over all runs of characters that
    begin inside the text, so padding at the end changes nothing, and the order of words
    hardly anything.

    Attributes:
        outputs: number of logits.
        width: characters of a run.
        size: of a character's vector.
        features: kinds of runs that are told apart.
    """

    outputs: int
    width: int = 4
    size: int = 32
    features: int = 256
    count: int = CODES

    def setup(self) -> None:
        """Name the layers."""
        init = nn.initializers.normal(1.0)
        self.characters = nn.Embed(_ROWS, self.size, embedding_init=init)
        self.runs = nn.Conv(self.features, (self.width,), padding="VALID")
        self.classifier = nn.Dense(self.outputs)

    def __call__(self, ids: Int32[Array, "b n"]) -> Logits:
        """Return logits ``[b, outputs]`` of code points."""
        return self.answer(self.embed(ids))

    def embed(self, ids: Int32[Array, "b n"]) -> Float[Array, "b n d"]:
        """Return the vectors of characters; that of padding is zero."""
        hashed = ids.astype(jnp.uint32) * jnp.uint32(_FIBONACCI) >> (32 - _BITS)
        there = (ids > 0)[..., None]
        return jnp.where(there, self.characters(hashed.astype(jnp.int32)), 0.0)

    def answer(self, vectors: Float[Array, "b n d"]) -> Logits:
        """Return logits of vectors."""
        there = jnp.any(vectors != 0.0, axis=-1)
        # a run before the text and runs past its end tell how words begin and end there
        padded = jnp.pad(vectors, ((0, 0), (1, self.width - 2 if self.width > 1 else 0), (0, 0)))
        found = nn.relu(self.runs(padded))[:, : vectors.shape[1]] * there[..., None]
        mean = jnp.sum(found, axis=1) / jnp.maximum(jnp.sum(there, axis=1), 1)[:, None]
        return self.classifier(mean)

    def table(self) -> Float[Array, "count d"]:
        """Return the vectors of all code points."""
        return self.embed(jnp.arange(self.count)[None])[0]
