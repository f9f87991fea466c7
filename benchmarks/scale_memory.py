"""The memory of whole runs of ``experiments.evolve`` under a limit, in processes of their own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.timing import say


def one_run(config: Any, encoding: str, limit: float) -> dict[str, Any]:
    """Run ``experiments.evolve`` under a limit and read what it planned and took.

    Args:
        config: of ``benchmarks.scale``; its first network, with random weights.
        encoding: direct or cppn.
        limit: in GB.
    """
    say(f"memory: {encoding}, limit {limit:g} GB")
    size, children = str(config.image_size), str(max(config.children))
    with tempfile.TemporaryDirectory() as place:
        network = Path(place) / "network.py"
        network.write_text(
            "from benchmarks import scale\n"
            f"config = scale.Config(image_size={size}, niches={config.niches})\n"
            f"make = lambda: scale.random_network(config, {config.networks[0]!r})\n"
        )
        flags = ["--model", f"{network}:make", "--dataset", "none", "--encoding", encoding]
        flags += ["--generations", str(config.generations), "--children", children]
        flags += ["--repeats", "1", "--memory-limit", str(limit), "--out", f"{place}/run"]
        flags += ["--genes", "uint8"] if encoding == "direct" else []
        command = [sys.executable, "-m", "experiments.evolve", *flags]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return {
                "encoding": encoding,
                "limit_gb": limit,
                "refused": done.stderr.splitlines()[-1],
            }
        found = json.loads((Path(place) / "run" / "summary.json").read_text())["memory"]
    return {
        "encoding": encoding,
        "limit_gb": limit,
        "micro_batch": found["micro_batch"],
        "planned_gb": found["planned"] / 1e9,
        "peak_gb": found["peak"] / 1e9,
        "peak_over_planned": found["peak"] / found["planned"],
    }
