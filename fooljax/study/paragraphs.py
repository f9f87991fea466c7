"""Questions about paragraphs, from flags: what is asked, what is added, what is learned from."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from fooljax.runtime.limits import Batch, Count, Pieces

if TYPE_CHECKING:
    import numpy as np

    from fooljax.data import Passage, Vocabulary


@dataclass(frozen=True)
class Reading:
    """What is read, and the small networks that learn to read it.

    Attributes:
        dataset: facts (made up, comes with the package) or squad (Jia and Liang's adversarial
            SQuAD, pairs of SQuAD and GloVe below --data-dir).
        data_dir: folder with text/adversarial_squad, text/squad_pairs and text/glove.
        questions: that are asked, at most; a number of them drawn at random.
        common: commonest words, which searches draw from, and matchers know of facts, too.
        matchers: how many are trained, from seeds that count up; intervals are over them.
        train_passages: made-up passages that a matcher learns from; of squad, all pairs.
        train_steps: of its training.
        batch_size: passages in a training step.
    """

    dataset: Literal["facts", "squad"] = "facts"
    data_dir: str | None = None
    questions: Batch = 400
    common: Count = 1000
    matchers: Pieces = 5
    train_passages: Batch = 4000
    train_steps: Count = 600
    batch_size: Batch = 32


class Paragraphs(NamedTuple):
    """What is read, and what a matcher may learn from.

    Attributes:
        passages: as they were; what is asked.
        addsent: with a sentence at the end, all variants; addonesent: one variant each.
        teaching: other passages, to learn from.
        common: words that searches draw from.
        vocabulary: of a matcher.
        vectors: of its words, ``[m, d]``; None where they are trained.
        length: words that it reads of a text.
    """

    passages: "tuple[Passage, ...]"
    addsent: "tuple[Passage, ...]"
    addonesent: "tuple[Passage, ...]"
    teaching: "tuple[Passage, ...]"
    common: tuple[str, ...]
    vocabulary: "Vocabulary"
    vectors: "np.ndarray | None"
    length: int


def load_paragraphs(settings: Reading, seed: int) -> Paragraphs:
    """Make or read what is to be read.

    Args:
        settings: which, and how much of it.
        seed: decides what is made up, or which of the questions are asked.

    Raises:
        ValueError: if the data are not there, naming the flag.

    Example:
        >>> from fooljax import study
        >>> read = study.load_paragraphs(study.Reading(questions=3, train_passages=10), seed=0)
        >>> len(read.passages), len(read.teaching), read.passages[0].question
        (3, 10, 'What do farmers in Kaloland store in winter?')
        >>> len(read.addonesent[0].sentences) - len(read.passages[0].sentences)  # one was added
        1
    """
    from fooljax.study.victim_data import blame

    if settings.dataset == "facts":
        return _facts(settings, seed)
    with blame("--dataset squad"):
        return _squad(settings, seed)


def _facts(settings: Reading, seed: int) -> Paragraphs:
    from fooljax import data

    asked = data.make_facts(2 * seed, settings.questions)
    teaching = data.make_facts(2 * seed + 1, settings.train_passages).passages
    common = data.common_words()[: settings.common]
    texts = [text for one in teaching for text in (one.question, *one.sentences)]
    words = tuple(dict.fromkeys([*data.by_frequency(texts), *common]))
    some, every = data.distracted(asked, 0), data.distracted(asked)
    vocabulary = data.Vocabulary(words, 200)
    return Paragraphs(asked.passages, every, some, teaching, common, vocabulary, None, 16)


def _squad(settings: Reading, seed: int) -> Paragraphs:
    import numpy as np

    from fooljax import data

    folder = settings.data_dir or os.environ.get("FOOLJAX_DATA_DIR")
    if not folder:
        raise ValueError(
            "no download is known; give the folder that text/adversarial_squad, "
            "text/squad_pairs and text/glove lie in as --data-dir (or FOOLJAX_DATA_DIR)"
        )
    squad = data.read_adversarial_squad(folder)
    words, vectors = data.read_vectors(Path(folder) / "text/glove")
    draw = np.random.default_rng(seed)
    count = min(settings.questions, len(squad.originals))
    rows = np.sort(draw.permutation(len(squad.originals))[:count])
    asked = tuple(squad.originals[row] for row in rows)
    names = {one.name for one in asked}
    keep = lambda some: tuple(one for one in some if one.name in names)
    teaching = tuple(data.paragraphs_of_pairs(data.read_pairs(folder)))
    common = data.commonest(words, settings.common)
    vocabulary = data.Vocabulary(words, 2000)
    table = data.table_of(vocabulary, vectors)
    added = keep(squad.addsent), keep(squad.addonesent)
    return Paragraphs(asked, *added, teaching, common, vocabulary, table, 40)
