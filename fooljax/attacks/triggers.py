"""Universal triggers: a few words that, put in front of any text, change the answer."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from fooljax import checks, interrupts
from fooljax.attacks import goals, losses, words
from fooljax.attacks.attack import Loss
from fooljax.attacks.goals import Goal
from fooljax.attacks.reads import check_reads
from fooljax.types import Classifier


class TriggerResult(NamedTuple):
    """Words to put in front of texts.

    Attributes:
        trigger: their ids ``[t]``.
        fooled: share of the texts whose goal is reached with them in front.
        before: the same without them.
        trace: the share after each look at a place.
    """

    trigger: Int32[np.ndarray, " t"]
    fooled: float
    before: float
    trace: Float[np.ndarray, " looks"]


def prepend(trigger: Int32[Array, " t"], texts: Int32[Array, "b n"]) -> Int32[Array, "b n"]:
    """Put words in front of every text; words that get beyond its end are cut off.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import attacks
        >>> attacks.prepend(jnp.array([7]), jnp.array([[1, 2, 3]])).tolist()
        [[7, 1, 2]]
    """
    shape = (len(texts), len(trigger))
    front = jnp.broadcast_to(jnp.asarray(trigger, jnp.int32)[None], shape)
    return jnp.concatenate([front, texts], axis=1)[:, : texts.shape[1]]


def run_trigger(
    classifier: Classifier,
    texts: Int32[np.ndarray, "b n"] | Int32[Array, "b n"],
    goal: Goal,
    *,
    length: int = 3,
    top: int = 20,
    rounds: int = 5,
    start: int = 2,
    allowed: Bool[np.ndarray, " count"] | None = None,
    loss: Loss = losses.success_odds,
    on_look: Callable[[float], None] | None = None,
) -> TriggerResult:
    """Find words that lead as many texts as possible to their goals, from outside ``jit``.

    One place after the other gets the word, of those that the mean gradient prefers there,
    with which the network gives the goals the largest mean probability. It ends when all
    texts are fooled, or a round changes nothing.

    Args:
        classifier: the network.
        texts: ids ``[b, n]`` to learn from.
        goal: of every text.
        length: words in front.
        top: words that are tried in a place.
        rounds: how often each place is looked at, at most.
        start: the word that all places begin with; the first after those for padding and
            unknown words, which is the most frequent, unless given.
        allowed: words that may be put in, bool ``[count]``; all unless given.
        loss: whose mean gradient is followed.
        on_look: called with the share fooled so far.

    Raises:
        ValueError: if texts or goal do not suit the network, or a number is out of its range.

    Source:
        Wallace et al., 2019, arXiv:1908.07125, section 2 (a beam of one).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("ngram", jax.random.key(0), (8,), 3)
        >>> texts = jax.random.randint(jax.random.key(1), (2, 8), 97, 123)  # letters
        >>> goal = fj.attacks.leave(network(texts).argmax(axis=1))
        >>> letters = jax.numpy.zeros(network.tokens.count, bool).at[97:123].set(True)
        >>> found = fj.attacks.run_trigger(
        ...     network, texts, goal, length=2, top=5, rounds=1, start=97, allowed=letters
        ... )
        >>> found.trigger.shape
        (2,)
    """
    classifier = checks.classifier(classifier)
    check_reads("vectors", classifier)
    texts = jnp.asarray(checks.inputs(texts, classifier, "texts"))
    goal = goals.checked(goal, classifier, len(texts))
    length, top = checks.count("length", length), checks.count("top", top)
    if length >= texts.shape[1]:
        raise ValueError(
            f"length must leave room for words of the texts, at most {texts.shape[1] - 1}, got "
            f"{length}"
        )
    count = len(words.unpack(words.pack(allowed), classifier.tokens.count))  # type: ignore[union-attr]
    top = min(top, count - 1)
    if not 0 < checks.count("start", start) < count:
        raise ValueError(f"start must be a word, in [1, {count:,}), got {start}")
    propose = functools.partial(_propose, loss, words.pack(allowed), top)
    trigger = np.full(length, start, np.int32)
    before, _ = _measure(classifier, goal, texts, jnp.zeros((1, 0), jnp.int32))
    fooled, best = (float(one[0]) for one in _measure(classifier, goal, texts, trigger[None]))
    trace = [fooled]
    for _ in range(checks.count("rounds", rounds)):
        old = trigger.copy()
        for place in range(length):
            interrupts.check()
            tried = np.tile(trigger, (top, 1))
            found = np.asarray(propose(classifier, goal, texts, trigger, place))
            tried[:, place] = np.where(found > 0, found, trigger[place])
            shares, means = map(np.asarray, _measure(classifier, goal, texts, tried))
            if means.max() > best:
                chosen = int(means.argmax())
                trigger, best, fooled = tried[chosen], float(means[chosen]), float(shares[chosen])
            trace.append(fooled)
            if on_look is not None:
                on_look(fooled)
        if fooled == 1.0 or np.array_equal(old, trigger):
            break
    return TriggerResult(trigger, fooled, float(before[0]), np.array(trace, np.float32))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _propose(
    loss: Loss,
    allowed: words.Allowed,
    top: int,
    classifier: Classifier,
    goal: Goal,
    texts: Array,
    trigger: Array,
    place: Array,
) -> Int32[Array, " top"]:
    """Return the words that the mean gradient prefers in a place; 0 where there is none left."""
    gradient, _, _ = words.slopes(loss, classifier, goal, prepend(trigger, texts))
    vectors = words.table(classifier)
    mean = jnp.mean(gradient[:, : len(trigger)], axis=0)[place]
    possible = words.unpack(allowed, len(vectors))
    gain = words.gains(vectors, mean[None], trigger[place][None], possible)[0]
    best, found = jax.lax.top_k(gain, top)
    return jnp.where(best > -jnp.inf, found, 0).astype(jnp.int32)


@jax.jit
def _measure(
    classifier: Classifier, goal: Goal, texts: Array, triggers: Array
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Return for each trigger the share of texts that it fools, and the mean probability."""
    versions = jax.vmap(prepend, in_axes=(0, None), out_axes=1)(triggers, texts)
    margins, odds = words.ask(classifier, goal, versions)
    return jnp.mean(margins > 0.0, axis=0), jnp.mean(jax.nn.sigmoid(odds), axis=0)
