"""Plan memory before a search begins: how many children fit at once."""

import json
import math
import os
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax

from fooljax import backend
from fooljax.runtime import files, hosts

GB = 1e9
MB = 1_000_000
_UNKNOWN = 2**40  # where the system does not tell how much memory there is
# What was seen on a CPU, with SqueezeNet, 1,000 niches and images of 256 x 256:
_REST = 300 * MB  # compiling and saving add this to the process,
_SCRATCH = 1.3  # convolutions take so many times what the program says,
_COPIES = 3  # and drawing holds the finished images so often, in 8 bits


class Plan(NamedTuple):
    """How a search keeps to a memory limit.

    Attributes:
        micro_batch: children shown to the network at a time on each device.
        size: bytes that are expected to be taken at most: by the whole process on a
            CPU, on each device otherwise.
    """

    micro_batch: int
    size: int

    def describe(self) -> str:
        """Say it in words."""
        return f"{self.micro_batch} children at a time, about {self.size / GB:.2f} GB"


def taken(limit: float | None, planned: Plan | None) -> dict[str, float | None]:
    """Return how much memory a run planned with, and took.

    Args:
        limit: in GB of 1e9 bytes, if there was one.
        planned: how it kept to it.
    """
    size, count = (None, None) if planned is None else (planned.size, planned.micro_batch)
    whole = None if limit is None else limit * GB
    return {"limit": whole, "planned": size, "micro_batch": count, "peak": peak()}


def plan(limit: float, most: int, need: Callable[[int], int], numbers: int = 0) -> Plan:
    """Find the largest micro-batch with which a search keeps to a limit.

    What a search takes grows in proportion to the micro-batch, beyond what it takes in
    any case; both are read off two programs, and the answer is checked with a third.

    Args:
        limit: in GB of 1e9 bytes; what the program itself takes counts on a CPU.
        most: children shown to the network at a time on each device without a limit.
        need: bytes that the search takes on each device with a micro-batch.
        numbers: in all finished images, which a CPU's memory must hold too.

    Raises:
        ValueError: if not even one child at a time fits, with the numbers.
    """
    cpu = backend.on_cpu()
    takes = lambda size: math.ceil((_SCRATCH if cpu else 1.0) * need(size))
    # hosts must come to one plan
    taken = MB * int(hosts.gather([-(-held() // MB)]).max()) + (_COPIES * numbers if cpu else 0)
    room = math.floor(limit * GB) - taken
    if (everything := takes(most)) <= room:
        return Plan(most, everything + taken)
    least = takes(1)
    if least > room:
        raise ValueError(
            f"--memory-limit {limit:g}: with one child at a time {_in_gb(least + taken)} GB are "
            f"needed, and with {most} at a time {_in_gb(everything + taken)} GB, of which "
            f"the program itself takes {_in_gb(taken)}; raise the limit, or set a smaller "
            "--image-size"
        )
    slope = (everything - least) / max(most - 1, 1)
    pieces = max(2, -(-most // max(1, math.floor(1 + (room - least) / max(slope, 1.0)))))
    while (found := takes(-(-most // pieces))) > room and pieces < most:
        pieces = min(most, math.ceil(1.25 * pieces))
    return Plan(-(-most // pieces), found + taken)


def plan_once(
    folder: Path, limit: float, most: int, need: Callable[[int], int], numbers: int = 0
) -> Plan:
    """Plan as `plan` does, and keep the plan for whoever resumes the run.

    A resumed run with the same limit goes on with the same number of children at a time,
    on which the last bits depend.
    """
    path = folder / "memory.json"

    def kept() -> tuple[int, int] | None:
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        same = found.get("limit") == limit
        return (found["micro_batch"], found["size"]) if same else None

    if (before := hosts.decide(kept)) is not None:
        return Plan(*before)
    print("planning memory ...", file=sys.stderr)
    found = plan(limit, most, need, numbers)
    if hosts.first():
        files.write_json(path, {"limit": limit, **found._asdict()})
    return found


def afford(shape: tuple[int, ...], **counts: int | None) -> None:
    """Refuse more images at once than memory can hold, whatever else it must hold.

    Args:
        shape: of an image.
        counts: settings whose product is the number of images, by name; None for those
            that are left open.

    Raises:
        ValueError: naming the flags, with the arithmetic.

    Example:
        >>> from fooljax import study
        >>> study.afford((28, 28, 1), images=100)  # there is room for these
        >>> try:
        ...     study.afford((28, 28, 1), images=10**9, repeats=10**4)
        ... except ValueError as error:
        ...     print(str(error).partition(":")[0])
        --images 1,000,000,000 x --repeats 10,000
    """
    given = {name: count for name, count in counts.items() if count is not None}
    images, numbers = math.prod(given.values()), math.prod(shape)
    size, most = 4 * images * numbers, room()
    if size > most:
        flags = " x ".join(f"--{name.replace('_', '-')} {count:,}" for name, count in given.items())
        raise ValueError(
            f"{flags}: {images:,} images of {numbers:,} numbers, 4 bytes each, are "
            f"{size / GB:,.1f} GB at once, and there are {most / GB:,.1f} GB; ask for fewer, or "
            "set a smaller --image-size"
        )


def room() -> int:
    """Return the bytes of memory there are: of the machine on a CPU, else of all devices."""
    if not backend.on_cpu():
        stats = (device.memory_stats() or {} for device in jax.local_devices())
        return sum(stat.get("bytes_limit", 0) for stat in stats) or _UNKNOWN
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # a system that does not tell
        return _UNKNOWN


def held() -> int:
    """Return the bytes that a run takes beside the search: of the process on a CPU, else 0."""
    if not backend.on_cpu():
        return 0
    status = Path("/proc/self/statm")
    if not status.exists():
        return peak() + _REST
    return int(status.read_text().split()[1]) * resource.getpagesize() + _REST


def peak() -> int:
    """Return the most bytes held so far: by the process on a CPU, else by the fullest device."""
    if not backend.on_cpu():
        found = (device.memory_stats() or {} for device in jax.local_devices())
        if most := max(stats.get("peak_bytes_in_use", 0) for stats in found):
            return most  # a device that does not tell is taken for one in the process's memory
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts the process that started this one, too
        line = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        if line:
            return 1024 * int(line[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _in_gb(size: float) -> str:
    """Say a number of bytes in GB, however few they are."""
    return f"{size / GB:.2f}" if size >= 0.01 * GB else f"{size / GB:.1g}"
