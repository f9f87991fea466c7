"""``--help`` that fits two screens: every flag in a line, with its value and what it is."""

import dataclasses
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from fooljax.runtime import output

_WIDEST = 120  # columns
_FLAG = 30  # columns that flag and value take, where they fit


def describe(config: Any, prog: str, description: str) -> str:
    """Return a help text: the description, then a line for each flag.

    Args:
        config: a settings dataclass, some of whose fields may be such, too. What its
            docstring says of a field is cut to one line.
        prog: of the usage line.
        description: of the program.
    """
    width = min(max(shutil.get_terminal_size().columns, output.COLUMNS), _WIDEST)
    lines = [f"usage: {prog} [--flag value ...]", "", *description.strip().splitlines()]
    for title, about, flags in _groups(config):
        lines += ["", f"{title}: {about}" if about else f"{title}:"]
        lines += [_line(*flag, width) for flag in flags]
    return "\n".join(
        [*lines, "", "Behind each flag stands its value. Every flag explained: --help-all"]
    )


def _groups(config: Any) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Yield title, what it is about, and flags with words, the settings' own group first."""
    told, own, nested = _attributes(config), [], []
    for name, value in vars(config).items():
        if dataclasses.is_dataclass(value):
            nested.append((name, told.get(name, ""), value))
        else:
            own.append((_flag(name, value), told.get(name, "")))
    yield "flags", "", own
    for name, about, value in nested:
        (_, _, flags), *deeper = _groups(value)
        yield name, about, flags
        yield from deeper


def _attributes(config: Any) -> dict[str, str]:
    """Return what the docstring says of each field; nothing where docstrings are left out."""
    import docstring_parser  # what tyro reads them with

    parsed = docstring_parser.parse(type(config).__doc__ or "")
    return {one.arg_name: " ".join((one.description or "").split()) for one in parsed.params}


def _flag(name: str, value: Any) -> str:
    """Write a flag with its value, as on the command line."""
    spelled = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{spelled} ({'on' if value else 'off'})"
    if value is None or value == ():
        return f"--{spelled} ..."
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    return " ".join([f"--{spelled}", *(shlex.quote(f"{one}") for one in several)])


def _line(flag: str, words: str, width: int) -> str:
    """Cut words to what is left of one line; where that is next to nothing, to one below it."""
    first = re.split(r"(?<=\w)[.;] ", words)[0].rstrip(".")
    if width < 2 * _FLAG:
        return "\n".join(
            part
            if len(part) <= width
            else f"{part[: width - 3].rpartition(' ')[0].rstrip(' ,')} ..."
            for part in (f"  {flag}", f"      {first}")
        )
    flag = flag if len(flag) <= width // 2 else f"{flag[: width // 2 - 4]} ..."
    line = f"  {flag:<{_FLAG}}  {first}"
    if len(line) <= width:
        return line
    return f"{line[: width - 3].rpartition(' ')[0].rstrip(' ,')} ..."
