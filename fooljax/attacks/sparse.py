"""Few pixels, changed entirely: on a plain background, a sparse fooling image."""

import jax.numpy as jnp

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Loss, Passes, Point, RandomKeys, gradient_of, is_flat
from fooljax.attacks.goals import Goal
from fooljax.attacks.shapes import with_channels
from fooljax.types import Bound, Classifier, Images, Logits


def _start(keys: RandomKeys, budget: tuple[()], images: Images) -> Point:
    del keys, budget
    return Point(images, ())


def _change_one(
    loss: Loss,
    keys: RandomKeys,
    budget: tuple[()],
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    del keys, budget, images
    here = point.images
    slope, logits = gradient_of(loss, classifier, goal, here)
    gain = jnp.maximum(slope * (1.0 - here), -slope * here)  # of going to white, or to black
    pixels = (len(here), -1, with_channels(here.shape[1:])[-1])
    of_pixel = jnp.sum(gain.reshape(pixels), axis=2)
    chosen = (
        jnp.arange(of_pixel.shape[1], dtype=jnp.int32)[None]
        == jnp.argmax(of_pixel, axis=1)[:, None]
    )
    # a number without slope stays: moving it would be of no use
    end = jnp.where(slope == 0.0, here, slope > 0.0)
    moved = jnp.where(chosen[..., None], end.reshape(pixels), here.reshape(pixels))
    return Point(moved.reshape(here.shape), ()), logits, Passes(1, 1, is_flat(slope))


def sparse(pixels: int = 30, *, loss: Loss = goals.margin, stops: bool = False) -> Attack:
    """Set one pixel after another to black or white, each time the one that gains most.

    What a step gains is judged to first order, as the gradient times the way to
    the nearer useful end, summed over the channels; each channel goes to its own
    end. A pixel may be changed more than once. From a plain image, and with a
    ``reach`` goal, this makes sparse fooling images.

    Args:
        pixels: number of steps, hence the largest number of pixels changed.
        loss: ``(goal, logits, num_classes) -> [b]``, raised.
        stops: leave a sample alone as soon as the goal is reached.

    Returns:
        An attack that keeps the image with the largest margin.

    Raises:
        ValueError: if ``pixels`` is not positive.

    Source:
        Papernot et al., 2016, arXiv:1511.07528 (one pixel after another, by
        gradient). Kumano et al., 2020, arXiv:2012.03843 (sparse fooling images:
        a plain color and few pixels, which they search for by other means).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.sparse(pixels=3)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((16 * found.l0 <= 3).all())
        True
    """
    pixels = checks.count("pixels", pixels)
    checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    return Attack((), _start, Bound(_change_one, (loss,)), pixels, better="margin", stops=stops)
