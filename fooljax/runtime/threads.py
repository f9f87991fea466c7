"""Enough threads for a run, or one sentence: XLA ends the whole process where one is refused."""

import os
import threading

_ANYWAY, _PER_CORE = 24, 4


def check() -> None:
    """Try whether this process may start as many threads as a run takes.

    Raises:
        OSError: if not, with the numbers.
    """
    wanted = _ANYWAY + _PER_CORE * (os.cpu_count() or 1)
    end, started = threading.Event(), []
    try:
        for _ in range(wanted):
            thread = threading.Thread(target=end.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        raise OSError(
            f"only {len(started)} of the {wanted} threads that a run may take can be started; "
            "raise the limit (ulimit -u, or the number of processes of the container)"
        ) from None
    finally:
        end.set()
        for thread in started:
            thread.join()
