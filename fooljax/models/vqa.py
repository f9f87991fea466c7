"""A network that answers questions about pictures."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from fooljax import checks
from fooljax.models.layers import convolution
from fooljax.types import Bound, Images, Logits, Params, RandomKey

_LEAST = 8  # pixels, halved three times


class VQANet(nn.Module):
    """Three strided convolutions, a recurrent reader, and two hidden layers over both.

    Attributes:
        outputs: number of answers.
        words: number of all; 0 is padding and 1 the unknown word, which both are passed over.
        pooled: keep of each feature of the picture only where it is strongest; else its
            whole map, so that what was learned of one place does not serve another.
        channels: of the convolutions.
        units: of the reader, a gated recurrent unit.
        width: of a word's vector.
        hidden: widths of the hidden layers.

    Source:
        Antol et al., 2015, arXiv:1505.00468 (a convolutional network and a recurrent one,
        joined before the answer); Cho et al., 2014, arXiv:1406.1078 (the unit).
    """

    outputs: int
    words: int
    pooled: bool = True
    channels: tuple[int, ...] = (12, 24, 32)
    units: int = 64
    width: int = 32
    hidden: tuple[int, ...] = (128, 64)

    def setup(self) -> None:
        """Make the layers of all three parts."""
        self.eyes = [
            convolution(features, 3 if i else 5, stride=2, padding=1 if i else 2, name=f"conv{i}")
            for i, features in enumerate(self.channels, 1)
        ]
        start = nn.initializers.normal(1.0)
        self.vectors = self.param("words", start, (self.words - 1, self.width))
        self.reader = nn.GRUCell(self.units, name="reader")
        self.thought = [nn.Dense(width, name=f"fc{i}") for i, width in enumerate(self.hidden, 1)]
        self.answer = nn.Dense(self.outputs, name="answer")

    def see(self, images: Images) -> Float[Array, "b d"]:
        """Return what is kept of pictures ``[b, h, w, c]``."""
        x = images * 2.0 - 1.0
        for layer in self.eyes:
            x = nn.relu(layer(x))
        return jnp.max(x, axis=(1, 2)) if self.pooled else x.reshape(len(x), -1)

    def embed(self, ids: Int[Array, "b n"]) -> Float[Array, "b n d"]:
        """Return the vectors of words; zeros for padding and for the unknown word.

        These two share the first row of the table, of which nothing is read.
        """
        return self.vectors[jnp.maximum(ids - 1, 0)] * (ids > 1)[..., None]

    def read(self, vectors: Float[Array, "b n d"]) -> Float[Array, "b u"]:
        """Return what is kept of a text; vectors of zeros are passed over."""
        state = jnp.zeros((len(vectors), self.units), vectors.dtype)
        for place in range(vectors.shape[1]):
            vector = vectors[:, place]
            new, _ = self.reader(state, vector)
            state = jnp.where(jnp.any(vector != 0.0, axis=1)[:, None], new, state)
        return state

    def conclude(self, seen: Float[Array, "b d"], read: Float[Array, "b u"]) -> Logits:
        """Return the logits of the answers ``[b, k]``."""
        x = jnp.concatenate([seen, read], axis=1)
        for layer in self.thought:
            x = nn.relu(layer(x))
        return self.answer(x)

    def __call__(self, images: Images, ids: Int[Array, "b n"]) -> Logits:
        """Answer a question about each picture."""
        return self.conclude(self.see(images), self.read(self.embed(ids)))


class VQA(NamedTuple):
    """A network that answers questions about pictures: weights, and the functions of its parts.

    Every function takes the weights first. Those of another network do as well.

    Attributes:
        params: any pytree of arrays.
        see: ``(params, images [b, h, w, c]) -> [b, d]``, what is kept of pictures.
        embed: ``(params, ids [b, n]) -> [b, n, e]``, the vectors of words.
        read: ``(params, vectors [b, n, e]) -> [b, u]``, what is kept of texts.
        conclude: ``(params, seen [b, d], read [b, u]) -> logits [b, k]``.
        input_shape: ``(h, w, c)`` of a picture.
        length: ``n``, most words of a question.
        words: number of all, padding (0) and the unknown word (1) among them.
        num_classes: number of answers.
    """

    params: Params
    see: Callable[[Params, Images], Array]
    embed: Callable[[Params, Array], Array]
    read: Callable[[Params, Array], Array]
    conclude: Callable[[Params, Array, Array], Logits]
    input_shape: tuple[int, ...]
    length: int
    words: int
    num_classes: int


def init_vqa(key: RandomKey, module: VQANet, input_shape: tuple[int, ...], length: int) -> VQA:
    """Draw fresh weights for a network that answers questions about pictures.

    Args:
        key: decides the weights.
        module: the network.
        input_shape: ``(h, w, c)`` of a picture, at least 8 pixels high and wide.
        length: most words of a question.

    Raises:
        ValueError: if the pictures are too small, or ``length`` is not positive.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> words = fj.media.Texts(("", "<unknown>", "what", "color", "shape"))
        >>> module = fj.models.VQANet(outputs=3, words=5)
        >>> network = fj.models.init_vqa(jax.random.key(0), module, (8, 8, 3), length=2)
        >>> question = words.encode("what color", 2)[None]
        >>> seen = network.see(network.params, jax.numpy.zeros((1, 8, 8, 3)))
        >>> read = network.read(network.params, network.embed(network.params, question))
        >>> network.conclude(network.params, seen, read).shape  # the logits of three answers
        (1, 3)
    """
    shape, length = checks.shape("input_shape", input_shape), checks.count("length", length)
    if len(shape) != 3 or min(shape[:2]) < _LEAST:
        raise ValueError(
            f"input_shape must be (h, w, c) of {_LEAST} pixels at least, got {shape}; give "
            "larger pictures"
        )
    images, ids = jnp.zeros((1, *shape), jnp.float32), jnp.ones((1, length), jnp.int32)
    params = jax.jit(module.init)(checks.key(key), images, ids)["params"]
    part = lambda name: Bound(_part, (module, name))
    parts = (part("see"), part("embed"), part("read"), part("conclude"))
    return VQA(params, *parts, shape, length, module.words, module.outputs)


def _part(module: VQANet, name: str, params: Params, *given: Array) -> Array:
    return module.apply({"params": params}, *given, method=name)  # type: ignore[return-value]
