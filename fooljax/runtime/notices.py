"""What makes a run's results doubtful: warnings, kept beside it for its page and its summary.

Code that only suspects something calls ``warnings.warn`` with a sentence. On a command
line it is shown on stderr; in a run directory it is also kept in ``warnings.json``, from
where ``summary.json`` and the top of ``report.html`` take it, so that a resumed run says
what an uncut one would.
"""

import json
import sysconfig
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fooljax

FILE = "warnings.json"


class Incident(UserWarning):
    """Something that befell a run and leaves its results what they are: not kept."""


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Keep the warnings that are raised meanwhile, each once, in the order of their coming.

    Those of other libraries are shown as ever, and not kept.

    Args:
        folder: run directory; what an earlier part of the run kept stays.
    """
    from fooljax.runtime import files

    known = of(folder)
    show = warnings.showwarning

    def keep(message: Any, category: Any, filename: str, *rest: Any, **more: Any) -> None:
        if category is UserWarning and _ours(filename) and str(message) not in known:
            known.append(str(message))
            files.write_json(folder / FILE, known)
        show(message, category, filename, *rest, **more)

    with warnings.catch_warnings():
        warnings.showwarning = keep
        yield


def of(folder: Path) -> list[str]:
    """Return the sentences kept so far."""
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # nothing was kept; a damaged file is written anew
        return []
    return [str(one) for one in kept] if isinstance(kept, list) else []


def summarize(folder: Path, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``summary.json``, with the ``warnings`` of the run.

    Returns:
        The summary as written.
    """
    from fooljax.runtime import files

    whole = {**summary, "warnings": of(folder)}
    files.write_json(folder / "summary.json", whole)
    return whole


def _ours(filename: str) -> bool:
    """Tell whether a file is this package's or its user's, rather than another library's."""
    path = Path(filename).absolute()
    if path.is_relative_to(Path(fooljax.__file__).parent):
        return True
    others = {"site-packages", "dist-packages"} & set(path.parts)
    return not others and not path.is_relative_to(sysconfig.get_path("stdlib"))
