"""The one training loop."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from fooljax import backend, checks, interrupts
from fooljax.data import Batch, Dataset, Stream
from fooljax.models.flax_apply import FlaxApply
from fooljax.models.leaves import is_weight, put_back, trained_part
from fooljax.training.losses import Loss, cross_entropy
from fooljax.training.perturbed import PerturbedDataset
from fooljax.training.samplers import Sampler, read_ahead
from fooljax.types import Classifier, Params, RandomKey

_SECONDS_BETWEEN_REPORTS = 0.25
_DIVERGED = "training diverged at step {}: the loss is NaN or infinite; lower the learning rate"


class _State(NamedTuple):
    """What a step changes: the params, and what the optimizer remembers of the weights."""

    params: Params
    memory: optax.OptState


def fit(
    key: RandomKey,
    classifier: Classifier,
    dataset: Dataset | PerturbedDataset | Stream,
    *,
    optimizer: optax.GradientTransformation,
    sampler: Sampler,
    steps: int,
    loss: Loss = cross_entropy,
    chunk: int = 50,
    on_chunk: Callable[[int, float], None] | None = None,
    scan: bool | None = None,
) -> tuple[Classifier, Float[np.ndarray, " steps"]]:
    """Minimize a loss, the cross-entropy of the labels unless given.

    What is no weight stays as it is: counters, random keys and Python numbers among the
    params, and all that lies beside an entry called ``params`` (the numbers of a defense,
    the running averages of a network that is no Flax module). A Flax module whose
    ``__call__`` takes ``train``, or another such argument, is trained as Flax does it: with
    dropout, by the statistics of the batch, and with its running averages updated.

    Step ``i`` draws from ``fold_in(key, i)``, so neither ``chunk`` nor ``scan``
    changes the result by more than rounding.

    A second call compiles nothing if the network, the optimizer, the sampler and the
    loss are the same. Optax's optimizers compare by identity: keep the object.

    Args:
        key: decides the batches.
        classifier: the network and its starting weights, which are left intact.
        dataset: labeled images, alone or with perturbations beside them, or on disk. A
            label may name any column of the logits, and under another loss than
            cross-entropy be ``num_classes`` for images of no class. Pictures on disk are
            read ahead of their steps, at most two batches on the device at once, and
            are those that would be drawn from memory.
        optimizer: schedules, momentum and weight decay are optax's.
        sampler: draws the batch of one step, as ``minibatches(64)``.
        steps: number of updates.
        loss: what is lowered; see ``training.losses``.
        chunk: number of steps after which the loss is looked at.
        on_chunk: called as ``on_chunk(steps_done, loss)`` after chunks, a few
            times a second at most, and at the end; ``loss`` is the chunk's mean.
        scan: run a chunk as one compiled loop, else compile one step and loop
            outside. By default on everything but CPU, if the images are in memory: on a
            CPU a convolution's gradient inside a compiled loop leaves XLA's fast path,
            and a step of LeNet at batch 64 took 140 instead of 15 ms on two cores.

    Returns:
        The trained classifier, and the loss of every step before its update.

    Raises:
        ValueError: if the data do not fit the classifier, if ``steps`` or
            ``chunk`` is not positive, or if the loss becomes NaN or infinite; for a
            stream, if the sampler is no ``Minibatches``, with ``scan``, or if a picture is
            broken.
        OSError: if a picture of a stream is no longer there.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> dataset = fj.data.load("digits").train
        >>> network = fj.models.build("softmax", jax.random.key(0), dataset.images.shape[1:], 10)
        >>> recipe = fj.training.quick(steps=300)
        >>> key = jax.random.key(1)
        >>> network, losses = fj.training.fit(key, network, dataset, **recipe._asdict())
        >>> fj.training.evaluate(network, dataset) > 0.9
        True
    """
    key = checks.key(key)
    checks.kind("optimizer", optimizer, optax.GradientTransformation)
    checks.function("sampler", sampler, "(key, classifier, samples) -> (images, labels)")
    checks.function("loss", loss, "(logits, labels, num_classes) -> loss")
    _check(classifier, dataset, steps, chunk, loss)
    on_disk = isinstance(dataset, Stream)
    if scan and on_disk:
        raise ValueError("scan: pictures on disk cannot be read in a compiled loop; leave scan out")
    if scan is None:
        scan = not backend.on_cpu() and not on_disk
    advance = partial(_advance if scan else _loop, optimizer=optimizer, sampler=sampler, loss=loss)
    network = dataclasses.replace(classifier, params=None)
    samples: Any
    if isinstance(dataset, Stream):
        samples = read_ahead(key, sampler, dataset, steps)
    else:
        samples = jax.tree.map(jnp.asarray, dataset)
        samples = samples if scan else itertools.repeat(samples)
    # Steps overwrite their state in place, so it must be a copy of its own.
    start = _State(classifier.params, optimizer.init(trained_part(classifier.params)))
    state = jax.tree.map(jnp.copy, start)

    losses = np.empty(steps, np.float32)
    last_report = time.monotonic()
    for first in range(0, steps, chunk):
        count = min(chunk, steps - first)
        state, new = advance(key, network, state, samples, first, count, chunk=chunk)
        interrupts.check()
        losses[first : first + count] = np.asarray(jax.device_get(new))[:count]
        _check_losses(losses, first, count)
        done = first + count
        now = time.monotonic()
        if on_chunk and (done == steps or now - last_report >= _SECONDS_BETWEEN_REPORTS):
            on_chunk(done, float(losses[first:done].mean()))
            last_report = now
    if not all(
        np.isfinite(leaf).all() for leaf in filter(is_weight, jax.tree.leaves(state.params))
    ):
        raise ValueError(_DIVERGED.format(steps - 1))
    params = jax.tree.map(_unless_plain, classifier.params, state.params)
    return dataclasses.replace(network, params=params), losses


def _unless_plain(before: Any, after: Array) -> Any:
    """Return a leaf after training; a Python number is what it was."""
    return after if hasattr(before, "dtype") else before


def _update(
    key: RandomKey,
    network: Classifier,
    state: _State,
    samples: Dataset | PerturbedDataset | Batch,
    i: Int[Array, ""],
    optimizer: optax.GradientTransformation,
    sampler: Sampler,
    loss: Loss,
) -> tuple[_State, Float[Array, ""]]:
    """Make step ``i``; ``network`` is the classifier without its weights."""
    classifier = dataclasses.replace(network, params=state.params)
    key_step = jax.random.fold_in(key, i)
    images, labels = _drawn(sampler, key_step, classifier, samples)

    def measure(weights: Params) -> tuple[Float[Array, ""], Params]:
        params = put_back(weights, state.params)
        if isinstance(network.apply, FlaxApply):
            logits, params = network.apply.train(jax.random.fold_in(key_step, 0), params, images)
        else:
            logits = network.apply(params, images)
        return loss(logits.astype(jnp.float32), labels, network.num_classes), params

    weights = trained_part(state.params)
    (value, params), gradient = jax.value_and_grad(measure, has_aux=True)(weights)
    updates, memory = optimizer.update(gradient, state.memory, weights)
    return _State(put_back(optax.apply_updates(weights, updates), params), memory), value


def _drawn(sampler: Sampler, *given: Any) -> tuple[Array, Array]:
    """Draw a batch; a sampler that is none is blamed."""
    try:
        images, labels = sampler(*given)
    except TypeError as error:
        raise ValueError(
            f"sampler must be a function (key, classifier, samples) -> (images, labels), as "
            f"training.minibatches(64) returns it, got {checks.shown(sampler)}: {error}"
        ) from error
    return images, labels


_step = jax.jit(_update, static_argnames=("optimizer", "sampler", "loss"), donate_argnames="state")


def _loop(
    key: RandomKey,
    network: Classifier,
    state: _State,
    samples: Iterator[Dataset | PerturbedDataset | Batch],
    first: int,
    count: int,
    *,
    chunk: int,
    optimizer: optax.GradientTransformation,
    sampler: Sampler,
    loss: Loss,
) -> tuple[_State, list[Array]]:
    """Enqueue steps, never more than two that the device has not begun.

    Their samples are in memory, or else read while the step before is computed.
    """
    losses: list[Array] = []
    for i, these in zip(range(first, first + count), samples, strict=False):
        interrupts.check()
        waiting = 1 if isinstance(these, Batch) else 2
        if len(losses) >= waiting:
            losses[-waiting].block_until_ready()
        state, value = _step(
            key, network, state, these, i, optimizer=optimizer, sampler=sampler, loss=loss
        )
        losses.append(value)
    return state, losses


@partial(
    jax.jit, static_argnames=("chunk", "optimizer", "sampler", "loss"), donate_argnames="state"
)
def _advance(
    key: RandomKey,
    network: Classifier,
    state: _State,
    samples: Dataset | PerturbedDataset,
    first: Int[Array, ""],
    count: Int[Array, ""],
    *,
    chunk: int,
    optimizer: optax.GradientTransformation,
    sampler: Sampler,
    loss: Loss,
) -> tuple[_State, Float[Array, " chunk"]]:
    """Run ``count`` steps on the device; a shorter last chunk compiles nothing new."""

    def body(i: Array, carry: tuple[_State, Array]) -> tuple[_State, Array]:
        state, losses = carry
        state, value = _update(key, network, state, samples, first + i, optimizer, sampler, loss)
        return state, losses.at[i].set(value)

    return jax.lax.fori_loop(0, count, body, (state, jnp.zeros(chunk, jnp.float32)))


def _check(
    classifier: Classifier,
    dataset: Dataset | PerturbedDataset | Stream,
    steps: int,
    chunk: int,
    loss: Loss,
) -> None:
    checks.count("steps", steps)
    checks.count("chunk", chunk)
    checks.classifier(classifier)
    if not jax.tree.leaves(trained_part(classifier.params)):
        raise ValueError(
            "classifier has no weights that training could change, as one by models.from_torch or "
            "from_function; train it where it comes from"
        )
    if not isinstance(dataset, Dataset | PerturbedDataset | Stream):
        raise ValueError(
            f"dataset must be a Dataset or a Stream, got {checks.shown(dataset)}; "
            "data.from_arrays(images, labels) makes one"
        )
    if isinstance(dataset, Stream):
        checks.shape_of_images((len(dataset), *dataset.input_shape), classifier.input_shape)
    else:
        checks.inputs(dataset.images, classifier)
    labels = np.asarray(checks.whole(dataset.labels, "labels"))
    count = len(dataset) if isinstance(dataset, Stream) else len(dataset.images)
    if labels.shape != (count,):
        raise ValueError(f"every image needs a label, got {count} images and labels {labels.shape}")
    columns = checks.columns(classifier)
    most = columns if loss is cross_entropy else max(columns, classifier.num_classes + 1)
    if labels.min() < 0 or labels.max() >= most:
        raise ValueError(
            f"labels must be in [0, {most - 1}] for a classifier with {columns} logits, "
            f"got {labels.min()} to {labels.max()}"
        )


def _check_losses(losses: Float[np.ndarray, " steps"], first: int, count: int) -> None:
    bad = np.flatnonzero(~np.isfinite(losses[first : first + count]))
    if bad.size:
        raise ValueError(_DIVERGED.format(first + bad[0]))
