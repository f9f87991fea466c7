"""Where a training step's batch comes from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from fooljax import checks
from fooljax.attacks import Attack, leave
from fooljax.data import Batch, Dataset, Stream, as_input, read
from fooljax.types import Bound, Classifier, Images, RandomKey

Labels: TypeAlias = Int[Array, " b"]

_STEPS_AT_ONCE = 500  # whose samples are chosen together

#: ``(key, classifier, samples) -> (images [b, h, w, c] in [0, 1], labels [b])``.
#: It runs inside the compiled step and sees the classifier as it is at that
#: step, so that it may attack its own batch. Samples are a ``Dataset``, or one with what
#: the sampler needs beside it.
Sampler: TypeAlias = Callable[[RandomKey, Classifier, Any], tuple[Images, Labels]]


@dataclass(frozen=True)
class Minibatches:
    """A sampler that can say beforehand which samples it will draw.

    So pictures on disk can be drawn, which cannot be read inside the compiled step: they
    are read on the host, ahead of the step, which gets a ``Batch`` in place of all samples.

    Attributes:
        rows: ``(key, size) -> [b]``, the numbers of the samples in [0, size).
        sample: the sampler. It takes a ``Batch`` for what it would have drawn itself.
    """

    rows: Callable[[RandomKey, Any], Int[Array, " b"]]
    sample: Sampler

    def __call__(
        self, key: RandomKey, classifier: Classifier, samples: Any
    ) -> tuple[Images, Labels]:
        """Draw a batch, as every sampler does."""
        return self.sample(key, classifier, samples)


@checks.cache  # equal settings are the same function, and are compiled once
def minibatches(batch_size: int) -> Minibatches:
    """Draw samples uniformly, with replacement.

    Args:
        batch_size: number of samples.

    Raises:
        ValueError: if ``batch_size`` is not positive.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> fj.training.minibatches(64) is fj.training.minibatches(64)  # compiled once
        True
    """
    batch_size = checks.count("batch_size", batch_size)

    def rows(key: RandomKey, size: Any) -> Int[Array, " b"]:
        return jax.random.randint(key, (batch_size,), 0, size, dtype=jnp.int32)

    def sample(
        key: RandomKey, classifier: Classifier, samples: Dataset | Batch
    ) -> tuple[Images, Labels]:
        if isinstance(samples, Batch):
            return as_input(samples.images), jnp.asarray(samples.labels)
        index = rows(key, samples.size)
        return as_input(samples.images[index]), samples.labels[index]

    return Minibatches(rows, sample)


def drawn_first(draw: Minibatches, sample: Sampler) -> Minibatches:
    """Complete a sampler that splits its key in two and draws with the first half.

    Args:
        draw: what it draws with.
        sample: the sampler.
    """
    return Minibatches(Bound(_rows_of_first, (draw,)), sample)


def _rows_of_first(draw: Minibatches, key: RandomKey, size: Any) -> Int[Array, " b"]:
    return draw.rows(jax.random.split(key)[0], size)


def read_ahead(key: RandomKey, sampler: Sampler, stream: Stream, steps: int) -> Iterator[Batch]:
    """Read the batch of one step after the other, each before its step asks for it.

    They are the samples that the sampler would draw from the same pictures in memory.

    Args:
        key: of the whole training; step ``i`` draws from ``fold_in(key, i)``.
        sampler: a ``Minibatches``.
        stream: the pictures.
        steps: how many batches.

    Raises:
        ValueError: if the sampler cannot say which samples it draws, at once; if a
            picture is broken, when its turn has come, naming it.
        OSError: if a picture is no longer there.
    """
    if not isinstance(sampler, Minibatches):
        raise ValueError(
            "pictures on disk need a sampler that says which it draws, as minibatches does; "
            "give a Minibatches, or hold the pictures in memory (data.subset)"
        )

    @jax.jit
    def choose(first: Array) -> Int[Array, "steps b"]:
        one = lambda i: sampler.rows(jax.random.fold_in(key, i), stream.size)
        return jax.lax.map(one, first + jnp.arange(min(steps, _STEPS_AT_ONCE), dtype=jnp.int32))

    def made() -> Iterator[Batch]:
        for first in range(0, steps, _STEPS_AT_ONCE):
            rows = np.asarray(choose(first))[: steps - first]
            yield from read(stream, rows.ravel(), rows.shape[1])

    return made()


def adversarial_minibatches(batch_size: int, attack: Attack, *, gated: bool = True) -> Minibatches:
    """Draw samples uniformly and show what an attack makes of them.

    The attack has the weights of the step. It runs inside the compiled step, so up
    to ten of its steps are unrolled there on a CPU; more are slow.

    Args:
        batch_size: number of samples.
        attack: for ``leave`` goals, as ``pgd(0.3, 0.15, 3, random_start=True)``.
        gated: show a sample as it is while the network does not know it. From
            scratch and with large epsilons training on attacked samples alone
            tends to end at one answer for all images.

    Raises:
        ValueError: if ``batch_size`` is not positive.

    Source:
        Madry et al., 2018, arXiv:1706.06083. The gate is in the spirit of Zhang
        et al., 2020, arXiv:2002.11242 (friendly adversarial training).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> attack = fj.attacks.pgd(0.3, 0.15, 3, random_start=True)
        >>> sampler = fj.training.adversarial_minibatches(64, attack)  # for training.fit
    """
    checks.kind("attack", attack, Attack)
    draw = minibatches(batch_size)
    return drawn_first(draw, Bound(_attacked, (draw, attack, gated)))


def _attacked(
    draw: Minibatches,
    attack: Attack,
    gated: bool,
    key: RandomKey,
    classifier: Classifier,
    samples: Dataset | Batch,
) -> tuple[Images, Labels]:
    key_draw, key_attack = jax.random.split(key)
    images, labels = draw(key_draw, classifier, samples)
    found = attack(key_attack, classifier, images, leave(labels)).images
    if gated:
        known = jnp.argmax(classifier(images), axis=1) == labels
        found = jax.vmap(jnp.where)(known, found, images)
    return found, labels
