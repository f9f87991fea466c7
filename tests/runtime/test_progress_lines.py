"""Progress where standard error is no terminal: a line now and then, and signs of life."""

import threading
import time

from fooljax.runtime import progress


def test_a_long_step_repeats_its_line(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_OF_SILENCE", 0.05)
    with progress.bar("hiding parts", 2) as show:
        show(0, "first")
        time.sleep(0.4)
        show(2, "done")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "hiding parts 0/2  first"
    assert lines[-1] == "hiding parts 2/2  done"
    assert len(lines) >= 4  # slow machines may repeat it less often than every 0.05 s
    assert set(lines[1:-1]) == {"hiding parts 0/2  first  (0 min)"}


def test_quick_steps_are_told_once_and_nothing_follows_the_end(capsys):
    before = threading.active_count()
    with progress.bar("reading", 100) as show:
        for done in range(101):
            show(done, "")
    assert threading.active_count() == before
    assert capsys.readouterr().err.splitlines() == ["reading 0/100  ", "reading 100/100  "]
