"""Standard streams that cannot end a run: closed, full, without a reader, or ASCII only."""

import errno
import io
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

COLUMNS = 40  # in fewer nothing is laid out


class _Stream(io.FileIO):
    """A standard stream that takes all it is given, and remembers if that went nowhere."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = self.failure or error
            return len(data)


def mend() -> None:
    """Make the standard streams of this process fit for a run; call it before anything opens.

    A number from 0 to 2 that is closed would be that of the next file opened, and the
    messages of any library would be written into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for number, name in ((1, "stdout"), (2, "stderr")):
        before = getattr(sys, name)
        encoding = "utf-8" if before is None else before.encoding
        stream = io.BufferedWriter(_Stream(number, "wb", closefd=False))
        # other characters than the encoding's come out as \\xfc rather than as an error
        text = io.TextIOWrapper(stream, encoding, "backslashreplace", line_buffering=True)
        setattr(sys, name, text)


@contextmanager
def wide_enough() -> Iterator[None]:
    """Let help and usage be laid out for 40 columns at least; in fewer tyro never ends."""
    before = os.environ.get("COLUMNS")
    if shutil.get_terminal_size().columns < COLUMNS:
        os.environ["COLUMNS"] = str(COLUMNS)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("COLUMNS", None)
        else:
            os.environ["COLUMNS"] = before


def refuse_locale(args: Sequence[str]) -> None:
    """Refuse names that the locale cannot spell, before a file is written under another one.

    Args:
        args: the command line.

    Raises:
        ValueError: naming the argument or folder.
    """
    for text in (*args, os.getcwd(), os.environ.get("HOME", "")):
        try:
            text.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(text).decode(errors="replace")
            raise ValueError(
                f"{shown} cannot be spelled in this locale, whose file names are "
                f"{sys.getfilesystemencoding()}; set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
            ) from None


def flush() -> None:
    """Write out what is left for standard output.

    Raises:
        OSError: if some of its text went nowhere, unless because the reader has left.
    """
    sys.stderr.flush()
    sys.stdout.flush()
    failure = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "failure", None)
    if failure is not None and failure.errno != errno.EPIPE:
        why = errno.errorcode.get(failure.errno or 0, str(failure))
        raise OSError(f"standard output cannot be written to ({why}); send it elsewhere")
