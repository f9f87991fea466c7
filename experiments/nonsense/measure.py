"""What ``experiments.nonsense`` computes: pictures and questions that mean nothing, answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Making, Pieces, RunFlags, Several, Some, Victim

if TYPE_CHECKING:
    from fooljax.data import QuestionSet
    from fooljax.types import RandomKey

SUITS, NOT = "suit the question", "do not"


@dataclass(frozen=True)
class Config:
    """Show and ask networks nonsense: what do they answer, and how surely?

    Attributes:
        victim: --dataset is synthetic (made here), easy_vqa (vqa/easy_vqa.npz in --data-dir)
            or FILE.npz of the same layout; of the other flags those of training count.
        making: how pictures that fool are made; --images is how many of noise.
        models: architectures: pooled keeps of each feature of the picture only where it is
            strongest, flat keeps where it is, too.
        network_seeds: networks of each architecture, from other starting weights.
        questions: that pictures are made for, one for each answer.
        generators: how they are made: direct and cppn (evolved), ascent and
            others (gradient), noise and others (controls). An unknown name lists them all.
        reduced: questions about test pictures that words are taken from.
        pictures: test pictures that nonsense questions are asked about.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(dataset="synthetic", train_steps=1500))
    making: Making = field(default_factory=lambda: Making(generations=100))
    models: Several[str] = ("pooled", "flat")
    network_seeds: Pieces = 3
    questions: Some[str] = (
        *("what color is the shape?", "what shape is in the image?", "is there a red shape?"),
    )
    generators: Several[str] = ("direct", "cppn", "ascent", "noise")
    reduced: Batch = 300
    pictures: Batch = 20
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(dataset="synthetic", train_steps=40),
        making=Making(20, 3, 12, ascent_steps=5),
        models=("pooled",),
        network_seeds=2,
        questions=("what color is the shape?",),
        generators=("direct", "ascent", "noise"),
        reduced=20,
        pictures=2,
    ),
}


class Measured(NamedTuple):
    """What all cells found.

    Attributes:
        answers: to the questions of the test, and about noise; by network.
        fooled: pictures made for questions; by generator, question and network.
        reduced: questions with words taken away; by network.
        nonsense: the surest of all short texts for each answer; by network.
    """

    answers: study.Results
    fooled: study.Results
    reduced: study.Results
    nonsense: study.Results

    @property
    def everything(self) -> study.Results:
        """All cells."""
        return study.gather(*self)


def check_questions(config: Config, found: QuestionSet) -> None:
    """Refuse questions to be fooled that nobody could ask."""
    with study.blame("--questions"):
        for text in config.questions:
            fj.data.questions.encode(text, found.words, found.ids.shape[1])


