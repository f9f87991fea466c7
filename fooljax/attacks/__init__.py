"""Attacks, by gradient and without: fooling images from nothing, and small perturbations."""

from fooljax.attacks import spaces, transforms
from fooljax.attacks.added_words import (
    AddedWords,
    WordsFound,
    add_words,
    is_right,
    right_by_name,
    verdict,
)
from fooljax.attacks.altered import blur, brightness, contrast, salt_and_pepper
from fooljax.attacks.apgd import apgd
from fooljax.attacks.ascent import ascent
from fooljax.attacks.ascents import ASCENTS, AscentEntry
from fooljax.attacks.attack import Attack, Passes, Point
from fooljax.attacks.brendel_bethge import brendel_bethge
from fooljax.attacks.carlini_wagner import carlini_wagner
from fooljax.attacks.catalog import CATALOG, UNIVERSAL
from fooljax.attacks.comparison import (
    WorstCase,
    accuracy_left,
    contradictions,
    strays,
    worst_case,
)
from fooljax.attacks.coordinate import coordinate
from fooljax.attacks.ddn import ddn
from fooljax.attacks.deepfool import deepfool
from fooljax.attacks.diagnostics import diagnose
from fooljax.attacks.elastic_net import elastic_net
from fooljax.attacks.entries import (
    AIMED,
    NORM_NAMES,
    Effort,
    Entry,
    Norm,
    UniversalEntry,
    aimed,
    own_attack,
)
from fooljax.attacks.estimated import nes, spsa
from fooljax.attacks.fab import fab
from fooljax.attacks.findings import Finding
from fooljax.attacks.fmn import fmn
from fooljax.attacks.goals import (
    Goal,
    answer,
    confident,
    cross_entropy,
    leads,
    leave,
    margin,
    reach,
)
from fooljax.attacks.hop_skip_jump import hop_skip_jump
from fooljax.attacks.hotflip import hotflip
from fooljax.attacks.jsma import jsma
from fooljax.attacks.lbfgs import lbfgs
from fooljax.attacks.losses import dlr, selective, success_odds
from fooljax.attacks.noise import noise
from fooljax.attacks.one_pixel import one_pixel
from fooljax.attacks.patch import Placement, apply_patch, patched_answers, placement
from fooljax.attacks.patch_training import train_patch, universal_patch
from fooljax.attacks.pgd import fgsm, pgd
from fooljax.attacks.published import PUBLISHED, published
from fooljax.attacks.reduction import reduction
from fooljax.attacks.regularization import Regularization
from fooljax.attacks.result import AttackResult, score, strongest
from fooljax.attacks.run import run
from fooljax.attacks.scores import score_evolution
from fooljax.attacks.several import InTurn, in_turn, on_each
from fooljax.attacks.simba import simba
from fooljax.attacks.sparse import sparse
from fooljax.attacks.spatial import spatial
from fooljax.attacks.square import square
from fooljax.attacks.standard import standard
from fooljax.attacks.standard_result import Stage, StandardResult
from fooljax.attacks.starts import STARTS, StartEntry, best_random_cppns
from fooljax.attacks.summary import summarize
from fooljax.attacks.sweep import sweep
from fooljax.attacks.triggers import TriggerResult, prepend, run_trigger
from fooljax.attacks.universal import Universal, UniversalResult, UniversalState, run_universal
from fooljax.attacks.universal_measures import (
    fooling_rate,
    perturbed_answers,
    random_perturbation,
    share_fooled,
)
from fooljax.attacks.universal_methods import universal_deepfool, universal_sgd

__all__ = [
    "AIMED",
    "ASCENTS",
    "CATALOG",
    "NORM_NAMES",
    "PUBLISHED",
    "STARTS",
    "UNIVERSAL",
    "AddedWords",
    "AscentEntry",
    "Attack",
    "AttackResult",
    "Effort",
    "Entry",
    "Finding",
    "Goal",
    "InTurn",
    "Norm",
    "Passes",
    "Placement",
    "Point",
    "Regularization",
    "Stage",
    "StandardResult",
    "StartEntry",
    "TriggerResult",
    "Universal",
    "UniversalEntry",
    "UniversalResult",
    "UniversalState",
    "WordsFound",
    "WorstCase",
    "accuracy_left",
    "add_words",
    "aimed",
    "answer",
    "apgd",
    "apply_patch",
    "ascent",
    "best_random_cppns",
    "blur",
    "brendel_bethge",
    "brightness",
    "carlini_wagner",
    "confident",
    "contradictions",
    "contrast",
    "coordinate",
    "cross_entropy",
    "ddn",
    "deepfool",
    "diagnose",
    "dlr",
    "elastic_net",
    "fab",
    "fgsm",
    "fmn",
    "fooling_rate",
    "hop_skip_jump",
    "hotflip",
    "in_turn",
    "is_right",
    "jsma",
    "lbfgs",
    "leads",
    "leave",
    "margin",
    "nes",
    "noise",
    "on_each",
    "one_pixel",
    "own_attack",
    "patched_answers",
    "perturbed_answers",
    "pgd",
    "placement",
    "prepend",
    "published",
    "random_perturbation",
    "reach",
    "reduction",
    "right_by_name",
    "run",
    "run_trigger",
    "run_universal",
    "salt_and_pepper",
    "score",
    "score_evolution",
    "selective",
    "share_fooled",
    "simba",
    "spaces",
    "sparse",
    "spatial",
    "spsa",
    "square",
    "standard",
    "strays",
    "strongest",
    "success_odds",
    "summarize",
    "sweep",
    "train_patch",
    "transforms",
    "universal_deepfool",
    "universal_patch",
    "universal_sgd",
    "verdict",
    "worst_case",
]
