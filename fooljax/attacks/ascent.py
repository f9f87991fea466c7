"""Fooling images by gradient ascent: from noise, grey or any image to a certain answer."""

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, gradient_of, per_image
from fooljax.attacks.goals import Goal
from fooljax.types import Classifier, Images, Logits

_LEAST_BLUR = 0.3  # narrower kernels leave 8-bit images as they are
_TINY = 1e-30


@dataclass(frozen=True)
class Regularization:
    """What keeps an ascent from ending in noise.

    Attributes:
        decay: share by which the difference from the center shrinks each step.
        blur: standard deviation of a Gaussian blur, in pixels; less than 0.3 is
            no blur.
        blur_every: steps between blurs.
        small_norm: percentage of pixels, those nearest to the center, that are
            set to it each step.
        small_benefit: percentage of pixels whose return to the center would
            cost least that are set to it each step (the published code takes
            those that cost most, but no published setting uses it).
        small_influence: the same by the size of the cost, whatever its sign.

    Raises:
        ValueError: if a number is out of its range.
    """

    decay: float = 0.0
    blur: float = 0.0
    blur_every: int = 1
    small_norm: float = 0.0
    small_benefit: float = 0.0
    small_influence: float = 0.0

    def __post_init__(self):
        if not 0.0 <= self.decay <= 1.0:
            raise ValueError(f"decay must be in [0, 1], got {self.decay}")
        if not self.blur >= 0.0 or self.blur_every < 1:
            raise ValueError(
                f"blur must not be negative and blur_every at least 1, got {self.blur} and "
                f"{self.blur_every}"
            )
        for name in ("small_norm", "small_benefit", "small_influence"):
            if not 0.0 <= getattr(self, name) <= 100.0:
                raise ValueError(f"{name} must be a percentage, got {getattr(self, name)}")


class Pace(NamedTuple):
    """How an ascent steps, and around which grey it decays.

    Attributes:
        early: gain in probability aimed at while it is low.
        late: share of what is missing to 1 that is aimed at later.
        max_gain: upper limit of the gain in log-probability aimed at.
        max_rate: upper limit of the learning rate, in units of [0, 1].
        center: grey level that decay and dropped pixels go back to.
    """

    early: Array | float
    late: Array | float
    max_gain: Array | float
    max_rate: Array | float
    center: Array | float


