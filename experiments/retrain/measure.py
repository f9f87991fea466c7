"""What ``experiments.retrain`` computes: networks one after the other, and attacks on each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import Batch, Count, RunFlags, Several, Some, Victim

if TYPE_CHECKING:
    from fooljax.data import Dataset, Stream
    from fooljax.training import Recipe
    from fooljax.types import Classifier, RandomKey

#: Medians of the paper's figure 11, MNIST, DNN 1 to 15, in [0, 1].
PAPER = (
    *(0.9999, 0.9742, 0.9983, 0.7252, 0.9755, 0.9968, 0.7613, 0.9996),
    *(0.9951, 0.9948, 0.9862, 0.9997, 0.9993, 0.9915, 0.9915),
)
CONTROL = "not retrained"  # a network trained as the first one, with another seed
SURE, UNSURE = 0.9, 0.5
MOST = 1000  # images of a kind that nobody has made against a network
TEST = "real test images"
#: How images are made against a network, and the words for it.
MAKERS = {
    "cppn": "evolved patterns (CPPN)",
    "direct": "evolved pixels",
    "ascent": "gradient ascent from noise",
}


@dataclass(frozen=True)
class Config:
    """Retrain with fooling images as one more class, round after round.

    Attributes:
        victim: the data, and how each network is trained from scratch.
        networks: how many are trained one after the other; each but the first also
            learns from images that were evolved against those before it.
        encoding: images that the fooling class consists of: cppn (patterns painted by
            small networks), direct (every pixel a gene), or both, half and half.
        first_images: fooling images that the second network learns from; as many as
            a class of the data has unless given.
        added_images: how many more each further network learns from; a sixth of
            first_images (as in the paper) unless given.
        attacks: how images are made anew against each network to measure it: cppn,
            direct, ascent (gradient ascent from noise); what the fooling class
            consists of among them.
        runs: independent runs that measure how sure each network can be made. Their
            images are never trained on.
        generations: of each of these runs.
        collect_generations: of each run that collects images to train on, half from
            its first and half from its last generation.
        children: images made in a generation.
        ascent_steps: of gradient ascent from noise, whose images are never trained on.
        others: what every network is shown besides noise: photographs (two of
            scikit-learn's, in pieces), or data sets as for --dataset.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    networks: Annotated[
        int, Within(2, 1000, why="each learns from those before it; ask for fewer")
    ] = 5
    encoding: Literal["cppn", "direct", "both"] = "cppn"
    first_images: Batch | None = None
    added_images: Batch | None = None
    attacks: Several[Literal["cppn", "direct", "ascent"]] = ("cppn", "direct", "ascent")
    runs: Batch = 5
    generations: Count = 200
    collect_generations: Count = 50
    children: Batch = 200
    ascent_steps: Count = 200
    others: Some[str] = ("photographs",)
    run: RunFlags = field(default_factory=RunFlags)


_PAPER = Config(
    victim=Victim(dataset="mnist", recipe="caffe_lenet"),
    networks=15,
    first_images=6000,
    added_images=1000,
    runs=30,
    collect_generations=200,
)
PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="mlp", train_steps=150),
        networks=3,
        encoding="direct",
        attacks=("direct", "ascent"),
        first_images=30,
        added_images=20,
        runs=2,
        generations=5,
        collect_generations=3,
        children=20,
        ascent_steps=5,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist", recipe="caffe_lenet", train_steps=5000),
        networks=7,
        first_images=6000,
        added_images=1000,
        runs=10,
    ),
    "paper": _PAPER,
    "mnist-paper": _PAPER,
}


