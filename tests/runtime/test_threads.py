"""Machines that allow few threads."""

import threading

import pytest

from fooljax.runtime import threads


def test_few_threads_are_one_sentence(monkeypatch):
    threads.check()
    start, started = threading.Thread.start, []

    def refuse(thread):
        if len(started) == 3:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match=r"only 3 of the \d+ threads .* raise the limit"):
        threads.check()
    assert not any(thread.is_alive() for thread in started)
