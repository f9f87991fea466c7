"""A bar on a terminal, a line now and then elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fooljax import interrupts

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_OF_SILENCE = 60.0


@contextmanager
def bar(title: str, total: int, done: int = 0) -> Iterator[Callable[[int, str], None]]:
    """Show how far a loop is.

    Args:
        title: what is being done.
        total: steps in all.
        done: steps done before, when resuming.

    Yields:
        ``show(done, text)``; the text stands behind the bar. On a terminal this
        moves a bar with the time so far and the time left; elsewhere it prints a line
        every few seconds and at the end, and during a step of minutes one a minute. It
        raises ``Interrupted`` after a signal.
    """
    if not sys.stderr.isatty():
        with _lines(title, total) as show_line:
            yield show_line
        return

    from rich import progress
    from rich.console import Console
    from rich.table import Column

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(20),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        # cut where the line ends, so that all stays on one
        progress.TextColumn("{task.fields[text]}", table_column=Column(no_wrap=True, ratio=1)),
    )
    with progress.Progress(*columns, console=Console(stderr=True), expand=True) as display:
        task = display.add_task(title, total=total, completed=done, text="")

        def move(now_done: int, text: str) -> None:
            interrupts.check()
            display.update(task, completed=now_done, text=text)

        yield move


@contextmanager
def _lines(title: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Print at the first step, at the last, and in between every few seconds.

    While a step is silent a thread repeats the line. Both only ever set ``last`` to the time
    of what they print, so at worst a line comes twice.
    """
    shown, ended, began = "", threading.Event(), time.monotonic()
    last = began

    def show(done: int, text: str) -> None:
        nonlocal shown, last
        interrupts.check()
        now, first = time.monotonic(), not shown
        shown = f"{title} {done}/{total}  {text}"
        if first or done >= total or now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            print(shown, file=sys.stderr, flush=True)

    def repeat() -> None:
        nonlocal last
        while not ended.wait(max(0.0, last + _SECONDS_OF_SILENCE - time.monotonic())):
            if time.monotonic() - last >= _SECONDS_OF_SILENCE:
                last = time.monotonic()
                minutes = round((last - began) / 60.0)
                print(f"{shown or title}  ({minutes} min)", file=sys.stderr, flush=True)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield show
    finally:
        ended.set()
        thread.join()
