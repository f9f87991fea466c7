"""Greedy coordinate search by gradients: the ascent of texts, from any words to certainty."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from fooljax import checks
from fooljax.attacks import losses, words
from fooljax.attacks.attack import Attack, Loss, Passes, Point, RandomKeys
from fooljax.attacks.goals import Goal
from fooljax.attacks.hotflip import NoNumbers
from fooljax.types import Bound, Classifier, Images, Logits


def _start(keys: RandomKeys, budget: NoNumbers, images: Images) -> Point:
    del keys, budget
    return Point(images, None)


def _swap(
    top: int,
    draws: int,
    allowed: words.Allowed,
    loss: Loss,
    keys: RandomKeys,
    budget: NoNumbers,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del budget, images
    here = point.images
    gradient, _, logits = words.slopes(loss, classifier, goal, here)
    vectors = words.table(classifier)
    possible = words.unpack(allowed, len(vectors))
    most = min(top, int(possible.sum()))

    def draw(given: tuple[Array, Array, Array]) -> Array:
        """Draw places evenly, and for each one of its best words; draw places first."""
        key, text, slope = given
        key_place, key_rank = jax.random.split(key)
        length = jnp.maximum(words.lengths(text[None])[0], 1)
        place = jax.random.randint(key_place, (draws,), 0, length, dtype=jnp.int32)
        rank = jax.random.randint(key_rank, (draws,), 0, most, dtype=jnp.int32)
        gain, best = jax.lax.top_k(words.gains(vectors, slope, text, possible), most)
        word = jnp.where(jnp.isfinite(gain), best, text[:, None])[place, rank]
        return words.with_each(text, place, word)

    versions = jax.lax.map(draw, (keys, here, gradient))
    margins, _ = words.ask(classifier, goal, versions)
    moved = words.take(versions, jnp.argmax(margins, axis=1))
    return Point(moved, None), logits, Passes(1 + draws, 1)


def coordinate(
    steps: int = 100,
    *,
    top: int = 256,
    draws: int = 512,
    allowed: Bool[np.ndarray, " count"] | None = None,
    loss: Loss = losses.success_odds,
) -> Attack:
    """Replace one word a step by the best of many that the gradient proposes.

    Every word of a text may be replaced, again and again, so it ends far from where it began:
    a text of random words becomes one that the network is certain of. Numbers of words and
    texts stay as they are.

    Args:
        steps: replacements at most.
        top: words that the gradient proposes for each place.
        draws: of these, how many are tried in a step, in places drawn evenly.
        allowed: words that may be put in, bool ``[count]``; all unless given.
        loss: whose gradient is followed, as for ``pgd``.

    Returns:
        An attack that leaves a text alone once its goal is reached.

    Raises:
        ValueError: if a number is not positive, or no words are allowed.

    Source:
        Zou et al., 2023, arXiv:2307.15043, algorithm 1 (GCG).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("ngram", jax.random.key(0), (8,), 3)
        >>> texts = jax.random.randint(jax.random.key(1), (2, 8), 97, 123)  # letters
        >>> goal = fj.attacks.leave(network(texts).argmax(axis=1))
        >>> attack = fj.attacks.coordinate(steps=3, top=8, draws=16)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, texts, goal)
        >>> found.images.shape
        (2, 8)
    """
    checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    settings = checks.count("top", top), checks.count("draws", draws), words.pack(allowed), loss
    return Attack(
        NoNumbers(),
        Bound(_start, ()),
        Bound(_swap, settings),
        checks.count("steps", steps),
        better="margin",
        stops=True,
        reads="vectors",
    )