def measure(
    run: study.Run[Config],
    found: QuestionSet,
    networks: Mapping[str, study.Answerer],
    makers: study.Makers,
) -> Measured:
    """Make pictures and questions that mean nothing, and ask all networks."""
    config, test = run.config, found.test
    ways = study.build("--generators", makers, config.making, found.input_shape)
    noise = study.noises(config.run.seed, found.input_shape, config.making.images)["uniform noise"]
    blank = np.zeros(len(test.images), np.int32)
    pictures = fj.data.from_arrays(test.images, blank, found.answers)
    material = study.take(pictures, pictures, np.arange(min(100, len(pictures.labels))))
    pairs = np.stack([test.picture, test.question], axis=1)

    def answer(key: RandomKey, part: str, network: str) -> Mapping[str, ArrayLike]:
        vqa = networks[network].vqa
        of_noise = fj.models.answer_each(vqa, noise, found.ids)
        return {
            "said": fj.models.answer_all(vqa, test.images, found.ids, pairs).argmax(axis=1),
            "of_noise": of_noise.argmax(axis=-1),
            "sure_of_noise": probabilities(of_noise).max(axis=-1),
        }

    def fool(
        key: RandomKey, part: str, generator: str, question: str, network: str
    ) -> Mapping[str, ArrayLike]:
        vqa = networks[network].vqa
        ids = fj.data.questions.encode(question, found.words, vqa.length)
        classifier = fj.models.asked(vqa, ids)
        made = ways[generator](key, classifier, material)
        logits = study.logits(classifier, made.images)
        return {"images": study.as_bytes(made.images), "labels": made.labels, "logits": logits}

    def reduce(key: RandomKey, part: str, network: str) -> Mapping[str, ArrayLike]:
        random = np.random.default_rng(config.run.seed)
        rows = np.sort(random.permutation(len(pairs))[: config.reduced])
        vqa, some = networks[network].vqa, pairs[rows]
        left = fj.analysis.shorten(random, vqa, test.images, found.ids, some)
        return {"row": rows, **left._asdict()}

    def babble(key: RandomKey, part: str, network: str) -> Mapping[str, ArrayLike]:
        images = test.images[: config.pictures]
        return fj.analysis.surest_texts(networks[network].vqa, images)._asdict()

    each = lambda part: study.grid(part=[part], network=networks)
    cells = study.grid(
        part=["fooled"], generator=makers, question=config.questions, network=networks
    )
    return Measured(
        study.compute(run, each("answers"), answer, "asking"),
        study.compute(run, cells, fool, "making pictures"),
        study.compute(run, each("reduced"), reduce, "taking words away"),
        study.compute(run, each("nonsense"), babble, "asking nonsense"),
    )


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the probability of each answer, ``[..., k]``."""
    import jax.numpy as jnp

    return np.asarray(fj.metrics.probabilities(jnp.asarray(logits)))


def judge(
    found: QuestionSet, networks: Mapping[str, study.Answerer], measured: Measured
) -> Iterator[study.Record]:
    """Yield a record for each thing measured; ``part`` says what it is about."""
    parts = {
        "right": (measured.answers, of_questions),
        "noise": (measured.answers, of_noise),
        "fooled": (measured.fooled, of_pictures),
        "reduced": (measured.reduced, of_reduced),
        "nonsense": (measured.nonsense, of_short_texts),
    }
    for part, (results, tell) in parts.items():
        for cell, arrays in results.found:
            network = networks[cell["network"]]
            about = {"network": cell["network"], "model": network.model, "repeat": network.repeat}
            yield from ({"part": part, **about, **one} for one in tell(found, cell, arrays))


def of_questions(
    found: QuestionSet, cell: study.Cell, arrays: study.Arrays
) -> Iterator[study.Record]:
    """Say how often a network is right where nothing is nonsense."""
    yield {"right": float(np.mean(arrays["said"] == found.test.answer))}


def of_noise(found: QuestionSet, cell: study.Cell, arrays: study.Arrays) -> Iterator[study.Record]:
    """Say what is answered about noise, and how surely, by question."""
    for place, question in enumerate(found.questions):
        said, sure = arrays["of_noise"][:, place], arrays["sure_of_noise"][:, place]
        counts = np.bincount(said, minlength=len(found.answers))
        yield {
            "question": question,
            "answer": found.answers[counts.argmax()],
            "commonest": float(counts.max() / len(said)),
            "confidence": float(np.median(sure)),
            "sure": float(np.mean(sure >= study.SURE)),
        }


def of_pictures(
    found: QuestionSet, cell: study.Cell, arrays: study.Arrays
) -> Iterator[study.Record]:
    """Say how sure a network is of each picture that was made for it."""
    shares, suiting = probabilities(arrays["logits"]), suit(found, cell["question"])
    for place, label in enumerate(arrays["labels"]):
        sure = float(shares[place, label])
        yield {
            "generator": cell["generator"],
            "question": cell["question"],
            "answer": found.answers[label],
            "answers": SUITS if int(label) in suiting else NOT,
            "confidence": sure,
            "reached": float(sure >= study.SURE),
        }


def suit(found: QuestionSet, question: str) -> set[int]:
    """Return the answers that suit a question: those true of any training picture; else all."""
    ids = fj.data.questions.encode(question, found.words, found.ids.shape[1])
    same = np.flatnonzero((found.ids == ids).all(axis=1))
    true = found.train.answer[np.isin(found.train.question, same)]
    return set(true.tolist()) or set(range(len(found.answers)))


def of_reduced(
    found: QuestionSet, cell: study.Cell, arrays: study.Arrays
) -> Iterator[study.Record]:
    """Say what is left of each question."""
    for place, row in enumerate(arrays["row"]):
        names = ("words", "left", "sure", "sure_left", "nothing", "at_random")
        yield {
            "question": found.questions[found.test.question[row]],
            "text": found.medium.spell(arrays["text"][place]),
            **{name: float(arrays[name][place]) for name in names},
        }


def of_short_texts(
    found: QuestionSet, cell: study.Cell, arrays: study.Arrays
) -> Iterator[study.Record]:
    """Say which short text gets each answer about each picture most surely."""
    for picture, row in enumerate(arrays["sure"]):
        for answer, sure in enumerate(row):
            yield {
                "picture": picture,
                "answer": found.answers[answer],
                "text": found.medium.spell(arrays["text"][picture, answer]),
                "confidence": float(sure),
                "reached": float(sure >= study.SURE),
                "any_sure": float(np.mean(arrays["every"][picture] >= study.SURE)),
            }


def tables(records: Sequence[study.Record]) -> dict[str, study.Table]:
    """Average over networks of other starting weights, a table for each part."""
    of = lambda part: study.where(records, part=part)
    mean, noise = study.summarize, ("confidence", "sure", "commonest")
    about = ("model", "question", "generator", "answers")
    return {
        "right": mean(of("right"), ["model"], ["right"]),
        "noise": mean(of("noise"), ("model", "question"), noise),
        "all_noise": mean(of("noise"), ["model"], noise),
        "fooled": mean(of("fooled"), about, ("reached", "confidence")),
        "reduced": mean(of("reduced"), ["model"], ("sure", "sure_left", "nothing", "at_random")),
        "nonsense": mean(of("nonsense"), ["model"], ("reached", "confidence", "any_sure")),
        "lengths": mean(of("reduced"), ["model"], ("words", "left"), over=study.span),
    }
