"""Ctrl-C and SIGTERM, answered when the work is in a state worth keeping."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Interrupted(Exception):
    """The user, or the machine's owner, asked the run to stop.

    Attributes:
        exit_code: 128 plus the signal's number, as shells expect.
    """

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def deferred() -> Iterator[Callable[[], int | None]]:
    """Hold back Ctrl-C and SIGTERM.

    Yields a function that returns the signal received so far, or None. A second
    Ctrl-C is not held back.
    """
    received: list[int] = []

    def note(number: int, frame: object) -> None:
        del frame
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)
        print("\nstopping after this chunk (Ctrl-C again: at once)", file=sys.stderr)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None  # only the main thread may install handlers
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: received[0] if received else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
