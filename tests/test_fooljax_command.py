"""The command ``fooljax`` in a clone; that of a wheel is tried where it is built."""

import subprocess
import sys
from pathlib import Path

import pytest

import fooljax
from fooljax import __main__ as command
from fooljax.runtime import settings

ROOT = Path(__file__).parent.parent


def run(folder, *words):
    """Run it in an empty folder, without the clone on the path."""
    start = [sys.executable, "-c", f"import sys; sys.path[0] = {str(ROOT)!r}; "
             "from fooljax.__main__ import main; main()"]  # fmt: skip
    return subprocess.run([*start, *words], cwd=folder, capture_output=True, text=True)


def test_lists_what_there_is_without_running_it(tmp_path):
    package, known = command.experiments()
    assert package == "experiments" and {"evolve", "perturb", "transfer"} <= set(known)
    found = run(tmp_path, "list")
    rows = [line for line in found.stdout.splitlines() if line.startswith("  ")]
    lines = dict(row.split(maxsplit=1) for row in rows)
    assert sorted(lines) == sorted(known) and len(rows) == len(known)
    assert "More" not in found.stdout.splitlines()  # every experiment belongs to a question
    says = "Make images for one network and show them to others: what do those say?"
    assert lines["transfer"] == says
    assert run(tmp_path, "--version").stdout.strip() == fooljax.__version__
    assert found.stdout in run(tmp_path, "--help").stdout


@pytest.mark.slow
def test_runs_an_experiment_by_name(tmp_path):
    shown = run(tmp_path, "transfer", "--help")
    assert shown.returncode == 0 and "--generators" in shown.stdout
    refused = run(tmp_path, "evolve", "--epsilon", "1")
    assert refused.returncode == 2 and "epsilon" in refused.stderr + refused.stdout
    refused = run(tmp_path, "perturb", "--images", "0")
    assert refused.returncode == 1 and "--images must be at least 1" in refused.stderr


def test_an_unknown_name_is_refused_with_the_nearest_one(tmp_path):
    found = run(tmp_path, "evolv")
    assert found.returncode == 2 and "did you mean evolve? fooljax list" in found.stderr


def test_an_entry_of_a_run_that_is_not_finished_is_refused(tmp_path):
    found = run(tmp_path, "entry", ".", "mine")
    assert found.returncode == 1 and "error: RUN: . has no entry.json" in found.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("experiments.evolve", ["python", "-m", "experiments.evolve"]),
        ("fooljax.experiments.evolve", ["fooljax", "evolve"]),
        ("mine", ["python", "-m", "mine"]),
    ],
)
def test_commands_are_those_that_were_given(module, words):
    assert settings.program(module) == words
