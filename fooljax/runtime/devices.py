"""Set up JAX for a run, and spread a search over devices."""

import functools
import os
from pathlib import Path

import jax
from jax.sharding import AxisType, Mesh, PartitionSpec

from fooljax.types import Search

AXIS = "children"


def set_up(cpu_devices: int | None = None) -> None:
    """Turn the compilation cache on, and simulate several devices on a CPU.

    Call it before anything is computed. The cache lies in the user's cache
    folder unless ``JAX_COMPILATION_CACHE_DIR`` says otherwise; small programs
    are cached too, since a run starts hundreds of them.

    Args:
        cpu_devices: how many devices a CPU pretends to be.

    Raises:
        ValueError: if JAX has already started with another number.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        jax.config.update("jax_compilation_cache_dir", str(Path(home) / "fooljax" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    if cpu_devices is not None:
        try:
            jax.config.update("jax_num_cpu_devices", cpu_devices)
        except RuntimeError as error:
            if jax.default_backend() == "cpu" and jax.device_count() < cpu_devices:
                raise ValueError(f"--devices {cpu_devices}: {error}") from error


def mesh(devices: int | None) -> Mesh:
    """Return a mesh of the first ``devices`` devices, of all of them if None.

    Raises:
        ValueError: if there are fewer.
    """
    available = jax.devices()
    count = len(available) if devices is None else devices
    if not 1 <= count <= len(available):
        raise ValueError(f"--devices must be between 1 and {len(available)} here, got {count}")
    return jax.make_mesh((count,), (AXIS,), axis_types=(AxisType.Auto,), devices=available[:count])


@functools.cache
def spread(search: Search, over: Mesh) -> Search:
    """Run a search whose children are split over ``AXIS`` on all devices of a mesh.

    State, key and network are on every device; the search itself splits its
    children (see ``axis_name`` in ``map_elites``).
    """
    everywhere = PartitionSpec()

    def shard(function, arguments):
        return jax.shard_map(
            function,
            mesh=over,
            in_specs=(everywhere,) * arguments,
            out_specs=everywhere,
            check_vma=False,
        )

    return Search(init=shard(search.init, 2), step=shard(search.step, 3))
