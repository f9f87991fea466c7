"""One run on several hosts: who takes part, who decides, and what happens when one is lost.

Every process runs the same program (``jax.distributed``). Process 0 alone looks
at the disk and writes results; what it finds, the others are told. If one is
lost the others end too (``presence``).
"""

import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from fooljax.runtime import presence

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

_SECONDS_TO_CONNECT = 300
_PATIENCE = 10**9  # milliseconds; the signs of life end a wait in vain
_REMEMBERED = 100  # decisions
_decisions, _meetings = itertools.count(), itertools.count()


@dataclass(frozen=True)
class Hosts:
    """Several processes that compute one run together, each started with the same flags.

    Attributes:
        coordinator: HOST:PORT of process 0, where the processes meet; auto asks
            SLURM, a TPU pod, Kubernetes or Open MPI for everything. The run
            directory must be on storage that all hosts share.
        processes: how many there are.
        process: the number of this one, from 0.
    """

    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None


def check(hosts: Hosts) -> None:
    """Refuse settings that do not go together.

    Raises:
        ValueError: naming the flag.
    """
    place, processes, process = hosts.coordinator, hosts.processes, hosts.process
    numbered = processes is not None or process is not None
    if place is None:
        if numbered:
            raise ValueError(
                "--processes and --process need --coordinator HOST:PORT of process 0, got "
                f"--processes {processes} --process {process}"
            )
        return
    if place == "auto":
        if numbered:
            raise ValueError(
                "--coordinator auto finds --processes and --process itself; leave them out, "
                "or give --coordinator HOST:PORT"
            )
        return
    if not re.fullmatch(r"\S+:\d{1,5}", place):
        raise ValueError(f"--coordinator must be HOST:PORT of process 0, or auto, got {place!r}")
    if processes is None or process is None:
        raise ValueError(f"--coordinator {place} needs --processes and --process too")
    if processes < 1:
        raise ValueError(f"--processes must be at least 1, got {processes}")
    if not 0 <= process < processes:
        raise ValueError(f"--process must be between 0 and {processes - 1}, got {process}")


def several() -> bool:
    """Tell whether other processes take part."""
    return processes() > 1


def processes() -> int:
    """Return how many processes take part."""
    return presence.state().num_processes


def first() -> bool:
    """Tell whether this process is the one that writes and draws."""
    return presence.state().process_id == 0


@contextmanager
def joined(hosts: Hosts) -> Iterator[None]:
    """Meet the other processes, and part from them at the end.

    Call it before anything is computed. Within, processes other than the first
    keep silent but for errors.

    Raises:
        ValueError: if the settings do not go together, or nobody is met.
        ConnectionError: inside, instead of an error that another process caused.
    """
    check(hosts)
    if hosts.coordinator is None:
        yield
        return
    import jax

    _connect(hosts)
    if not several():
        yield
        jax.distributed.shutdown()
        return
    nowhere = open(os.devnull, "w")  # noqa: SIM115
    with nowhere, presence.watched(), redirect_stderr(sys.stderr if first() else nowhere):
        yield
        meet()  # the first one may still be drawing
    jax.distributed.shutdown()


def meet() -> None:
    """Wait until all processes are here."""
    if several():
        _client().wait_at_barrier(f"fooljax/meet/{next(_meetings)}", _PATIENCE)


def decide(function: Callable[[], T]) -> T:
    """Let process 0 call a function; return what it returned, a plain value, to all."""
    if not several():
        return function()
    number = next(_decisions)
    place = "fooljax/decisions/{:08d}".format
    if first():
        text = json.dumps(function())
        _client().key_value_set(place(number), text)
        if number >= _REMEMBERED:  # all have heard of it: they meet far more often
            _client().key_value_delete(place(number - _REMEMBERED))
    else:
        text = _client().blocking_key_value_get(place(number), _PATIENCE)
    return json.loads(text)


def gather(numbers: Sequence[int]) -> "np.ndarray":
    """Show the same few numbers of every process to all, ``[processes, numbers]``."""
    import numpy as np

    row = np.asarray(numbers, np.int32)
    if not several():
        return row[None]
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(row))


def from_first(tree: Any) -> Any:
    """Give all processes the arrays of process 0."""
    if not several():
        return tree
    import jax
    from jax.experimental import multihost_utils

    meet()  # the devices themselves wait for a few minutes only
    return jax.tree.map(jax.numpy.asarray, multihost_utils.broadcast_one_to_all(tree))


def leave(code: int, at_once: bool = False) -> NoReturn:
    """End this process.

    Args:
        code: of the exit.
        at_once: without waiting for what is still being computed; so it is always if other
            processes take part, of whom some may never answer.
    """
    sys.stderr.flush()
    sys.stdout.flush()
    if at_once or ("jax" in sys.modules and several()):
        os._exit(code)
    sys.exit(code)


def _client() -> Any:
    return presence.state().client


def _connect(hosts: Hosts) -> None:
    import jax

    # it would swallow SIGTERM, which here saves the run
    jax.config.update("jax_enable_preemption_service", False)
    automatic = hosts.coordinator == "auto"
    settings: dict[str, Any] = {}
    if not automatic:
        settings = {
            "coordinator_address": hosts.coordinator,
            "num_processes": hosts.processes,
            "process_id": hosts.process,
            # or SLURM would be asked all the same, and leave each process one device
            "cluster_detection_method": "deactivate",
        }
    try:
        jax.distributed.initialize(
            **settings,
            initialization_timeout=_SECONDS_TO_CONNECT,
            heartbeat_timeout_seconds=presence.SECONDS_OF_PATIENCE,
            shutdown_timeout_seconds=presence.SECONDS_OF_SILENCE,
        )
    except (RuntimeError, ValueError) as error:
        if automatic:
            raise ValueError(
                "--coordinator auto: this looks like no SLURM job, TPU pod, Kubernetes job or "
                f"Open MPI run ({error}); give --coordinator HOST:PORT --processes N --process I"
            ) from error
        raise ValueError(
            f"--coordinator {hosts.coordinator}: the {hosts.processes} processes did not meet "
            f"({str(error).splitlines()[0]}); is process 0 there, its port free and open, and "
            "--processes the same everywhere?"
        ) from error
