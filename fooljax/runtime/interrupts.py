"""Ctrl-C and SIGTERM: at once, or when the work is in a state worth keeping."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn


class Interrupted(KeyboardInterrupt):
    """The user, or the machine's owner, asked the run to stop.

    Attributes:
        exit_code: 128 plus the signal's number, as shells expect.
    """

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise ``Interrupted`` at once, as Ctrl-C raises ``KeyboardInterrupt``."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise Interrupted("stopped", 128 + number)

    with _handling({signal.SIGTERM: stop}):
        yield


@contextmanager
def deferred() -> Iterator[Callable[[], int | None]]:
    """Hold back Ctrl-C and SIGTERM.

    Yields a function that returns the signal received so far, or None. A second
    Ctrl-C is not held back.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)
        with suppress(OSError):  # print must not be called while it is at work
            os.write(2, b"\nstopping after this chunk (Ctrl-C: at once)\n")

    with _handling({signal.SIGINT: note, signal.SIGTERM: note}):
        yield lambda: received[0] if received else None


@contextmanager
def _handling(handlers: dict[signal.Signals, Callable]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may install handlers
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
