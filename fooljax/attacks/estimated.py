"""NES and SPSA: gradient attacks whose gradients are estimated from the network's scores."""

from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from fooljax import chance, checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Loss, Passes, Point, RandomKeys, per_image
from fooljax.attacks.goals import Goal
from fooljax.attacks.pgd import Norm, project, uphill
from fooljax.types import Bound, Classifier, Images, Logits, RandomKey

Draw: TypeAlias = Literal["normal", "signs"]

_adam = optax.scale_by_adam(eps=1e-30)  # whatever the scale of the logits
_ROOM = {"normal": 3.0, "signs": 1.0}  # how far probes go, in units of their length


class Probed(NamedTuple):
    """Numbers of an attack by estimated gradients.

    Attributes:
        epsilon: radius of the ball, in units of [0, 1].
        step_size: length of a step; of SPSA, Adam's learning rate.
        probe: standard deviation of each number of a probe, in units of [0, 1].
        momentum: share of the last direction that is kept, in [0, 1).
    """

    epsilon: Any
    step_size: Any
    probe: Any
    momentum: Any


def _direction(draw: Draw, key: RandomKey, shape: tuple[int, ...]) -> Array:
    if draw == "signs":
        return jax.random.rademacher(key, shape, jnp.float32)
    return chance.normal(key, shape)


def estimate(
    keys: RandomKeys,
    classifier: Classifier,
    goal: Goal,
    here: Images,
    probe: Float[Array, " b"],
    pairs: int,
    draw: Draw,
    loss: Loss,
) -> tuple[Images, Logits]:
    """Estimate each image's gradient of a loss, and return the logits of the images.

    It is the mean of ``(loss(x + s u) - loss(x - s u)) / (2 s) * u`` over random ``u``, whose
    numbers have mean 0 and variance 1. Of a linear loss with gradient ``g`` its mean is
    ``g``, and the variance of number ``i`` is ``(|g|^2 + g_i^2) / pairs`` with normal
    numbers and ``(|g|^2 - g_i^2) / pairs`` with signs.

    Args:
        keys: one for each image.
        classifier: the network.
        goal: of every image.
        here: ``[b, ...]`` in [0, 1]. Probes stay in [0, 1], too: where one would leave it,
            the middle between the two is moved inside.
        probe: the ``s`` above, in units of [0, 1].
        pairs: number of ``u``.
        draw: ``normal`` or ``signs``.
        loss: ``(goal, logits, num_classes) -> [b]``.
    """
    one = lambda key: _direction(draw, key, (pairs, *here.shape[1:]))
    drawn = jax.vmap(one)(keys)  # [b, pairs, ...]
    room = per_image(jnp.minimum(_ROOM[draw] * probe, 0.5), here)
    middle = jnp.clip(here, room, 1.0 - room)[:, None]
    reach = per_image(probe, drawn) * drawn
    tried = jnp.clip(jnp.stack([middle + reach, middle - reach]), 0.0, 1.0)
    said = classifier(jnp.concatenate([here, tried.reshape(-1, *here.shape[1:])]))
    logits, said = said[: len(here)], said[len(here) :]
    every = lambda leaf: jnp.tile(jnp.repeat(leaf, pairs, axis=0), 2)
    losses = loss(jax.tree.map(every, goal), said, classifier.num_classes)
    above, below = losses.reshape(2, len(here), pairs)
    slope = (above - below) / (2.0 * probe[:, None])
    slope = jnp.where(jnp.isfinite(slope), slope, 0.0)
    return jnp.einsum("bp,bp...->b...", slope, drawn) / pairs, logits


def _start(draw: Draw, keys: RandomKeys, probed: Probed, images: Images) -> Point:
    del keys, probed
    follow = jax.vmap(_adam.init)(images) if draw == "signs" else jnp.zeros_like(images)
    return Point(images, follow)


