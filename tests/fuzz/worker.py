"""A process that makes bad calls, one after the other, and the one that watches it.

Run as a program: KIND FOLDER. It reads numbers of calls from its input and answers each
with a line of JSON. A call that hangs or ends the process costs the process only.
"""

import importlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import calls

ROOT = Path(__file__).parents[2]
KINDS = ("flags", "data_files", "weights_files", "own_networks", "run_directories", "python_api")
FIRST_SECONDS = 180.0  # of a process's first call, which imports


def table(kind: str) -> list[calls.Call]:
    """Return the calls of a kind, always in the same order."""
    return importlib.import_module(kind).calls()


def outcomes(kind: str, seconds: float) -> Iterator[tuple[calls.Call, calls.Outcome]]:
    """Make all calls of a kind, each within so many seconds."""
    process = None
    with tempfile.TemporaryDirectory(prefix="fooljax-fuzz-") as folder:
        for index, call in enumerate(table(kind)):
            fresh = process is None or process.poll() is not None
            if fresh:
                _end(process)
                process = _start(kind, folder)
            assert process is not None
            answer = _ask(process, index, seconds + FIRST_SECONDS * fresh)
            if answer is None:
                process.kill()
                process.wait()
            yield call, answer or calls.Outcome(calls.HANG, f"nothing within {seconds:g} s")
        _end(process)


def _end(process: subprocess.Popen | None) -> None:
    """Kill it and close its pipes."""
    if process is not None:
        process.kill()
        process.communicate()


def _start(kind: str, folder: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, __file__, kind, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        text=True,
    )


def _ask(process: subprocess.Popen, index: int, seconds: float) -> calls.Outcome | None:
    """Return what came of a call; None if nothing came in time."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{index}\n")
    process.stdin.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(seconds):
            return None
    line = process.stdout.readline()
    if not line:
        return calls.Outcome(calls.TRACEBACK, f"the process ended with {process.wait()}")
    return calls.Outcome(*json.loads(line))


def main(kind: str, folder: str) -> None:
    """Answer until there are no more questions."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is printed must not mix with the answers
    every = table(kind)
    for line in sys.stdin:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            os.chdir(place)
            outcome = calls.judge(every[int(line)], Path(place))
            os.chdir(folder)
        answers.write(json.dumps(outcome) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
