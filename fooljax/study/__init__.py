"""What experiments are written against: settings, networks, cells, records, pages.

An experiment lists cells, computes each, makes records of what was found, and yields
the blocks of a page. Modules load on first use, so that ``--help`` need not wait for
JAX.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from fooljax.runtime.limits import (
    Batch,
    Capacity,
    Confidence,
    Count,
    Label,
    Natural,
    NotNegative,
    Pieces,
    Pixels,
    Positive,
    Rate,
    Seed,
    Several,
    Share,
    Some,
)
from fooljax.runtime.settings import change
from fooljax.runtime.victim import Victim
from fooljax.study.settings import RunFlags, choose

if TYPE_CHECKING:
    from fooljax.runtime.units import Arrays
    from fooljax.runtime.victim import Prepared
    from fooljax.runtime.victim_data import blame
    from fooljax.study.cells import Cell, Results, compute, gather, grid, key_of
    from fooljax.study.command import launch
    from fooljax.study.networks import Networks, network, networks
    from fooljax.study.page import Block, Figure, Folded, Heading, Opening, paper, publish
    from fooljax.study.pictures import images, lines, matrix, numbers
    from fooljax.study.run import Run, Settings, opened
    from fooljax.study.tables import Record, Row, Table, summarize, where
    from fooljax.study.wording import duration, share, spell, sure

_HOMES = {
    "fooljax.runtime.units": ("Arrays",),
    "fooljax.runtime.victim": ("Prepared",),
    "fooljax.runtime.victim_data": ("blame",),
    "fooljax.study.cells": ("Cell", "Results", "compute", "gather", "grid", "key_of"),
    "fooljax.study.command": ("launch",),
    "fooljax.study.networks": ("Networks", "network", "networks"),
    "fooljax.study.page": (
        *("Block", "Figure", "Folded", "Heading", "Opening", "paper", "publish"),
    ),
    "fooljax.study.pictures": ("images", "lines", "matrix", "numbers"),
    "fooljax.study.run": ("Run", "Settings", "opened"),
    "fooljax.study.tables": ("Record", "Row", "Table", "summarize", "where"),
    "fooljax.study.wording": ("duration", "share", "spell", "sure"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Arrays",
    "Batch",
    "Block",
    "Capacity",
    "Cell",
    "Confidence",
    "Count",
    "Figure",
    "Folded",
    "Heading",
    "Label",
    "Natural",
    "Networks",
    "NotNegative",
    "Opening",
    "Pieces",
    "Pixels",
    "Positive",
    "Prepared",
    "Rate",
    "Record",
    "Results",
    "Row",
    "Run",
    "RunFlags",
    "Seed",
    "Settings",
    "Several",
    "Share",
    "Some",
    "Table",
    "Victim",
    "blame",
    "change",
    "choose",
    "compute",
    "duration",
    "gather",
    "grid",
    "images",
    "key_of",
    "launch",
    "lines",
    "matrix",
    "network",
    "networks",
    "numbers",
    "opened",
    "paper",
    "publish",
    "share",
    "spell",
    "summarize",
    "sure",
    "where",
]


def __getattr__(name: str) -> object:
    """Import a name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module: ModuleType = importlib.import_module(_HOME[name])
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