class Scene(NamedTuple):
    """What all networks share: images, unrelated ones as bytes, and how much is learned."""

    config: Config
    train: Dataset | Stream
    test: Dataset | Stream
    recipe: Recipe
    first_images: int  # fooling images that the second network learns from
    added_images: int  # how many more each further one does
    trained_on: tuple[str, ...]  # encodings that the fooling class consists of
    unrelated: Mapping[str, np.ndarray]

    @property
    def names(self) -> list[str]:
        """Names of the networks, in their order, without the control."""
        return [f"DNN {i + 1}" for i in range(self.config.networks)]

    def fooling_images(self, name: str) -> int:
        """Fooling images that a network learns from."""
        before = 0 if name == CONTROL else self.names.index(name)
        return self.first_images + (before - 1) * self.added_images if before else 0

    def wanted_of(self, name: str) -> int:
        """Fooling images that are made against a network for the next one to learn."""
        return self.first_images if name == self.names[0] else self.added_images


def check(config: Config) -> Recipe:
    """Refuse settings that are impossible whatever the data; return how to train.

    Raises:
        ValueError: naming the flag and the remedy.
    """
    fj.runtime.limits.check(config)
    victim = config.victim
    if ":" in victim.model:
        raise ValueError(
            f"--model: each round trains a network from scratch, so {victim.model} cannot be used; "
            "give softmax, mlp, lenet or resnet"
        )
    for flag, value in (("--weights", victim.weights), ("--classifier", victim.classifier)):
        if value is not None:
            raise ValueError(f"{flag} {value}: each round trains its own network; leave it out")
    if victim.dataset == "none":
        raise ValueError("--dataset: networks are trained here, so a data set is needed; name one")
    if victim.recipe in ("outlier_exposure", "energy_bounded", "acet"):
        raise ValueError(
            f"--recipe: {victim.recipe} teaches networks to be unsure, not to name a fooling "
            "class; give quick, caffe_lenet, adversarial or trades"
        )
    trained_on = {"cppn", "direct"} if config.encoding == "both" else {config.encoding}
    if not trained_on <= set(config.attacks):
        raise ValueError(
            f"--attacks: {' and '.join(sorted(trained_on))} of --encoding {config.encoding} must "
            f"be among them, got {' '.join(config.attacks)}"
        )
    if victim.dataset in config.others:
        raise ValueError(
            f"--others: other images than --dataset {victim.dataset}, got {' '.join(config.others)}"
        )
    return fj.runtime.victim.build_recipe(victim)


