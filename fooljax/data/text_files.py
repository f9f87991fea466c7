"""Text files as editors and spreadsheets save them: with or without a byte order mark."""

import codecs
import re
import warnings
from pathlib import Path

_MARKS = (  # UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """Read a text file: in the encoding that its byte order mark names, else UTF-8.

    What is neither is read as Windows-1252, Western Europe's, with a warning.

    Raises:
        ValueError: if it is no text, or not in one of these encodings.
    """
    raw = path.read_bytes()
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in raw:
        raise ValueError(f"{path}: holds zero bytes, so it is no text in UTF-8; save it as UTF-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        return _western(path, raw, encoding, error)


def read_lines(path: Path) -> tuple[str, ...]:
    """Read the lines that are not empty, without spaces around them.

    Raises:
        ValueError: as `read_text`.
    """
    lines = (line.strip() for line in re.split(r"\r\n|\r|\n", read_text(path)))
    return tuple(line for line in lines if line)


def _western(path: Path, raw: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    try:
        if encoding != "utf-8":
            raise error
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        raise ValueError(
            f"{path}: cannot be read as text in {encoding.upper()} ({error.reason} at byte "
            f"{error.start}); save it as UTF-8"
        ) from error
    warnings.warn(
        f"{path} is not in UTF-8; it is read as Windows-1252. If names look wrong, save it as "
        "UTF-8",
        stacklevel=4,
    )
    return text
