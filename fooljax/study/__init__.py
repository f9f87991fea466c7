"""What experiments are written against: settings, networks, cells, records, pages.

An experiment lists cells, computes each, makes records of what was found, and yields
the blocks of a page. Names load on first use, so that ``--help`` need not wait for JAX;
``__init__.pyi`` tells them to type checkers.
"""

import importlib

from fooljax.runtime.limits import (
    Batch,
    Confidence,
    Count,
    Label,
    Natural,
    NotNegative,
    Pieces,
    Pixels,
    Positive,
    Several,
    Share,
    Some,
)
from fooljax.runtime.settings import change
from fooljax.study.ensembles import ENSEMBLE_GROUPS, SMALL_JOINT, Ensembles, Joint
from fooljax.study.genotype import Genotype, build_encoding, chosen_encoding
from fooljax.study.look_cells import Looks, cells_of
from fooljax.study.paragraphs import Reading
from fooljax.study.settings import Evolving, Fooling, Hiding, Making, RunFlags, choose, radii_of
from fooljax.study.victim import Victim

#: Where a name is found that may need JAX.
_NAMES = {
    "accepted": "MEASURES PASSES QUALITIES on_clean on_fooling",
    "adaptive": "Gain RULE counts gains knowing outcome sum_up table_of_gains verdicts",
    "adversaries": "ADVERSARIES compare_accepted kept_out misled",
    "answerers": "Answerer check_answerers load_asked train_answerers",
    "attacked": "ATTACKED Outcome Radii accuracy_curves attack_all outcomes",
    "cells": "Cell Results compute gather grid key_of",
    "changes": "spell_sizes stretch",
    "classifiers": "Fits Networks RELATIONS given is_own network networks replicas splits_of",
    "climbed": "Climbed as_climbed climb_repeats",
    "columns": "spelled tabulate",
    "command": "launch",
    "defended": "Bench Defended Defense choose_defenses",
    "descriptors": "carry_references",
    "detection": "DETECTION KEPT certainty confidence coverage detect keep legend roc",
    "diagnosed": "diagnose findings_of",
    "drawings": "Drawing choose_measures",
    "evolved": "Evolved controls evolve_repeats express random_images table_of_controls",
    "filtering": "Filter filters",
    "fooling": "FOOLING",
    "guarding": "Guard guards",
    "heard": "LOUDNESS compare level table_of_levels",
    "history": "sum_up_traits",
    "illuminated": "Illuminated place_in_grid sort_niches sum_up_grid",
    "joint": "JOINT_MEASURES climb climb_by confidence_in_targets evolve_for find_nearest "
    "judge_whole noise_and_targets perturb take_turns",
    "leaderboard": "digests entry_rows",
    "loaded": "as_weighted starts",
    "looks": "show_grid",
    "makers": "MAKERS build choose_right first_right judge",
    "making": "Made Make Maker Makers Material SURE draw_classes of_classes repeated take",
    "matchers": "teach train_matchers",
    "memory": "afford",
    "others": "network_and_others prepare_others show_others table_of_others",
    "outputs": "all_logits confidences logits real_ones",
    "outsiders": "as_bytes choose_outsiders load_others noises",
    "page": "Block Figure Folded Heading Opening publish sections",
    "painting": "paint",
    "paragraphs": "Paragraphs load_paragraphs",
    "pictures": "full_range images lines matrix numbers ranges",
    "places": "draw order_of spread",
    "prepared": "Prepared prepare",
    "printed": "FGSM_EPSILONS Printed beside_papers table_of_printed",
    "published": "BAND BAND_NAME Published RELATED is_imagenet published_for "
    "retrained_table short_names",
    "questions_shown": "show_questions tell_answerers",
    "reached": "compare_band medians_of_band show_reached sum_up_progress table_of_first",
    "refusals": "refuse refuse_no_gradient refuse_ready_made refuse_seeing",
    "repeats": "beyond_chance by_repeat times unbounded",
    "reshaped": "stack wide",
    "rounds": "CONTROL Rounds first_and_last retrain train",
    "run": "Run opened",
    "searched": "Diverse SIDE ancestors browse choose_diverse diverse related tell_diverse",
    "searches": "SEARCHES SMOOTH_SEARCHES make_search",
    "sets": "ANSWERS NetworkSet NetworkSets as_one make_sets train_sets",
    "several": "one_of_several",
    "showing": "as_pictures experience is_shown note",
    "spreading": "MICRO_BATCH at_once plan_search sharing",
    "suited": "NO_NUMBERS Words how_shown only_pictures refuse_texts refuse_unsuited suit "
    "suited_outsiders words_for",
    "tables": "Record Row Table exactly join medians span summarize to_csv where within",
    "units": "Arrays",
    "variety": "Variety measure_variety",
    "variety_shown": "plain_variety show_variety",
    "victim_data": "blame renamed",
    "volumes": "compare_volumes left_of_volume measure_volumes shrinkage table_of_shrinkage",
    "weights": "weights_of with_weights",
    "wording": "against anew answer confidence_of counted duration of_several often plural power "
    "share spell sure",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}
#: Modules whose names are their own: ``study.hidden.Scene``.
_MODULES = ("hidden",)

__all__ = [
    "Batch",
    "Confidence",
    "Count",
    "ENSEMBLE_GROUPS",
    "Ensembles",
    "Evolving",
    "Fooling",
    "Genotype",
    "Hiding",
    "Joint",
    "Label",
    "Looks",
    "Making",
    "Natural",
    "NotNegative",
    "Pieces",
    "Pixels",
    "Positive",
    "Reading",
    "RunFlags",
    "SMALL_JOINT",
    "Several",
    "Share",
    "Some",
    "Victim",
    "build_encoding",
    "cells_of",
    "change",
    "choose",
    "chosen_encoding",
    "radii_of",
    *_HOME,
    *_MODULES,
]


def __getattr__(name: str) -> object:
    """Import a name on first use."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
