"""Whole evolutions against the bare forward passes that they cannot do without."""

import functools
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import jax

import fooljax as fj
from benchmarks.timing import Cost, clock, interleave, median, total
from fooljax.types import Classifier, Encoding, RandomKey


@jax.jit
def _forward(classifier: Classifier, images: jax.Array) -> jax.Array:
    return classifier(images)


class Forward:
    """The bare compiled forward pass over images that wait in device memory.

    Attributes:
        batch_size: images in one pass.
    """

    def __init__(self, key: RandomKey, classifier: Classifier, batch_size: int, images: int):
        """Put at least ``images`` different random images on the device."""
        self.batch_size = batch_size
        self._classifier = classifier
        draw = jax.jit(functools.partial(jax.random.uniform, shape=self._shape(classifier)))
        keys = jax.random.split(key, -(-images // batch_size))
        self._batches = jax.block_until_ready([draw(key) for key in keys])

    def _shape(self, classifier: Classifier) -> tuple[int, ...]:
        return (self.batch_size, *classifier.input_shape)

    def __call__(self, images: int) -> list[jax.Array]:
        """Classify ``images``, rounded up to whole batches; never waits in between."""
        batches = self._batches[: -(-images // self.batch_size)]
        return [_forward(self._classifier, batch) for batch in batches]

    def clock(self, images: int) -> Cost:
        """Return the cost of exactly ``images``."""
        outputs, cost = clock(lambda: self(images))
        return cost.times(images / (len(outputs) * self.batch_size))


def fastest_forward(
    key: RandomKey, classifier: Classifier, sizes: Sequence[int], images: int, rounds: int
) -> tuple[Forward, dict[str, Any]]:
    """Find the batch size in which the bare network is fastest, by wall time.

    Args:
        key: decides the images.
        classifier: the network.
        sizes: batch sizes to try.
        images: how many images to classify in one measurement.
        rounds: how often each size is measured, in turn.

    Returns:
        The forward pass in that size, and microseconds per image in each.
    """
    passes = {str(size): Forward(key, classifier, size, images) for size in sorted(set(sizes))}
    tasks = {size: functools.partial(forward, images) for size, forward in passes.items()}
    rounded = {size: -(-images // int(size)) * int(size) for size in passes}
    costs = {
        size: cost.times(1.0 / rounded[size])
        for size, cost in interleave(tasks, rounds, at_least_s=0.0).items()
    }
    best = min(costs, key=lambda size: costs[size].wall_s)
    table = {
        size: {"wall_us_per_image": cost.wall_s * 1e6, "cpu_us_per_image": cost.cpu_s * 1e6}
        for size, cost in costs.items()
    }
    return passes[best], {"batch_sizes": table, "fastest_batch_size": int(best)}


def whole_run(
    key: RandomKey,
    classifier: Classifier,
    encoding: Encoding,
    forward: Forward,
    *,
    repeats: int,
    children: int,
    generations: int,
    slice_generations: int,
) -> tuple[dict[str, Any], Any]:
    """Evolve from the random population to the end, slice by slice, beside the bare passes.

    After (or before) every slice the same number of images goes through the
    bare network, so both see the same state of the machine.

    Args:
        key: decides the run.
        classifier: the network.
        encoding: the images searched.
        forward: the bare passes, with images for one slice.
        repeats: independent runs, advanced as one program.
        children: in each generation of each run; so many random images start it.
        generations: after the random population.
        slice_generations: generations between two measurements.

    Returns:
        The figures, and the genomes of the last champions.
    """
    search = fj.evolution.repeat(fj.evolution.map_elites(encoding, children))
    keys = jax.random.split(key, repeats)
    begin = lambda: fj.evolution.start(keys, search, classifier)
    go_on = lambda state, count: fj.evolution.advance(keys, search, classifier, state, count)
    compile_s = _compile(begin, go_on, slice_generations)

    per_generation = repeats * children
    forward.clock(per_generation)
    (state, _), cost = clock(begin)
    evolved, bare = [cost], [forward.clock(per_generation)]
    for number in range(generations // slice_generations):
        images = slice_generations * per_generation
        if number % 2:
            bare.append(forward.clock(images))
        (state, info), cost = clock(functools.partial(go_on, state, slice_generations))
        evolved.append(cost)
        if number % 2 == 0:
            bare.append(forward.clock(images))

    whole, passes = total(evolved), total(bare)
    images = (generations + 1) * per_generation
    slices = list(zip(evolved[1:], bare[1:], strict=True))
    return {
        "images": images,
        "evolution": whole._asdict(),
        "forward": passes._asdict(),
        "ratio_wall": whole.wall_s / passes.wall_s,
        "ratio_cpu": whole.cpu_s / passes.cpu_s,
        "median_slice_ratio_wall": statistics.median(a.wall_s / b.wall_s for a, b in slices),
        "median_slice_ratio_cpu": statistics.median(a.cpu_s / b.cpu_s for a, b in slices),
        "slice_ratios_cpu": [round(a.cpu_s / b.cpu_s, 3) for a, b in slices],
        "images_per_second": images / whole.wall_s,
        "compile_s": compile_s,
        "median_confidence": statistics.median(state.archive.confidence.ravel().tolist()),
        "traits_per_child": {
            name: float(values[-1].mean()) / children for name, values in info.traits.items()
        },
    }, state.archive.genomes


def one_repeat(
    key: RandomKey,
    classifier: Classifier,
    encoding: Encoding,
    *,
    children: int,
    generations: int,
    rounds: int,
) -> Cost:
    """Return the median cost of one run with one seed, compilation excluded."""
    search = fj.evolution.map_elites(encoding, children)

    def run():
        state, _ = fj.evolution.start(key, search, classifier)
        return fj.evolution.advance(key, search, classifier, state, generations)

    clock(run)
    return median(clock(run)[1] for _ in range(rounds))


def _compile(begin: Callable[[], Any], go_on: Callable[..., Any], count: int) -> float:
    """Compile everything a run needs and return the seconds it took beyond a second call."""
    _, first = clock(lambda: go_on(begin()[0], count))
    _, second = clock(lambda: go_on(begin()[0], count))
    return max(0.0, first.wall_s - second.wall_s)
