"""Training on images to which one of a few ready perturbations is added."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from fooljax import checks, printing
from fooljax.data import Dataset, as_float
from fooljax.training.samplers import Labels, Sampler
from fooljax.types import Classifier, Images, RandomKey


class PerturbedDataset(NamedTuple):
    """Labeled images, and perturbations to add to them, for ``perturbed_minibatches``.

    Both are data: other perturbations compile nothing.

    Attributes:
        dataset: the images as they are.
        pool: perturbations ``[p, h, w, c]``, in units of [0, 1].
    """

    dataset: Dataset
    pool: Float[Array, "p h w c"]

    @property
    def images(self) -> Array:
        """The images as they are."""
        return self.dataset.images

    @property
    def labels(self) -> Int32[Array, " n"]:
        """The classes of the images."""
        return self.dataset.labels

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)


def with_perturbations(dataset: Dataset, pool: Array) -> PerturbedDataset:
    """Put perturbations beside a data set.

    Args:
        dataset: labeled images.
        pool: perturbations ``[p, h, w, c]``, in units of [0, 1], at least one.

    Raises:
        ValueError: if they are not perturbations of such images, or not finite.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> dataset = fj.data.load("digits").train
        >>> pool = jax.numpy.zeros((3, *dataset.images.shape[1:]))
        >>> both = fj.training.with_perturbations(dataset, pool)
    """
    pool = jnp.asarray(pool, jnp.float32)
    if pool.ndim != 4 or pool.shape[1:] != dataset.input_shape or len(pool) == 0:
        raise ValueError(
            f"perturbations must be [p, h, w, c] with (h, w, c) = {dataset.input_shape} and at "
            f"least one, got {pool.shape}"
        )
    if not bool(jnp.all(jnp.isfinite(pool))):
        raise ValueError("perturbations must be finite numbers, got NaN or infinities")
    return PerturbedDataset(dataset, pool)


@checks.cache  # equal settings are the same function, and are compiled once
def perturbed_minibatches(batch_size: int, share: float = 0.5) -> Sampler:
    """Draw samples uniformly, and add a random perturbation of the pool to some of them.

    Args:
        batch_size: number of samples.
        share: probability that a sample is perturbed, in [0, 1].

    Returns:
        A sampler of a ``PerturbedDataset``; images are clipped to [0, 1].

    Raises:
        ValueError: if ``batch_size`` is not positive or ``share`` not in [0, 1].

    Source:
        Moosavi-Dezfooli et al., 2017, arXiv:1610.08401, section 4 (fine-tuning with
        perturbed images).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> sampler = fj.training.perturbed_minibatches(64, share=0.5)  # for training.fit
    """
    batch_size = checks.count("batch_size", batch_size)
    share = checks.between("share", share, 0.0, 1.0)

    def sample(
        key: RandomKey, classifier: Classifier, samples: PerturbedDataset
    ) -> tuple[Images, Labels]:
        key_row, key_which, key_whether = jax.random.split(key, 3)
        row = jax.random.randint(key_row, (batch_size,), 0, samples.dataset.size, dtype=jnp.int32)
        which = jax.random.randint(key_which, (batch_size,), 0, len(samples.pool), dtype=jnp.int32)
        perturbed = jax.random.bernoulli(key_whether, share, (batch_size, 1, 1, 1))
        images = as_float(samples.images[row])
        changed = jnp.clip(images + samples.pool[which], 0.0, 1.0)
        return jnp.where(perturbed, changed, images), samples.labels[row]

    return sample
