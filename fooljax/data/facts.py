"""A made-up reading task: paragraphs about countries that do not exist, and questions.

Synthetic, and as easy as it looks. What it shares with real questions is a short cut: all
sentences of a paragraph are about one country, so that a reader need not look at which.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fooljax.data.passages import Passage, add_sentence

_FRONT = ("Ar", "Bel", "Cor", "Dra", "El", "Fan", "Gor", "Hal", "Is", "Jor", "Kal", "Lor")
_MIDDLE = ("a", "e", "i", "o", "an", "en")
_BACK = ("via", "dor", "nia", "mark", "stan", "land", "ria", "gard", "sia", "beth")
_ANIMALS = (
    *("swallow", "heron", "otter", "badger", "falcon", "dolphin", "hare", "stork", "lynx", "owl"),
    *("beaver", "raven", "salmon", "wolf", "swan", "hedgehog", "lark", "bear", "seal", "crane"),
)
_THINGS = (
    *("salt", "copper", "honey", "wool", "timber", "silk", "barley", "amber", "tea", "wine"),
    *("cheese", "olives", "glass", "paper", "horses", "pearls", "rice", "tin", "coal", "figs"),
)
_PLACES = ("ton", "ville", "port", "burg", "ford", "haven")


class _Fact(NamedTuple):
    """What can be said and asked of a country ``{x}``, with an answer ``{v}``.

    Attributes:
        kind: of the answer.
        said: statements.
        asked: questions.
        altered: words of the statements, and what turns them into statements of another fact.
    """

    kind: str
    said: tuple[str, ...]
    asked: tuple[str, ...]
    altered: tuple[tuple[str, str], ...] = ()


_FACTS = (
    _Fact(
        "place",
        ("The capital of {x} is {v}.", "The government of {x} sits in {v}."),
        ("What is the capital of {x}?", "In which town does the government of {x} sit?"),
        (("capital", "village"), ("government", "opposition")),
    ),
    _Fact(
        "place",
        ("The longest river of {x} flows through {v}.", "A great river crosses {x} at {v}."),
        ("Through which town does the longest river of {x} flow?",),
        (("longest", "shortest"), ("great", "small")),
    ),
    _Fact(
        "animal",
        ("The flag of {x} shows a {v}.", "A {v} is sewn on the banner of {x}."),
        ("Which animal is on the flag of {x}?", "Which animal does the banner of {x} show?"),
        (("flag", "stamp"), ("banner", "coin")),
    ),
    _Fact(
        "animal",
        ("The best known song of {x} is about a {v}.", "Children in {x} sing of a clever {v}."),
        ("Which animal is the best known song of {x} about?",),
        (("best", "least"), ("clever", "stupid")),
    ),
    _Fact(
        "year",
        ("{x} was founded in {v}.", "The history of {x} begins in {v}."),
        ("In which year was {x} founded?", "When does the history of {x} begin?"),
        (("founded", "abandoned"), ("begins", "ends")),
    ),
    _Fact(
        "year",
        ("The old bridge of {x} fell in {v}.", "A flood took the old bridge of {x} in {v}."),
        ("In which year did the old bridge of {x} fall?",),
        (("old", "new"),),
    ),
    _Fact(
        "number",
        ("About {v} people live in {x}.", "The population of {x} is {v}."),
        ("How many people live in {x}?", "What is the population of {x}?"),
        (("live", "work"),),
    ),
    _Fact(
        "number",
        ("The highest mountain of {x} measures {v} feet.", "The peaks of {x} reach {v} feet."),
        ("How many feet does the highest mountain of {x} measure?",),
        (("highest", "lowest"), ("peaks", "valleys")),
    ),
    _Fact(
        "thing",
        ("Merchants from {x} sell {v} abroad.", "The chief export of {x} is {v}."),
        ("What do merchants from {x} sell abroad?", "What is the chief export of {x}?"),
        (("sell", "buy"), ("export", "import")),
    ),
    _Fact(
        "thing",
        ("In winter farmers in {x} store {v}.", "Barns in {x} are full of {v} in winter."),
        ("What do farmers in {x} store in winter?",),
        (("winter", "summer"),),
    ),
)

#: The made-up answer of each kind, always the same, as in the paper.
_FAKE = {"place": "Newhaven", "animal": "camel", "year": "1999", "number": "42", "thing": "mud"}
_COMMON = (
    "the of in and a is was to it that for on as with by from at which are be this has had not but "
    "all were their one they there his her its or an who when what where how many town people year "
    "first last old new great small about through before after until among between under over"
)


class Facts(NamedTuple):
    """Passages, and sentences that say the like of something else.

    Attributes:
        passages: a paragraph and a question each.
        distractors: for each passage several statements about another country, of which each
            has most words of the question and none answers it.
    """

    passages: tuple[Passage, ...]
    distractors: tuple[tuple[str, ...], ...]


def make_facts(seed: int, count: int, *, length: int = 5, distractors: int = 3) -> Facts:
    """Make passages about countries that do not exist, and sentences to distract.

    The sentences follow Jia and Liang's recipe for AddSent: exchange the name, and in every
    second one a word for its opposite, too; answer with a made-up answer of the right kind that
    is always the same, and state it. Nobody repairs them, since templates cannot go wrong.

    Args:
        seed: decides all of it.
        count: passages.
        length: sentences of a paragraph, in [2, 10], each of another fact.
        distractors: sentences to distract from each, at least 1.

    Raises:
        ValueError: if a number is out of its range.

    Example:
        >>> from fooljax import data
        >>> facts = data.make_facts(seed=0, count=4)
        >>> len(facts.passages[0].sentences)
        5
    """
    if not 2 <= length <= len(_FACTS):
        raise ValueError(f"length must be in [2, {len(_FACTS)}], got {length}")
    for name, number in (("count", count), ("distractors", distractors)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    every = [_make(np.random.default_rng([seed, i]), f"{seed}-{i}", length) for i in range(count)]
    passages = tuple(passage for passage, _, _ in every)
    found = []
    for i, (_, fact, country) in enumerate(every):
        draw = np.random.default_rng([seed, i, 1])
        found.append(tuple(_lure(draw, fact, country, k % 2 == 1) for k in range(distractors)))
    return Facts(passages, tuple(found))


def common_words() -> tuple[str, ...]:
    """Return some fifty common English words, for searches that may use no others.

    Example:
        >>> from fooljax import data
        >>> "the" in data.common_words()
        True
    """
    return tuple(dict.fromkeys(_COMMON.split()))


def _make(draw: np.random.Generator, name: str, length: int) -> tuple[Passage, _Fact, str]:
    """Return a passage, the fact that it asks for, and the country that it is about."""
    country = _country(draw)
    chosen = [_FACTS[i] for i in draw.choice(len(_FACTS), length, replace=False)]
    sentences = []
    for place, fact in enumerate(chosen):
        subject = country if place == 0 or draw.random() < 0.5 else "the country"
        said = _pick(draw, fact.said).format(x=subject, v=_VALUES[fact.kind](draw))
        sentences.append(said[0].upper() + said[1:])
    right = int(draw.integers(length))
    question = _pick(draw, chosen[right].asked).format(x=country)
    passage = Passage(f"fact {name}", country, question, tuple(sentences), (right,))
    return passage, chosen[right], country


def _lure(draw: np.random.Generator, fact: _Fact, country: str, opposite: bool) -> str:
    """State the fact of another country, or something like it."""
    other = _country(draw)
    while other == country:
        other = _country(draw)
    said = _pick(draw, fact.said).format(x=other, v=_FAKE[fact.kind])
    for word, other in fact.altered if opposite else ():
        said = said.replace(f" {word} ", f" {other} ")
    return said


def _pick(draw: np.random.Generator, some: Sequence[str]) -> str:
    return some[int(draw.integers(len(some)))]


def _country(draw: np.random.Generator) -> str:
    return _pick(draw, _FRONT) + _pick(draw, _MIDDLE) + _pick(draw, _BACK)


_VALUES: dict[str, Callable[[np.random.Generator], str]] = {
    "place": lambda draw: _pick(draw, _FRONT) + _pick(draw, _PLACES),
    "animal": lambda draw: _pick(draw, _ANIMALS),
    "year": lambda draw: str(int(draw.integers(900, 1900))),
    "number": lambda draw: f"{int(draw.integers(2, 90))}00",
    "thing": lambda draw: _pick(draw, _THINGS),
}


def distracted(facts: Facts, which: int | None = None) -> tuple[Passage, ...]:
    """Append a distractor to every paragraph: the given one, or each in turn, passage by passage.

    Args:
        facts: the passages.
        which: number of the distractor of each passage; all of them unless given.

    Example:
        >>> from fooljax import data
        >>> facts = data.make_facts(0, 4, distractors=2)
        >>> len(data.distracted(facts)), len(data.distracted(facts, 0))
        (8, 4)
    """
    both = zip(facts.passages, facts.distractors, strict=True)
    return tuple(
        add_sentence(passage, lure)
        for passage, lures in both
        for lure in (lures if which is None else lures[which : which + 1])
    )
