"""A small network that finds the sentence of a paragraph that answers a question."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from fooljax.types import Logits

_NEVER = -1e9  # logit of a sentence that is not there
_TINY = 1e-6


class Matcher(nn.Module):
    """Compare each word of the question with the word of a sentence most like it.

    The input is one row of word numbers: the question, then every sentence, each padded with
    zeros to ``length``. The output is a logit a sentence. Besides the words the network sees
    where a sentence stands, counted from both ends of the paragraph, so that it can learn
    that, too.

    Attributes:
        outputs: sentences that a paragraph may have.
        length: words of a question or sentence, at most.
        asked: words of the question that are read, the first.
        vocabulary: numbers of words, padding included.
        width: numbers of a word's vector.
        learned: whether the vectors are trained; else they lie in a collection of their own,
            ``vectors``, and stay.
        hidden: units of the layers.
        places: places that are told apart from either end; those further inside are alike.

    Source:
        Parikh et al., 2016, arXiv:1606.01933 (attend, compare, aggregate).
    """

    outputs: int
    length: int
    vocabulary: int
    asked: int = 24
    width: int = 50
    learned: bool = False
    hidden: int = 48
    places: int = 6

    @nn.compact
    def __call__(self, ids: Int[Array, "b n"]) -> Logits:
        """Return logits ``[b, outputs]``; of places without a sentence, -1e9."""
        texts = ids.reshape(ids.shape[0], 1 + self.outputs, self.length)
        table = self._table()
        question, sentences = texts[:, 0, : self.asked], texts[:, 1:]
        asked, said = question > 0, sentences > 0
        q, s = table[question], table[sentences]  # [b, n, d], [b, s, n, d]
        project = nn.Dense(self.hidden, name="project")
        near = jnp.einsum("bid,bsjd->bsij", _unit(project(q)), _unit(project(s)))
        near = jnp.where(said[:, :, None, :], near, _NEVER)
        same = (question[:, None, :, None] == sentences[:, :, None, :]) & said[:, :, None, :]
        weight = nn.softplus(nn.Dense(1, name="weight")(q))[:, None, :, 0]
        weight = jnp.where(asked[:, None, :], weight, 0.0)
        weight = weight / (jnp.sum(weight, axis=-1, keepdims=True) + _TINY)
        likeness = jnp.maximum(jnp.max(near, axis=-1), -1.0)
        share = nn.softmax(10.0 * near + 5.0 * same, axis=-1)
        seen = jnp.einsum("bsij,bsjd->bsid", share, s)
        compared = self._compare(q, seen, jnp.any(same, axis=-1), likeness)
        total = lambda x: jnp.sum(x * weight[..., None], axis=2)
        features = [
            total(jnp.stack([likeness, jnp.any(same, axis=-1).astype(q.dtype)], axis=-1)),
            total(compared),
            self._places(said.any(axis=-1)),
        ]
        x = jnp.concatenate(features, axis=-1)
        x = nn.relu(nn.Dense(self.hidden, name="fc1")(x))
        logits = nn.Dense(1, name="fc2")(x)[..., 0]
        return jnp.where(said.any(axis=-1), logits, _NEVER)

    def _table(self) -> Float[Array, "m d"]:
        """Return the vectors of all words; that of padding is nothing."""
        shape, start = (self.vocabulary, self.width), nn.initializers.normal(0.5)
        if self.learned:
            return self.param("vectors", start, shape)
        held = self.variable("vectors", "table", lambda: jnp.zeros(shape, jnp.float32))
        return held.value

    def _compare(self, q: Array, seen: Array, same: Array, likeness: Array) -> Array:
        """Say of every word of the question how it fits what it found in the sentence."""
        q = jnp.broadcast_to(q[:, None], seen.shape)
        extra = jnp.stack([same.astype(q.dtype), likeness], axis=-1)
        both = jnp.concatenate([q, seen, q * seen, extra], axis=-1)
        return nn.relu(nn.Dense(self.hidden, name="compare")(both))

    def _places(self, there: Bool[Array, "b s"]) -> Float[Array, "b s p"]:
        """Say where a sentence stands from the beginning, and from the end."""
        first = jnp.broadcast_to(jnp.arange(self.outputs)[None], there.shape)
        last = jnp.sum(there, axis=1, keepdims=True) - 1 - first
        mark = lambda at: jnp.arange(self.places)[None, None] == at[..., None]
        marks = jnp.concatenate([mark(first), mark(last)], axis=-1)
        return marks.astype(jnp.float32)


def _unit(x: Array) -> Array:
    # a norm has no gradient at nothing, which is what padding is
    return x * jax.lax.rsqrt(jnp.sum(x * x, axis=-1, keepdims=True) + _TINY)
