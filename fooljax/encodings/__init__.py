"""Search spaces of inputs: draw a genome, vary it, paint it."""

from fooljax.encodings.alphabets import ALPHABETS
from fooljax.encodings.catalog import CATALOG, Entry, own_encoding
from fooljax.encodings.characters import characters
from fooljax.encodings.color import hls_to_rgb, hsv_to_rgb
from fooljax.encodings.cppn import cppn
from fooljax.encodings.cppn_genome import Cppn, Rates
from fooljax.encodings.direct import direct
from fooljax.encodings.flicker import flicker
from fooljax.encodings.partials import Partials, partials
from fooljax.encodings.tokens import tokens
from fooljax.encodings.variation import (
    iso_line_dd,
    polynomial,
    polynomial_mutation,
    simulated_binary_crossover,
)
from fooljax.encodings.voxels import thresholded, voxels
from fooljax.encodings.waveform import waveform

__all__ = [
    "ALPHABETS",
    "CATALOG",
    "Cppn",
    "Entry",
    "Partials",
    "Rates",
    "characters",
    "cppn",
    "direct",
    "flicker",
    "hls_to_rgb",
    "hsv_to_rgb",
    "iso_line_dd",
    "own_encoding",
    "partials",
    "polynomial",
    "polynomial_mutation",
    "simulated_binary_crossover",
    "thresholded",
    "tokens",
    "voxels",
    "waveform",
]
