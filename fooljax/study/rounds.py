"""Networks that learn a class of fooling images, one after the other, each attacked anew."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike

from fooljax import training
from fooljax.data import Dataset, Stream, as_float
from fooljax.media import Medium, Pictures
from fooljax.study.cells import Cell, Results, compute, gather, grid, key_of
from fooljax.study.making import Made, Make, Material
from fooljax.study.outputs import confidences
from fooljax.study.outsiders import as_stored
from fooljax.study.prepared import Prepared, build_recipe
from fooljax.study.run import Run, Settings
from fooljax.study.settings import Making
from fooljax.study.victim import Victim
from fooljax.study.weights import weights_of, with_weights
from fooljax.types import Classifier, RandomKey

Arrays: TypeAlias = Mapping[str, ArrayLike]

CONTROL = 0  # networks count from 1; this one is trained as the first, from another seed


class Rounds(NamedTuple):
    """What networks learn that are trained one after the other.

    Attributes:
        networks: how many there are, beside the `CONTROL`.
        begin: starting weights by number, with one column that rejects.
        origin: of the weights that training goes on from, in words; network 1 is then that
            network itself. None where each is trained from scratch.
        train: real images.
        test: real images that accuracy is measured on.
        first_images: fooling images that network 2 learns from.
        added_images: how many more each further network learns from.
        material: real images that makers may begin with.
        attacks: how images are made to measure a network, by name; nobody learns from these.
        evolve: how images are made that the next network learns from, in equal parts, by
            `first_and_last`.
        classes: that images are made for; of each, such a run makes two.
    """

    networks: int
    begin: Callable[[int], Classifier]
    origin: str | None
    train: Dataset | Stream
    test: Dataset | Stream
    first_images: int
    added_images: int
    material: Material
    attacks: Mapping[str, Make]
    evolve: Mapping[str, Make]
    classes: Int[np.ndarray, " k"]

    @property
    def medium(self) -> Medium:
        """What the images are."""
        return Pictures() if isinstance(self.train, Stream) else self.train.medium

    def learned(self, network: int) -> int:
        """Count the fooling images that a network learns from."""
        return self.first_images + (network - 2) * self.added_images if network > 1 else 0


def first_and_last(build: Callable[[Making], Make], making: Making) -> Make:
    """Evolve images, and take those of the first generation and then those of the last.

    Args:
        build: gets ready to evolve in so many generations.
        making: with the number of the last one.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 3.6.

    Example:
        >>> import jax.numpy as jnp
        >>> from fooljax import study
        >>> def build(making):  # as the build of a maker does
        ...     grey = jnp.full((1, 2, 2, 1), float(making.generations))
        ...     return lambda key, network, real: study.Made(grey, jnp.zeros(1, int))
        >>> make = study.first_and_last(build, study.Making(generations=50))
        >>> make(None, None, None).images[:, 0, 0, 0].tolist()  # made in 1 and in 50 generations
        [1.0, 50.0]
    """
    soon = build(dataclasses.replace(making, generations=1))
    late = build(making)

    def make(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        made = [way(key, classifier, material) for way in (soon, late)]  # one key, so one run
        return Made(
            jnp.concatenate([one.images for one in made]),
            jnp.concatenate([one.labels for one in made]),
        )

    return make


def train(
    victim: Victim, key: RandomKey, classifier: Classifier, dataset: Dataset | Stream
) -> Classifier:
    """Train a network as the settings of a run say.

    Args:
        victim: the settings; ``recipe``, ``train_steps`` and ``train_epsilon`` of them.
        key: decides the minibatches.
        classifier: where training begins.
        dataset: what is learned.

    Raises:
        ValueError: if there is no such recipe, naming the flag.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits, key = fj.data.load("digits"), jax.random.key(1)
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> trained = study.train(study.Victim(train_steps=60), key, network, digits.train)
        >>> fj.training.evaluate(trained, digits.test) > 0.7
        True
    """
    trained, _ = training.fit(key, classifier, dataset, **build_recipe(victim)._asdict())
    return trained


def portions(names: Sequence[str], wanted: int, each: int) -> Iterator[tuple[str, int, int]]:
    """Share out how many images of which runs join the class, kinds of runs in equal parts.

    Args:
        names: of the kinds of runs.
        wanted: images of all together.
        each: images that a run makes.

    Yields:
        The kind, the number of the run among those of its kind, and how many it gives.
    """
    for place, name in enumerate(names):
        rest = range((wanted + place) // len(names), 0, -each)
        yield from ((name, number, min(each, left)) for number, left in enumerate(rest))


def retrain(run: Run[Settings], rounds: Rounds, runs: int) -> tuple[dict[int, Prepared], Results]:
    """Train network after network, and make images against each before the next one learns.

    Args:
        run: keeps the networks and all images; its settings say how each is trained.
        rounds: what they learn, and how they are attacked.
        runs: independent runs of each attack.

    Returns:
        The networks by number, and cells: ``weights_NNN`` and the share ``right`` of each
        network (at ``network`` and ``part``); ``images``, ``labels``, ``confidence`` and, of
        evolved ones, ``history`` of each attack (``network``, ``attack``, ``run``); and the
        images ``collected`` (``network``, ``encoding``, ``run``, ``count``).

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, sections 3.6 to 3.8.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits, victim = fj.data.load("digits"), study.Victim(model="softmax", train_steps=20)
        >>> settings = SimpleNamespace(victim=victim, run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> begin, origin = study.starts(victim, digits, run.folder)
        >>> making, noise = study.Making(images=20), {"noise": study.MAKERS["noise"]}
        >>> ways = study.build("--makers", noise, making, (28, 28, 1))
        >>> real = study.take(digits.test, digits.train, np.arange(4))
        >>> given, classes = (2, begin, origin, *digits), np.arange(10)  # 2 networks
        >>> rounds = study.Rounds(*given, 10, 0, real, attacks=ways, evolve=ways, classes=classes)
        >>> networks, results = study.retrain(run, rounds, runs=1)
        >>> networks[2].origin
        'softmax, with 10 fooling images to learn'
    """
    victim, data = run.config.victim, rounds.train
    each = 2 * len(rounds.classes)
    capacity = len(data.labels) + rounds.learned(rounds.networks)  # one program for all networks
    networks, found = dict[int, Prepared](), list[Results]()
    stored = lambda images: as_stored(images, rounds.medium)
    fooling = [stored(np.zeros((0, *data.input_shape), np.float32))]
    is_given = lambda network: rounds.origin is not None and network == 1

    def learn(key: RandomKey, network: int, part: str) -> Arrays:
        key, trained = key_of(victim.train_seed, network=network, part=part), rounds.begin(network)
        if not is_given(network):
            lesson = training.with_fooling_class(data, jnp.concatenate(fooling), capacity)
            trained = train(victim, key, trained, lesson)
        return {"right": training.evaluate(trained, rounds.test), **weights_of(trained)}

    def attack(key: RandomKey, network: int, attack: str, run: int) -> Arrays:
        classifier = networks[network].classifier
        made = rounds.attacks[attack](key, classifier, rounds.material)
        images = stored(made.images)
        sure = confidences(classifier, as_float(images), made.labels)
        history = {} if made.history is None else {"history": made.history}
        return {"images": images, "labels": made.labels, "confidence": sure, **history}

    def collect(key: RandomKey, network: int, encoding: str, run: int, count: int) -> Arrays:
        made = rounds.evolve[encoding](key, networks[network].classifier, rounds.material)
        order = jax.random.permutation(jax.random.fold_in(key, 1), each)
        return {"collected": stored(made.images)[np.asarray(order)][:count]}

    for network in range(rounds.networks + 1):
        title, here = f"DNN {network} of {rounds.networks}", {"network": network}
        found.append(compute(run, [{**here, "part": "weights"}], learn, f"{title}: training"))
        weights = found[-1].found[0][1]
        origin = rounds.origin or victim.model
        if not is_given(network):
            origin += f", with {rounds.learned(network):,} fooling images to learn"
        networks[network] = Prepared(
            with_weights(rounds.begin(network), weights),
            data.class_names,
            float(weights["right"]),
            origin,
            medium=rounds.medium,
        )
        cells = grid(network=[network], attack=rounds.attacks, run=range(runs))
        found.append(compute(run, cells, attack, f"{title}: images made anew"))
        if CONTROL < network < rounds.networks:
            wanted = rounds.learned(network + 1) - rounds.learned(network)
            shares: list[Cell] = [
                {**here, "encoding": name, "run": number, "count": count}
                for name, number, count in portions([*rounds.evolve], wanted, each)
            ]
            found.append(compute(run, shares, collect, f"{title}: images to train on"))
            fooling += [arrays["collected"] for _, arrays in found[-1].found]
    return networks, gather(*found)
