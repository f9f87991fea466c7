"""The nearest point of a linearized boundary that is within reach: a problem in two multipliers.

From where it stands, an image may move by ``delta`` so that

    minimize    ||x + delta - x0||   in L2 or Linf
    subject to  b . delta = c,   ||delta||_2 <= r,   0 <= x + delta <= 1.

Given the multiplier of the trust region (in Linf: given the distance), every number of
``delta`` is a clipped line in the multiplier of the boundary, and ``b . delta`` grows with
it. And the length of ``delta`` falls with the first, so both are found by bisection.
Where the boundary is out of reach the image goes toward it as far as it may.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from fooljax.attacks.pgd import Norm
from fooljax.types import Images

_INNER = 26  # halvings of the boundary's multiplier: all that float32 tells apart
_OUTER = 12  # halvings of the other: the trust region is exact to a few thousandths
_EXACT = 1e-3  # share of the way to the boundary that a step may miss it by
_ROUNDING = 1e-5  # the same, as a share of the trust region's radius
_TINY = 1e-30

Flat = Float[Array, " p"]
Number = Float[Array, ""]


class _Step(NamedTuple):
    """The problem of one sample: ``wanted`` and ``normal`` for a normal of length 1."""

    offset: Flat  # x0 - x
    normal: Flat
    wanted: Number
    radius: Number
    low: Flat  # of delta, so that the image stays in [0, 1]
    high: Flat


def _last(holds: Callable[[Number], Bool[Array, ""]], halvings: int) -> Number:
    """Return the last place of [0, 1] where it holds, if it holds from 0 up to somewhere."""

    def halve(_: int, between: tuple[Number, Number]) -> tuple[Number, Number]:
        low, high = between
        middle = 0.5 * (low + high)
        held = holds(middle)
        return jnp.where(held, middle, low), jnp.where(held, high, middle)

    low, _ = jax.lax.fori_loop(0, halvings, halve, (jnp.float32(0.0), jnp.float32(1.0)))
    return low


def _long(delta: Flat) -> Number:
    return jnp.sqrt(jnp.sum(delta**2))


def _multiplier(place: Number, size: Number) -> Number:
    """Return every number from 0 on, for places in [0, 1]; half the way is the size."""
    return size * place / jnp.maximum(1.0 - place, 2.0**-24)


def _reach(step: _Step, pull: Flat, low: Flat, high: Flat) -> tuple[Flat, Bool[Array, ""]]:
    """Move along the pull, and along the normal as far as the boundary.

    Returns:
        The nearest ``delta`` to the pull that is on the boundary and in the box, or
        the last one before it; and whether it is there.
    """
    size = jnp.abs(step.wanted) + _long(jnp.clip(pull, low, high))
    gone = lambda delta: jnp.sum(step.normal * delta)
    behind = gone(jnp.clip(pull, low, high)) <= step.wanted
    way = jnp.where(behind, 1.0, -1.0)

    def moved(place: Number) -> Flat:
        return jnp.clip(pull + way * _multiplier(place, size) * step.normal, low, high)

    before = lambda place: (gone(moved(place)) <= step.wanted) == behind
    delta = moved(_last(before, _INNER))
    missed = jnp.abs(gone(delta) - step.wanted)
    return delta, missed <= _EXACT * jnp.abs(step.wanted) + _ROUNDING * step.radius


def _toward(step: _Step) -> Flat:
    """Move along the normal alone, as far as the trust region reaches."""
    way = jnp.sign(step.wanted)

    def moved(place: Number) -> Flat:
        pushed = way * _multiplier(place, step.radius) * step.normal
        return jnp.clip(pushed, step.low, step.high)

    return moved(_last(lambda place: _long(moved(place)) <= step.radius, _INNER))


def _nearest_l2(step: _Step) -> Flat:
    """Pull toward the original as strongly as the trust region allows."""
    far = _long(step.offset)

    def pulled(place: Number) -> tuple[Flat, Bool[Array, ""]]:
        whole = step.radius * place + far * (1.0 - place)
        share = step.radius * place / jnp.maximum(whole, _TINY)
        return _reach(step, share * step.offset, step.low, step.high)

    def inside(place: Number) -> Bool[Array, ""]:
        return _long(pulled(place)[0]) <= step.radius

    place = _last(inside, _OUTER)
    return pulled(jnp.where(inside(jnp.float32(1.0)), 1.0, place))[0]


def _nearest_linf(step: _Step) -> Flat:
    """Narrow the box around the original as long as the boundary is within reach in it."""
    far = jnp.max(jnp.abs(step.offset))
    outer, inner = far + step.radius, jnp.maximum(far - step.radius, 0.0)

    def boxed(place: Number) -> tuple[Flat, Bool[Array, ""]]:
        epsilon = outer + (inner - outer) * place
        low = jnp.maximum(step.low, step.offset - epsilon)
        high = jnp.minimum(step.high, step.offset + epsilon)
        return _reach(step, jnp.zeros_like(low), low, jnp.maximum(low, high))

    def inside(place: Number) -> Bool[Array, ""]:
        delta, reached = boxed(place)
        return reached & (_long(delta) <= step.radius)

    return boxed(_last(inside, _OUTER))[0]


_NEAREST = {"l2": _nearest_l2, "linf": _nearest_linf}


def _solve(
    norm: Norm, original: Flat, image: Flat, normal: Flat, wanted: Number, radius: Number
) -> Flat:
    steepest = jnp.max(jnp.abs(normal))  # squares of 1e-30 would be 0
    normal = normal / jnp.where(steepest > 0.0, steepest, 1.0)
    size = jnp.maximum(_long(normal), _TINY)
    wanted = wanted / jnp.where(steepest > 0.0, steepest, 1.0) / size
    step = _Step(original - image, normal / size, wanted, radius, -image, 1.0 - image)
    straight, reached = _reach(step, jnp.zeros_like(image), step.low, step.high)
    within = _long(straight) <= radius
    best = jnp.where(within, straight, _toward(step))
    return jnp.where(reached & within, _NEAREST[norm](step), best)


def solve(
    images: Images,
    here: Images,
    normal: Images,
    wanted: Float[Array, " b"],
    radius: Float[Array, " b"],
    norm: Norm,
) -> Images:
    """Return by how much each image moves.

    Args:
        images: the originals, ``[b, ...]`` in [0, 1].
        here: where they stand, ``[b, ...]`` in [0, 1].
        normal: of the boundary, ``[b, ...]``, of any length; where it is 0, nothing moves.
        wanted: the ``c`` above, in units of the normal times those of [0, 1].
        radius: of the trust region, in L2.
        norm: in which the distance is.
    """
    flat = lambda leaf: leaf.reshape(len(images), -1)
    one = lambda *given: _solve(norm, *given)
    moved = jax.vmap(one)(flat(images), flat(here), flat(normal), wanted, radius)
    return moved.reshape(images.shape)
