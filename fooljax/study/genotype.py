"""From flags that say how inputs are encoded to the encoding: what evolves, and how it varies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import fooljax as fj
from fooljax.runtime.limits import Capacity, Natural, Rate
from fooljax.study.settings import choose

if TYPE_CHECKING:
    import optax

    from fooljax.media import Medium
    from fooljax.types import Encoding


@dataclass(frozen=True)
class Genotype:
    """What evolves, and how children differ from their parents.

    Attributes:
        encoding: direct (every pixel a gene, irregular images), cppn (a small
            network paints the image, regular images), or FILE.py:NAME for a function of
            your own, shape -> Encoding. Of sounds also waveform (samples) and partials (a few
            tones), of videos voxels and flicker, of texts characters and tokens (words).
        alphabet: of texts by their characters: latin (a to z and the space), all, or the
            characters themselves.
        variation: how children of the direct encoding are made: polynomial
            mutation, the same after SBX crossover (inherit, or original with its
            resetting of genes the parents share), or iso_line (Iso+LineDD).
        mutation_rate: probability that a gene, a CPPN's weight or its function
            mutates.
        halve_rate_every: generations after which the mutation rate of the
            direct encoding halves; never if 0.
        genes: what a gene of the direct encoding is kept as: float32, or uint8, which
            takes a quarter of the memory and of the checkpoints.
        coordinates: of the CPPN: raw pixel counts (the paper's, fine stripes) or
            normalized to [-1, 1] (broad shapes).
        color: meaning of three channels: hls (the paper's code), hsv, rgb.
        nodes: capacity of a CPPN in nodes.
        edges: capacity of a CPPN in edges.
    """

    encoding: str = "direct"
    alphabet: str = "latin"
    variation: Literal["polynomial", "inherit", "original", "iso_line"] = "polynomial"
    mutation_rate: Rate = 0.1
    halve_rate_every: Natural = 0
    genes: Literal["float32", "uint8"] = "float32"
    coordinates: Literal["raw", "normalized"] = "raw"
    color: Literal["hls", "hsv", "rgb"] = "hls"
    nodes: Capacity = 64
    edges: Capacity = 128


def chosen_encoding(genotype: Genotype) -> fj.encodings.Entry:
    """Return the entry of the encoding that was asked for.

    Raises:
        ValueError: if there is none of the name, if the user's file cannot be run, or for
            flags of another encoding.

    Example:
        >>> from fooljax import study
        >>> study.chosen_encoding(study.Genotype(encoding="cppn")).words
        'as patterns, painted by small networks (CPPNs)'
        >>> try:
        ...     study.chosen_encoding(study.Genotype(encoding="cppn", variation="iso_line"))
        ... except ValueError as error:
        ...     print(error)
        --variation, --halve-rate-every and --genes belong to --encoding direct
    """
    name, usual = genotype.encoding, Genotype()
    changed = lambda *flags: any(getattr(genotype, one) != getattr(usual, one) for one in flags)
    if name != "direct" and changed("variation", "halve_rate_every", "genes"):
        raise ValueError("--variation, --halve-rate-every and --genes belong to --encoding direct")
    if name != "cppn" and changed("coordinates", "nodes", "edges"):
        raise ValueError("--coordinates, --nodes and --edges belong to --encoding cppn")
    if name not in ("direct", "cppn") and changed("mutation_rate", "color"):
        raise ValueError("--mutation-rate and --color belong to --encoding direct and cppn")
    if genotype.variation == "iso_line" and changed("mutation_rate", "halve_rate_every"):
        raise ValueError(
            "--variation iso_line changes every gene; leave --mutation-rate and "
            "--halve-rate-every out"
        )
    if genotype.alphabet != usual.alphabet and name != "characters":
        raise ValueError("--alphabet belongs to --encoding characters; leave it out")
    return choose("--encoding", [name], fj.encodings.CATALOG, fj.encodings.own_encoding)[name]


def build_encoding(
    genotype: Genotype, shape: tuple[int, ...], medium: Medium, smooth: bool = False
) -> Encoding:
    """Return the search space of inputs of a shape.

    Args:
        genotype: the settings.
        shape: of an input.
        medium: what it is.
        smooth: whether gradients must lead through it, so that pixels have no steps.

    Raises:
        ValueError: if there is none, naming the flag.

    Example:
        >>> import jax
        >>> from fooljax import study
        >>> from fooljax.media import Pictures
        >>> encoding = study.build_encoding(study.Genotype(color="rgb"), (8, 8, 1), Pictures())
        >>> encoding.express(encoding.init(jax.random.key(0))).shape
        (8, 8, 1)
    """
    entry, kind = chosen_encoding(genotype), fj.media.kind(medium)
    try:
        if kind not in entry.takes:
            fit = [name for name, one in fj.encodings.CATALOG.items() if kind in one.takes]
            raise ValueError(
                f"the network takes {kind}, and this makes {' or '.join(entry.takes)}; give "
                f"{' or '.join(fit)}"
            )
        if kind == "pictures" and shape[2] not in (1, 3):
            raise ValueError(f"images of 1 or 3 channels are needed, got {shape}")
        usual = entry.build(shape, medium)  # refuses what the encoding cannot make
        match genotype.encoding:
            case "direct":
                return _direct(genotype, shape, smooth)
            case "cppn":
                return _cppn(genotype, shape)
            case "characters":
                return fj.encodings.characters(shape[0], genotype.alphabet)
        return usual
    except ValueError as error:
        raise ValueError(f"--encoding {genotype.encoding}: {error}") from error


def _direct(genotype: Genotype, shape: tuple[int, ...], smooth: bool) -> Encoding:
    import optax

    rate: float | optax.Schedule = genotype.mutation_rate
    if genotype.halve_rate_every:
        rate = optax.exponential_decay(rate, genotype.halve_rate_every, 0.5, staircase=True)
    if genotype.variation == "iso_line":
        vary = fj.encodings.iso_line_dd()
    else:
        crossover = "none" if genotype.variation == "polynomial" else genotype.variation
        # draws of 16 bits are too coarse for rates that keep halving
        coarse = genotype.genes == "uint8" and not genotype.halve_rate_every
        vary = fj.encodings.polynomial(rate, crossover=crossover, coarse=coarse)
    levels = None if smooth else 256  # steps have no gradient
    return fj.encodings.direct(shape, vary, genotype.color, levels, storage=genotype.genes)


def _cppn(genotype: Genotype, shape: tuple[int, ...]) -> Encoding:
    rates = fj.encodings.Rates(weight=genotype.mutation_rate, function=genotype.mutation_rate)
    sizes, looks = (genotype.nodes, genotype.edges), (genotype.coordinates, genotype.color)
    try:
        return fj.encodings.cppn(shape, *sizes, rates, *looks)
    except ValueError as error:
        raise ValueError(f"--nodes, --edges: {error}") from error
