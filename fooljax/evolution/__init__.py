"""Population searches over images: archives, MAP-Elites, evolution strategies."""

from fooljax.evolution.archive import Archive, Challengers, Contest, compete, insert
from fooljax.evolution.cells import CVT, Cells, Grid, cvt, grid, place
from fooljax.evolution.descriptors import DESCRIPTORS, Descriptor, with_references
from fooljax.evolution.dominated import Dominated, dominated_novelty
from fooljax.evolution.emitters import Emitters, cma_me
from fooljax.evolution.gradient_emitters import cma_mega, omg_mega
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
    "Dominated",
    "Emitters",
    "Evolution",
    "Generation",
    "Grid",
    "Strategies",
    "advance",
    "cma_me",
    "cma_mega",
    "compete",
    "cvt",
    "dominated_novelty",
    "express_elites",
    "grid",
    "insert",
    "lowered",
    "map_elites",
    "memory_needed",
    "omg_mega",
    "place",
    "repeat",
    "start",
    "strategy",
    "with_references",
]
