"""Rules for numbers that look like robustness and are a failed attack; each states its threshold.

Every rule takes numbers and returns a finding, or None. What asks a network for
the numbers is ``diagnose``.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from fooljax import checks
from fooljax.models.findings import REPEATS, Finding, finding, spread

NUDGE = 1e-5  # a change of a pixel that is far above float32 and far below what matters
_ROUGH = 10.0  # times the change that the gradient allows
_LUCK = 0.02  # share of the images by which two sound attacks may differ


def out_of_range(images: Float[np.ndarray, "b h w c"]) -> Finding | None:
    """Find images with any number outside [0, 1]."""
    inside = (images >= -checks.NEAR) & (images <= 1.0 + checks.NEAR)
    share = float(np.mean(~inside.reshape(len(images), -1).all(axis=1)))
    holds_nan = bool(np.isnan(images).any())
    got = "NaN" if holds_nan else f"numbers from {images.min():.9g} to {images.max():.9g}"
    return finding(
        "images out of range",
        share,
        f"{{}} of the images have numbers outside [0, 1], got {got}. Every distance and every "
        "limit of an attack is meant in [0, 1]: divide bytes by 255, leave out what holds NaN, and "
        "move mean and scale into the classifier.",
    )


def no_gradient(slopes: Float[np.ndarray, "b h w c"]) -> Finding | None:
    """Find images at which the margin's gradient is zero everywhere, or not finite somewhere."""
    flat = slopes.reshape(len(slopes), -1)
    blind = ~np.isfinite(flat).all(axis=1) | ~flat.any(axis=1)
    return finding(
        "no gradient",
        float(np.mean(blind)),
        "At {} of the images the gradient of the network is zero or not a number (rounding, a "
        "step, a division by 0?). Gradient attacks are blind there, which is no robustness: "
        "attack through a smooth stand-in for the step, and without gradients.",
    )


def stood_still(flat: Int[np.ndarray, "..."], gradients: Int[np.ndarray, "..."]) -> Finding | None:
    """Find images for which most of an attack's gradients were 0, short of the goal.

    More than 2 % of the images, and more than one.

    Args:
        flat: gradients of each image that were 0 everywhere, or not numbers.
        gradients: all that it took.
    """
    blind = (2 * flat > gradients) & (gradients > 0)
    return _unless_luck(
        "attack stood still",
        float(np.mean(blind)) if blind.size else 0.0,
        max(blind.size, 1),
        "On {} of the images most gradients that the attack took were exactly zero, or not "
        "numbers, so it stood still there. That is no robustness: ask diagnose, attack through a "
        "smooth stand-in, with another loss, and without gradients.",
    )


def saturated_loss(
    slopes: Float[np.ndarray, "b h w c"], loss_slopes: Float[np.ndarray, "b h w c"]
) -> Finding | None:
    """Find images where the cross-entropy's gradient is 0 in float32 and the margin's is not."""
    count = len(slopes)
    blind = ~loss_slopes.reshape(count, -1).any(axis=1)
    return finding(
        "saturated loss",
        float(np.mean(blind & slopes.reshape(count, -1).any(axis=1))),
        "At {} of the images the network is so certain that the gradient of the cross-entropy is "
        "0 in float32 (logits far too large?). Attacks on that loss stand still there: keep to the "
        "default loss, the margin or DLR, which do not depend on the scale of the logits.",
    )


def rough_outputs(
    jumps: Float[np.ndarray, " b"],
    slopes: Float[np.ndarray, "b h w c"],
    logits: Float[np.ndarray, "b m"],
) -> Finding | None:
    """Find margins that jump where no pixel changed by more than ``NUDGE``.

    A jump is more than ten times what the gradient allows for such a change, plus
    1e-4 of the spread of the logits.

    Args:
        jumps: changes of the margin.
        slopes: gradients of the margin.
        logits: of the images before the change.
    """
    allowed = NUDGE * np.abs(slopes).reshape(len(slopes), -1).sum(axis=1)
    rough = np.abs(jumps) > _ROUGH * allowed + REPEATS * spread(logits)
    return finding(
        "rough outputs",
        float(np.mean(rough)),
        f"At {{}} of the images a change of {NUDGE:g} of the pixels moves the outputs much further "
        "than the gradient says (noise drawn from the image itself? a step?). Gradients then say "
        "nothing about the neighborhood: average over many nearby images in the attack, and "
        "attack without gradients.",
    )


def free_wins(
    gradient: Bool[np.ndarray, " b"], free: Bool[np.ndarray, " b"], free_name: str
) -> Finding | None:
    """Find images that an attack without gradients fools and one with gradients does not.

    More than 2 % of the images, and more than one.

    Args:
        gradient: success of the attack with gradients.
        free: success of the other, in the same ball.
        free_name: of the other.
    """
    return _unless_luck(
        "gradient-free attack wins",
        np.sum(free & ~gradient) / len(free),
        len(free),
        f"The {free_name}, which uses no gradients, fools {{}} of the images that the gradient "
        "attack does not. The gradients mislead, so the number from the gradient attack is too "
        "good: look for what hides them (steps, saturation, noise), and trust the worst case of "
        "both attacks at most.",
    )


def falling_success(
    what: str, values: Sequence[float], success: Sequence[float], count: int
) -> Finding | None:
    """Find a success rate that falls while an attack is given more.

    By more than 2 % of the images, and more than one.

    Args:
        what: is given: "epsilon", "steps", "restarts".
        values: of it, rising.
        success: rate for each value, in [0, 1].
        count: number of images.
    """
    falls = np.maximum.accumulate(success) - np.asarray(success)
    worst = int(np.argmax(falls))
    best = int(np.argmax(success[: worst + 1]))
    return _unless_luck(
        f"success falls with {what}",
        float(falls[worst]),
        count,
        f"Success falls by {{}} of the images when {what} goes from {values[best]:g} to "
        f"{values[worst]:g}, though everything that could be done before still can. The attack "
        "does not find what is there: try other step sizes and losses, random starts, and an "
        "attack without gradients.",
    )


def full_range_resists(
    resisting: float, num_classes: int, count: int, norm: str = "linf"
) -> Finding | None:
    """Find accuracy above chance though the attack may paint any image.

    Above ``1 / num_classes`` by more than 2 % of the images, and more than one.

    Args:
        resisting: share of images not fooled.
        num_classes: real classes.
        count: number of images.
        norm: of the ball, for the message.
    """
    chance = 1.0 / num_classes
    found = _unless_luck("full range resists", resisting - chance, count, "")
    return found and finding(
        found.name,
        resisting,
        f"{{}} of the images resist an attack that may change every pixel to anything ({norm} "
        f"ball as large as the range), where at most {chance:.0%} can. The attack is broken, "
        "most often because gradients are: no number from it means anything.",
    )


def _unless_luck(name: str, share: float, count: int, message: str) -> Finding | None:
    least = max(_LUCK, 1.0 / count) + 1e-6  # shares are differences of rounded numbers
    return finding(name, share if share > least else 0.0, message)
