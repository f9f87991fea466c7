"""What a user's own file holds, ``FILE.py:NAME``."""

import functools
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from fooljax.spelling import meant


def names_file(word: str) -> bool:
    """Tell a name in a file of the user's own from a name in a catalog."""
    return ".py:" in word


def take(flag: str, word: str) -> Any:
    """Run the user's file and take what it names.

    Modules beside the file can be imported by it, as if it were run by itself. A file that
    has not changed is run once, so that what it names is one object.

    Args:
        flag: that named it, with its dashes.
        word: ``FILE.py:NAME``.

    Raises:
        ValueError: if there is no such file or name, or the file cannot be run.
    """
    file, _, name = word.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"{flag} {word}: there is no file {path}; give FILE.py:NAME")
    module = _run(path, path.stat().st_mtime_ns, f"{flag} {word}")
    found = getattr(module, name, None)
    if found is None:
        names = [one for one in vars(module) if not one.startswith("_")]
        hint = meant(name, names)
        raise ValueError(
            f"{flag} {word}: {name!r} is not there, or None; {hint}There are "
            f"{', '.join(names) or 'none'}"
        )
    return found


@functools.cache
def _run(path: Path, changed: int, about: str) -> ModuleType:
    del changed
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{about}: {path} is not a Python file; give FILE.py:NAME")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # dataclasses look their module up
    folder = str(path.parent.absolute())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"{about}: the file cannot be run ({type(error).__name__}: {error}); mend it, until "
            f"python {path} ends without an error"
        ) from error
    return module
