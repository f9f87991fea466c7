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
from fooljax.study.ensembles import ENSEMBLE_GROUPS, SMALL_JOINT, Ensembles, Joint
from fooljax.study.paragraphs import Reading
from fooljax.study.settings import Fooling, Hiding, Making, RunFlags, choose
from fooljax.study.victim import Victim

if TYPE_CHECKING:  # the same names as below
    from fooljax.study import hidden
    from fooljax.study.adaptive import (
        RULE,
        Gain,
        counts,
        gains,
        knowing,
        sum_up,
        table_of_gains,
        verdicts,
    )
    from fooljax.study.answerers import (
        ANSWERERS,
        Answerer,
        about_answerer,
        check_answerers,
        load_asked,
        train_answerers,
    )
    from fooljax.study.cells import Cell, Results, compute, gather, grid, key_of
    from fooljax.study.classifiers import (
        RELATIONS,
        Fits,
        Networks,
        all_logits,
        confidences,
        is_own,
        logits,
        network,
        networks,
        real_ones,
        replicas,
        splits_of,
        weights_of,
        with_weights,
    )
    from fooljax.study.climbed import Climbed, as_climbed, climb_repeats
    from fooljax.study.columns import spelled, tabulate
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
        RATES,
        certainty,
        confidence,
        coverage,
        detect,
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
    from fooljax.study.joint import (
        JOINT_MEASURES,
        climb,
        climb_by,
        confidence_in_targets,
        evolve_for,
        find_nearest,
        judge_whole,
        noise_and_targets,
        perturb,
        take_turns,
    )
    from fooljax.study.loaded import as_weighted, starts
    from fooljax.study.looks import show_grid
    from fooljax.study.makers import MAKERS, build, choose_right, judge
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
    from fooljax.study.matchers import MatcherFound, teach, train_matchers
    from fooljax.study.memory import afford
    from fooljax.study.others import (
        TAU,
        network_and_others,
        prepare_others,
        show_others,
        table_of_others,
    )
    from fooljax.study.outsiders import as_bytes, as_stored, choose_outsiders, load_others, noises
    from fooljax.study.page import Block, Figure, Folded, Heading, Opening, publish
    from fooljax.study.painting import paint
    from fooljax.study.paragraphs import Paragraphs, load_paragraphs
    from fooljax.study.pictures import across, ends, images, lines, matrix, numbers, ranges
    from fooljax.study.prepared import Prepared, prepare
    from fooljax.study.published import (
        BAND,
        BAND_NAME,
        RELATED,
        RETRAINED,
        Published,
        is_imagenet,
        published_for,
        retrained_for,
        short_names,
        until,
    )
    from fooljax.study.questions_shown import show_questions, tell_answerers
    from fooljax.study.reached import (
        compare_band,
        first_above,
        medians_of_band,
        shares_above,
        show_reached,
    )
    from fooljax.study.repeats import beyond_chance, by_repeat, times, unbounded
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
    from fooljax.study.sets import ANSWERS, NetworkSet, NetworkSets, as_one, make_sets, train_sets
    from fooljax.study.showing import as_pictures, experience, is_shown, note
    from fooljax.study.suited import (
        NO_NUMBERS,
        Words,
        how_shown,
        only_pictures,
        refuse_texts,
        refuse_unsuited,
        suit,
        words_for,
    )
    from fooljax.study.tables import (
        Record,
        Row,
        Table,
        exactly,
        finite,
        join,
        medians,
        span,
        summarize,
        to_csv,
        where,
        within,
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
    "fooljax.study.adaptive": "RULE Gain counts gains knowing sum_up table_of_gains verdicts",
    "fooljax.study.answerers": "ANSWERERS Answerer about_answerer check_answerers load_asked "
    "train_answerers",
    "fooljax.study.cells": "Cell Results compute gather grid key_of",
    "fooljax.study.classifiers": "RELATIONS Fits Networks all_logits confidences is_own logits "
    "network networks real_ones replicas splits_of weights_of with_weights",
    "fooljax.study.climbed": "Climbed as_climbed climb_repeats",
    "fooljax.study.columns": "spelled tabulate",
    "fooljax.study.command": "launch",
    "fooljax.study.defended": "PLAIN Bench Defended Defense Guard choose_defenses guard guards",
    "fooljax.study.descriptors": "carry_references read_grid",
    "fooljax.study.detection": "DETECTION RATES certainty confidence coverage detect legend roc",
    "fooljax.study.drawings": "Drawing choose_measures",
    "fooljax.study.evolved": "Evolved controls evolve evolve_repeats express random_images "
    "table_of_controls",
    "fooljax.study.filtering": "BARE Filter filters",
    "fooljax.study.fooling": "FOOLING",
    "fooljax.study.heard": "LOUDNESS compare level loudness table_of_levels",
    "fooljax.study.illuminated": "Illuminated place_in_grid sort_niches sum_up_grid",
    "fooljax.study.joint": "JOINT_MEASURES climb climb_by confidence_in_targets evolve_for "
    "find_nearest judge_whole noise_and_targets perturb take_turns",
    "fooljax.study.loaded": "as_weighted starts",
    "fooljax.study.looks": "show_grid",
    "fooljax.study.makers": "MAKERS build choose_right judge",
    "fooljax.study.making": "SURE Made Make Maker Makers Material draw_classes of_classes "
    "of_few_classes repeated take",
    "fooljax.study.matchers": "MatcherFound teach train_matchers",
    "fooljax.study.memory": "afford",
    "fooljax.study.others": "TAU network_and_others prepare_others show_others table_of_others",
    "fooljax.study.outsiders": "as_bytes as_stored choose_outsiders load_others noises",
    "fooljax.study.page": "Block Figure Folded Heading Opening publish",
    "fooljax.study.painting": "paint",
    "fooljax.study.paragraphs": "Paragraphs load_paragraphs",
    "fooljax.study.pictures": "across ends images lines matrix numbers ranges",
    "fooljax.study.prepared": "Prepared prepare",
    "fooljax.study.published": "BAND BAND_NAME RELATED RETRAINED Published is_imagenet "
    "published_for retrained_for short_names until",
    "fooljax.study.questions_shown": "show_questions tell_answerers",
    "fooljax.study.reached": "compare_band first_above medians_of_band shares_above show_reached",
    "fooljax.study.repeats": "beyond_chance by_repeat times unbounded",
    "fooljax.study.run": "Run Settings opened",
    "fooljax.study.searched": "SIDE Diverse ancestors browse choose_diverse diverse related "
    "tell_diverse",
    "fooljax.study.searches": "SEARCHES SMOOTH_SEARCHES make_search",
    "fooljax.study.sets": "ANSWERS NetworkSet NetworkSets as_one make_sets train_sets",
    "fooljax.study.showing": "as_pictures experience is_shown note",
    "fooljax.study.suited": "NO_NUMBERS Words how_shown only_pictures refuse_texts refuse_unsuited "
    "suit words_for",
    "fooljax.study.tables": "Record Row Table exactly finite join medians span summarize to_csv "
    "where within",
    "fooljax.study.units": "Arrays",
    "fooljax.study.variety": "Variety effective_numbers measure_variety plain_variety show_variety",
    "fooljax.study.victim_data": "blame renamed",
    "fooljax.study.volumes": "SMALLER compare_volumes left_of_volume measure_volumes shrinkage "
    "table_of_shrinkage",
    "fooljax.study.wording": "against answer duration power share spell sure",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

#: Modules whose names are their own: ``study.hidden.Scene``.
_MODULES = ("hidden",)

__all__ = [
    "ENSEMBLE_GROUPS",
    "SMALL_JOINT",
    "Batch",
    "Capacity",
    "Confidence",
    "Count",
    "Ensembles",
    "Fooling",
    "Joint",
    "Hiding",
    "Label",
    "Making",
    "Natural",
    "NotNegative",
    "Pieces",
    "Pixels",
    "Positive",
    "Rate",
    "Reading",
    "RunFlags",
    "Seed",
    "Several",
    "Share",
    "Some",
    "Victim",
    "change",
    "choose",
    "hidden",
    *_HOME,
]


def __getattr__(name: str) -> object:
    """Import a name on first use."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
