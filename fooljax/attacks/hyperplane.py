"""The shortest change inside [0, 1] that a linear function asks for: onto a hyperplane.

Every number can move as far as its end of [0, 1]. In the maximum norm and in L2 the best
change fills all of them to one level, some of which are full before; the level is exact once
it is known which are. In L1 the steepest numbers go to their ends one after another. Nothing
is sorted: sorting a picture takes XLA's CPU longer than a network's gradient.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax.attacks.pgd import AnyNorm
from fooljax.types import Images

_BITS = 31  # of a float32 that is not negative; read as whole numbers they are in order


def toward_hyperplane(
    images: Images, slopes: Images, gains: Float[Array, " b"], norm: AnyNorm
) -> Images:
    """Return the shortest change by which each image's slope gains what it should.

    Args:
        images: ``[b, h, w, c]`` in [0, 1], from where.
        slopes: of the linear function, ``[b, h, w, c]``, of any length.
        gains: what is to be added to it, which may be negative.
        norm: in which the change is short: ``linf``, ``l2`` or ``l1``.

    Returns:
        Changes ``[b, h, w, c]``, with ``images + change`` in [0, 1] and
        ``sum(slopes * change) == gains``. Where no image in [0, 1] gains that much, the one
        that gains most; numbers without slope stay.

    Source:
        Croce & Hein, 2020, arXiv:1907.02044, section 3.2 and equation 7 (the problem; they
        sort). Dai & Fletcher, 2006 (Newton's method on the level, from below).
    """
    count = len(images)
    flat, slopes = images.reshape(count, -1), slopes.reshape(count, -1)
    steepest = jnp.max(jnp.abs(slopes), axis=1)
    steepest = jnp.where(steepest > 0.0, steepest, 1.0)  # squares of 1e-30 would be 0
    slopes = slopes / steepest[:, None]
    way = jnp.sign(slopes) * jnp.where(gains < 0.0, -1.0, 1.0)[:, None]
    room = jnp.where(way > 0.0, 1.0 - flat, jnp.where(way < 0.0, flat, 0.0))
    slopes, wanted = jnp.abs(slopes), jnp.abs(gains) / steepest
    if norm == "l1":
        length = room * _steepest_first(slopes, room, wanted)
    else:
        # a number at level x has moved by x, in L2 by x times its slope, until it is full
        rate = jnp.ones_like(slopes) if norm == "linf" else slopes
        full_at = jnp.where(way != 0.0, room / jnp.where(rate > 0.0, rate, 1.0), 0.0)
        level = _level(slopes * rate, full_at, slopes * room, wanted)
        length = jnp.where(full_at <= level[:, None], room, rate * level[:, None])
    return (way * length).reshape(images.shape)


def _level(
    pace: Float[Array, "b p"],
    full_at: Float[Array, "b p"],
    most: Float[Array, "b p"],
    wanted: Float[Array, " b"],
) -> Float[Array, " b"]:
    """Return the level at which all gain together what is wanted; inf if they never do.

    What is gained is concave in the level, so a step by its slope never goes too far, and
    the first that changes nothing has arrived. A row that has arrived stays.

    Args:
        pace: what each number gains as the level rises by 1.
        full_at: the level from which on it gains nothing more.
        most: what it has gained by then.
        wanted: by all of a row.
    """
    reachable = wanted < jnp.sum(most, axis=1)

    def rise(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        level, rising = carry
        full = full_at <= level[:, None]
        left = wanted - jnp.sum(jnp.where(full, most, 0.0), axis=1)
        steep = jnp.sum(jnp.where(full, 0.0, pace), axis=1)
        higher = jnp.where(steep > 0.0, left / jnp.where(steep > 0.0, steep, 1.0), level)
        higher = jnp.where(rising, jnp.maximum(higher, level), level)
        return higher, higher > level

    begin = jnp.zeros_like(wanted), reachable
    level, _ = jax.lax.while_loop(lambda carry: jnp.any(carry[1]), rise, begin)
    return jnp.where(reachable, level, jnp.inf)


def _steepest_first(
    slopes: Float[Array, "b p"], room: Float[Array, "b p"], wanted: Float[Array, " b"]
) -> Float[Array, "b p"]:
    """Return how much of its room each number uses, in [0, 1]: those above a slope all of it."""
    bits = jax.lax.bitcast_convert_type(slopes, jnp.int32)
    most = slopes * room
    gained = lambda chosen: jnp.sum(jnp.where(chosen, most, 0.0), axis=1)

    def halve(index: Array, bar: Array) -> Array:
        """Set the next bit of the highest slope down to which all gain enough."""
        higher = bar | jnp.left_shift(jnp.int32(1), _BITS - 1 - index)
        return jnp.where(gained(bits >= higher[:, None]) >= wanted, higher, bar)

    bar = jax.lax.fori_loop(0, _BITS, halve, jnp.zeros(len(slopes), jnp.int32))[:, None]
    above, at = bits > bar, bits == bar
    last = gained(at)
    share = jnp.clip((wanted - gained(above)) / jnp.where(last > 0.0, last, 1.0), 0.0, 1.0)
    return jnp.where(above, 1.0, jnp.where(at, share[:, None], 0.0))