@functools.cache
def _blur_matrix(size: int, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(np.eye(size, dtype=np.float32), sigma, axis=0)


def _blurred(images: Images, sigma: float) -> Images:
    """Blur along both axes, edges mirrored as in ``scipy.ndimage.gaussian_filter``."""
    _, height, width, _ = images.shape
    rows, columns = _blur_matrix(height, sigma), _blur_matrix(width, sigma)
    return jnp.einsum("yh,bhwc,xw->byxc", rows, images, columns)


def _drop(change: Images, worth: Array, percentage: float) -> Images:
    """Set the pixels of least worth ``[b, h, w]`` to the center."""
    if percentage == 0.0:
        return change
    bar = jnp.percentile(worth, percentage, axis=(1, 2), keepdims=True)
    return jnp.where((worth < bar)[..., None], 0.0, change)


def _start(keys: RandomKeys, pace: Pace, images: Images) -> Point:
    del keys, pace
    return Point(images, jnp.zeros(len(images), jnp.int32))


def _climb(
    keys: RandomKeys,
    pace: Pace,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
    regularization: Regularization,
) -> tuple[Point, Logits, Passes]:
    """One step of the "progress" rule, on the probability of the target."""
    del keys, images
    if not goal.targeted:
        raise ValueError("ascent raises a target's probability: give it a reach goal")
    # d p = p d log p, and log p keeps a gradient where p is 1e-30 or 1 - 1e-30
    slope, logits = gradient_of(goals.cross_entropy, classifier, goal, point.images)
    log_p = goals.cross_entropy(goal, logits, classifier.num_classes)
    p, doubt = jnp.exp(log_p), -jnp.expm1(log_p)
    wanted = jnp.minimum(pace.early, pace.late * doubt)
    steepness = jnp.sum(slope**2, axis=(1, 2, 3))
    # d log p = dp / p, and to first order log p gains length * steepness
    gain = jnp.minimum(wanted / jnp.maximum(p, _TINY), pace.max_gain)
    limit = pace.max_rate * jnp.maximum(p, _TINY)
    length = jnp.minimum(limit, gain / jnp.maximum(steepness, _TINY))
    center = per_image(pace.center)
    change = point.images + per_image(length) * slope - center
    change = change * (1.0 - regularization.decay)
    count = point.memory
    if regularization.blur >= _LEAST_BLUR:
        soft = _blurred(change, regularization.blur)
        change = jnp.where(per_image(count % regularization.blur_every == 0), soft, change)
    change = _drop(change, jnp.linalg.norm(change, axis=3), regularization.small_norm)
    benefit = jnp.sum(slope * change, axis=3)
    change = _drop(change, benefit, regularization.small_benefit)
    benefit = jnp.sum(slope * change, axis=3)
    change = _drop(change, jnp.abs(benefit), regularization.small_influence)
    moved = jnp.clip(center + change, 0.0, 1.0)
    return Point(moved, count + 1), logits, Passes(1, 1)


@functools.cache
def _step(regularization: Regularization):
    return functools.partial(_climb, regularization=regularization)


def ascent(
    steps: int = 500,
    *,
    early: float = 0.02,
    late: float = 0.1,
    max_gain: float = 1.0,
    max_rate: float = math.inf,
    center: float = 0.5,
    regularization: Regularization | None = None,
) -> Attack:
    """Raise the probability of a target class, step by step, without a budget.

    The images given to the attack are where it starts: noise, grey, anything.
    Each step aims at a gain in probability of ``min(early, late * (1 - p))`` and
    is as long as that takes to first order.

    Args:
        steps: number of steps.
        early: gain aimed at in one step while the probability is low.
        late: share of what is missing to 1 that is aimed at later.
        max_gain: upper limit of the gain in log-probability aimed at in one
            step. From a probability of 1e-12 the rule alone would leap; the
            published settings stop it by ``max_rate`` and then hardly move.
        max_rate: upper limit of the learning rate on the probability, in units
            of [0, 1].
        center: grey level that decay and dropped pixels go back to.
        regularization: what keeps the image smooth or sparse; nothing unless
            given.

    Returns:
        An attack, for ``reach`` goals, that keeps the image with the largest
        margin.

    Raises:
        ValueError: if a number is out of its range.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 3.9 and its published
        code; Yosinski et al., 2015, arXiv:1506.06579 (regularizers).
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    paces = {"early": early, "late": late, "max_gain": max_gain, "max_rate": max_rate}
    for name, value in paces.items():
        if not value > 0.0:
            raise ValueError(f"{name} must be positive, got {value}")
    if not 0.0 <= center <= 1.0:
        raise ValueError(f"center must be in [0, 1], got {center}")
    pace = Pace(float(early), float(late), float(max_gain), float(max_rate), float(center))
    step = _step(regularization or Regularization())
    return Attack(pace, _start, step, steps, better="margin")


# The four settings behind the paper's Figure 13 and supplement: no regularizer, decay,
# decay and blur, decay and blur and sparsity.
PUBLISHED: dict[str, dict[str, Any]] = {
    "none": {"steps": 500, "early": 0.02, "late": 0.1},
    "decay": {
        "steps": 1500,
        "early": 0.03,
        "late": 0.02,
        "regularization": Regularization(decay=0.01),
    },
    "blur": {
        "steps": 1000,
        "early": 0.03,
        "late": 0.05,
        "regularization": Regularization(decay=0.001, blur=0.4, blur_every=2),
    },
    "sparse": {
        "steps": 1500,
        "early": 0.03,
        "late": 0.05,
        "regularization": Regularization(
            decay=0.001, blur=0.3, blur_every=1, small_norm=20.0, small_influence=20.0
        ),
    },
}


def published(name: str, **changes: Any) -> Attack:
    """Return one of the ``PUBLISHED`` ascents, with changes.

    All of them limit the learning rate to 1e7 in units of grey levels.

    Raises:
        ValueError: if the name is unknown.
    """
    if name not in PUBLISHED:
        raise ValueError(f"published ascents are {', '.join(PUBLISHED)}, got {name!r}")
    limits = {"max_gain": math.inf, "max_rate": 1e7 / 255.0**2}
    return ascent(**{**limits, **PUBLISHED[name], **changes})
