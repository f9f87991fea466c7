"""What ``experiments.ask`` computes: networks, their answers, and what fools them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Making, Pieces, RunFlags, Several, Some, Victim

if TYPE_CHECKING:
    from fooljax.models import VQA

KINDS = {
    "question word (what)": ("what",),
    "negation (not, no)": ("no", "not"),
    "name of a color": tuple(["black", "blue", "brown", "gray", "green", "red", "teal", "yellow"]),
    "name of a shape": ("circle", "rectangle", "triangle"),
    "the words color and shape": ("color", "shape"),
}
REST = "all other words"
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a question's words
BATCH, RATE, STEPS = 128, 3e-3, 1500
MODELS = {
    "pooled": "keeps of each feature of the picture only where it is strongest",
    "flat": "keeps of each feature of the picture where it is, place by place",
}


@dataclass(frozen=True)
class Config:
    """Ask networks about pictures: do they listen, do they look, and what fools them?

    Attributes:
        victim: --dataset is synthetic (made here), easy_vqa (vqa/easy_vqa.npz in --data-dir)
            or FILE.npz of the same layout; of the other flags those of training count.
        making: how pictures that fool are made; --images is how many of noise.
        models: architectures: pooled keeps of each feature of the picture only where it is
            strongest, flat keeps where it is, too.
        network_seeds: networks of each architecture, from other starting weights.
        questions: that pictures are made for, one for each answer.
        generators: how they are made: direct and cppn (evolved), ascent and others
            (gradient), noise and others (controls). An unknown name lists them all.
        reduced: questions about test pictures that words are taken from.
        pictures: test pictures that nonsense questions are asked about.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(dataset="synthetic", train_steps=STEPS))
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


class Network(NamedTuple):
    """A network, and what is said of it.

    Attributes:
        vqa: the network.
        model: its architecture.
        repeat: which of its architecture.
        prepared: the same as pages take it.
    """

    vqa: VQA
    model: str
    repeat: int
    prepared: study.Prepared


Networks = Mapping[str, Network]


