"""CPU or accelerator: the one place that decides what depends on the device.

XLA's CPU convolutions leave their fast path inside a compiled loop, and a CPU shares its
memory with the program; so loops, batches and plans of memory have two sides.

For developers: ``FOOLJAX_ACT_AS=accelerator`` makes a CPU take the accelerator's side of
every branch, so that it is tested where there is none. The variable is read once, when the
side is first asked for: a process has one side, or programs of both would be mixed up.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

import jax

VARIABLE = "FOOLJAX_ACT_AS"
ACCELERATOR = "accelerator"


@functools.cache
def forced() -> bool:
    """Tell whether the accelerator's side is taken wherever this runs.

    Raises:
        ValueError: if the environment variable ``FOOLJAX_ACT_AS`` says anything but
            ``accelerator``.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", ACCELERATOR):
        raise ValueError(f"{VARIABLE} must be {ACCELERATOR} or not be set, got {wanted!r}")
    return bool(wanted)


def on_cpu() -> bool:
    """Tell whether to do as is best on a CPU: outside ``jit``, or where a loop is traced."""
    return not forced() and jax.default_backend() == "cpu"


def real() -> str:
    """Return the name of the devices that JAX computes on, whatever is forced."""
    return jax.default_backend()


def by_device(
    *operands: Any,
    cpu: Callable[..., Any],
    accelerator: Callable[..., Any],
    tpu: Callable[..., Any] | None = None,
) -> Any:
    """Compute the same in the way that is fast where the program runs.

    The device is that of the compiled program, so the choice also holds for programs
    exported to another one.

    Args:
        operands: what either function is called with.
        cpu: for CPUs.
        accelerator: for all else; returns the same shapes and dtypes.
        tpu: for TPUs, where ``accelerator`` is not the best; never run on a CPU.
    """
    branches = {} if forced() else {"cpu": cpu}
    branches |= {} if tpu is None else {"tpu": tpu}
    if not branches:
        return accelerator(*operands)
    return jax.lax.platform_dependent(*operands, default=accelerator, **branches)
