"""The classifiers that are in a network with two inputs, a picture and a question about it.

With a fixed question the network is a classifier of pictures, with a fixed picture one of
texts. So all that is made for classifiers runs on either: attacks, searches, defenses.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax import checks
from fooljax.models.vqa import VQA
from fooljax.types import Bound, Classifier, Images, Logits, Tokens


def asked(network: VQA, question: Any) -> Classifier:
    """Return the classifier of pictures that a network is when it is asked one question.

    Another question, or other weights, compile nothing.

    Args:
        network: the network.
        question: ``[n]``, numbers of words, as ``data.questions.encode`` writes them.

    Returns:
        A classifier of pictures whose classes are the answers. Its ``params`` hold the
        question beside the weights.

    Raises:
        ValueError: if there are not ``n`` numbers, or one is not that of a word.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> words = fj.media.Texts(("", "<unknown>", "what", "color", "shape"))
        >>> module = fj.models.VQANet(outputs=3, words=5)
        >>> network = fj.models.init_vqa(jax.random.key(0), module, (8, 8, 3), length=2)
        >>> network = fj.models.asked(network, words.encode("what color", 2))
        >>> network.input_shape, network.num_classes  # pictures, and what may be answered
        ((8, 8, 3), 3)
        >>> fj.models.validate(network)  # a classifier like any other: attack it, evolve against it
        ()
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

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> words = fj.media.Texts(("", "<unknown>", "what", "color", "shape"))
        >>> module = fj.models.VQANet(outputs=3, words=5)
        >>> network = fj.models.init_vqa(jax.random.key(0), module, (8, 8, 3), length=2)
        >>> picture = jax.random.uniform(jax.random.key(1), (8, 8, 3))
        >>> reader = fj.models.shown(network, picture)  # a network of texts now
        >>> question = words.encode("what color", 2)
        >>> same = fj.models.asked(network, question)(picture[None])
        >>> bool(abs(reader(question[None]) - same).max() < 1e-5)
        True
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

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> module = fj.models.VQANet(outputs=3, words=5)
        >>> network = fj.models.init_vqa(jax.random.key(0), module, (8, 8, 3), length=2)
        >>> pictures = jax.random.uniform(jax.random.key(1), (10, 8, 8, 3))
        >>> learner = fj.models.about(network, pictures)
        >>> rows = jnp.array([[0, 2, 3], [9, 2, 3]])  # one question, of two pictures
        >>> learner(rows).shape
        (2, 3)
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

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> words = fj.media.Texts(("", "<unknown>", "what", "color", "shape"))
        >>> module = fj.models.VQANet(outputs=3, words=5)
        >>> network = fj.models.init_vqa(jax.random.key(0), module, (8, 8, 3), length=2)
        >>> pictures = jax.random.uniform(jax.random.key(1), (10, 8, 8, 3))
        >>> questions = [words.encode(text, 2) for text in ("what color", "what shape", "")]
        >>> pairs = [(picture, question) for picture in range(10) for question in range(3)]
        >>> logits = fj.models.answer_all(network, pictures, questions, pairs)
        >>> logits.reshape(10, 3, -1).shape  # pictures, questions, answers
        (10, 3, 3)
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


def answer_each(network: VQA, images: Any, questions: Any) -> Float[np.ndarray, "p q k"]:
    """Answer every question about every picture; see `answer_all`.

    Args:
        network: the network.
        images: ``[p, h, w, c]``, uint8 or floating in [0, 1].
        questions: ``[q, n]``, numbers of words.

    Returns:
        Logits.

    Raises:
        ValueError: if pictures or questions do not fit the network.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> module = fj.models.VQANet(outputs=3, words=5)
        >>> network = fj.models.init_vqa(jax.random.key(0), module, (8, 8, 3), length=2)
        >>> pictures = jax.random.uniform(jax.random.key(1), (10, 8, 8, 3))
        >>> questions = np.array([[2, 3], [2, 4], [0, 0]])
        >>> fj.models.answer_each(network, pictures, questions).shape
        (10, 3, 3)
    """
    shape = len(images), len(questions)
    pairs = np.indices(shape).reshape(2, -1).T
    return answer_all(network, images, questions, pairs).reshape(*shape, -1)


def _in_parts(function: Callable[[np.ndarray], Array], given: np.ndarray, size: int) -> np.ndarray:
    """Call a function with parts of one size, the last filled up, and put the answers together."""
    size = min(size, len(given))
    found = []
    for start in range(0, len(given), size):
        part = given[start : start + size]
        fill = np.concatenate([part, np.repeat(given[:1], size - len(part), axis=0)])
        found.append(np.asarray(function(fill))[: len(part)])
    return np.concatenate(found)


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
            f"{ids.shape}; data.questions.encode writes them"
        )
    if ids.min() < 0 or ids.max() >= network.words:
        bad = ids[(ids < 0) | (ids >= network.words)][0]
        raise ValueError(f"question must be numbers in [0, {network.words}), got {bad}")
    return ids
