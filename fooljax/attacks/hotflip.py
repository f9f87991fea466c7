"""HotFlip: replace the words that the gradient says matter most."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from fooljax import checks
from fooljax.attacks import losses, words
from fooljax.attacks.attack import Attack, Loss, Passes, Point, RandomKeys
from fooljax.attacks.goals import Goal
from fooljax.types import Bound, Classifier, Images, Logits


class NoNumbers(NamedTuple):
    """An attack on words that has no numbers."""


def _start(keys: RandomKeys, budget: NoNumbers, images: Images) -> Point:
    del keys, budget
    return Point(images, jnp.zeros(images.shape, bool))


def _flip(
    allowed: words.Allowed,
    loss: Loss,
    keys: RandomKeys,
    budget: NoNumbers,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del keys, budget, images
    here, flipped = point.images, point.memory
    gradient, _, logits = words.slopes(loss, classifier, goal, here)
    vectors = words.table(classifier)
    possible = words.unpack(allowed, len(vectors))

    def best(given: Sequence[Array]) -> tuple[Array, Array]:
        """Return the best word of each place, and whether there is one."""
        text, slope = given
        gain = words.gains(vectors, slope, text, possible)
        return jnp.argmax(gain, axis=1), jnp.max(gain, axis=1) > -jnp.inf

    found, some = jax.lax.map(best, (here, gradient))
    places = jnp.arange(here.shape[1], dtype=jnp.int32)

    def change(places: Array) -> Array:
        """Return the texts with the best word of each of some places."""
        word = jnp.take(found, places, axis=1, mode="clip")
        return jax.vmap(words.with_each, in_axes=(0, None, 0))(here, places, word)

    margins, _ = words.ask_of_places(classifier, goal, here, change)
    free = some & ~flipped & (here != 0)
    place = jnp.argmax(jnp.where(free, margins, -jnp.inf), axis=1)
    any_free = jnp.any(free, axis=1)
    word = jnp.take_along_axis(found, place[:, None], axis=1)
    changed = jax.vmap(words.with_each)(here, place[:, None], word)[:, 0]
    moved = jnp.where(any_free[:, None], changed, here)
    here_now = any_free[:, None] & (places[None] == place[:, None])
    asked = 1 + jnp.sum(free, axis=1, dtype=jnp.int32)
    return Point(moved, flipped | here_now), logits, Passes(asked, 1)


def hotflip(
    edits: int = 3,
    *,
    allowed: Bool[np.ndarray, " count"] | None = None,
    loss: Loss = losses.success_odds,
) -> Attack:
    """Replace one word after the other, each by the one that the gradient prefers.

    In every place the word with the largest ``(e_b - e_a) . gradient`` is tried, and the
    place where the network comes nearest to the goal is changed, each once.

    Args:
        edits: words that are replaced at most.
        allowed: words that may be put in, bool ``[count]`` (`data.seen` gives those of the
            training set); all unless given.
        loss: whose gradient is followed, as for ``pgd``.

    Returns:
        An attack that leaves a text alone once its goal is reached.

    Raises:
        ValueError: if ``edits`` is not positive, or no words are allowed.

    Source:
        Ebrahimi et al., 2018, arXiv:1712.06751, section 3 (there the place is chosen by the
        gradient too, here by asking).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("ngram", jax.random.key(0), (8,), 3)
        >>> texts = jax.random.randint(jax.random.key(1), (2, 8), 97, 123)  # letters
        >>> goal = fj.attacks.leave(network(texts).argmax(axis=1))
        >>> attack = fj.attacks.hotflip(edits=2)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, texts, goal)
        >>> bool(((found.images != texts).sum(axis=1) <= 2).all())
        True
    """
    checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    return Attack(
        NoNumbers(),
        Bound(_start, ()),
        Bound(_flip, (words.pack(allowed), loss)),
        checks.count("edits", edits),
        better="margin",
        stops=True,
        reads="vectors",
    )
