"""Drive a search: several seeds at once, chunk after chunk."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import backend, checks
from fooljax.types import Bound, Classifier, Info, RandomKey, Search, State


def repeat(search: Search) -> Search:
    """Run independent repeats of a search as one program.

    Keys, states and infos get a leading axis ``[repeats]``; the classifier is
    shared. On a CPU one repeat runs after the other: there ``vmap`` of a
    convolution is 2.3 times slower than its batches in turn (LeNet, 5 x 200
    images: 177 against 57 ms).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> search = fj.evolution.map_elites(fj.encodings.direct((8, 8, 1)), children=20)
        >>> five, keys = fj.evolution.repeat(search), jax.random.split(jax.random.key(1), 5)
        >>> state, _ = fj.evolution.start(keys, five, network)
        >>> state, history = fj.evolution.advance(keys, five, network, state, count=10)
        >>> history.confidence.shape  # generations, repeats, classes
        (10, 5, 3)
    """
    checks.kind("search", search, Search)
    side = (search, backend.on_cpu())
    return Search(Bound(_init_each, side), Bound(_step_each, side))


def _init_each(search: Search, in_turn: bool, key: RandomKey, classifier: Classifier) -> Any:
    one = lambda key: search.init(key, classifier)
    return jax.lax.map(one, key) if in_turn else jax.vmap(one)(key)


def _step_each(
    search: Search, in_turn: bool, key: RandomKey, classifier: Classifier, state: State
) -> Any:
    one = lambda key, state: search.step(key, classifier, state)
    return (
        jax.lax.map(lambda both: one(*both), (key, state)) if in_turn else jax.vmap(one)(key, state)
    )


def start(key: RandomKey, search: Search, classifier: Classifier) -> tuple[State, Info]:
    """Draw and score the random population.

    Args:
        key: the run's key (or keys, for a repeated search).
        search: the search, or ``repeat(search)``.
        classifier: the network.

    Raises:
        ValueError: if one of them is something else, or the search cannot be made of
            this network's images and classes.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> search = fj.evolution.map_elites(fj.encodings.direct((8, 8, 1)), children=20)
        >>> state, info = fj.evolution.start(jax.random.key(1), search, network)
        >>> int(state.generation), info.taken.tolist()  # random images fill all niches
        (0, [True, True, True])
    """
    checks.kind("search", search, Search)
    return _start(checks.typed(key), search, checks.classifier(classifier))


@functools.partial(jax.jit, static_argnames="search")
def _start(key: RandomKey, search: Search, classifier: Classifier) -> tuple[State, Info]:
    return search.init(key, classifier)


@functools.partial(jax.jit, static_argnames="search", donate_argnames="state")
def _step(key: RandomKey, search: Search, classifier: Classifier, state: State):
    return search.step(key, classifier, state)


@functools.partial(jax.jit, static_argnames=("search", "capacity"), donate_argnames="state")
def _steps(
    key: RandomKey,
    search: Search,
    classifier: Classifier,
    state: State,
    count: jax.Array,
    capacity: int,
):
    """Run ``count <= capacity`` steps in one program, whatever ``count`` is."""
    _, info = jax.eval_shape(search.step, key, classifier, state)
    infos = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape), leaf.dtype), info)

    def one(index, carry):
        state, infos = carry
        state, info = search.step(key, classifier, state)
        return state, jax.tree.map(lambda all_, new: all_.at[index].set(new), infos, info)

    return jax.lax.fori_loop(0, count, one, (state, infos))


@functools.partial(jax.jit, static_argnames="count")
def _first(infos: Info, count: int) -> Info:
    return jax.tree.map(lambda leaf: leaf[:count], infos)


def advance(
    key: RandomKey,
    search: Search,
    classifier: Classifier,
    state: State,
    count: int,
    capacity: int | None = None,
) -> tuple[State, Any]:
    """Run ``count`` steps without waiting for the host in between.

    Every step draws from the key and the state's own generation counter, so a
    run cut into chunks, or resumed from a checkpoint, follows the path of an
    uncut run. ``state`` is donated: do not use it again.

    On a CPU the steps are sent off one by one as the same compiled program
    (loops around convolutions are slower there and the chunk length would
    change the compiled arithmetic); elsewhere the chunk is one program.

    Args:
        key: the run's key (or keys, for a repeated search).
        search: the search, or ``repeat(search)``.
        classifier: the network.
        state: from ``start`` or an earlier ``advance``.
        count: steps to take, at least 1.
        capacity: largest ``count`` of this run; calls with equal capacity share
            one compilation. ``count`` unless given.

    Returns:
        The new state, and the infos stacked along a new leading axis ``[count]``.

    Raises:
        ValueError: if ``count`` is not positive, key or search are something else, or the
            state is one of another encoding, grid or network.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> search = fj.evolution.map_elites(fj.encodings.direct((8, 8, 1)), children=20)
        >>> key = jax.random.key(1)
        >>> state, _ = fj.evolution.start(key, search, network)
        >>> for _ in range(3):  # in pieces, to look at it in between; one call of 30 finds the same
        ...     state, history = fj.evolution.advance(key, search, network, state, count=10)
        >>> int(state.generation), history.confidence.shape
        (30, (10, 3))
        >>> bool((history.confidence[-1] >= history.confidence[0]).all())  # never worse
        True
    """
    checks.kind("search", search, Search)
    key, count = checks.typed(key), checks.count("count", count)
    if type(state) is tuple and len(state) == 2 and hasattr(state[0], "archive"):
        raise ValueError("state must be a search's state; write state, info = start(...)")
    if backend.on_cpu():
        infos = []
        for _ in range(count):
            state, info = _step(key, search, classifier, state)
            if jax.process_count() > 1:  # CPUs that queue exchanges with others can lock up
                jax.block_until_ready(state)
            infos.append(info)
        return state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *infos)
    capacity = count if capacity is None else capacity
    steps = jax.device_put(np.int32(count))  # the one number that the device is told
    state, infos = _steps(key, search, classifier, state, steps, capacity)
    return state, infos if count == capacity else _first(infos, count)


def lowered(
    key: RandomKey,
    search: Search,
    classifier: Classifier,
    capacity: int = 1,
    place: jax.sharding.Sharding | None = None,
) -> jax.stages.Lowered:
    """Return the program of ``advance``, ready to be compiled; nothing is computed.

    Arguments are those of ``advance``, or their shapes. ``place`` says where all of them
    are, which may be devices that are only described.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> search = fj.evolution.map_elites(fj.encodings.direct((8, 8, 1)), children=20)
        >>> program = fj.evolution.lowered(jax.random.key(1), search, network)
        >>> program.compile().cost_analysis()["flops"] > 20 * 64 * 3  # what a generation computes
        True
    """
    blank = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place)
    key, classifier = jax.tree.map(blank, (key, classifier))
    state, _ = jax.eval_shape(_start, key, search, classifier)
    if backend.on_cpu():
        return _step.lower(key, search, classifier, jax.tree.map(blank, state))
    count = blank(jax.ShapeDtypeStruct((), jnp.int32))
    return _steps.lower(key, search, classifier, jax.tree.map(blank, state), count, capacity)


def memory_needed(key: RandomKey, search: Search, classifier: Classifier, capacity: int = 1) -> int:
    """Return the bytes that ``advance`` takes on each device at most, by compiling it.

    The archive, the network and everything in between count. Calls of ``advance``
    with the same arguments find the program compiled if a compilation cache is on.
    Arguments are those of ``advance``.

    Raises:
        ValueError: if the device's compiler does not tell.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("mlp", jax.random.key(0), (8, 8, 1), 3)
        >>> encoding = fj.encodings.direct((8, 8, 1))
        >>> needed = lambda children: fj.evolution.memory_needed(
        ...     jax.random.key(1), fj.evolution.map_elites(encoding, children), network
        ... )
        >>> needed(20) < needed(2000)
        True
    """
    found = lowered(key, search, classifier, capacity).compile().memory_analysis()
    if found is None:
        raise ValueError("the compiler of this device does not tell what memory a program takes")
    kept = found.argument_size_in_bytes + found.output_size_in_bytes - found.alias_size_in_bytes
    return kept + found.temp_size_in_bytes
