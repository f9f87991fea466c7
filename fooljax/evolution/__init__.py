"""Population searches over images: archives, MAP-Elites, evolution strategies."""

from fooljax.evolution.archive import Archive, Challengers, Contest, compete, insert
from fooljax.evolution.descriptors import DESCRIPTORS, Descriptor, Grid, grid, with_references
from fooljax.evolution.map_elites import Evolution, Generation, express_elites, map_elites
from fooljax.evolution.run import advance, lowered, memory_needed, repeat, start
from fooljax.evolution.strategies import Strategies, strategy

__all__ = [
    "DESCRIPTORS",
    "Archive",
    "Challengers",
    "Contest",
    "Descriptor",
    "Evolution",
    "Generation",
    "Grid",
    "Strategies",
    "advance",
    "compete",
    "express_elites",
    "grid",
    "insert",
    "lowered",
    "map_elites",
    "memory_needed",
    "repeat",
    "start",
    "strategy",
    "with_references",
]
