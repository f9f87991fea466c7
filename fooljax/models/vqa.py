"""A network that answers questions about pictures, and the classifiers that are in it.

It has two inputs, a classifier has one. With a fixed question the network is a classifier
of pictures, with a fixed picture one of texts; so all that is made for classifiers, attacks,
searches and defenses, runs on either.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from fooljax import checks
from fooljax.models.layers import convolution
from fooljax.types import Bound, Classifier, Images, Logits, Params, RandomKey, Tokens

_LEAST = 8  # pixels, halved three times


class VQANet(nn.Module):
    """Three strided convolutions, a recurrent reader, and two hidden layers over both.

    Attributes:
        outputs: number of answers.
        words: known ones, padding among them, which is number 0.
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
        self.vectors = self.param("words", start, (self.words, self.width))
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
        """Return the vectors of words; that of padding is zero."""
        return self.vectors[ids] * (ids > 0)[..., None]

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
        words: number of known ones, padding among them.
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


def asked(network: VQA, question: Any) -> Classifier:
    """Return the classifier of pictures that a network is when it is asked one question.

    Another question, or other weights, compile nothing.

    Args:
        network: the network.
        question: ``[n]``, numbers of words, as ``data.encode`` writes them.

    Returns:
        A classifier of pictures whose classes are the answers. Its ``params`` hold the
        question beside the weights.

    Raises:
        ValueError: if there are not ``n`` numbers, or one is not that of a word.
    """
    ids = _question(network, question)
    params = {"params": network.params, "question": jnp.asarray(ids)}
    apply = Bound(_asked, (network.see, network.embed, network.read, network.conclude))
    return Classifier(params, apply, network.input_shape, network.num_classes)


def shown(network: VQA, picture: Any) -> Classifier:
    """Return the classifier of texts that a network is when it is shown one picture.

    Another picture, or other weights, compile nothing.

    Args:
        network: the network.
        picture: ``[h, w, c]``, uint8 or floating in [0, 1].

    Returns:
        A classifier of numbers of words ``[b, n]`` whose classes are the answers; gradients
        go to its ``tokens``. Its ``params`` hold the picture beside the weights.

    Raises:
        ValueError: if the picture is of another size, type or range.
    """
    image = _floats(checks.images(jnp.asarray(picture)[None], network.input_shape, "picture")[0])
    params = {"params": network.params, "picture": image}
    parts = (network.see, network.read, network.conclude)
    return Classifier(
        params,
        Bound(_shown, (network.embed, *parts)),
        (network.length,),
        network.num_classes,
        Tokens(
            network.words,
            Bound(_embed_of, (network.embed,)),
            Bound(_shown_vectors, parts),
            Bound(_table_of, (network.embed, network.words)),
        ),
    )


def about(network: VQA, images: Any) -> Classifier:
    """Return the classifier of questions that name their picture by its number.

    Its inputs are rows ``[b, 1 + n]``: the number of a picture, then a question as numbers
    of words. So questions about many pictures are a data set like any other, and the one
    training loop learns from it; the pictures lie beside the weights and stay as they are.

    Args:
        network: the network.
        images: ``[p, h, w, c]``, uint8 or floating in [0, 1].

    Raises:
        ValueError: if pictures are of another size, type or range.
    """
    pictures = jnp.asarray(checks.images(images, network.input_shape))
    params = {"params": network.params, "pictures": pictures}
    parts = (network.see, network.embed, network.read, network.conclude)
    return Classifier(
        params,
        Bound(_about, parts),
        (1 + network.length,),
        network.num_classes,
        Tokens(max(network.words, len(pictures))),
    )


