"""Bad calls, and the rule by which their outcome is judged."""

import contextlib
import io
import re
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CLEAR, FINE, UNCLEAR, SILENT = "clear", "fine", "unclear", "silent"
HANG, TRACEBACK = "hang", "traceback"

#: Words that say what is allowed or what to do.
REMEDY = re.compile(
    r"\b(must|needs?|takes?|give|leave|use|set|ask for|put|there (are|is)|at (least|most)|only|"
    r"restore|start anew|instead|delete|remove|replace|one of|between|below|choose|choices|call|"
    r"add|check|install|did you mean|expected|belongs?|another|same|should|options?|divide|clip|"
    r"cannot be read|mend|without|wants?|were not parsed|similar|pip|known are|pass|save|make|"
    r"put back|each once|known|numbers from|correct|helptext)\b",
    re.IGNORECASE,
)


class Accepted(BaseException):
    """Raised in place of the work, once everything before it was accepted."""


class Call(NamedTuple):
    """A bad call.

    Attributes:
        name: what is wrong, in a few words.
        run: makes the call; given an empty folder.
        blames: the complaint must hold one of these: the argument or the flag.
        given: and one of these: what was given.
        harmless: whether accepting it is right too.
    """

    name: str
    run: Callable[[Path], object]
    blames: Sequence[str]
    given: Sequence[str]
    harmless: bool = False


class Outcome(NamedTuple):
    """What came of a call.

    Attributes:
        verdict: one of the six.
        text: what was said.
    """

    verdict: str
    text: str


def judge(call: Call, folder: Path) -> Outcome:
    """Make a call and judge what comes of it."""
    said = io.StringIO()
    complained = False
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(said):
        warnings.simplefilter("always")
        try:
            call.run(folder)
        except Accepted:
            pass
        except SystemExit as end:
            complained = end.code in (1, 2)
        except (ValueError, OSError) as error:
            complained = True
            said.write("\n".join([str(error), *getattr(error, "__notes__", ())]))
        except BaseException as error:
            place = "".join(traceback.format_tb(error.__traceback__)[-1:])
            return Outcome(TRACEBACK, f"{type(error).__name__}: {error}\n{place}")
    suspicions = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
    text = "\n".join([said.getvalue(), *suspicions])
    if "Traceback" in text or "run again with --debug" in text:
        return Outcome(TRACEBACK, text)
    if is_clear(call, text):
        return Outcome(CLEAR, text)
    if complained:
        return Outcome(UNCLEAR, text)
    return Outcome(FINE if call.harmless else SILENT, text)


def is_clear(call: Call, text: str) -> bool:
    """Tell whether a complaint names the argument, what was given, and the remedy or limit."""
    text = " ".join(text.replace("│", " ").split())
    holds = lambda words: any(word in text for word in words)
    named = any(word.lower() in text.lower() for word in call.blames)
    return named and holds(call.given) and bool(REMEDY.search(text))


def descriptions(value: Any) -> tuple[str, ...]:
    """Return the ways in which a complaint may show a value."""
    if isinstance(value, list | tuple | dict | set):
        inner = [part for one in list(value)[:3] for part in descriptions(one)]
        rows = f"({len(value)},)"  # as an array
        return (repr(value), type(value).__name__, *inner, rows, " ".join(map(str, value)))
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        inner = [str(np.asarray(value).ravel()[0])] if getattr(value, "size", 0) == 1 else []
        inner += [f"{len(value)} labels", f"{len(value)} images"] if value.shape else []
        values = ("NaN", "numbers from", "at index", "there are none", "got no", "got 0")
        if np.issubdtype(value.dtype, np.integer) and value.size:
            inner += [f"{int(value.max()):,}", f"{int(value.max()) + 1:,}"]
        return (type(value).__name__, str(tuple(value.shape)), str(value.dtype), *inner, *values)
    if isinstance(value, bool):
        return (str(value), str(value).lower())
    if isinstance(value, int | float):
        short = (f"{value:g}", f"{value:,}") if abs(value) < 1e300 else ("inf", str(value)[:40])
        return (str(value), type(value).__name__, *short, str(value).upper().replace("NAN", "NaN"))
    if isinstance(value, str):
        if not value:
            return ("''", "nothing", "empty", "none")
        return (repr(value), value, value.lower(), repr(value[0]))
    name = getattr(value, "__name__", type(value).__name__)
    return (name.replace("<lambda>", "lambda"), "a function", type(value).__name__, str(value))
