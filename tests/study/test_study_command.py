"""Experiments answer ``--help`` at once and name their presets; runs know their module."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPERIMENTS = (
    "ascend",
    "ask",
    "distract",
    "harden_reader",
    "harden_universal",
    "imagine",
    "logistic",
    "motion",
    "nonsense",
    "patch",
    "reduce",
    "squint",
    "transfer",
    "universal",
)
ASK = """
import runpy, sys
sys.argv = ["x", "--help"]
try:
    runpy.run_module("experiments.{name}", run_name="__main__", alter_sys=True)
except SystemExit as stop:
    print("code", stop.code, "jax" in sys.modules, "matplotlib" in sys.modules)
"""


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_help_waits_for_nothing(name):
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(name=name)], cwd=ROOT, text=True, capture_output=True
    )
    assert done.stdout.splitlines()[-1] == "code 0 False False", done.stderr
    assert f"usage: python -m experiments.{name}" in done.stdout
    assert "Presets: default, smoke" in done.stdout and "--seed" in done.stdout


def test_a_wrong_flag_is_said_and_nothing_is_left(tmp_path):
    words = [sys.executable, "-m", "experiments.transfer", "--preset", "smoke", "--tau", "1"]
    done = subprocess.run(
        words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, text=True, capture_output=True
    )
    assert done.returncode == 1 and done.stderr == "error: --tau must be in (0, 1), got 1.0\n"
    assert not list(tmp_path.iterdir())
