"""Batches with images of no class, and images changed in the worst way, for other losses."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import backend, checks
from fooljax.attacks.pgd import project, uphill
from fooljax.data import Dataset
from fooljax.training.losses import divergence
from fooljax.training.samplers import Labels, Minibatches, drawn_first, minibatches
from fooljax.types import Classifier, Images, RandomKey

_UNROLLED = 10  # steps that are worth compiling one by one on a CPU
_START = 1e-3  # of TRADES: standard deviation of the first change, where the slope is 0
_LEAST_BLUR, _MOST_BLUR = 1.0, 2.5  # pixels


@checks.cache  # equal settings are the same function, and are compiled once
def minibatches_with_noise(
    batch_size: int, epsilon: float = 0.0, steps: int = 0, step_size: float | None = None
) -> Minibatches:
    """Draw samples uniformly, and as many images of noise, labeled as outliers.

    Half of the noise is uniform, half are drawn images with their pixels shuffled; both
    are blurred and stretched to the full range. With ``steps`` each image of noise then
    climbs to where the network is surest of any class.

    Args:
        batch_size: number of samples, and of images of noise.
        epsilon: largest change of a number of the noise, in units of [0, 1].
        steps: sign steps uphill; up to ten are unrolled on a CPU, more are slow there.
        step_size: of them; ``2.5 * epsilon / steps`` unless given.

    Returns:
        A sampler whose batches have ``2 * batch_size`` images; labels of the second
        half are ``num_classes``.

    Raises:
        ValueError: if ``batch_size`` is not positive, or another number is negative.

    Source:
        Hein, Andriushchenko and Bitterwolf, 2019, arXiv:1812.05720, section 4.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> sampler = fj.training.minibatches_with_noise(64)  # for training.fit
    """
    _check(epsilon, steps)
    step_size = 2.5 * epsilon / max(steps, 1) if step_size is None else step_size
    draw = minibatches(batch_size)

    def sample(key: RandomKey, classifier: Classifier, dataset: Dataset) -> tuple[Images, Labels]:
        key_draw, key_noise = jax.random.split(key)
        images, labels = draw(key_draw, classifier, dataset)
        noise = noise_like(key_noise, images)

        def surest(images: Images) -> Array:
            log_p = jax.nn.log_softmax(classifier(images))
            return jnp.max(log_p[:, : classifier.num_classes], axis=1)

        if steps:
            noise = _climb(surest, noise, noise, epsilon, step_size, steps)
        outliers = jnp.full_like(labels, classifier.num_classes)
        return jnp.concatenate([images, noise]), jnp.concatenate([labels, outliers])

    return drawn_first(draw, sample)


@checks.cache
def minibatches_and_changed(batch_size: int, epsilon: float, steps: int) -> Minibatches:
    """Draw samples uniformly, and append what changes the network's answers to them most.

    Args:
        batch_size: number of samples.
        epsilon: largest change of a number, in units of [0, 1].
        steps: sign steps, of ``2.5 * epsilon / steps``; up to ten are unrolled on a CPU,
            more are slow there.

    Returns:
        A sampler whose batches have ``2 * batch_size`` images, for ``losses.trades``.

    Raises:
        ValueError: if ``batch_size`` is not positive, or another number is negative.

    Source:
        Zhang et al., 2019, arXiv:1901.08573, algorithm 1.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> sampler = fj.training.minibatches_and_changed(64, 0.1, steps=5)
    """
    _check(epsilon, steps)
    draw = minibatches(batch_size)

    def sample(key: RandomKey, classifier: Classifier, dataset: Dataset) -> tuple[Images, Labels]:
        if classifier.tokens is not None:
            raise ValueError(
                "TRADES changes numbers, such as pixels, and this network reads texts; take "
                "another recipe, such as quick"
            )
        key_draw, key_start = jax.random.split(key)
        images, labels = draw(key_draw, classifier, dataset)
        answers = classifier(images)
        start = images + _START * jax.random.normal(key_start, images.shape, dtype=jnp.float32)
        apart = lambda changed: divergence(answers, classifier(changed))
        changed = _climb(apart, images, start, epsilon, 2.5 * epsilon / max(steps, 1), steps)
        return jnp.concatenate([images, changed]), jnp.concatenate([labels, labels])

    return drawn_first(draw, sample)


def noise_like(key: RandomKey, images: Images) -> Images:
    """Draw noise: uniform for even places, pixels of the images shuffled for odd ones.

    All of it is blurred by 1 to 2.5 pixels and stretched to reach from 0 to 1.

    Args:
        key: decides it.
        images: ``[b, h, w, c]`` in [0, 1]; how many, and whose pixels.

    Raises:
        ValueError: if they are no pictures.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> noise = fj.training.noise_like(jax.random.key(0), jax.numpy.zeros((2, 8, 8, 1)))
        >>> noise.shape, float(noise[0].max())
        ((2, 8, 8, 1), 1.0)
    """
    if images.ndim != 4:
        raise ValueError(
            f"noise as outliers is made of pictures [b, h, w, c], got images {images.shape}; give "
            "outliers of your own, training.with_fooling_class, and noise=False"
        )
    key_uniform, key_shuffle, key_blur = jax.random.split(key, 3)
    uniform = jax.random.uniform(key_uniform, images.shape, dtype=jnp.float32)
    pixels = images.reshape(len(images), -1, images.shape[3])
    keys = jax.random.split(key_shuffle, len(images))
    shuffled = jax.vmap(jax.random.permutation)(keys, pixels).reshape(images.shape)
    even = (jnp.arange(len(images), dtype=jnp.int32) % 2 == 0)[:, None, None, None]
    noise = jnp.where(even, uniform, shuffled)
    widths = jax.random.uniform(
        key_blur, (len(images),), minval=_LEAST_BLUR, maxval=_MOST_BLUR, dtype=jnp.float32
    )
    rows, columns = (_blur(size, widths) for size in images.shape[1:3])
    blurred = jnp.einsum("bij,bkl,bjlc->bikc", rows, columns, noise)
    low = jnp.min(blurred, axis=(1, 2, 3), keepdims=True)
    high = jnp.max(blurred, axis=(1, 2, 3), keepdims=True)
    return jnp.clip((blurred - low) / jnp.maximum(high - low, 1e-6), 0.0, 1.0)


def _blur(size: int, widths: Float[Array, " b"]) -> Float[Array, "b size size"]:
    """Matrices that blur a row of pixels by Gaussians, weights cut off at its ends."""
    place = jnp.arange(size, dtype=jnp.float32)
    squares = (place[:, None] - place[None, :]) ** 2
    weights = jnp.exp(-squares[None] / (2.0 * widths[:, None, None] ** 2))
    return weights / jnp.sum(weights, axis=2, keepdims=True)


def _climb(
    objective: Callable[[Images], Array],
    images: Images,
    start: Images,
    epsilon: float,
    step_size: float,
    steps: int,
) -> Images:
    """Take sign steps inside the ball around images; return the last point."""
    radius = jnp.full(len(images), epsilon, jnp.float32)
    slope = jax.grad(lambda here: jnp.sum(objective(here)))

    def step(_: Array, here: Images) -> Images:
        change = here + step_size * uphill(slope(here), "linf") - images
        return project(images, change, radius, "linf")

    unroll = steps <= _UNROLLED and backend.on_cpu()
    begin = project(images, start - images, radius, "linf")
    return jax.lax.fori_loop(0, steps, step, begin, unroll=unroll or None)


def _check(epsilon: float, steps: int) -> None:
    checks.radius(epsilon)
    checks.count("attack_steps", steps, 0)
