"""From flags to a run. Nothing here waits for JAX, so that ``--help`` answers at once."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from fooljax.runtime import command, settings

Config = TypeVar("Config")


def launch(
    main: Callable[[Config], object], presets: Mapping[str, Config], doc: str | None
) -> None:
    """Read settings from flags and run an experiment: the whole of a command line.

    Args:
        main: called with the settings.
        presets: settings by name; ``--preset NAME`` says where flags start from.
        doc: the experiment's docstring, shown by ``--help``; None without docstrings.

    Example:
        >>> from dataclasses import dataclass, field
        >>> from unittest import mock
        >>> from fooljax import study
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     dice: study.Pieces = 2
        ...     run: study.RunFlags = field(default_factory=study.RunFlags)
        >>> def main(config):
        ...     print(config.dice, "dice")
        >>> with mock.patch("sys.argv", ["throw.py", "--dice", "5"]):  # as a shell would
        ...     study.launch(main, {"default": Config()}, "Throw some dice.")
        5 dice
    """
    names = f"\nPresets: {', '.join(presets)} (--preset NAME; flags change single settings)."
    command.launch(
        main,
        presets,
        prog=" ".join(settings.program(module_of(main))),
        description=f"{doc or ''}{names}",
    )


def module_of(main: Callable[..., object]) -> str:
    """Return the module of a function as ``python -m`` takes it, also if it is the program.

    Typed in where there is no file, as in a notebook, it is called by its function's name.
    """
    if main.__module__ != "__main__":
        return main.__module__
    program = sys.modules["__main__"]
    spec = getattr(program, "__spec__", None)
    if spec is not None:
        return spec.name
    file = getattr(program, "__file__", None)
    return main.__name__ if file is None else Path(file).stem
