"""The contracts that hold the package together.

Settings are frozen dataclasses of plain values, data that crosses ``jit`` is a
pytree, algorithms are pure functions or a ``NamedTuple`` of pure functions.

Axis letters in shapes: ``b`` batch, ``h w c`` height, width, channels, ``k``
classes (niches), ``n`` samples of a data set.
"""

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

RandomKey: TypeAlias = PRNGKeyArray
Params: TypeAlias = Any
Genome: TypeAlias = Any
State: TypeAlias = Any
Info: TypeAlias = Any
#: A picture is ``[h, w, c]``, a sound ``[t, 1]``, a video ``[t, h, w, c]``: see ``fooljax.media``.
Image: TypeAlias = Float[Array, "..."]
Images: TypeAlias = Float[Array, "b ..."]
Logits: TypeAlias = Float[Array, "b k"]


@dataclass(frozen=True)
class Bound:
    """A pure function with its first arguments given, equal to every other of equal ones.

    ``functools.partial`` compares by identity: as a static part of a ``Classifier`` or of
    an ``Attack`` it would compile anew each time that it is made. Remembering each one
    would keep the networks that they hold.

    Attributes:
        function: at the top of a module, so that there is one of it.
        given: what it is called with before all else.
    """

    function: Callable
    given: tuple[Hashable, ...]

    def __call__(self, *rest: Any) -> Any:
        """Call the function with the rest of its arguments."""
        return self.function(*self.given, *rest)


@dataclass(frozen=True)
class Tokens:
    """What a network that reads whole numbers (texts) offers to gradients.

    Attributes:
        count: ids are in [0, count); 0 is padding.
        embed: ``(params, ids [b, n]) -> vectors [b, n, d]``; None where an id has no vector
            of its own.
        apply_embedded: ``(params, vectors [b, n, d]) -> logits [b, m]``, so that
            ``apply(params, ids)`` is ``apply_embedded(params, embed(params, ids))``; None
            without ``embed``.
        table: ``params -> [count, d]``, the vectors of all ids; None without ``embed``.
    """

    count: int
    embed: Callable[[Any, Array], Array] | None = None
    apply_embedded: Callable[[Any, Array], Logits] | None = None
    table: Callable[[Any], Array] | None = None


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Classifier:
    """Weights, and the pure function that reads them.

    A pytree whose leaves are ``params``; the rest is static, so one compiled
    function serves every set of weights of the same architecture::

        forward = jax.jit(lambda classifier, images: classifier(images))

    ``jax.jit(classifier)`` is a function of the images alone: it has these weights as
    constants, and other weights are another program. Classifiers compare by identity.

    Attributes:
        params: any pytree of arrays.
        apply: pure function ``(params, images [b, ...]) -> logits [b, m]``
            with ``m >= num_classes``. Images are float32 in [0, 1]; mean, scale
            and colour order are the function's own business. Texts are int32.
        input_shape: of one input: ``(h, w, c)`` of a picture, ``(t, 1)`` of a sound,
            ``(t, h, w, c)`` of a video, ``(n,)`` of a text.
        num_classes: number of real classes; logits columns from there on mean
            "none of these" (a fooling class, a rejection threshold).
        tokens: of a network that reads texts; None of all others.
        exclusive: whether an input is of one class at most. Then the confidence of a class
            is its softmax; otherwise (a bark is a dog and an animal) that of the class
            against the columns that reject alone, whatever the other classes are, and there
            must be such columns: of one sigmoid for each class, one that is always zero.
    """

    params: Params
    apply: Callable[[Params, Images], Logits] = field(metadata={"static": True})
    input_shape: tuple[int, ...] = field(metadata={"static": True})
    num_classes: int = field(metadata={"static": True})
    tokens: Tokens | None = field(default=None, metadata={"static": True})
    exclusive: bool = field(default=True, metadata={"static": True})

    def __post_init__(self) -> None:
        if isinstance(self.input_shape, list):  # static parts are compared, and hashed
            object.__setattr__(self, "input_shape", tuple(self.input_shape))

    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, m]``, float32 at most; columns from ``num_classes`` on reject."""
        logits = self.apply(self.params, images)
        return logits.astype(jnp.float32) if logits.dtype == jnp.float64 else logits

    def __repr__(self) -> str:
        """Say what it takes and how large it is, in one line."""
        shape = " x ".join(map(str, self.input_shape))
        count = sum(math.prod(getattr(leaf, "shape", ())) for leaf in jax.tree.leaves(self.params))
        reads = "" if self.tokens is None else f" ids below {self.tokens.count:,}"
        return f"Classifier({shape}{reads} -> {self.num_classes} classes, {count:,} weights)"


class Encoding(NamedTuple):
    """A search space of images: draw a genome, vary it, paint it, describe it.

    Every function takes one genome; callers ``vmap``.

    Attributes:
        init: ``key -> genome``, a random starting genome.
        vary: ``(key, parent, mate, generation) -> genome``, one child;
            ``generation`` is an int32 scalar, for schedules.
        express: ``genome -> image [...]`` in [0, 1], or a text's ids, the phenotype.
        traits: ``genome -> {name: scalar}``, numbers worth watching over a run
            (sizes, refused mutations); an empty dict when there are none.
    """

    init: Callable[[RandomKey], Genome]
    vary: Callable[[RandomKey, Genome, Genome, Array], Genome]
    express: Callable[[Genome], Image]
    traits: Callable[[Genome], Mapping[str, Array]]


class Search(NamedTuple):
    """A population search, watched and cut from outside.

    Attributes:
        init: ``(key, classifier) -> (state, info)``, the random population.
        step: ``(key, classifier, state) -> (state, info)``, one generation.
    """

    init: Callable[[RandomKey, Classifier], tuple[State, Info]]
    step: Callable[[RandomKey, Classifier, State], tuple[State, Info]]


#: What a network answers and the features ``[b, d]`` that it answers by, from its own params.
Features: TypeAlias = Callable[[Params, Images], tuple[Logits, Float[Array, "b d"]]]

#: A defense: from a classifier to another one, so that every attack runs against it.
Defense: TypeAlias = Callable[[Classifier], Classifier]

#: A random defense: the same key is the same function of the image.
RandomDefense: TypeAlias = Callable[[RandomKey, Classifier], Classifier]
