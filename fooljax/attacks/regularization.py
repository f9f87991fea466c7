"""What keeps the images of a gradient ascent smooth or sparse."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from fooljax import checks, metrics
from fooljax.attacks.attack import axes_of, per_image
from fooljax.attacks.shapes import with_channels
from fooljax.defenses.preprocess import blur_matrix
from fooljax.types import Images

_LEAST_BLUR = 0.3  # narrower kernels leave 8-bit images as they are


@dataclass(frozen=True)
class Regularization:
    """What keeps an ascent from ending in noise.

    All but ``total_variation`` change the pixels after each step, so they need
    the search space of pixels.

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
        total_variation: log-probability that an image pays for a total
            variation of 1 (see ``metrics.total_variation``): at 100, neighbors
            that differ by 0.01 more on average must raise log p by 1.

    Raises:
        ValueError: if a number is out of its range.
    """

    decay: float = 0.0
    blur: float = 0.0
    blur_every: int = 1
    small_norm: float = 0.0
    small_benefit: float = 0.0
    small_influence: float = 0.0
    total_variation: float = 0.0

    def __post_init__(self):
        checks.between("decay", self.decay, 0.0, 1.0)
        checks.not_negative("blur", self.blur)
        checks.count("blur_every", self.blur_every)
        for name in ("small_norm", "small_benefit", "small_influence"):
            checks.between(f"the percentage {name}", getattr(self, name), 0.0, 100.0)
        checks.not_negative("total_variation", self.total_variation)

    @property
    def changes_pixels(self) -> bool:
        """Whether anything but the total variation is asked for."""
        return self != Regularization(total_variation=self.total_variation)


def _only_pictures(name: str, images: Images) -> None:
    if images.ndim != 4:
        shape = images.shape[1:]
        raise ValueError(f"{name} is for pictures (h, w, c), got inputs {shape}; leave it at 0")


def blurred(images: Images, sigma: float) -> Images:
    """Blur along both axes, edges mirrored as in ``scipy.ndimage.gaussian_filter``."""
    _only_pictures("blur", images)
    _, height, width, _ = images.shape
    rows, columns = blur_matrix(height, sigma), blur_matrix(width, sigma)
    return jnp.einsum("yh,bhwc,xw->byxc", rows, images, columns)


def drop(change: Images, worth: Array, percentage: float) -> Images:
    """Set the pixels of least worth, ``[b, ...]`` without channels, to the center."""
    if percentage == 0.0:
        return change
    bar = jnp.percentile(worth, percentage, axis=axes_of(worth), keepdims=True)
    return jnp.where((worth < bar)[..., None], 0.0, change)


def variation_slope(images: Images) -> Images:
    """Return the gradient of each image's own total variation."""
    _only_pictures("total_variation", images)
    return jax.grad(lambda images: jnp.sum(metrics.total_variation(images)))(images)


def regularize(
    change: Images, slope: Images, count: Int32[Array, " b"], regularization: Regularization
) -> Images:
    """Decay, blur and drop what an ascent added to the center, in the published order.

    Args:
        change: difference from the center after a step.
        slope: gradient of what is raised, before the step.
        count: steps before this one.
        regularization: how much of each.
    """
    change = change * (1.0 - regularization.decay)
    if regularization.blur >= _LEAST_BLUR:
        soft = blurred(change, regularization.blur)
        change = jnp.where(per_image(count % regularization.blur_every == 0, change), soft, change)
    shape = change.shape
    pixels = (len(change), -1, with_channels(shape[1:])[-1])
    change, slope = change.reshape(pixels), slope.reshape(pixels)
    change = drop(change, jnp.linalg.norm(change, axis=-1), regularization.small_norm)
    benefit = jnp.sum(slope * change, axis=-1)
    change = drop(change, benefit, regularization.small_benefit)
    benefit = jnp.sum(slope * change, axis=-1)
    return drop(change, jnp.abs(benefit), regularization.small_influence).reshape(shape)
