"""A class of fooling images: what joins it, and networks that learn it."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import jax.numpy as jnp

from fooljax import training
from fooljax.data import Dataset, Stream
from fooljax.study.making import Made, Make, Material
from fooljax.study.prepared import build_recipe
from fooljax.study.settings import Making
from fooljax.study.victim import Victim
from fooljax.types import Classifier, RandomKey


def first_and_last(build: Callable[[Making], Make], making: Making) -> Make:
    """Evolve images, and take those of the first generation and then those of the last.

    Args:
        build: gets ready to evolve in so many generations.
        making: with the number of the last one.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 3.6.
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
