"""Running experiments: flags, run directories, checkpoints, progress, devices.

Modules load on first use, so that ``--help`` need not wait for JAX.
"""

import importlib
from types import ModuleType

_MODULES = (
    "checkpoints",
    "classifier_store",
    "command",
    "devices",
    "directory",
    "files",
    "history",
    "hosts",
    "memory",
    "own_network",
    "output",
    "painting",
    "presence",
    "progress",
    "search_run",
    "settings",
    "several",
    "tensorboard",
    "threads",
    "units",
    "victim",
    "victim_data",
)

__all__ = list(_MODULES)


def __getattr__(name: str) -> ModuleType:
    """Import a module on first use."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
