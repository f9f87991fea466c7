"""Ctrl-C and SIGTERM: noted at once, heeded between two steps.

What a signal handler raises is lost where C calls Python back, and anywhere else it
leaves things half done. So signals are only noted. Whatever works in steps calls
``check`` between two of them, and so do modules that import others.
"""

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ExtensionFileLoader
from types import FrameType, ModuleType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SECONDS_APART = 0.5  # some senders (GNU timeout, wrappers around us) send each signal twice
_STOPPING = "stopping after this step (once more: at once)"
_noted: list[int] = []
_raised: list["Interrupted"] = []
_listening = _noting = False
_held = 0  # how many callers hold signals back
_advice = "nothing half written will be used; start again with the same command"


class Interrupted(KeyboardInterrupt):
    """The user, or the machine's owner, asked the run to stop.

    Attributes:
        exit_code: 128 plus the signal's number, as shells expect.
    """

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


def check() -> None:
    """Stop here if a signal asked for it; cheap enough for every step of any loop.

    Raises:
        Interrupted: in the main thread, once a signal was noted and unless it is held back.
    """
    if _noted and not _held and threading.current_thread() is threading.main_thread():
        stop = Interrupted("stopped", 128 + _noted[0])
        _raised.append(stop)
        raise stop


def cause(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interruption that an error is or was caused by, if it is one."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    if (
        error is None and _noting and _raised
    ):  # some libraries do not say what their errors come from
        return _raised[-1]
    return error


def advise(text: str) -> None:
    """Set what is said when a second signal ends the process: what is kept, and how to go on."""
    global _advice
    _advice = text


def listening() -> bool:
    """Tell whether ``listen`` was called: signals belong to a command line of ours."""
    return _listening


def listen() -> None:
    """Note signals from now on, for the rest of the process; the second one ends it at once.

    A thread hears of them while the main thread compiles or computes. Ending at once loses
    no more than a power failure would: files are written under other names first.
    """
    global _listening
    if _listening or threading.current_thread() is not threading.main_thread():
        return
    _listening = True
    handle = _ignore if os.name == "posix" and _start_watching() else _note
    for number in _SIGNALS:
        signal.signal(number, handle)
    atexit.register(_end)  # first registered, so the last to be called


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Note signals inside, and ask for them before a module imports another.

    Without ``listen`` before it, in a program of somebody else's, a second Ctrl-C raises
    ``KeyboardInterrupt`` at once.
    """
    global _noting
    if _noting or threading.current_thread() is not threading.main_thread():
        yield
        return
    theirs = {} if _listening else {one: signal.signal(one, _note) for one in _SIGNALS}
    finder = _BetweenImports()
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    _noting = True
    _raised.clear()
    try:
        yield
    finally:
        _noting = False
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(finder)  # type: ignore[arg-type]
        for number, handler in theirs.items():
            _noted.clear()
            signal.signal(number, handler)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Let nothing inside be stopped by a signal that was noted."""
    global _held
    _held += 1
    try:
        yield
    finally:
        _held -= 1


@contextlib.contextmanager
def deferred() -> Iterator[Callable[[], int | None]]:
    """Hold back Ctrl-C and SIGTERM.

    Yields a function that returns the signal received so far, or None.
    """
    with noted(), held():
        yield lambda: _noted[0] if _noted else None


def _note(number: int, frame: FrameType | None) -> None:
    """Handle a signal in the main thread, between two instructions."""
    if _noted and number == signal.SIGINT:
        raise KeyboardInterrupt
    _hear(number)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Leave a signal to the thread that watches."""


def _hear(number: int) -> None:
    if not _noted:
        _noted.append(number)
        _say(_STOPPING)


def _end() -> None:
    """Let nothing stop Python's own end, where it would take our handlers away: all is said."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _start_watching() -> bool:
    """Start the thread that hears of signals, if one more is allowed."""
    listener, speaker = os.pipe()
    os.set_blocking(speaker, False)
    try:
        threading.Thread(target=_watch, args=(listener,), daemon=True).start()
    except RuntimeError:
        os.close(listener)
        os.close(speaker)
        return False
    signal.set_wakeup_fd(speaker, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=_forget)
    return True


def _forget() -> None:
    """Let a child of this process end by its own signals, and not wake its parent."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _watch(listener: int) -> None:
    """Hear of signals as they come, whatever the main thread is at."""
    first = None
    while numbers := os.read(listener, 64):
        for number in set(numbers) & set(_SIGNALS):
            _hear(number)
            now = time.monotonic()
            first = now if first is None else first
            if now - first > _SECONDS_APART:
                _say(f"stopped at once; {_advice}")
                if os.isatty(2):
                    _say("\033[?25h")  # a bar hides the cursor
                os._exit(128 + number)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # print must not be called while it is at work
        os.write(2, f"\n{text}\n".encode(errors="replace"))


class _BetweenImports:
    """Finds no module, but asks for signals before a module imports another."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if not _noted or _held or threading.current_thread() is not threading.main_thread():
            return
        frames = _frames(sys._getframe(1))
        if any(isinstance(one.f_locals.get("self"), ExtensionFileLoader) for one in frames):
            return  # a library in C is setting itself up, and would end the process
        ours = (one for one in frames if "importlib" not in one.f_code.co_filename)
        if next(ours).f_code.co_name == "<module>":
            sys.meta_path.remove(self)  # type: ignore[arg-type]  # a stop may import too
            check()


def _frames(frame: FrameType | None) -> list[FrameType]:
    """List a frame and all that called it, the innermost first."""
    found = []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found
