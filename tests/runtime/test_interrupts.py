"""Signals during a command: noted at once, heeded between steps, harmless at the end."""

import signal
import subprocess
import sys

import pytest

from fooljax import interrupts
from fooljax.runtime import command


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_callback_is_heeded_at_the_next_step(number, code, capfd):
    """What is raised inside ``__del__`` is dropped by Python; a signal there must not be."""
    done = []

    class Callback:
        def __del__(self):
            signal.raise_signal(number)
            done.append("the callback")

    def main():
        Callback()
        for step in range(3):
            interrupts.check()
            done.append(step)

    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as caught:
        command.run(main, debug=False)
    assert caught.value.code == code and done == ["the callback"]
    assert signal.getsignal(number) is before
    assert "start again with the same command" in capfd.readouterr().err
    interrupts.check()


def test_a_signal_is_heeded_before_a_module_imports_another(monkeypatch, tmp_path):
    def main():
        signal.raise_signal(signal.SIGTERM)
        import importing_wave  # noqa: F401

        raise AssertionError("imported")

    (tmp_path / "importing_wave.py").write_text("before = 1\nimport wave\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with pytest.raises(SystemExit) as caught:
        command.run(main, debug=False)
    assert caught.value.code == 143 and not {"wave", "importing_wave"} & sys.modules.keys()


def test_a_signal_while_python_ends_changes_nothing():
    """All is said then, and Python has taken its handlers away."""
    code = """
import os, signal
from fooljax import interrupts
interrupts.listen()
class Last:
    def __del__(self, kill=os.kill, number=signal.SIGINT, us=os.getpid()):
        kill(us, number)
last = Last()
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_an_error_that_a_signal_caused_is_an_interruption(capsys):
    def main():
        try:
            signal.raise_signal(signal.SIGTERM)
            interrupts.check()
        except KeyboardInterrupt:
            pass
        raise ImportError("the loop was closed")

    with pytest.raises(SystemExit) as caught:
        command.run(main, debug=False)
    assert caught.value.code == 143
    assert "loop" not in capsys.readouterr().err