def set_scene(run: study.Run[Config], recipe: Recipe) -> Scene:
    """Load all images, and settle how many each network learns from.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    from fooljax.runtime import memory, victim_data

    config, victim = run.config, run.config.victim
    found = victim_data.find_data(victim, run.folder)
    assert found is not None
    train, shape = found.train, found.train.input_shape
    first = config.first_images or max(1, round(len(train.labels) / train.num_classes))
    added = config.added_images or max(1, round(first / 6))
    memory.afford(shape, runs=config.runs, children=config.children)
    memory.afford(shape, networks=config.networks, added_images=added)
    trained_on = ("cppn", "direct") if config.encoding == "both" else (config.encoding,)
    others = study.load_others(run, "--others", config.others, shape, MOST)
    unrelated = {**study.noises(config.run.seed, shape, MOST), **others}
    test = victim_data.tested(victim, found.test)
    scene = Scene(config, train, test, recipe, first, added, trained_on, unrelated)
    with study.blame("--dataset"):
        for maker in set(config.attacks) - {"ascent"}:
            fj.encodings.CATALOG[maker].build(shape)
    fresh(scene, scene.names[0])  # an unknown network is refused before anything is computed
    return scene


def fresh(scene: Scene, name: str) -> Classifier:
    """Return starting weights; all networks have the fooling column, the first never uses it."""
    victim, train = scene.config.victim, scene.train
    key = study.key_of(victim.train_seed, network=name, part="start")
    with study.blame(f"--model {victim.model}"):
        return fj.models.build(victim.model, key, train.input_shape, train.num_classes, rejecting=1)


def retrain(run: study.Run[Config], scene: Scene) -> study.Results:
    """Train network after network, attack each, and show all images to all networks."""
    config, found = run.config, list[study.Results]()
    fooling = np.zeros((0, *scene.train.input_shape), np.uint8)
    networks: dict[str, Classifier] = {}
    for name in (*scene.names, CONTROL):
        control = name == CONTROL
        found.append(train(run, scene, name, fooling[:0] if control else fooling))
        networks[name] = study.with_weights(fresh(scene, name), found[-1].found[0][1])
        makers = scene.trained_on if control else config.attacks
        found.append(attack(run, name, networks[name], makers))
        if name in scene.names[:-1]:
            found.append(collect(run, scene, name, networks[name]))
            fooling = np.concatenate([fooling, draw(scene, name, found[-1])])
    return study.gather(*found, ask(run, scene, networks, study.gather(*found)))


def train(run: study.Run[Config], scene: Scene, name: str, fooling: np.ndarray) -> study.Results:
    """Train a network from scratch on the real images and all fooling images so far."""
    import jax.numpy as jnp

    real: Any = scene.train  # of either kind; each has an overload of its own
    capacity = len(real.labels) + scene.fooling_images(scene.names[-1])
    enlarged = fj.training.with_fooling_class(real, jnp.asarray(fooling), capacity)

    def fit(key: RandomKey, network: str, part: str) -> Mapping[str, ArrayLike]:
        key = study.key_of(run.config.victim.train_seed, network=network, part=part)
        start, recipe = fresh(scene, network), scene.recipe._asdict()
        classifier, losses = fj.training.fit(key, start, enlarged, **recipe)
        return {**study.weights_of(classifier), "last_loss": losses[-100:].mean()}

    return study.compute(
        run, study.grid(network=[name], part=["weights"]), fit, f"{name}: training"
    )


def attack(
    run: study.Run[Config], name: str, network: Classifier, makers: Sequence[str]
) -> study.Results:
    """Make images anew against a network, to measure how sure it can be made.

    Each cell holds ``images``, uint8 ``[runs, k, h, w, c]``, and where they were evolved
    ``trace``, the confidence of the best of each generation, ``[generations, runs, k]``.
    """
    config = run.config

    def make(key: RandomKey, against: str, made: str) -> Mapping[str, ArrayLike]:
        if made == "ascent":
            found = study.climb_repeats(key, network, config.ascent_steps, config.runs)
            return {"images": study.as_bytes(found)}
        _, last, trace = evolve(key, network, made, config, config.generations)
        return {"images": last, "trace": trace}

    return study.compute(run, study.grid(against=[name], made=makers), make, f"{name}: attacking")


def collect(run: study.Run[Config], scene: Scene, name: str, network: Classifier) -> study.Results:
    """Evolve images to train on: first and last generation, half and half."""
    config, classes = run.config, scene.train.num_classes
    each = math.ceil(scene.wanted_of(name) / len(scene.trained_on))
    batches = range(math.ceil(each / (2 * classes * config.runs)))

    def make(key: RandomKey, against: str, collected: str, batch: int) -> Mapping[str, ArrayLike]:
        first, last, _ = evolve(key, network, collected, config, config.collect_generations)
        pool = np.concatenate([first, last])
        return {"images": pool.reshape(-1, *pool.shape[2:])}

    cells = study.grid(against=[name], collected=scene.trained_on, batch=batches)
    return study.compute(run, cells, make, f"{name}: collecting")


def draw(scene: Scene, name: str, collected: study.Results) -> np.ndarray:
    """Draw the images evolved against a network that later ones learn from."""
    import jax

    wanted, chosen = scene.wanted_of(name), []
    for place, encoding in enumerate(scene.trained_on):
        cells = collected.where(against=name, collected=encoding).found
        pool = np.concatenate([arrays["images"] for _, arrays in cells])
        share = wanted // len(scene.trained_on) + (place < wanted % len(scene.trained_on))
        key = study.key_of(scene.config.run.seed, against=name, drawn=encoding)
        chosen.append(pool[np.asarray(jax.random.permutation(key, len(pool)))[:share]])
    return np.concatenate(chosen)


def evolve(
    key: RandomKey, network: Classifier, encoding: str, config: Config, generations: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evolve images anew in independent runs.

    Fitness is the log-probability of a class with all columns in the softmax: who
    evolves knows the fooling class.

    Returns:
        The champions of the first and of the last generation, uint8
        ``[runs, k, h, w, c]``, and how sure the network is of those of each generation,
        ``[generations, runs, k]``.
    """
    import jax

    space = fj.encodings.CATALOG[encoding].build(network.input_shape)
    search = fj.evolution.repeat(fj.evolution.map_elites(space, config.children))
    keys = jax.random.split(key, config.runs)
    state, _ = fj.evolution.start(keys, search, network)
    images, traces = [], []
    for count in (1, generations - 1):
        if count:
            state, infos = fj.evolution.advance(keys, search, network, state, count)
            traces.append(np.asarray(infos.confidence))
        images.append(study.as_bytes(study.express(space, state.archive)))
    return images[0], images[1], np.concatenate(traces)