def answer_all(
    network: VQA, images: Any, questions: Any, pairs: Any, batch_size: int = 2000
) -> Float[np.ndarray, "s k"]:
    """Answer many questions about many pictures; each is seen and read once.

    Args:
        network: the network.
        images: ``[p, h, w, c]``, uint8 or floating in [0, 1].
        questions: ``[q, n]``, numbers of words; one of padding alone asks nothing.
        pairs: ``[s, 2]``, number of the picture and number of the question.
        batch_size: at a time; decides memory and speed only.

    Returns:
        Logits.

    Raises:
        ValueError: if pictures, questions or pairs do not fit the network or each other.
    """
    images = checks.images(images, network.input_shape)
    texts = np.asarray(checks.whole(questions, "questions"))
    for text in texts:
        _question(network, text)
    which = np.asarray(checks.whole(pairs, "pairs"))
    ends = np.array([len(images), len(texts)])
    if which.ndim != 2 or which.shape[1] != 2 or np.any((which < 0) | (which >= ends)):
        raise ValueError(
            f"pairs must be [s, 2], numbers below {tuple(map(int, ends))}, got {which.shape}"
        )
    params = network.params
    see = lambda part: _see(network.see, params, part)
    read = lambda part: _read(network.embed, network.read, params, part)
    seen = _in_parts(see, np.asarray(images), batch_size // 4)
    told = _in_parts(read, texts, batch_size)
    conclude = lambda part: _conclude(network.conclude, params, seen[part[:, 0]], told[part[:, 1]])
    return _in_parts(conclude, which, batch_size)


def _in_parts(function: Callable[[np.ndarray], Array], given: np.ndarray, size: int) -> np.ndarray:
    """Call a function with parts of one size, the last filled up, and put the answers together."""
    size = min(size, len(given))
    found = []
    for start in range(0, len(given), size):
        part = given[start : start + size]
        fill = np.concatenate([part, np.repeat(given[:1], size - len(part), axis=0)])
        found.append(np.asarray(function(fill))[: len(part)])
    return np.concatenate(found)


def _part(module: VQANet, name: str, params: Params, *given: Array) -> Array:
    return module.apply({"params": params}, *given, method=name)  # type: ignore[return-value]


def _asked(
    see: Callable, embed: Callable, read: Callable, conclude: Callable, params: Any, images: Images
) -> Logits:
    seen = see(params["params"], images)
    told = read(params["params"], embed(params["params"], params["question"][None]))
    return conclude(params["params"], seen, jnp.repeat(told, len(images), axis=0))


def _shown(
    embed: Callable, see: Callable, read: Callable, conclude: Callable, params: Any, ids: Array
) -> Logits:
    return _shown_vectors(see, read, conclude, params, embed(params["params"], ids))


def _shown_vectors(
    see: Callable, read: Callable, conclude: Callable, params: Any, vectors: Array
) -> Logits:
    seen = see(params["params"], params["picture"][None])
    told = read(params["params"], vectors)
    return conclude(params["params"], jnp.repeat(seen, len(vectors), axis=0), told)


def _embed_of(embed: Callable, params: Any, ids: Array) -> Array:
    return embed(params["params"], ids)


def _table_of(embed: Callable, words: int, params: Any) -> Array:
    return embed(params["params"], jnp.arange(words, dtype=jnp.int32)[None])[0]


def _about(
    see: Callable, embed: Callable, read: Callable, conclude: Callable, params: Any, rows: Array
) -> Logits:
    seen = see(params["params"], _floats(params["pictures"][rows[:, 0]]))
    told = read(params["params"], embed(params["params"], rows[:, 1:]))
    return conclude(params["params"], seen, told)


@partial(jax.jit, static_argnames="see")
def _see(see: Callable, params: Any, images: Array) -> Array:
    return see(params, _floats(images))


@partial(jax.jit, static_argnames=("embed", "read"))
def _read(embed: Callable, read: Callable, params: Any, ids: Array) -> Array:
    return read(params, embed(params, ids))


@partial(jax.jit, static_argnames="conclude")
def _conclude(conclude: Callable, params: Any, seen: Array, told: Array) -> Array:
    return conclude(params, seen, told)


def _floats(images: Any) -> Array:
    """Return pictures as float32; bytes are divided by 255."""
    images = jnp.asarray(images)
    return images / jnp.float32(255.0) if images.dtype == jnp.uint8 else images


def _question(network: VQA, question: Any) -> Int[np.ndarray, " n"]:
    """Return a question as int32, if it is one."""
    ids = np.asarray(checks.whole(question, "question"))
    if ids.shape != (network.length,):
        raise ValueError(
            f"question must be {network.length} numbers of words, 0 after the last, got "
            f"{ids.shape}; data.encode writes them"
        )
    if ids.min() < 0 or ids.max() >= network.words:
        bad = ids[(ids < 0) | (ids >= network.words)][0]
        raise ValueError(f"question must be numbers in [0, {network.words}), got {bad}")
    return ids
