"""Population searches over images: archives, MAP-Elites, evolution strategies."""

from fooljax.evolution.archive import Archive, Challengers, Contest, compete, insert
from fooljax.evolution.cells import CVT, Cells, Grid, cvt, grid, place
from fooljax.evolution.descriptors import DESCRIPTORS, Descriptor, with_references
from fooljax.evolution.map_elites import Evolution, Generation, express_elites, map_elites
from fooljax.evolution.run import advance, lowered, memory_needed, repeat, start
from fooljax.evolution.strategies import Strategies, strategy

__all__ = [
    "CVT",
    "DESCRIPTORS",
    "Archive",
    "Cells",
    "Challengers",
    "Contest",
    "Descriptor",
    "Evolution",
    "Generation",
    "Grid",
    "Strategies",
    "advance",
    "compete",
    "cvt",
    "express_elites",
    "grid",
    "insert",
    "lowered",
    "map_elites",
    "memory_needed",
    "place",
    "repeat",
    "start",
    "strategy",
    "with_references",
]
