"""What ``experiments.ask`` computes: what networks answer to questions, whole and in part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Pieces, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.data import QuestionSet
    from fooljax.models import VQA
    from fooljax.types import RandomKey

KINDS = {
    "question word (what)": ("what",),
    "negation (not, no)": ("no", "not"),
    "name of a color": tuple(["black", "blue", "brown", "gray", "green", "red", "teal", "yellow"]),
    "name of a shape": ("circle", "rectangle", "triangle"),
    "the words color and shape": ("color", "shape"),
}
REST = "all other words"
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a question's words


@dataclass(frozen=True)
class Config:
    """Ask networks about pictures: do they listen to the end, and do they look?

    Attributes:
        victim: --dataset is synthetic (made here), easy_vqa (vqa/easy_vqa.npz in --data-dir)
            or FILE.npz of the same layout; of the other flags those of training count.
        models: architectures: pooled keeps of each feature of the picture only where it is
            strongest, flat keeps where it is, too.
        network_seeds: networks of each architecture, from other starting weights.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(dataset="synthetic", train_steps=1500))
    models: Several[str] = ("pooled", "flat")
    network_seeds: Pieces = 3
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        Victim(dataset="synthetic", train_steps=40), models=("pooled",), network_seeds=2
    ),
}


def measure(
    run: study.Run[Config], found: QuestionSet, networks: Mapping[str, study.Answerer]
) -> study.Results:
    """Ask all networks everything."""

    def answer(key: RandomKey, part: str, network: str) -> Mapping[str, np.ndarray]:
        return ask(networks[network].vqa, found, run.config.run.seed)

    cells = study.grid(part=["answers"], network=networks)
    return study.compute(run, cells, answer, "asking")


def ask(vqa: VQA, found: QuestionSet, seed: int) -> dict[str, np.ndarray]:
    """Ask a network about all test pictures, in full, in part, and without looking.

    Returns:
        Numbers of answers: ``cut`` ``[shares, s]`` to the first words of the questions asked,
        ``cut_up`` to a word more if need be,
        ``every`` ``[p, q]`` to all questions about all pictures, ``mean`` ``[q]`` about the
        mean picture, ``other`` ``[s]`` about another picture, ``dropped`` ``[kinds, s]``
        without the words of a kind, ``random`` ``[kinds, s]`` without as many others.
    """
    test, texts, random = found.test, fj.data.questions, np.random.default_rng(seed)
    pairs = np.stack([test.picture, test.question], axis=1)
    best = lambda logits: np.asarray(logits).argmax(axis=-1).astype(np.int16)
    of = lambda ids, pairs=pairs: best(fj.models.answer_all(vqa, test.images, ids, pairs))
    first = lambda up: [of(texts.first_words(found.ids, share, up)) for share in SHARES]
    gone = [which[found.ids] for which in kinds_of(found.words).values()]
    mean = found.train.images.mean(axis=0, dtype=np.float64).astype(np.float32)[None] / 255.0
    others = np.stack([random.permutation(test.picture), test.question], axis=1)
    at_random = [texts.as_many(random, found.ids, one) for one in gone]
    return {
        "cut": np.stack(first(False)),
        "cut_up": np.stack(first(True)),
        "every": best(fj.models.answer_each(vqa, test.images, found.ids)),
        "mean": best(fj.models.answer_each(vqa, mean, found.ids)[0]),
        "other": of(found.ids, others),
        "dropped": np.stack([of(texts.without(found.ids, one)) for one in gone]),
        "random": np.stack([of(texts.without(found.ids, one)) for one in at_random]),
    }


def kinds_of(words: Sequence[str]) -> dict[str, np.ndarray]:
    """Tell for each kind of words which numbers are of it; ``[words]`` each."""
    found = {kind: np.isin(words, names) for kind, names in KINDS.items()}
    rest = ~np.any(list(found.values()), axis=0) & (np.arange(len(words)) > 1)
    return {kind: which for kind, which in {**found, REST: rest}.items() if which.any()}
