"""What experiments are written against: settings, networks, cells, records, pages.

An experiment lists cells, computes each, makes records of what was found, and yields
the blocks of a page. Names load on first use, so that ``--help`` need not wait for JAX.
"""

import importlib
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
from fooljax.study.settings import Evolving, Fooling, Making, RunFlags, choose
from fooljax.study.victim import Victim

if TYPE_CHECKING:  # the same names as below
    from fooljax.study.accepted import MEASURES, PASSES, QUALITIES, on_clean, on_fooling
    from fooljax.study.adaptive import (
        RULE,
        Gain,
        counts,
        gains,
        knowing,
        outcome,
        sum_up,
        table_of_gains,
        verdicts,
    )
    from fooljax.study.adversaries import ADVERSARIES, compare_accepted, kept_out, misled
    from fooljax.study.cells import Cell, Results, compute, gather, grid, key_of
    from fooljax.study.classifiers import (
        RELATIONS,
        Fits,
        Networks,
        confidences,
        is_own,
        logits,
        network,
        networks,
        replicas,
        splits_of,
        weights_of,
        with_weights,
    )
    from fooljax.study.command import launch
    from fooljax.study.defended import (
        PLAIN,
        Bench,
        Defended,
        Defense,
        Guard,
        choose_defenses,
        guard,
        guards,
    )
    from fooljax.study.descriptors import carry_references, read_grid
    from fooljax.study.detection import (
        DETECTION,
        KEPT,
        RATES,
        certainty,
        confidence,
        coverage,
        detect,
        keep,
        legend,
        roc,
    )
    from fooljax.study.drawings import Drawing, choose_measures
    from fooljax.study.evolved import (
        Evolved,
        controls,
        evolve,
        evolve_repeats,
        express,
        random_images,
        table_of_controls,
    )
    from fooljax.study.filtering import BARE, Filter, filters
    from fooljax.study.fooling import FOOLING
    from fooljax.study.heard import LOUDNESS, compare, level, loudness, table_of_levels
    from fooljax.study.illuminated import Illuminated, place_in_grid, sort_niches, sum_up_grid
    from fooljax.study.leaderboard import digests, entry_rows
    from fooljax.study.loaded import as_weighted, starts
    from fooljax.study.looks import show_grid
    from fooljax.study.makers import MAKERS, build, choose_right, first_right, judge
    from fooljax.study.making import (
        SURE,
        Made,
        Make,
        Maker,
        Makers,
        Material,
        draw_classes,
        of_classes,
        of_few_classes,
        repeated,
        take,
    )
    from fooljax.study.memory import afford
    from fooljax.study.others import (
        TAU,
        network_and_others,
        prepare_others,
        show_others,
        table_of_others,
    )
    from fooljax.study.outsiders import as_bytes, as_stored, choose_outsiders, load_others, noises
    from fooljax.study.page import Block, Figure, Folded, Heading, Opening, publish, sections
    from fooljax.study.painting import paint
    from fooljax.study.pictures import across, ends, images, lines, matrix, numbers, ranges
    from fooljax.study.places import draw, order_of, spread
    from fooljax.study.prepared import Prepared, prepare
    from fooljax.study.published import (
        BAND,
        BAND_NAME,
        RELATED,
        RETRAINED,
        Published,
        is_imagenet,
        published_for,
        retrained_table,
        short_names,
        until,
    )
    from fooljax.study.reached import (
        compare_band,
        first_above,
        medians_of_band,
        shares_above,
        show_reached,
    )
    from fooljax.study.refusals import refuse, refuse_ready_made
    from fooljax.study.reshaped import stack, wide
    from fooljax.study.rounds import CONTROL, Rounds, first_and_last, retrain, train
    from fooljax.study.run import Run, Settings, opened
    from fooljax.study.searched import (
        SIDE,
        Diverse,
        ancestors,
        browse,
        choose_diverse,
        diverse,
        related,
        tell_diverse,
    )
    from fooljax.study.searches import SEARCHES, SMOOTH_SEARCHES, make_search
    from fooljax.study.several import one_of_several
    from fooljax.study.showing import as_pictures, experience, is_shown, note
    from fooljax.study.suited import (
        NO_NUMBERS,
        Words,
        how_shown,
        refuse_texts,
        refuse_unsuited,
        suit,
        suited_outsiders,
        words_for,
    )
    from fooljax.study.tables import (
        Record,
        Row,
        Table,
        exactly,
        join,
        medians,
        span,
        summarize,
        to_csv,
        where,
    )
    from fooljax.study.units import Arrays
    from fooljax.study.variety import (
        Variety,
        effective_numbers,
        measure_variety,
        plain_variety,
        show_variety,
    )
    from fooljax.study.victim_data import blame, renamed
    from fooljax.study.volumes import (
        SMALLER,
        compare_volumes,
        left_of_volume,
        measure_volumes,
        shrinkage,
        table_of_shrinkage,
    )
    from fooljax.study.wording import against, answer, duration, power, share, spell, sure

