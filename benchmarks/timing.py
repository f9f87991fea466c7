"""Wall and processor time, measured so that a busy machine harms every task alike."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from typing import Any, NamedTuple

_PACKAGES = ("jax", "jaxlib", "numpy", "flax", "qdax", "ribs")


class Cost(NamedTuple):
    """What a piece of work took.

    Attributes:
        wall_s: seconds on the clock.
        cpu_s: seconds of processor time, all threads of this process together.
    """

    wall_s: float
    cpu_s: float

    def times(self, factor: float) -> "Cost":
        """Return the cost of ``factor`` such pieces."""
        return Cost(self.wall_s * factor, self.cpu_s * factor)


def clock(work: Callable[[], Any]) -> tuple[Any, Cost]:
    """Run ``work`` once, wait for its arrays, and return its result and cost."""
    import jax

    wall, cpu = time.perf_counter(), time.process_time()
    result = jax.block_until_ready(work())
    return result, Cost(time.perf_counter() - wall, time.process_time() - cpu)


def median(costs: Iterable[Cost]) -> Cost:
    """Return the medians of wall and of processor time, each by itself."""
    walls, cpus = zip(*costs, strict=True)
    return Cost(statistics.median(walls), statistics.median(cpus))


def total(costs: Iterable[Cost]) -> Cost:
    """Add costs up."""
    walls, cpus = zip(*costs, strict=True)
    return Cost(sum(walls), sum(cpus))


def interleave(
    tasks: Mapping[str, Callable[[], Any]], rounds: int, at_least_s: float = 0.1
) -> dict[str, Cost]:
    """Measure tasks in turn, round after round, backwards in every other round.

    Args:
        tasks: each is called twice before it is measured (the first call
            compiles); a short one then several times in every round.
        rounds: how often every task is measured.
        at_least_s: processor seconds that one measurement should last.

    Returns:
        The median cost of one call of each task.
    """
    calls = {}
    for name, task in tasks.items():
        clock(task)
        calls[name] = max(1, round(at_least_s / max(clock(task)[1].cpu_s, 1e-6)))
    measured: dict[str, list[Cost]] = {name: [] for name in tasks}
    for turn in range(rounds):
        for name in list(tasks)[:: 1 if turn % 2 == 0 else -1]:
            work = lambda task=tasks[name], count=calls[name]: [task() for _ in range(count)]
            measured[name].append(clock(work)[1].times(1.0 / calls[name]))
    return {name: median(costs) for name, costs in measured.items()}


def say(line: str) -> None:
    """Tell a person how far it is; standard output is for the document alone."""
    print(line, file=sys.stderr, flush=True)


def launch(
    config_type: type,
    measure: Callable[[Any], dict[str, Any]],
    summarize: Callable[[dict[str, Any]], str],
    *,
    prog: str,
    description: str | None,
) -> None:
    """Read flags, measure, print a summary for people and the document as JSON."""
    import tyro

    document = measure(tyro.cli(config_type, prog=prog, description=description))
    say(summarize(document))
    print(json.dumps(document, indent=2))


def environment() -> dict[str, Any]:
    """Describe the machine and the packages that were measured."""
    import jax

    import fooljax

    device = jax.devices()[0]
    return {
        "backend": device.platform,
        "device": device.device_kind,
        "processor": processor(),
        "cpus": os.cpu_count(),
        "load_1_minute": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "fooljax": fooljax.__version__,
        "packages": {name: version(name) for name in _PACKAGES},
    }


def version(package: str) -> str | None:
    """Return the installed version, or ``None``."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Return the processor's name."""
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
