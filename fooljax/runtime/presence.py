"""Signs of life among the processes of one run, so that nobody waits for the dead.

Each second every process leaves a sign with process 0. Whoever stops says why,
and whoever misses another for 20 seconds stops too. JAX itself aborts a process
that loses process 0, within a minute.
"""

import ctypes
import itertools
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

SECONDS_OF_SILENCE = 20  # after which a process counts as dead
SECONDS_OF_PATIENCE = 50  # of JAX, which may act after half of them and cannot say who is lost
_SECONDS_BETWEEN_SIGNS = 1.0
_SECONDS_AFTER_A_BROKEN_CONNECTION = 5
_SECONDS_TO_SAY_GOODBYE = 5
_SIGNS, _FAREWELLS = "fooljax/signs/", "fooljax/farewells/"
_BROKEN = re.compile("gloo|nccl|peer|socket|unavailable|heartbeat|coordination", re.IGNORECASE)
_advice: list[str] = []
_called_from_c: list[Any] = []  # what C may call must not be collected


def advise(text: str) -> None:
    """Say how to go on if this process has to end because another one has."""
    _advice[:] = [text]


def state() -> Any:
    """Return what JAX knows of the processes; the store they share has no public name."""
    from jax._src import distributed

    return distributed.global_state


@contextmanager
def watched() -> Iterator[None]:
    """End this process with a message when another one has ended, and tell the others why.

    Raises:
        ConnectionError: instead of an error that another process caused.
    """
    leaving = threading.Event()
    threading.Thread(target=_watch, args=(leaving,), daemon=True).start()
    _explain_abort(leaving)
    try:
        yield
    except BaseException as error:
        lost = _blame(error)
        leaving.set()
        _say_goodbye(str(lost or error) or type(error).__name__)
        if lost is None:
            raise
        for note in getattr(error, "__notes__", ()):
            lost.add_note(note)
        raise lost from error
    leaving.set()


def _watch(leaving: threading.Event) -> None:
    """Leave signs of life, and end this process when another one has ended."""
    me, signs = str(state().process_id), itertools.count()
    seen: dict[str, tuple[str, float]] = {}
    while not leaving.wait(_SECONDS_BETWEEN_SIGNS):
        with suppress(Exception):  # the connection to process 0: JAX watches that one itself
            state().client.key_value_set(_SIGNS + me, str(next(signs)), allow_overwrite=True)
            told, missed = _farewell(), _missing(seen, SECONDS_OF_SILENCE)
            # one that left with everybody else is not missed
            if (told or missed) and not leaving.wait(3 * _SECONDS_BETWEEN_SIGNS):
                why = told or missed or ""
                _say_goodbye(why, silent=0 if told else 1)
                _end(why)


def _farewell() -> str | None:
    """Say which process has left with a word."""
    for process, why in _read(_FAREWELLS).items():
        if process != str(state().process_id):
            if why.startswith("process "):  # the news, not who brought it
                return why
            return f"process {process} of {state().num_processes} stopped: {why}"
    return None


def _missing(seen: dict[str, tuple[str, float]], patience: float) -> str | None:
    """Say which process gave no new sign of life for some seconds."""
    count, now, signs = state().num_processes, time.monotonic(), _read(_SIGNS)
    for process in map(str, range(count)):
        sign = signs.get(process, "")
        last, since = seen.setdefault(process, (sign, now))
        if sign != last:
            seen[process] = sign, now
        elif now - since > patience:
            return (
                f"process {process} of {count} has given no sign of life for "
                f"{now - since:.0f} seconds: it was killed, or its host cannot be reached"
            )
    return None


def _read(place: str) -> dict[str, str]:
    return {key.rsplit("/", 1)[1]: value for key, value in state().client.key_value_dir_get(place)}


def _blame(error: BaseException) -> ConnectionError | None:
    """Find out whether an error is that of another process; a broken connection tells."""
    if isinstance(error, KeyboardInterrupt | OSError) or not _BROKEN.search(str(error)):
        return None
    seen: dict[str, tuple[str, float]] = {}
    gone = None
    for _ in range(2 * SECONDS_OF_SILENCE):
        gone = _farewell() or _missing(seen, _SECONDS_AFTER_A_BROKEN_CONNECTION)
        if gone:
            return ConnectionError(gone)
        time.sleep(_SECONDS_BETWEEN_SIGNS / 2)
    return ConnectionError(
        f"the connection to another process broke ({str(error).splitlines()[0]})"
    )


def _say_goodbye(why: str, silent: int = 0) -> None:
    """Tell the others why this process ends; the first one ends last, since it passes that on.

    It does not wait for those that are ``silent``: without process 0 JAX aborts the others
    before they can say who was lost.
    """
    with suppress(Exception):
        first_words = why.split("; go on with")[0].strip()
        state().client.key_value_set(f"{_FAREWELLS}{state().process_id}", first_words)
        deadline = time.monotonic() + _SECONDS_TO_SAY_GOODBYE
        while state().process_id == 0 and time.monotonic() < deadline:
            if len(_read(_FAREWELLS)) >= state().num_processes - silent:
                break
            time.sleep(0.1)


def _end(why: str) -> NoReturn:
    """End this process from a thread of its own, whatever the others wait for."""
    text = "\n".join([f"\nerror: {why}", *_advice])
    os.write(2, f"{text}\n".encode())
    os._exit(1)


def _explain_abort(leaving: threading.Event) -> None:
    """Say in words what JAX means when it aborts: that process 0 does not answer.

    ``signal.signal`` would not do: Python runs its handlers later, and there is
    no later after an abort.
    """
    if os.name != "posix":
        return

    def explain(number: int) -> None:
        if leaving.is_set():
            os._exit(1)
        other = "another process" if state().process_id == 0 else "process 0"
        _end(f"{other} has ended, or its host cannot be reached (JAX gave up, see above)")

    _called_from_c.append(ctypes.CFUNCTYPE(None, ctypes.c_int)(explain))
    ctypes.CDLL(None).signal(int(signal.SIGABRT), _called_from_c[-1])