def ask(
    run: study.Run[Config],
    scene: Scene,
    networks: Mapping[str, Classifier],
    found: study.Results,
) -> study.Results:
    """Show every network all test images, what was made for each, and unrelated images.

    Each cell holds ``answers``, the columns chosen, and for images that were made for a
    class ``confidence``, how sure the network is that they show it.
    """
    images = {
        (cell["against"], cell["made"]): arrays["images"]
        for cell, arrays in found.found
        if "made" in cell
    }
    cells: list[study.Cell] = [
        {"shown_to": name, "made_for": other, "kind": maker}
        for name in networks
        for other, maker in images
        if other in (name, *scene.names)
    ]
    cells += study.grid(shown_to=networks, kind=(TEST, *scene.unrelated))

    def show(
        key: RandomKey, shown_to: str, kind: str, made_for: str | None = None
    ) -> Mapping[str, ArrayLike]:
        network = networks[shown_to]
        if kind == TEST:
            test = scene.test if isinstance(scene.test, fj.data.Stream) else scene.test.images
            return {"answers": fj.training.predict(network, test)}
        if made_for is None:
            shares = probabilities(network, scene.unrelated[kind])
            return {"answers": np.argmax(shares, axis=-1)}
        shares = probabilities(network, images[made_for, kind])
        own = np.diagonal(shares[..., :-1], axis1=-2, axis2=-1)
        return {"answers": np.argmax(shares, axis=-1), "confidence": own}

    return study.compute(run, cells, show, "showing")


def probabilities(network: Classifier, images: np.ndarray) -> np.ndarray:
    """Return the softmax over all columns, leading axes as those of the images."""
    flat = fj.data.as_float(images.reshape(-1, *network.input_shape))
    shares = np.asarray(fj.metrics.probabilities(study.logits(network, flat)))
    return shares.reshape(*images.shape[:-3], -1)


def judge(scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each run of images, or kind of others, that a network was shown."""
    column = scene.train.num_classes
    labels = np.asarray(scene.test.labels)
    for cell, arrays in results.found:
        if "shown_to" not in cell:
            continue
        answers, about = arrays["answers"], {"made_for": None, **cell}
        if "made_for" not in cell:
            wrong = float(np.mean(answers != labels)) if cell["kind"] == TEST else None
            yield {**about, "run": 0, "called": np.mean(answers == column), "wrong": wrong}
            continue
        for run, (told, sure) in enumerate(zip(answers, arrays["confidence"], strict=True)):
            yield {
                **about,
                "run": run,
                "called": np.mean(told == column),
                "fooled": np.mean(told == np.arange(column)),
                "median": np.median(sure),
            }
