"""Input reduction: delete words while the network keeps its answer.

What is left is the text form of an image that fools: nobody would answer so by it.
"""

from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from fooljax import checks
from fooljax.attacks import goals, words
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, choose
from fooljax.attacks.goals import Goal
from fooljax.types import Bound, Classifier, Images, Logits

Rule: TypeAlias = Literal["exact", "fast", "random"]


class Kept(NamedTuple):
    """Numbers of a reduction.

    Attributes:
        least: words that are left at least.
    """

    least: Any


def _start(keys: RandomKeys, budget: Kept, images: Images) -> Point:
    del keys, budget
    return Point(images, jnp.zeros(len(images), bool))


def _delete(
    rule: Rule,
    keys: RandomKeys,
    budget: Kept,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del images
    here, number = point.images, classifier.num_classes
    logits = classifier(here)
    length = words.lengths(here)
    holds = goals.margin(goal, logits, number) > 0.0
    alive = ~point.memory & holds & (length > budget.least)
    try_one = {"exact": _likeliest, "fast": _least_steep, "random": _any}[rule]
    shorter, kept = jax.lax.cond(
        jnp.any(alive),
        lambda: try_one(keys, classifier, goal, here),
        lambda: (here, jnp.zeros(len(here), bool)),
    )
    moved = alive & kept
    spent = length + 1 if rule == "exact" else jnp.full_like(length, 2)
    passes = Passes(jnp.where(alive, spent, 0), jnp.where(alive, int(rule == "fast"), 0))
    return Point(choose(moved, shorter, here), ~moved), logits, passes


def _likeliest(
    keys: RandomKeys, classifier: Classifier, goal: Goal, texts: Array
) -> tuple[Array, Bool[Array, " b"]]:
    """Delete the word whose deletion leaves the answer likeliest."""
    del keys
    without = jax.vmap(words.without, in_axes=(0, None))
    margins, odds = words.ask_of_places(
        classifier, goal, texts, lambda places: without(texts, places)
    )
    best = jnp.argmax(jnp.where(margins > 0.0, odds, -jnp.inf), axis=1)
    return jax.vmap(words.without)(texts, best[:, None])[:, 0], jnp.any(margins > 0.0, axis=1)


def _least_steep(
    keys: RandomKeys, classifier: Classifier, goal: Goal, texts: Array
) -> tuple[Array, Bool[Array, " b"]]:
    """Delete the word that counts least by the gradient times its vector."""
    del keys
    gradient, vectors, _ = words.slopes(goals.log_odds, classifier, goal, texts)
    weight = jnp.abs(jnp.sum(gradient * vectors, axis=2))
    return _try(classifier, goal, texts, jnp.argmin(jnp.where(texts != 0, weight, jnp.inf), axis=1))


def _any(
    keys: RandomKeys, classifier: Classifier, goal: Goal, texts: Array
) -> tuple[Array, Bool[Array, " b"]]:
    """Delete a random word: the control, which knows nothing of the network."""
    draw = lambda key, length: jax.random.randint(key, (), 0, length, dtype=jnp.int32)
    return _try(classifier, goal, texts, jax.vmap(draw)(keys, words.lengths(texts)))


def _try(
    classifier: Classifier, goal: Goal, texts: Array, place: Array
) -> tuple[Array, Bool[Array, " b"]]:
    """Delete a word of each text, and tell where the goal still holds."""
    shorter = jax.vmap(words.without)(texts, place[:, None])[:, 0]
    margin = goals.margin(goal, classifier(shorter), classifier.num_classes)
    return shorter, margin > 0.0


def reduction(steps: int = 64, *, rule: Rule = "exact", least: int = 1) -> Attack:
    """Delete word after word while the goal holds; for ``reach`` goals of the own answer.

    A text is left alone once no deletion (``exact``), or not the one tried (``fast``,
    ``random``), keeps the goal, and one that does not reach it is left as it is.

    Args:
        steps: words that are deleted at most.
        rule: ``exact`` asks the network about every deletion and takes the one that leaves
            the answer likeliest; ``fast`` deletes the word with the smallest product of
            gradient and vector; ``random`` any word, which is the control.
        least: words that are left at least.

    Returns:
        An attack that keeps the shortest text.

    Raises:
        ValueError: if a number is out of its range, or the rule is unknown.

    Source:
        Feng et al., 2018, arXiv:1804.07781, section 2 (``fast`` with its approximation).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("ngram", jax.random.key(0), (8,), 3)
        >>> texts = jax.random.randint(jax.random.key(1), (2, 8), 97, 123)  # letters
        >>> same = fj.attacks.reach(network(texts).argmax(axis=1))
        >>> attack = fj.attacks.reduction(steps=8)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, texts, same)
        >>> bool(((found.images != 0).sum(axis=1) <= 8).all())
        True
    """
    checks.choice("rule", rule, ("exact", "fast", "random"))
    return Attack(
        Kept(float(checks.count("least", least, 0))),
        Bound(_start, ()),
        Bound(_delete, (rule,)),
        checks.count("steps", steps),
        better="shorter",
        reads="vectors" if rule == "fast" else "words",
    )
