"""Processes, devices and files: flags, run directories, checkpoints, progress.

Modules load on first use, so that ``--help`` need not wait for JAX.
"""

import importlib
from types import ModuleType

_MODULES = (
    "checkpoints",
    "command",
    "devices",
    "directory",
    "files",
    "hosts",
    "output",
    "presence",
    "progress",
    "settings",
    "tensorboard",
    "threads",
)

__all__ = list(_MODULES)


def __getattr__(name: str) -> ModuleType:
    """Import a module on first use."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
