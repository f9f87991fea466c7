"""Rules for answers that no network to be believed gives; each states its threshold.

Every rule takes numbers and returns a finding, or None.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

REPEATS = 1e-4  # share of the spread of an image's logits that rounding stays below


class Finding(NamedTuple):
    """Something that makes a measured robustness doubtful.

    Attributes:
        name: of the rule.
        message: what was seen, what it means and what to do, for people.
        share: of the images that show it, in [0, 1].
    """

    name: str
    message: str
    share: float


def probabilities(logits: Float[np.ndarray, "b m"]) -> Finding | None:
    """Find outputs in [0, 1] that sum to 1 within 0.001, for all images."""
    sums = np.abs(logits.sum(axis=1) - 1.0) < 1e-3
    looks = bool(np.all((logits >= 0.0) & (logits <= 1.0)) and sums.all())
    return finding(
        "outputs are probabilities",
        float(looks),
        "The outputs lie in [0, 1] and sum to 1 for {} of the images, as if a softmax had been "
        "applied. Losses apply another one, and their gradients then vanish for certain answers: "
        "return logits, the numbers before the softmax.",
    )


def random_outputs(repeats: Float[np.ndarray, "r b m"]) -> Finding | None:
    """Find images whose logits differ between passes by more than 1e-4 of their spread."""
    return finding(
        "random outputs",
        float(np.mean(_differ(repeats[1:], repeats[:1]).any(axis=0))),
        "The network answers {} of the same images differently from one pass to the next. One "
        "gradient of a random network is mostly noise, and the best of many answers is luck: "
        "average probabilities over many draws in the attack, and score each image many times.",
    )


def batch_dependence(
    alone: Float[np.ndarray, "b m"], in_company: Float[np.ndarray, "b m"]
) -> Finding | None:
    """Find images whose logits change with place and company by more than 1e-4 of their spread."""
    return finding(
        "batch dependence",
        float(np.mean(_differ(in_company, alone))),
        "The answers to {} of the images depend on their place in the batch or on the other "
        "images of it. What is found in one batch need not hold in another: use fixed statistics "
        "in normalization layers, and draw noise for each image, not for each place.",
    )


def no_answer(logits: Float[np.ndarray, "b m"]) -> Finding | None:
    """Find images to which a logit is NaN or infinite."""
    broken = ~np.isfinite(logits).all(axis=1)
    return finding(
        "no answer",
        float(np.mean(broken)),
        f"The network answers NaN or infinity to {int(broken.sum())} of {len(broken)} images "
        "({}), which can then win nothing: mend the logarithm, the root or the division that "
        "numbers in [0, 1] can break.",
    )


def same_answer(logits: Float[np.ndarray, "b m"]) -> Finding | None:
    """Find logits that differ from image to image by less than 1e-4 of their spread."""
    return finding(
        "same answer",
        float(len(logits) > 1 and not _differ(logits[1:], logits[:1]).any()),
        "The network gives the same answer to {} of the images, so there is nothing to fool: "
        "check that it is trained, that its weights are loaded, and that apply uses its images.",
    )


def columns_without_a_class(logits: Float[np.ndarray, "b m"], num_classes: int) -> Finding | None:
    """Find more than one logit beyond the classes, of which one may mean "none of these"."""
    beyond = logits.shape[1] - num_classes
    return finding(
        "columns without a class",
        float(beyond > 1),
        f"The network answers with {logits.shape[1]} logits, and there are {num_classes} classes: "
        f"to {{}} of the images the other {beyond} count as declining to answer. Is num_classes "
        "right?",
    )


def finding(name: str, share: float, message: str) -> Finding | None:
    """Return a finding whose message tells the share, or None if it is 0."""
    if not share > 0.0:
        return None
    percent = f"{share:.0%}" if share >= 0.01 else f"{share:.2%}"
    return Finding(name, message.format(percent), float(share))


def spread(logits: Float[np.ndarray, "... m"]) -> Float[np.ndarray, "..."]:
    """Return the largest logit of each image less its smallest."""
    with np.errstate(invalid="ignore"):
        return np.max(logits, axis=-1) - np.min(logits, axis=-1)


def _differ(
    logits: Float[np.ndarray, "... m"], reference: Float[np.ndarray, "... m"]
) -> Bool[np.ndarray, "..."]:
    with np.errstate(invalid="ignore"):  # infinity less itself
        return np.abs(logits - reference).max(axis=-1) > REPEATS * spread(reference)