class Measured(NamedTuple):
    """What all cells found.

    Attributes:
        answers: to whole and cut questions, with and without the picture; by network.
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


def check(config: Config) -> None:
    """Refuse impossible settings, naming the flag."""
    plain, settings = Victim(), config.victim
    study.choose("--models", config.models, MODELS)
    for name in ("model", "image_size", "weights", "view", "recipe", "accuracy_images"):
        if getattr(settings, name) != getattr(plain, name):
            flag = f"--{name.replace('_', '-')}"
            raise ValueError(
                f"{flag}: networks that answer questions are trained here, as --models and "
                f"--train-steps say; leave {flag} out"
            )
    if settings.train_epsilon is not None:
        raise ValueError("--train-epsilon: pictures are not changed in training; leave it out")


def load(run: study.Run[Config]) -> fj.data.QuestionSet:
    """Load the questions, and refuse those to be fooled that nobody could ask."""
    from fooljax.runtime import inputs

    victim = run.config.victim
    with study.blame("--dataset"):
        found = fj.data.load_questions(victim.dataset, victim.data_dir)
    with study.blame("--questions"):
        for text in run.config.questions:
            fj.data.questions.encode(text, found.words, found.ids.shape[1])
    halves = {"train": found.train, "test": found.test}
    inputs.same_images(
        run.folder,
        {
            f"{victim.dataset} {name} {part}": array
            for name, half in halves.items()
            for part, array in half._asdict().items()
        },
    )
    return found


def train(run: study.Run[Config], found: fj.data.QuestionSet) -> dict[str, Network]:
    """Train all networks, or read those that are kept."""
    config, networks = run.config, {}
    place = Path(config.victim.classifier or run.folder / "networks")
    for model in config.models:
        for repeat in range(config.network_seeds):
            name = model if config.network_seeds == 1 else f"{model} {repeat + 1}"
            networks[name] = _trained(run, found, model, repeat, place / name.replace(" ", "-"))
    return networks


def _trained(
    run: study.Run[Config], found: fj.data.QuestionSet, model: str, repeat: int, place: Path
) -> Network:
    import sys

    import jax

    from fooljax.runtime import hosts, identity, progress
    from fooljax.study import classifier_store

    victim = run.config.victim
    steps, seed = victim.train_steps or STEPS, victim.train_seed + repeat
    module = fj.models.VQANet(len(found.answers), len(found.words), model == "pooled")
    key_start, key_fit = jax.random.split(jax.random.key(seed))
    vqa = fj.models.init_vqa(key_start, module, found.input_shape, found.ids.shape[1])
    settings = {
        "dataset": victim.dataset,
        "digest": identity.of_arrays([*found.train, found.ids])[:16],
        "model": model,
        "train_steps": steps,
        "train_seed": seed,
    }
    weights = lambda vqa: dataclasses.replace(fj.models.asked(vqa, found.ids[0]), params=vqa.params)
    stored = classifier_store.load(place, weights(vqa), settings)
    if stored is None:
        if hosts.first():
            classifier_store.check_place(place)
        recipe = fj.training.quick(steps, BATCH, RATE)
        start = fj.models.about(vqa, found.train.images)
        with progress.bar(f"training {model} {repeat + 1}", steps) as show:
            show(0, "compiling ...")
            watch = lambda step, loss: show(step, f"loss {loss:.4f}")
            fit, _ = fj.training.fit(
                key_fit, start, as_rows(found, found.train), **recipe._asdict(), on_chunk=watch
            )
        vqa = vqa._replace(params=hosts.from_first(fit.params["params"]))
    else:
        vqa = vqa._replace(params=stored.params)
    right = fj.training.evaluate(
        fj.models.about(vqa, found.test.images), as_rows(found, found.test)
    )
    if stored is None:
        classifier_store.save(place, weights(vqa), settings, right)
    print(f"{model} {repeat + 1}: {100 * right:.2f} % right", file=sys.stderr)
    origin = f"trained on {victim.dataset} ({steps} steps); it {MODELS[model]}"
    return Network(vqa, model, repeat, study.Prepared(weights(vqa), found.answers, right, origin))


def as_rows(found: fj.data.QuestionSet, half: fj.data.Asked) -> fj.data.Dataset:
    """Return questions as rows, number of the picture and words, with their answers."""
    rows = np.concatenate([half.picture[:, None], found.ids[half.question]], axis=1)
    return fj.data.from_arrays(rows, half.answer, found.answers, fj.media.Texts())


def measure(
    run: study.Run[Config], found: fj.data.QuestionSet, networks: Networks, makers: study.Makers
) -> Measured:
    """Ask all networks everything, and make pictures and questions that fool them."""
    config = run.config
    ways = study.build("--generators", makers, config.making, found.input_shape)
    noise = study.noises(config.run.seed, found.input_shape, config.making.images)["uniform noise"]
    pictures = fj.data.from_arrays(
        found.test.images, np.zeros(len(found.test.images), np.int32), found.answers
    )
    material = study.take(pictures, pictures, np.arange(min(100, len(pictures.labels))))

    def answer(key: Any, network: str) -> Mapping[str, Any]:
        return ask(networks[network].vqa, found, noise, config.run.seed)

    def fool(key: Any, generator: str, question: str, network: str) -> Mapping[str, Any]:
        vqa = networks[network].vqa
        ids = fj.data.questions.encode(question, found.words, vqa.length)
        classifier = fj.models.asked(vqa, ids)
        made = ways[generator](key, classifier, material)
        logits = study.logits(classifier, made.images)
        return {"images": study.as_bytes(made.images), "labels": made.labels, "logits": logits}

    def take_away(key: Any, network: str) -> Mapping[str, Any]:
        return reduce(networks[network].vqa, found, config.reduced, config.run.seed)

    def try_all(key: Any, network: str) -> Mapping[str, Any]:
        return nonsense(networks[network].vqa, found, config.pictures)

    part = lambda name, cells: [{"part": name, **cell} for cell in cells]
    inner = lambda make: lambda key, part, **cell: make(key, **cell)
    each = study.grid(network=networks)
    every = study.grid(generator=makers, question=config.questions, network=networks)
    return Measured(
        study.compute(run, part("answers", each), inner(answer), "asking"),
        study.compute(run, part("fooled", every), inner(fool), "making pictures"),
        study.compute(run, part("reduced", each), inner(take_away), "taking words away"),
        study.compute(run, part("nonsense", each), inner(try_all), "asking nonsense"),
    )


def ask(
    vqa: VQA, found: fj.data.QuestionSet, noise: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Ask a network about all test pictures, in full, in part, and without looking.

    Returns:
        Numbers of answers: ``cut`` ``[shares, s]`` to the first words of the questions asked,
        ``cut_up`` to a word more if need be,
        ``every`` ``[p, q]`` to all questions about all pictures, ``mean`` ``[q]`` about the
        mean picture, ``other`` ``[s]`` about another picture, ``dropped`` ``[kinds, s]``
        without the words of a kind, ``random`` ``[kinds, s]`` without as many others; and
        ``sure`` ``[s]`` and ``sure_of_noise`` ``[noise, q]``, confidences, with ``of_noise``
        the answers.
    """
    test, count = found.test, len(found.ids)
    random = np.random.default_rng(seed)
    pairs = np.stack([test.picture, test.question], axis=1)
    of = lambda ids: fj.models.answer_all(vqa, test.images, ids, pairs)
    every = lambda images: fj.models.answer_all(
        vqa, images, found.ids, np.indices((len(images), count)).reshape(2, -1).T
    ).reshape(len(images), count, -1)
    first = lambda up: [of(fj.data.questions.first_words(found.ids, share, up)) for share in SHARES]
    cut = first(False)
    gone = [which[found.ids] for which in kinds_of(found.words).values()]
    mean = found.train.images.mean(axis=0, dtype=np.float64).astype(np.float32)[None] / 255.0
    others = np.stack([random.permutation(test.picture), test.question], axis=1)
    of_noise = every(noise)
    best = lambda logits: np.asarray(logits).argmax(axis=-1).astype(np.int16)
    at_random = [fj.data.questions.as_many(random, found.ids, one) for one in gone]
    return {
        "cut": best(cut),
        "cut_up": best(first(True)),
        "sure": certain(cut[-1]),
        "every": best(every(test.images)),
        "mean": best(every(mean)[0]),
        "other": best(fj.models.answer_all(vqa, test.images, found.ids, others)),
        "dropped": best([of(fj.data.questions.without(found.ids, one)) for one in gone]),
        "random": best([of(fj.data.questions.without(found.ids, one)) for one in at_random]),
        "of_noise": best(of_noise),
        "sure_of_noise": certain(of_noise),
    }


