"""What ``experiments.harden_universal`` computes: rounds of training, and tests after each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Pieces, Positive, RunFlags, Several, Share, Victim

if TYPE_CHECKING:
    from fooljax.metrics import Interval
    from fooljax.types import Classifier, Image, RandomKey

Rounds: TypeAlias = int | Literal["none"]
CONTROL: Rounds = "none"  # in place of a number of rounds: as long, and without perturbations
KINDS = {
    "random": "Random",
    "trained_on": "Trained on last",
    "first": "The first pool",
    "right": "Right when unchanged",
    "pgd": "PGD, {:g}, one by one",
}


@dataclass(frozen=True)
class Config:
    """Fine-tune on universal perturbations, round after round.

    Attributes:
        victim: the network and its data.
        rounds: how often the network is trained on, each time with perturbations
            made for it as it then is.
        pool: perturbations in the pool that a round trains on.
        pool_method: how they are made: sgd (gradient of a batch's mean loss) or
            deepfool (steps to the nearest boundaries).
        share: probability that a training image is perturbed, in (0, 1].
        methods: how the new perturbations that test a network are made: sgd, deepfool.
        tests: new perturbations of each kind against each network, from other seeds
            than the pool's.
        epsilon: largest change of a number, in units of [0, 1].
        steps: batches that sgd learns from.
        deepfool_steps: batches that deepfool learns from.
        batch_size: images in a batch.
        tune_steps: training steps of a round.
        tune_learning_rate: of Adam in them.
        test_images: held-out images that every change is tried on, at most.
        pgd_images: of them, images that PGD changes one by one.
        pgd_epsilon: its largest change of a number, in units of [0, 1].
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(model="mlp"))
    rounds: Pieces = 4
    pool: Pieces = 10
    pool_method: Literal["sgd", "deepfool"] = "sgd"
    share: Share = 0.5
    methods: Several[Literal["sgd", "deepfool"]] = ("sgd", "deepfool")
    tests: Pieces = 3
    epsilon: Positive = 0.2
    steps: Count = 100
    deepfool_steps: Count = 50
    batch_size: Batch = 50
    tune_steps: Count = 500
    tune_learning_rate: Positive = 1e-3
    test_images: Count = 2000
    pgd_images: Count = 200
    pgd_epsilon: Positive = 0.05
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60),
        rounds=2,
        pool=2,
        methods=("sgd",),
        tests=2,
        steps=10,
        tune_steps=60,
        test_images=100,
        pgd_images=20,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist", model="mlp"), steps=200, deepfool_steps=100, tune_steps=3000
    ),
}


