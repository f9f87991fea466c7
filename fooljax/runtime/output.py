"""Standard streams that cannot end a run: closed, full, without a reader, or ASCII only."""

import errno
import io
import os
import sys
from typing import Any


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


def flush() -> None:
    """Write out what is left for standard output.

    Raises:
        OSError: if some of its text went nowhere, unless because the reader has left.
    """
    sys.stderr.flush()
    sys.stdout.flush()
    failure = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "failure", None)
    if failure is not None and failure.errno != errno.EPIPE:
        raise OSError(
            f"standard output cannot be written to ({failure.strerror}); send it elsewhere"
        ) from failure