_NAMES = {
    "fooljax.study.accepted": "MEASURES PASSES QUALITIES on_clean on_fooling",
    "fooljax.study.adaptive": "RULE Gain counts gains knowing outcome sum_up table_of_gains "
    "verdicts",
    "fooljax.study.adversaries": "ADVERSARIES compare_accepted kept_out misled",
    "fooljax.study.cells": "Cell Results compute gather grid key_of",
    "fooljax.study.classifiers": "RELATIONS Fits Networks confidences is_own logits network "
    "networks replicas splits_of weights_of with_weights",
    "fooljax.study.command": "launch",
    "fooljax.study.defended": "PLAIN Bench Defended Defense Guard choose_defenses guard guards",
    "fooljax.study.descriptors": "carry_references read_grid",
    "fooljax.study.detection": "DETECTION KEPT RATES certainty confidence coverage detect "
    "keep legend roc",
    "fooljax.study.drawings": "Drawing choose_measures",
    "fooljax.study.evolved": "Evolved controls evolve evolve_repeats express random_images "
    "table_of_controls",
    "fooljax.study.filtering": "BARE Filter filters",
    "fooljax.study.fooling": "FOOLING",
    "fooljax.study.heard": "LOUDNESS compare level loudness table_of_levels",
    "fooljax.study.illuminated": "Illuminated place_in_grid sort_niches sum_up_grid",
    "fooljax.study.leaderboard": "digests entry_rows",
    "fooljax.study.loaded": "as_weighted starts",
    "fooljax.study.looks": "show_grid",
    "fooljax.study.makers": "MAKERS build choose_right first_right judge",
    "fooljax.study.making": "SURE Made Make Maker Makers Material draw_classes of_classes "
    "of_few_classes repeated take",
    "fooljax.study.memory": "afford",
    "fooljax.study.others": "TAU network_and_others prepare_others show_others table_of_others",
    "fooljax.study.outsiders": "as_bytes as_stored choose_outsiders load_others noises",
    "fooljax.study.page": "Block Figure Folded Heading Opening publish sections",
    "fooljax.study.painting": "paint",
    "fooljax.study.pictures": "across ends images lines matrix numbers ranges",
    "fooljax.study.places": "draw order_of spread",
    "fooljax.study.prepared": "Prepared prepare",
    "fooljax.study.published": "BAND BAND_NAME RELATED RETRAINED Published is_imagenet "
    "published_for retrained_table short_names until",
    "fooljax.study.reached": "compare_band first_above medians_of_band shares_above show_reached",
    "fooljax.study.refusals": "refuse refuse_ready_made",
    "fooljax.study.reshaped": "stack wide",
    "fooljax.study.rounds": "CONTROL Rounds first_and_last retrain train",
    "fooljax.study.run": "Run Settings opened",
    "fooljax.study.searched": "SIDE Diverse ancestors browse choose_diverse diverse related "
    "tell_diverse",
    "fooljax.study.searches": "SEARCHES SMOOTH_SEARCHES make_search",
    "fooljax.study.several": "one_of_several",
    "fooljax.study.showing": "as_pictures experience is_shown note",
    "fooljax.study.suited": "NO_NUMBERS Words how_shown refuse_texts refuse_unsuited suit "
    "suited_outsiders words_for",
    "fooljax.study.tables": "Record Row Table exactly join medians span summarize to_csv where",
    "fooljax.study.units": "Arrays",
    "fooljax.study.variety": "Variety effective_numbers measure_variety plain_variety show_variety",
    "fooljax.study.victim_data": "blame renamed",
    "fooljax.study.volumes": "SMALLER compare_volumes left_of_volume measure_volumes shrinkage "
    "table_of_shrinkage",
    "fooljax.study.wording": "against answer duration power share spell sure",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "Batch",
    "Capacity",
    "Confidence",
    "Count",
    "Evolving",
    "Fooling",
    "Label",
    "Making",
    "Natural",
    "NotNegative",
    "Pieces",
    "Pixels",
    "Positive",
    "Rate",
    "RunFlags",
    "Seed",
    "Several",
    "Share",
    "Some",
    "Victim",
    "change",
    "choose",
    *_HOME,
]


def __getattr__(name: str) -> object:
    """Import a name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
