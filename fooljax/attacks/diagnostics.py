"""Does an attack's failure say anything about the network? Questions asked automatically."""

import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax import checks
from fooljax.attacks import findings, goals
from fooljax.attacks.apgd import apgd
from fooljax.attacks.attack import Attack
from fooljax.attacks.findings import NUDGE, Finding
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import pgd
from fooljax.attacks.run import checked, run
from fooljax.attacks.square import square
from fooljax.models.findings import batch_dependence, probabilities, random_outputs
from fooljax.types import Classifier, Images, Logits, RandomKey

_PASSES = 3  # of the same images, that should agree
_NOISES = 20  # random points of the ball


def diagnose(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    epsilon: float | None = None,
    *,
    norm: Literal["linf", "l2"] = "linf",
    steps: int = 40,
    restarts: int = 3,
    queries: int = 1000,
) -> tuple[Finding, ...]:
    """Look for signs that attacks fail at this network without it being robust.

    Without an epsilon, a few passes: are images in range, outputs logits,
    repeatable, independent of the batch and as smooth as the gradient says, is
    there a gradient, is the cross-entropy saturated? With one, attacks too: does
    success rise with epsilon, steps and restarts, does an attack without
    gradients fool nothing more, is nothing left if every image is allowed?

    A network that deserves trust has no findings; no findings are no proof.

    Args:
        key: decides the random starts, noises and squares.
        classifier: the network as it is attacked, with all its defenses.
        images: originals ``[b, h, w, c]``; a hundred will do.
        goal: to leave their labels.
        epsilon: radius of the ball, in units of [0, 1].
        norm: of the ball.
        steps: of each gradient attack: PGD on the margin, and APGD.
        restarts: of APGD.
        queries: of the square attack.

    Returns:
        What was found, in the order of the questions.

    Raises:
        ValueError: if the goal is targeted, a number is out of its range, or as ``run``
            does.

    Source:
        Carlini et al., 2019, arXiv:1902.06705, section 5; Croce & Hein, 2020,
        arXiv:2003.01690 (flags of its code); Pintor et al., 2022,
        arXiv:2106.09947.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> found = fj.attacks.diagnose(jax.random.key(2), network, images, goal)
        >>> all(one.message for one in found)  # reasons to distrust, if any
        True
    """
    numbers = isinstance(images, np.ndarray | jax.Array) and images.size
    if numbers and jnp.issubdtype(images.dtype, jnp.floating):
        outside = findings.out_of_range(np.asarray(images))
        if outside is not None:
            return (outside,)
    classifier, images, goal = checked(classifier, images, goal)
    if goal.targeted:
        raise ValueError("diagnose asks whether labels can be left: give it a leave goal")
    if epsilon is not None:
        epsilon = checks.radius(epsilon, norm)
        checks.choice("norm", norm, ("linf", "l2"))
        steps, restarts = checks.count("steps", steps), checks.count("restarts", restarts)
        queries = checks.count("queries", queries)
    key_network, key_attacks = jax.random.split(checks.key(key))
    found = [*_ask_network(key_network, classifier, images, goal)]
    if epsilon is not None:
        found += _ask_attacks(
            key_attacks, classifier, images, goal, epsilon, norm, steps, restarts, queries
        )
    return tuple(one for one in found if one is not None)


def _ask_network(
    key: RandomKey, classifier: Classifier, images: Images, goal: Goal
) -> list[Finding | None]:
    """Ask the questions that take a few passes."""
    repeats = np.stack([np.asarray(_answer(classifier, images)) for _ in range(_PASSES)])
    slopes, loss_slopes, jumps = jax.device_get(_look(key, classifier, images, goal))
    found = [
        probabilities(repeats[0]),
        findings.no_gradient(slopes),
        findings.saturated_loss(slopes, loss_slopes),
        random_outputs(repeats),
    ]
    if found[-1] is None:  # otherwise these would say the same again
        company, kept = _in_company(images)
        moved = np.asarray(_answer(classifier, company))[kept]
        found += [
            batch_dependence(repeats[0][: len(kept)], moved),
            findings.rough_outputs(jumps, slopes, repeats[0]),
        ]
    return found


def _in_company(images: Images) -> tuple[Images, Int[np.ndarray, " kept"]]:
    """Put the first half last, in reverse order, among negatives of the others.

    Returns:
        The images, and where those of the first half are, in their old order.
    """
    half = (len(images) + 1) // 2
    company = jnp.concatenate([1.0 - images[half:], images[:half][::-1]])
    return company, len(images) - 1 - np.arange(half)


def _ask_attacks(
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    epsilon: float,
    norm: Literal["linf", "l2"],
    steps: int,
    restarts: int,
    queries: int,
) -> list[Finding | None]:
    """Ask the questions that take attacks."""
    count, k = len(images), classifier.num_classes
    farthest = 1.0 if norm == "linf" else math.sqrt(images[0].size)

    def fooled(attack: Attack, restarts: int = 1) -> np.ndarray:
        return np.asarray(run(attack, key, classifier, images, goal, restarts=restarts).success)

    def climb(epsilon: float, steps: int) -> np.ndarray:
        return fooled(pgd(epsilon, steps=steps, norm=norm, random_start=True, loss=goals.margin))

    by_epsilon = {
        radius: climb(radius, steps)
        for radius in (0.5 * epsilon, epsilon, min(2.0 * epsilon, farthest))
    }
    by_steps = {fewer: climb(epsilon, fewer) for fewer in sorted({1, max(steps // 4, 1)} - {steps})}
    by_steps[steps] = by_epsilon[epsilon]
    strongest = apgd(epsilon, steps, norm=norm)
    by_restarts = {starts: fooled(strongest, starts) for starts in sorted({1, restarts})}
    found = [
        findings.falling_success(what, list(curve), [one.mean() for one in curve.values()], count)
        for what, curve in (
            ("epsilon", by_epsilon),
            ("steps", by_steps),
            ("restarts", by_restarts),
        )
    ]
    by_gradient = np.any([*by_steps.values(), *by_restarts.values()], axis=0)
    noise = pgd(epsilon, 0.0, 1, norm=norm, random_start=True, loss=goals.margin)
    found.append(findings.free_wins(by_gradient, fooled(noise, _NOISES), "best of random noises"))
    by_squares = fooled(square(epsilon, queries, norm=norm))
    found.append(findings.free_wins(by_gradient, by_squares, "square attack"))
    everything = climb(farthest, steps)
    found.append(findings.full_range_resists(1.0 - float(everything.mean()), k, count, norm))
    return found


@jax.jit
def _answer(classifier: Classifier, images: Images) -> Logits:
    return classifier(images)


@jax.jit
def _look(
    key: RandomKey, classifier: Classifier, images: Images, goal: Goal
) -> tuple[Images, Images, Float[Array, " b"]]:
    """Return gradients of the margin and of the cross-entropy, and jumps of the margin.

    The jumps are from the images to others whose pixels are, half of them, a tiny
    way further inward.
    """
    k = classifier.num_classes
    logits, pull = jax.vjp(classifier, images)
    slope = lambda loss: pull(jax.grad(lambda z: jnp.sum(loss(goal, z, k)))(logits))[0]
    moves = jax.random.bernoulli(key, shape=images.shape)
    nudged = images + jnp.where(moves, NUDGE * jnp.sign(0.5 - images), 0.0)
    jumps = goals.margin(goal, classifier(nudged), k) - goals.margin(goal, logits, k)
    return slope(goals.margin), slope(goals.cross_entropy), jumps
