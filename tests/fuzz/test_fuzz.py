"""Whatever is called badly is refused in a sentence that helps, or does no harm.

Every message names the argument or the flag, what was given, and the remedy or the limit.
"""

import collections
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

import calls
import worker

SECONDS = 90.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", worker.KINDS)
def test_bad_calls_are_clear_or_fine(kind):
    counts, wrong = collections.Counter(), []
    for call, outcome in worker.outcomes(kind, SECONDS):
        counts[outcome.verdict] += 1
        if outcome.verdict not in (calls.CLEAR, calls.FINE):
            wrong.append(f"{outcome.verdict}: {call.name}\n    {outcome.text.strip()[-600:]}")
    print(f"{kind}: {sum(counts.values())} bad calls: {dict(counts)}", *wrong, sep="\n")
    assert not wrong


@pytest.mark.slow
def test_there_are_enough_bad_calls():
    assert sum(len(worker.table(kind)) for kind in worker.KINDS) >= 400


BAD = calls.Call("a test", lambda folder: None, ("--size", "size"), ("-1",))


def says(text, kind=ValueError):
    def run(folder):
        raise kind(text)

    return BAD._replace(run=run)


@pytest.mark.parametrize(
    ("call", "verdict"),
    [
        (says("--size must be at least 1, got -1"), calls.CLEAR),
        (says("size must be at least 1, got -1", OSError), calls.CLEAR),
        (says("it must be at least 1, got -1"), calls.UNCLEAR),
        (says("--size must be at least 1"), calls.UNCLEAR),
        (says("--size: -1"), calls.UNCLEAR),
        (says("size must be at least 1, got -1", TypeError), calls.TRACEBACK),
        (BAD, calls.SILENT),
        (BAD._replace(harmless=True), calls.FINE),
    ],
)
def test_the_rule(call, verdict, tmp_path):
    assert calls.judge(call, tmp_path).verdict == verdict
