"""A bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fooljax import interrupts

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def bar(title: str, total: int, done: int = 0) -> Iterator[Callable[[int, str], None]]:
    """Show how far a loop is.

    Args:
        title: what is being done.
        total: steps in all.
        done: steps done before, when resuming.

    Yields:
        ``show(done, text)``; the text stands beside the bar. On a terminal this
        moves a bar with the time left; elsewhere it prints a line every few
        seconds and at the end. It raises ``Interrupted`` after a signal.
    """
    if not sys.stderr.isatty():
        last = float("-inf")

        def show_line(now_done: int, text: str) -> None:
            nonlocal last
            interrupts.check()
            if now_done >= total or time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
                print(f"{title} {now_done}/{total}  {text}", file=sys.stderr, flush=True)
                last = time.monotonic()

        yield show_line
        return

    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[text]}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as display:
        task = display.add_task(title, total=total, completed=done, text="")

        def move(now_done: int, text: str) -> None:
            interrupts.check()
            display.update(task, completed=now_done, text=text)

        yield move
