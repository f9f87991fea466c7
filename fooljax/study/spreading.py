"""How a search shares its children among devices, and how many each shows at a time."""

import math
from collections.abc import Callable
from pathlib import Path

import jax
from jax.sharding import Mesh

from fooljax import backend, evolution
from fooljax.runtime import devices
from fooljax.study import memory
from fooljax.study.search_run import LONGEST_CHUNK
from fooljax.types import Classifier, RandomKey, Search

MICRO_BATCH = 25  # children shown at once where more would be slower, or not the same bits
_LARGE = 10_000  # pixels from which on a CPU is fastest with few images at a time


def sharing(count: int | None) -> Mesh:
    """Return the devices that share the children: all accelerators, or one CPU of each process.

    Args:
        count: of all hosts, if it was asked for.

    Raises:
        ValueError: if there are fewer, naming the flag.

    Example:
        >>> from fooljax import study
        >>> study.sharing(1).size  # devices that share the work
        1
    """
    one_each = backend.on_cpu() and count is None
    return devices.mesh(jax.process_count() if one_each else count)


def at_once(
    shape: tuple[int, ...],
    children: int,
    over: Mesh,
    most: int | None = None,
    deterministic: bool = False,
) -> int | None:
    """Return how many children a device shows to the network at a time; None for all it has.

    Args:
        shape: of an input.
        children: of a generation, on all devices together.
        over: the devices.
        most: if memory allows no more; as many as is best for the speed unless given.
        deterministic: any number of devices is to give the same bits.

    Example:
        >>> from fooljax import study
        >>> over = study.sharing(1)
        >>> study.at_once((28, 28, 1), 400, over), study.at_once((28, 28, 1), 400, over, most=50)
        (None, 50)
    """
    if deterministic:
        return MICRO_BATCH
    share = -(-children // over.size)
    # SqueezeNet at 224 x 224 on two cores, images/s: 122 by 16, 107 by 25, 84 by 400
    large = backend.on_cpu() and len(shape) == 3 and shape[0] * shape[1] >= _LARGE
    count = min(share, most or share, MICRO_BATCH if large else share)
    return None if count == share else count


def plan_search(
    folder: Path,
    limit: float,
    keys: RandomKey,
    build: Callable[[int], Search],
    classifier: Classifier,
    children: int,
    over: Mesh,
    chunk: int | None = None,
) -> memory.Plan:
    """Find how many children at a time keep a search within a memory limit.

    Args:
        folder: run directory, which keeps the plan.
        limit: in GB.
        keys: ``[repeats]``.
        build: makes the search that shows so many children at a time.
        classifier: the network.
        children: of a generation, on all devices together.
        over: the devices.
        chunk: most generations between checkpoints.

    Raises:
        ValueError: if not even one child at a time fits, with the numbers.

    Example:
        >>> from pathlib import Path
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> key, encoding = jax.random.key(1), fj.encodings.direct((8, 8, 1))
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> build = lambda count: fj.evolution.repeat(
        ...     fj.evolution.map_elites(encoding, children=20, micro_batch=count)
        ... )
        >>> keys, over = jax.random.split(key, 2), study.sharing(1)
        >>> plan = study.plan_search(Path(), 100.0, keys, build, network, 20, over)  # GB
        >>> plan.micro_batch
        20
    """
    shape = classifier.input_shape
    most = at_once(shape, children, over) or -(-children // over.size)
    begin = lambda keys, classifier: evolution.start(keys, build(most), classifier)
    champions = jax.eval_shape(begin, keys, classifier)[0].archive.born.size
    # simulated devices share one memory
    together = jax.local_device_count() if backend.on_cpu() else 1
    capacity = chunk or LONGEST_CHUNK
    need = lambda count: (
        together * evolution.memory_needed(keys, build(count), classifier, capacity)
    )
    return memory.plan_once(folder, limit, most, need, champions * math.prod(shape))
