"""What ``experiments.reduce`` computes: reduced sentences, and attacks that put words in."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Confidence, Count, Natural, Pieces, RunFlags, Several, Some, Victim

if TYPE_CHECKING:
    from jaxtyping import Array

    from fooljax.types import Classifier

RULES = {
    "exact": "the word without which the network is surest of its answer, all being tried",
    "fast": "the word that counts least by the gradient, tried once",
    "random": "any word: the control",
}
ATTACKS = {
    "hotflip": "replaces words of a sentence by those that the gradient prefers",
    "trigger": "finds words that, put in front of all sentences of a class, change the answer",
    "coordinate": "replaces words of random ones until the network is sure of a class",
}
CONTROL, TAUGHT = "random", "exact, once taught"
ANY, LEARNED = "any word", "words of the training set"
LIMITED = "any word, but unknown ones are masked"
RANDOM_TRIGGERS, NONSENSE = 20, 5  # for each trigger; for each class
LENGTH = 10  # of nonsense, in words
COUNTED, SHARES = ("before", "after"), ("sure_before", "sure_after", "two")


@dataclass(frozen=True)
class Config:
    """Delete words while a network keeps its answer, and attack it by others.

    Attributes:
        victim: the sentences, and the network that reads them.
        networks: of other starting weights; 1 for one that comes with its weights.
        texts: test sentences that are reduced and attacked, all read correctly.
        rules: which word is deleted: exact, fast; random ones are always shown beside them.
        attacks: others to show: hotflip, trigger, coordinate; none where the flag stands alone.
        edits: words that hotflip replaces at most.
        front: words of a trigger.
        teach: training sentences, at most, whose reductions the networks then learn to be
            unsure of, and are reduced again; 0 leaves that out.
        steps: replacements of coordinate at most.
        tau: confidence that coordinate asks for.
        run: where the run goes.
    """

    victim: Victim = field(
        default_factory=lambda: Victim(dataset="opinions", model="text_cnn", train_steps=400)
    )
    networks: Pieces = 3
    texts: Batch = 100
    rules: Several[str] = ("exact", "fast")
    attacks: Some[str] = tuple(ATTACKS)
    edits: Count = 3
    front: Count = 3
    teach: Natural = 300
    steps: Count = 40
    tau: Confidence = 0.99
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(dataset="opinions", model="text_cnn", train_steps=60),
        networks=2,
        texts=10,
        rules=("fast",),
        attacks=("trigger",),
        edits=1,
        front=1,
        teach=0,
        steps=3,
    ),
}


class Found(NamedTuple):
    """All that the page is about."""

    config: Config
    networks: study.Networks
    results: study.Results
    records: Sequence[study.Record]
    left: study.Table
    won: study.Table

    def value(self, measure: str, rule: str) -> fj.metrics.Interval:
        """Return what reductions by a rule come to, over the networks."""
        return self.left.value(measure, rule=rule)

    @property
    def accuracies(self) -> list[float]:
        """Shares of the test sentences that networks read correctly once they were taught."""
        return [one["accuracy"] for one in self.records if one["rule"] == TAUGHT]

    def spell(self, ids: np.ndarray) -> str:
        """Return a text."""
        return self.networks.first.medium.spell(ids)  # type: ignore[union-attr]


def only_texts(front: int, shape: tuple[int, ...], num_classes: int) -> None:
    """Refuse what is no text, or too short for a trigger, before anything is trained."""
    if len(shape) != 1:
        raise ValueError(
            f"--dataset: inputs of shape {shape} are no texts; give opinions, sst2, or a file of "
            "sentences and labels"
        )
    if front >= shape[0]:
        raise ValueError(
            f"--front must leave room for words of the texts, at most {shape[0] - 1}, got {front}"
        )


class Task(NamedTuple):
    """What an attack is given: a network, texts that it reads correctly, words to put in."""

    config: Config
    classifier: Classifier
    train: fj.data.Dataset
    texts: Array
    labels: Array
    allowed: np.ndarray


def set_scene(run: study.Run[Config]) -> tuple[study.Networks, np.ndarray]:
    """Check the names, train the networks, and tell which words they have learned."""
    study.choose("--rules", run.config.rules, RULES)
    study.choose("--attacks", run.config.attacks, ATTACKS)
    front = run.config.front if "trigger" in run.config.attacks else 0
    fits = functools.partial(only_texts, front)
    networks = study.replicas(run, "--networks", run.config.networks, fits=fits)
    with study.blame("--dataset"):
        return networks, fj.data.seen(networks.splits.train)


def make(run: study.Run[Config], networks: study.Networks, known: np.ndarray) -> study.Results:
    """Reduce sentences by every rule, and attack them, for each network."""
    import jax

    config, every = run.config, networks.each
    test = networks.splits.test
    right = {name: read_right(one.classifier, test, config) for name, one in every.items()}
    rules = (*(rule for rule in config.rules if rule != CONTROL), CONTROL)
    sets = (LEARNED,) if known[2:].all() else (LEARNED, ANY, LIMITED)
    ways = {"hotflip": flip, "trigger": pull, "coordinate": climb}

    def reduce(key: Any, rule: str, network: str) -> dict[str, Any]:
        return shorten(key, every[network].classifier, *right[network], rule)

    def teach(key: Any, rule: str, network: str) -> dict[str, Any]:
        del rule
        key_teach, key_reduce = jax.random.split(key)
        taught = taught_by(key_teach, config, every[network].classifier, networks.splits.train)
        texts, labels = read_right(taught, networks.splits.test, config)
        share = fj.training.evaluate(taught, networks.splits.test)
        return {**shorten(key_reduce, taught, texts, labels, "exact"), "accuracy": share}

    def fool(key: Any, attack: str, words: str, network: str) -> dict[str, Any]:
        classifier = every[network].classifier
        if words == LIMITED:
            classifier = fj.defenses.known_words(classifier, known)
        allowed = known if words == LEARNED else np.arange(len(known)) > 1
        task = Task(config, classifier, networks.splits.train, *right[network], allowed)
        return ways[attack](key, task)

    cells = study.grid(attack=config.attacks, words=sets, network=every)
    again = study.grid(rule=[TAUGHT] if config.teach else [], network=every)
    return study.gather(
        study.compute(run, study.grid(rule=rules, network=every), reduce, "deleting words"),
        study.compute(run, again, teach, "teaching doubt"),
        study.compute(run, cells, fool, "attacking"),
    )


def read_right(
    classifier: Classifier, test: fj.data.Dataset, config: Config
) -> tuple[Array, Array]:
    """Draw test sentences that a network reads correctly, as evenly over classes as can be."""
    labels = np.asarray(test.labels)
    right = np.flatnonzero(fj.training.predict(classifier, test.images) == labels)
    if not right.size:
        raise ValueError("--train-steps: no test sentence is read correctly; train longer")
    rows = right[fj.data.even_rows(labels[right], config.texts, config.run.seed)]
    return test.images[rows], test.labels[rows]


def shorten(
    key: Any, classifier: Classifier, texts: Array, labels: Array, rule: Any
) -> dict[str, Any]:
    """Delete words by a rule."""
    attack = fj.attacks.reduction(texts.shape[1], rule=rule)
    found = fj.attacks.run(attack, key, classifier, texts, fj.attacks.reach(labels))
    before = study.confidences(classifier, texts, labels)
    sure = {"sure_before": before, "sure_after": found.confidence}
    return {"before": texts, "after": found.images, "labels": labels, **sure}


def taught_by(
    key: Any, config: Config, classifier: Classifier, train: fj.data.Dataset
) -> Classifier:
    """Let a network learn on, and be unsure of what is left of some training sentences."""
    import jax

    key_rows, key_reduce, key_fit = jax.random.split(key, 3)
    rows = np.asarray(jax.random.permutation(key_rows, len(train.labels)))[: config.teach]
    left = shorten(key_reduce, classifier, train.images[rows], train.labels[rows], "fast")
    both = fj.training.with_fooling_class(train, left["after"])
    steps = config.victim.train_steps or fj.training.quick().steps
    recipe = fj.training.RECIPES["outlier_exposure"](steps=steps, noise=False)
    return fj.training.fit(key_fit, classifier, both, **recipe._asdict())[0]


def flip(key: Any, task: Task) -> dict[str, Any]:
    """Replace words, and random ones by random ones."""
    import jax.numpy as jnp

    attack = fj.attacks.hotflip(task.config.edits, allowed=task.allowed)
    found = fj.attacks.run(attack, key, task.classifier, task.texts, fj.attacks.leave(task.labels))
    drawn = np.random.default_rng(task.config.run.seed)
    random = np.asarray(task.texts).copy()
    for row in random:
        places = drawn.permutation(np.flatnonzero(row))[: task.config.edits]
        row[places] = drawn.choice(np.flatnonzero(task.allowed), len(places))
    control = fj.training.predict(task.classifier, jnp.asarray(random)) != np.asarray(task.labels)
    after = {"before": task.texts, "after": found.images, "labels": task.labels}
    return {**after, "success": found.success, "control": control}


def pull(key: Any, task: Task) -> dict[str, Any]:
    """Learn a trigger for each class on training texts, and put it before the test sentences."""
    del key  # the search draws nothing
    config, train, labels = task.config, task.train, np.asarray(task.labels)
    learned, drawn = np.asarray(train.labels), np.random.default_rng(config.run.seed)
    rows = fj.data.even_rows(learned, 20 * config.texts, config.run.seed)
    rows = rows[fj.training.predict(task.classifier, train.images[rows]) == learned[rows]]
    triggers = np.zeros((train.num_classes, config.front), np.int32)
    success, control = np.zeros(len(labels)), np.zeros(len(labels))
    for label in np.unique(labels):
        some = drawn.permutation(rows[learned[rows] == label])[: config.texts]
        if not some.size:
            continue
        texts, goal = train.images[some], fj.attacks.leave(train.labels[some])
        found = fj.attacks.run_trigger(
            task.classifier, texts, goal, length=config.front, allowed=task.allowed
        )
        mine, triggers[label] = labels == label, found.trigger
        random = drawn.choice(np.flatnonzero(task.allowed), (RANDOM_TRIGGERS, config.front))
        before = [fj.attacks.prepend(one, task.texts[mine]) for one in (found.trigger, *random)]
        wrong = [fj.training.predict(task.classifier, one) != label for one in before]
        success[mine], control[mine] = wrong[0], np.mean(wrong[1:], axis=0)
    return {"trigger": triggers, "success": success, "control": control}


def climb(key: Any, task: Task) -> dict[str, Any]:
    """Make the network certain of every class, from random words."""
    import jax.numpy as jnp

    config, drawn = task.config, np.random.default_rng(task.config.run.seed)
    labels = jnp.repeat(jnp.arange(task.train.num_classes, dtype=jnp.int32), NONSENSE)
    length = task.texts.shape[1]
    random = np.zeros((len(labels), length), np.int32)
    count = min(LENGTH, length)
    random[:, :count] = drawn.choice(np.flatnonzero(task.allowed), (len(labels), count))
    texts, goal = jnp.asarray(random), fj.attacks.confident(fj.attacks.reach(labels), config.tau)
    attack = fj.attacks.coordinate(config.steps, allowed=task.allowed)
    found = fj.attacks.run(attack, key, task.classifier, texts, goal)
    sure = fj.attacks.score(task.classifier, texts, goal, texts).success
    after = {"before": texts, "after": found.images, "labels": labels}
    return {**after, "success": found.success, "control": sure}


def judge(results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each cell."""
    for cell, arrays in results.found:
        if "rule" not in cell:
            won = {name: float(np.mean(arrays[name])) for name in ("success", "control")}
            yield {"rule": "", **cell, **won}
            continue
        before, after = (np.count_nonzero(arrays[name], axis=1) for name in COUNTED)
        yield {
            "attack": "",
            **cell,
            "before": float(before.mean()),
            "after": float(after.mean()),
            "sure_before": float(np.median(arrays["sure_before"])),
            "sure_after": float(np.median(arrays["sure_after"])),
            "two": float(np.mean(after <= 2)),
            "accuracy": float(arrays["accuracy"]) if "accuracy" in arrays else None,
        }


def sum_up(records: Sequence[study.Record]) -> tuple[study.Table, study.Table]:
    """Average over the networks: what is left by each rule, and how often attacks succeed."""
    reduced = [record for record in records if record["rule"]]
    over = functools.partial(fj.analysis.over_repeats, bounds=(0.0, math.inf))
    counts = study.summarize(reduced, ("rule",), COUNTED, "network", over)
    shares = study.summarize(reduced, ("rule",), SHARES, "network")
    others = [record for record in records if record["attack"]]
    measures = ("success", "control")
    attacked = study.summarize(others, ("attack", "words"), measures, "network")
    return study.join(counts, shares), attacked
