"""Set up JAX for a run, and spread a search over devices."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from fooljax import backend, interrupts
from fooljax.runtime import hosts
from fooljax.types import Bound, Search

AXIS = "children"


def set_up(cpu_devices: int | None = None) -> None:
    """Turn the compilation cache on, and simulate several devices on a CPU.

    Call it before anything is computed. The cache lies in the user's cache
    folder unless ``JAX_COMPILATION_CACHE_DIR`` says otherwise; small programs
    are cached too, since a run starts hundreds of them.

    Args:
        cpu_devices: how many devices a CPU pretends to be; with several hosts, how
            many their CPUs pretend to be together.

    Raises:
        ValueError: if JAX has already started with another number, or hosts
            cannot have equal shares.
    """
    interrupts.check()
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and (home := _cache_home()) is not None:
        jax.config.update("jax_compilation_cache_dir", str(home / "fooljax" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    if cpu_devices is not None:
        try:
            jax.config.update("jax_num_cpu_devices", _share(cpu_devices))
        except RuntimeError as error:
            if backend.on_cpu() and jax.device_count() < cpu_devices:
                raise ValueError(f"--devices {cpu_devices}: {error}") from error


def _cache_home() -> Path | None:
    """Return the user's cache folder; None for a user whom the system does not know."""
    if place := os.environ.get("XDG_CACHE_HOME"):
        return Path(place)
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".cache"
    return None


def mesh(devices: int | None) -> Mesh:
    """Return a mesh of the first ``devices`` devices, of all of them if None.

    With several hosts each one gives an equal share.

    Raises:
        ValueError: if there are fewer, or hosts cannot have equal shares.
    """
    available = jax.devices()
    count = len(available) if devices is None else devices
    if not 1 <= count <= len(available):
        raise ValueError(f"--devices must be between 1 and {len(available)} here, got {count}")
    if devices is not None and hosts.several():
        share = _share(count)
        places = range(jax.process_count())
        available = [d for place in places for d in jax.local_devices(place)[:share]]
    return jax.make_mesh((count,), (AXIS,), axis_types=(AxisType.Auto,), devices=available[:count])


def everywhere(tree: Any, over: Mesh | None = None) -> Any:
    """Put the same arrays on all devices of a mesh; one host leaves them alone unless it is given.

    Computations over several devices take arrays that belong to all of them.

    Args:
        tree: arrays and typed keys, equal on every host.
        over: the devices; all those of all hosts unless given.
    """
    if not hosts.several() and (over is None or over.size == 1):
        return tree
    place = NamedSharding(mesh(None) if over is None else over, PartitionSpec())

    def put(leaf: Any) -> jax.Array:
        if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
            return leaf
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            words = put(jax.random.key_data(leaf))
            return jax.random.wrap_key_data(words, impl=jax.random.key_impl(leaf))
        array = np.asarray(leaf)
        return jax.make_array_from_callback(array.shape, place, lambda index: array[index])

    return jax.tree.map(put, tree)


def here(tree: Any) -> Any:
    """Return arrays of this host's own, of those that are the same everywhere."""
    if not hosts.several():
        return tree

    def take(leaf: jax.Array) -> jax.Array:
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            words = take(jax.random.key_data(leaf))
            return jax.random.wrap_key_data(words, impl=jax.random.key_impl(leaf))
        return jax.numpy.asarray(np.asarray(leaf))

    return jax.tree.map(take, tree)


def _share(devices: int) -> int:
    """Return how many of some devices each process gives."""
    count = hosts.processes()
    if devices % count:
        raise ValueError(
            f"--devices must be a multiple of {count}, the number of processes, got {devices}"
        )
    return devices // count


def spread(search: Search, over: Mesh) -> Search:
    """Run a search whose children are split over ``AXIS`` on all devices of a mesh.

    State, key and network are on every device; the search itself splits its
    children (see ``axis_name`` in ``map_elites``).
    """
    return Search(
        init=Bound(_on_all, (search.init, over, 2)), step=Bound(_on_all, (search.step, over, 3))
    )


def _on_all(function: Callable, over: Mesh, arguments: int, *given: Any) -> Any:
    everywhere = PartitionSpec()
    spread_out = jax.shard_map(
        function,
        mesh=over,
        in_specs=(everywhere,) * arguments,
        out_specs=everywhere,
        check_vma=False,
    )
    return spread_out(*given)