def _climb(
    draw: Draw,
    norm: Norm,
    pairs: int,
    loss: Loss,
    keys: RandomKeys,
    probed: Probed,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Step along the estimate: NES as PGD does, SPSA by Adam."""
    slope, logits = estimate(keys, classifier, goal, point.images, probed.probe, pairs, draw, loss)
    if draw == "signs":
        way, follow = jax.vmap(_adam.update)(slope, point.memory)
    else:
        follow = per_image(probed.momentum, images) * point.memory
        follow = follow + per_image(1.0 - probed.momentum, images) * slope
        way = uphill(follow, norm)
    change = point.images + per_image(probed.step_size, images) * way - images
    moved = project(images, change, probed.epsilon, norm)
    return Point(moved, follow), logits, Passes(1 + 2 * pairs, 0)


def nes(
    epsilon: float,
    step_size: float | None = None,
    steps: int = 100,
    *,
    pairs: int = 25,
    probe: float = 0.001,
    momentum: float = 0.0,
    norm: Norm = "linf",
    loss: Loss = goals.margin,
) -> Attack:
    """Climb as PGD does, along gradients that are estimated from scores by normal probes.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        step_size: length of a step; ``2.5 * epsilon / steps`` unless given.
        steps: number of steps, each of ``2 * pairs + 1`` forward passes.
        pairs: opposite probes in a step; all are shown to the network in one pass.
        probe: standard deviation of each number of a probe, in (0, 0.5) of [0, 1].
        momentum: share of the last direction that is kept, in [0, 1).
        norm: of the ball, ``linf`` (sign steps) or ``l2``.
        loss: ``(goal, logits, num_classes) -> [b]``, raised.

    Returns:
        An attack that stops at the first image that reaches the goal.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Ilyas et al., 2018, arXiv:1804.08598, section 2.2 (its loss is the cross-entropy).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.nes(0.1, steps=4, pairs=5)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> int(found.gradients.sum())  # it sees none
        0
    """
    return _attack("normal", epsilon, step_size, steps, pairs, probe, momentum, norm, loss)


def spsa(
    epsilon: float,
    step_size: float = 0.01,
    steps: int = 100,
    *,
    pairs: int = 64,
    probe: float = 0.01,
    norm: Norm = "linf",
    loss: Loss = goals.margin,
) -> Attack:
    """Climb by Adam, along gradients that are estimated from scores by probes of random signs.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        step_size: Adam's learning rate, about the change of each number in a step.
        steps: number of steps, each of ``2 * pairs + 1`` forward passes.
        pairs: opposite probes in a step; all are shown to the network in one pass.
        probe: by how much a probe changes each number, in (0, 0.5) of [0, 1].
        norm: of the ball, ``linf`` or ``l2``.
        loss: ``(goal, logits, num_classes) -> [b]``, raised.

    Returns:
        An attack that stops at the first image that reaches the goal.

    Raises:
        ValueError: if a number is out of its range or the norm is unknown.

    Source:
        Uesato et al., 2018, arXiv:1802.05666, section 4.3 and algorithm 1.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.spsa(0.1, steps=4, pairs=5)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool(found.linf.max() <= 0.1)
        True
    """
    step_size = checks.not_negative("step_size", step_size)
    return _attack("signs", epsilon, step_size, steps, pairs, probe, 0.0, norm, loss)


def _attack(
    draw: Draw,
    epsilon: float,
    step_size: float | None,
    steps: int,
    pairs: int,
    probe: float,
    momentum: float,
    norm: Norm,
    loss: Loss,
) -> Attack:
    steps, pairs = checks.count("steps", steps), checks.count("pairs", pairs)
    epsilon = checks.radius(epsilon, norm)
    step_size = 2.5 * epsilon / steps if step_size is None else step_size
    step_size = checks.not_negative("step_size", step_size)
    probe = checks.between("probe", probe, 0.0, 0.5, "()")
    momentum = checks.between("momentum", momentum, 0.0, 1.0, "[)")
    checks.choice("norm", norm, ("linf", "l2"))
    checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    init, step = Bound(_start, (draw,)), Bound(_climb, (draw, norm, pairs, loss))
    probed = Probed(epsilon, step_size, probe, momentum)
    return Attack(probed, init, step, steps, better="margin", stops=True)
