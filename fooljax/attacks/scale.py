"""The scale of the logits, which changes no answer and must change no attack.

A network whose logits are all multiplied by a number answers as before. A softmax of
them, though, is flat everywhere if the number is large, and knows no likeliest class
if it is small. So what attacks with steps of fixed length climb is read from logits brought
to one spread. Attacks that weigh the loss against something else (a distance, a
probability to gain) keep one factor from their first logits on: none for a network with
usual logits, so that its numbers mean what their sources say.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax.types import Logits

_USUAL = 25.0  # the largest less the least logit, of images that a network was trained on
_CLIMBED = 15.0  # of three networks for digits, PGD and APGD fooled most at 15, of 8 to 100
_OWN = 0.5, 100.0  # first logits spread in between are left as they are
_TINY = 1e-30


def spread(logits: Logits, num_classes: int) -> Float[Array, " b"]:
    """Return the largest less the least finite logit of the real classes; 0 if none differ."""
    real = logits[:, :num_classes].astype(jnp.float32)
    finite = jnp.isfinite(real)
    high = jnp.max(real, axis=1, where=finite, initial=-jnp.inf)
    low = jnp.min(real, axis=1, where=finite, initial=jnp.inf)
    return jax.lax.stop_gradient(jnp.where(high > low, high - low, 0.0))


def climbed(logits: Logits, num_classes: int, wanted: float = _CLIMBED) -> Float[Array, " b"]:
    """Return what brings these logits to one spread, without a gradient of its own."""
    return _factor(spread(logits, num_classes), wanted)


def unless_usual(spread: Float[Array, " b"], wanted: float = _USUAL) -> Float[Array, " b"]:
    """Return what brings logits to a spread; 1 if theirs is neither tiny nor hundreds."""
    low, high = _OWN
    return jnp.where((spread >= low) & (spread <= high), 1.0, _factor(spread, wanted))


def first(
    held: Float[Array, " b"], logits: Logits, num_classes: int, most: float = jnp.inf
) -> Float[Array, " b"]:
    """Return the factor that an attack holds, or that of these logits where it has none (0).

    It is 1 for usual logits. An objective stays the same from step to step this way.

    Args:
        held: the factor so far.
        logits: ``[b, m]``, the first ones where there is none.
        num_classes: number of real classes.
        most: of the factor; 1 for an attack that searches a weight anyway. Logits may
            differ little because two classes are about to change places, and not
            because the network's scale is small.
    """
    mine = jnp.minimum(unless_usual(spread(logits, num_classes)), most)
    return jnp.where(held > 0.0, held, mine)


def multiply(numbers: Float[Array, " b"], logits: Logits) -> Logits:
    """Multiply each sample's logits by its number."""
    return numbers[:, None] * logits.astype(jnp.float32)


def _factor(spread: Float[Array, " b"], wanted: float) -> Float[Array, " b"]:
    """1 where no logits differ."""
    return jnp.where(spread > _TINY, wanted / jnp.maximum(spread, _TINY), 1.0)