class Scene(NamedTuple):
    """What the network is trained on and tried on.

    Attributes:
        start: the network before any round.
        splits: real images.
        test: held-out images, ``[t, h, w, c]``.
        labels: of them.
    """

    start: Classifier
    splits: fj.data.Splits
    test: Any  # uint8 or float32 images
    labels: np.ndarray


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        origin: where the network comes from.
        test_images: number of held-out images.
        results: weights, perturbations and tests after every round.
        records: one for each perturbation that a network met, and each other test of it.
        shares: means of the records by number of rounds and kind.
        verdict: what the rounds brought, in one word.
        conclusion: the same in a few sentences.
    """

    config: Config
    origin: str
    test_images: int
    results: study.Results
    records: Sequence[study.Record]
    shares: study.Table
    verdict: str
    conclusion: str


def call(rounds: Rounds) -> str:
    """Name the network after some rounds."""
    if rounds == CONTROL:
        return "without perturbations"
    return f"round {rounds}" if rounds else "before"


def set_scene(config: Config, network: study.Prepared) -> Scene:
    """Choose the held-out images.

    Raises:
        ValueError: if the network has no weights that could be trained on.
    """
    model = config.victim.model
    fixed = not study.weights_of(network.classifier)
    study.refuse(
        {
            f"--model {model}: it is trained on here, and has no weights that could be changed "
            "from JAX; give another network": fixed
        }
    )
    splits = study.splits_of(network)
    count = len(splits.test.images)
    chosen = study.spread(count, config.test_images)
    labels = np.asarray(splits.test.labels)[chosen]
    return Scene(network.classifier, splits, splits.test.images[chosen], labels)


def harden(run: study.Run[Config], scene: Scene) -> study.Results:
    """Train round after round, and test the network after each of them."""
    config, network = run.config, scene.start
    found, pools = list[study.Results](), list[np.ndarray]()
    for rounds in range(config.rounds + 1):
        if rounds > 0:
            found.append(tune(run, scene, rounds, network, pools[-1]))
            network = study.with_weights(network, found[-1].found[0][1])
        found.append(attack(run, scene, rounds, network))
        pool = [one["perturbation"] for _, one in found[-1].where(part="pool").found]
        trained_on = pools[-1] if pools else np.stack(pool)
        pools += [np.stack(pool)] if pool else []
        found.append(test(run, scene, rounds, network, trained_on, pools[0]))
    found.append(tune(run, scene, CONTROL, scene.start, pools[0]))
    network = study.with_weights(scene.start, found[-1].found[0][1])
    found.append(attack(run, scene, CONTROL, network))
    found.append(test(run, scene, CONTROL, network, pools[0], pools[0]))
    return study.gather(*found)


def tune(
    run: study.Run[Config], scene: Scene, rounds: Rounds, network: Classifier, pool: np.ndarray
) -> study.Results:
    """Train a network on, with the perturbations of a pool; the control without, for as long."""
    import jax.numpy as jnp
    import optax

    config, control = run.config, rounds == CONTROL
    samples = fj.training.with_perturbations(scene.splits.train, jnp.asarray(pool))
    recipe = fj.training.Recipe(
        optax.adam(config.tune_learning_rate),
        fj.training.perturbed_minibatches(64, 0.0 if control else config.share),
        config.tune_steps * (config.rounds if control else 1),
    )

    def train(key: RandomKey, rounds: Rounds, part: str) -> Mapping[str, ArrayLike]:
        tuned, losses = fj.training.fit(key, network, samples, **recipe._asdict())
        return {**study.weights_of(tuned), "last_loss": losses[-100:].mean()}

    return study.compute(
        run, [{"rounds": rounds, "part": "weights"}], train, f"{call(rounds)}: training"
    )


def attack(
    run: study.Run[Config], scene: Scene, rounds: Rounds, network: Classifier
) -> study.Results:
    """Make new perturbations for a network: some to test it, and a pool for the next round."""
    config, train = run.config, scene.splits.train.images
    pool = range(config.pool if rounds in range(config.rounds) else 0)
    cells = study.grid(rounds=[rounds], part=["pool"], number=pool)
    cells += study.grid(rounds=[rounds], part=config.methods, number=range(config.tests))

    def learn(key: RandomKey, rounds: Rounds, part: str, number: int) -> Mapping[str, ArrayLike]:
        method = config.pool_method if part == "pool" else part
        way = fj.attacks.UNIVERSAL[method].build(config.epsilon, "linf")
        steps = config.steps if method == "sgd" else config.deepfool_steps
        made = fj.attacks.run_universal(
            way, key, network, train, steps=steps, batch_size=config.batch_size
        ).perturbation
        return {"perturbation": made, "share": fooled(scene, network, [made])[0]}

    return study.compute(run, cells, learn, f"{call(rounds)}: perturbations")


def fooled(scene: Scene, network: Classifier, changes: Iterable[Image]) -> np.ndarray:
    """Measure the shares of held-out images whose answer perturbations change."""
    before = fj.attacks.perturbed_answers(network, scene.test)
    after = [fj.attacks.perturbed_answers(network, scene.test, one) for one in changes]
    return np.array([fj.attacks.share_fooled(before, one, network.num_classes) for one in after])


def test(
    run: study.Run[Config],
    scene: Scene,
    rounds: Rounds,
    network: Classifier,
    trained_on: np.ndarray,
    first: np.ndarray,
) -> study.Results:
    """Test a network by everything that is not made anew against it as one change."""
    import jax

    config, images, labels = run.config, scene.test, scene.labels

    def measure(key: RandomKey, rounds: Rounds, part: str) -> Mapping[str, ArrayLike]:
        key_random, key_pgd = jax.random.split(key)
        random = [
            fj.attacks.random_perturbation(one, network.input_shape, config.epsilon, "linf")
            for one in jax.random.split(key_random, config.tests)
        ]
        right = fj.attacks.perturbed_answers(network, images) == labels
        rows, share = np.flatnonzero(right)[: config.pgd_images], float("nan")
        if rows.size:
            pgd = fj.attacks.pgd(config.pgd_epsilon, steps=40, random_start=True)
            goal = fj.attacks.leave(jax.numpy.asarray(labels[rows]))
            chosen = fj.data.as_float(images[rows])
            share = float(np.mean(fj.attacks.run(pgd, key_pgd, network, chosen, goal).success))
        return {
            "right": fj.training.evaluate(network, scene.splits.test),
            "pgd": share,
            "random": fooled(scene, network, random),
            "trained_on": fooled(scene, network, trained_on),
            "first": fooled(scene, network, first),
        }

    return study.compute(
        run, [{"rounds": rounds, "part": "tests"}], measure, f"{call(rounds)}: tests"
    )


def judge(results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each perturbation that a network met, and each other test of it."""
    for cell, arrays in results.found:
        about = {"rounds": cell["rounds"], "kind": cell["part"]}
        if "number" in cell and cell["part"] != "pool":
            yield {**about, "repeat": cell["number"], "share": float(arrays["share"])}
        for kind in KINDS if cell["part"] == "tests" else ():
            for repeat, share in enumerate(np.ravel(arrays[kind])):
                yield {**about, "kind": kind, "repeat": repeat, "share": float(share)}


def strongest(config: Config, shares: study.Table, rounds: Rounds) -> Interval:
    """Return how often new perturbations fool: the adversary takes the better method."""
    new = [shares.value("share", rounds=rounds, kind=method) for method in config.methods]
    return max(new, key=lambda interval: interval.mean)


def decide(worst: Sequence[Interval], random: Sequence[Interval]) -> str:
    """Say what the rounds brought against perturbations made anew.

    Returns:
        ``untested`` if those before the first round fool less than twice as much as
        random changes; ``none`` if the last rate is not below the first by more than
        both intervals allow; ``solved`` if it is, and less than twice the random one;
        ``partly`` if it is and is more.
    """
    first, last = worst[0], worst[-1]
    if first.mean < 2.0 * random[0].mean or first.mean == 0.0:
        return "untested"
    top = last.mean if np.isnan(last.high) else last.high
    bottom = first.mean if np.isnan(first.low) else first.low
    if not top < bottom:
        return "none"
    return "solved" if last.mean < 2.0 * random[-1].mean else "partly"