def certain(logits: np.ndarray) -> np.ndarray:
    """Return the largest probability of each row of logits."""
    return probabilities(logits).max(axis=-1)


def probabilities(logits: Any) -> np.ndarray:
    """Return the probability of each answer, ``[..., k]``."""
    return np.asarray(fj.metrics.probabilities(logits))


def reduce(vqa: VQA, found: fj.data.QuestionSet, count: int, seed: int) -> dict[str, np.ndarray]:
    """Take away as many words of questions as can be without another answer, one at least left.

    All texts that are left of a question when words are dropped are asked; of the shortest
    with the same answer the one that the network is surest of is taken.

    Returns:
        ``row`` ``[s]``, numbers of the questions among those asked; ``text`` ``[s, n]``, what
        is left; ``words`` and ``left``, how many there were and are; ``sure`` and
        ``sure_left``, the confidence in the answer before and after; ``nothing``, whether
        the answer is the same without any word; ``at_random``, whether it is with as many
        words as are left, drawn at random.
    """
    random = np.random.default_rng(seed)
    test = found.test
    rows = np.sort(random.permutation(len(test.answer))[:count])
    parts = {
        one: fj.data.questions.subsets(found.ids[one]) for one in np.unique(test.question[rows])
    }
    texts, place = np.unique(
        np.concatenate([np.zeros_like(found.ids[:1]), *(texts for texts, _ in parts.values())]),
        axis=0,
        return_inverse=True,
    )
    sizes = [len(texts) for texts, _ in parts.values()]
    places = dict(zip(parts, np.split(place.reshape(-1)[1:], np.cumsum(sizes)[:-1]), strict=True))
    asked = [np.r_[place.reshape(-1)[:1], places[test.question[row]]] for row in rows]
    pairs = np.concatenate(
        [
            np.stack([np.full(len(one), test.picture[row]), one], axis=1)
            for row, one in zip(rows, asked, strict=True)
        ]
    )
    logits = fj.models.answer_all(vqa, test.images, texts, pairs)
    shares = probabilities(logits)
    split = np.split(shares, np.cumsum([len(one) for one in asked])[:-1])
    kept: dict[str, list[Any]] = {name: [] for name in _REDUCED}
    for row, odds in zip(rows, split, strict=True):
        left, length = parts[test.question[row]]
        answer = odds[-1].argmax()  # the whole question is the last of its parts
        same = odds.argmax(axis=1) == answer
        fewest = length[same[1:]].min()
        there = np.flatnonzero(length == fewest)
        best = there[np.argmax(np.where(same[1:][there], odds[1:, answer][there], -1.0))]
        drawn = random.choice(there)
        values = (row, left[best], length[-1], fewest, odds[-1, answer], odds[1 + best, answer])
        for name, value in zip(_REDUCED, (*values, same[0], same[1 + drawn]), strict=True):
            kept[name].append(value)
    return {name: np.array(values) for name, values in kept.items()}


_REDUCED = ("row", "text", "words", "left", "sure", "sure_left", "nothing", "at_random")


def nonsense(vqa: VQA, found: fj.data.QuestionSet, count: int) -> dict[str, np.ndarray]:
    """Ask all texts of few words about some pictures, and keep the surest of each answer.

    Returns:
        ``text`` ``[pictures, answers, n]`` and ``sure`` ``[pictures, answers]``, the
        confidence in the answer; ``all_sure`` ``[pictures, m]``, how sure the network is of
        its answer to each text; ``longest``, the most words tried.
    """
    texts = fj.data.questions.short_texts(vqa.words, vqa.length)
    images = found.test.images[:count]
    shares = []
    for place in range(len(images)):
        pairs = np.stack([np.full(len(texts), place), np.arange(len(texts))], axis=1)
        shares.append(probabilities(fj.models.answer_all(vqa, images, texts, pairs)))
    best = np.argmax(shares, axis=1)
    return {
        "text": texts[best],
        "sure": np.max(shares, axis=1),
        "all_sure": np.max(shares, axis=2),
        "longest": np.count_nonzero(texts[-1]),
    }


def kinds_of(words: Sequence[str]) -> dict[str, np.ndarray]:
    """Tell for each kind of words which numbers are of it; ``[words]`` each."""
    found = {kind: np.isin(words, names) for kind, names in KINDS.items()}
    rest = ~np.any(list(found.values()), axis=0) & (np.array(words) != "")
    return {kind: which for kind, which in {**found, REST: rest}.items() if which.any()}
