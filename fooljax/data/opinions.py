"""Sentences made by a grammar, whose class no single word decides: they need no network.

Each says of a film that something in it is good or bad. The class follows from a rule:
what counts is the last clause, and whether its adjective is denied. So every word occurs
in sentences of both classes, and a network that is sure of a class by one word is wrong
to be sure.
"""

import random
from collections.abc import Iterator, Sequence

import numpy as np

from fooljax.data.dataset import Splits
from fooljax.data.sentences import Sentences, encoded

CLASSES = ("negative", "positive")
_TRAIN, _TEST = 4000, 1000

_OPENINGS = (
    "",
    "",
    "we saw it last night and",
    "to tell the truth",
    "after two hours",
    "in the end",
    "on a second viewing",
    "compared to the book",
    "for a first feature",
    "as my sister said on the way home",
)
_SUBJECTS = (
    "the acting",
    "the plot",
    "the script",
    "the music",
    "the dialogue",
    "the camera work",
    "the cast",
    "the editing",
    "the ending",
    "the opening scene",
    "the lead",
    "the humor",
)
_VERBS = ("is", "was", "seems", "seemed", "looks", "felt")
_DENIALS = ("not", "never", "hardly", "anything but")
_AFFIRMATIONS = ("", "certainly", "indeed", "nothing but")
_DEGREES = ("", "", "very", "really", "quite", "so", "all that", "particularly")
_ADJECTIVES = (
    (
        *("dull", "clumsy", "boring", "weak", "awful", "tedious", "lazy", "silly", "flat"),
        *("stale", "hollow", "messy"),
    ),
    (
        *("brilliant", "funny", "moving", "sharp", "lovely", "clever", "fresh", "rich"),
        *("warm", "gripping", "elegant", "honest"),
    ),
)
_CLOSINGS = (
    "",
    "",
    "from start to finish",
    "and we talked about it for days",
    "which came as a surprise",
    "in a crowded theater",
    "if you ask me",
)


def read_opinions() -> Splits:
    """Make 4,000 sentences to learn from and 1,000 others to test on, the same everywhere.

    A sentence is an opening, perhaps a clause with "although", the clause that counts, and
    a closing. Half of the clauses deny their adjective, so neither adjectives nor denials
    tell anything alone.
    """
    made = list(_sentences(_TRAIN + _TEST))
    part = lambda rows: Sentences(
        tuple(text for text, _ in rows), np.array([label for _, label in rows]), CLASSES
    )
    return encoded(part(made[:_TRAIN]), part(made[_TRAIN:]))


def _sentences(count: int) -> Iterator[tuple[str, int]]:
    """Yield different sentences and their classes, which alternate."""
    drawn = random.Random(0)  # of it, random() is the same in every version of Python
    known = set[str]()
    while len(known) < count:
        label = len(known) % 2
        text = _sentence(drawn, label)
        if text not in known:
            known.add(text)
            yield text, label


def _sentence(drawn: random.Random, label: int) -> str:
    clauses = [_clause(drawn, label), _choose(drawn, _CLOSINGS), "."]
    if drawn.random() < 0.4:
        other = _clause(drawn, int(2 * drawn.random()))
        clauses = ["although", other, ",", *clauses]
    return " ".join(" ".join([_choose(drawn, _OPENINGS), *clauses]).split())


def _clause(drawn: random.Random, label: int) -> str:
    denied = int(2 * drawn.random())
    said = _choose(drawn, _DENIALS if denied else _AFFIRMATIONS)
    adjective = _choose(drawn, _ADJECTIVES[label ^ denied])
    parts = (_choose(drawn, _SUBJECTS), _choose(drawn, _VERBS), said, _choose(drawn, _DEGREES))
    return " ".join((*parts, adjective))


def _choose(drawn: random.Random, options: Sequence[str]) -> str:
    return options[int(len(options) * drawn.random())]
