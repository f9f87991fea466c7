"""The networks of an experiment, from its flags."""

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from fooljax import models
from fooljax.data import Splits, Streams
from fooljax.media import medium_of
from fooljax.study import prepared, several
from fooljax.study.prepared import Prepared
from fooljax.study.run import Run, Settings
from fooljax.study.victim import Victim, is_published
from fooljax.types import Classifier

#: What a network is to another, and how to say it.
RELATIONS = {
    "itself": "the network itself",
    "other weights": "a network of other weights",
    "other architecture": "a network of another architecture",
}


#: ``(image shape, number of classes)``; refuses what an experiment cannot use.
Fits: TypeAlias = Callable[[tuple[int, ...], int], None]


class Networks(NamedTuple):
    """Several networks that know the same pictures.

    Attributes:
        each: networks by name: ``lenet``, or ``lenet 1``, ``lenet 2``, ...
        models: architecture of each.
    """

    each: dict[str, Prepared]
    models: tuple[str, ...]

    @property
    def first(self) -> Prepared:
        """The first of them."""
        return next(iter(self.each.values()))

    @property
    def classifiers(self) -> list[Classifier]:
        """The networks themselves, in order."""
        return [one.classifier for one in self.each.values()]

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels of a picture."""
        return self.first.classifier.input_shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.first.class_names

    @property
    def splits(self) -> Splits:
        """The pictures, or as many as are held in memory."""
        return splits_of(self.first)

    @property
    def pictures(self) -> Splits | Streams:
        """The pictures, in memory or on disk."""
        return self.splits if self.first.streams is None else self.first.streams

    def relation(self, name: str, other: str) -> str:
        """Say what a network is to another, as one of `RELATIONS`."""
        if name == other:
            return "itself"
        model = dict(zip(self.each, self.models, strict=True))
        return "other weights" if model[name] == model[other] else "other architecture"

    def related(self, name: str) -> dict[str, str]:
        """Return the first network of each relation to one, by relation."""
        found: dict[str, str] = {}
        for other in self.each:
            found.setdefault(self.relation(name, other), other)
        return {relation: found[relation] for relation in RELATIONS if relation in found}


def networks(
    run: Run[Settings],
    models: Sequence[str],
    seeds: int = 1,
    whole: bool = False,
    fits: Fits | None = None,
) -> Networks:
    """Train, load or fetch networks of several architectures, and say how good they are.

    Args:
        run: keeps the trained networks.
        models: architectures, as ``--model`` takes them; it names the only one itself
            where an experiment has no flag for several.
        seeds: networks of each, from other starting weights.
        whole: leave a set of pictures on disk that does not fit in memory.
        fits: as for `network`.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> settings = SimpleNamespace(victim=study.Victim(train_steps=20), run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> found = study.networks(run, ("softmax",), seeds=2)
        >>> list(found.each), found.relation("softmax 1", "softmax 2")
        (['softmax 1', 'softmax 2'], 'other weights')
    """
    settings = run.config.victim
    if settings.model != Victim().model and tuple(models) != (settings.model,):
        raise ValueError(f"--model: give --models {settings.model} another ..., not --model")
    refuse_no_data(settings)
    own = [model for model in models if ":" in model]
    if own and seeds > 1:
        raise ValueError(
            f"--models: {own[0]} has but one set of weights; add --network-seeds 1, or give "
            "several functions that return other ones"
        )
    found = several.prepare_several(settings, run.folder, models, seeds, whole, fits or _any)
    for name, one in found.items():
        print(f"{name}: {100 * (one.accuracy or 0.0):.2f} % right", file=sys.stderr)
    return Networks(found, tuple(model for model in models for _ in range(seeds)))


def replicas(
    run: Run[Settings], flag: str, count: int, fits: Fits | None = None, again: bool = False
) -> Networks:
    """Train or load the network that ``--model`` names from several starting weights.

    One that comes with its weights is taken once, or again and again.

    Args:
        run: keeps the trained networks.
        flag: that asked for so many, with its dashes.
        count: of networks.
        fits: as for `network`.
        again: take a network that comes with its weights as often as asked, as
            ``lenet 1``, ``lenet 2``, ...; the only one is ``lenet 1`` then.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> victim = study.Victim(model="softmax", train_steps=20)
        >>> settings = SimpleNamespace(victim=victim, run=study.RunFlags())
        >>> found = study.replicas(study.Run("mine", settings, Path()), "--networks", 2)
        >>> list(found.each), found.first.classifier
        (['softmax 1', 'softmax 2'], Classifier(28 x 28 x 1 -> 10 classes, 7,850 weights))
    """
    settings = run.config.victim
    if not is_own(settings):
        return networks(run, (settings.model,), count, fits=fits)
    if again:
        same = network(run, fits=fits)
        each = {f"{settings.model} {number + 1}": same for number in range(count)}
        return Networks(each, (settings.model,) * count)
    if count > 1:
        own = f"--weights {settings.weights}" if settings.weights else f"--model {settings.model}"
        raise ValueError(f"{flag} {count}: {own} is but one set of weights; give {flag} 1")
    return Networks({settings.model: network(run, fits=fits)}, (settings.model,))


def is_own(settings: Victim) -> bool:
    """Tell whether the network comes with its weights.

    Example:
        >>> from fooljax import study
        >>> [study.is_own(study.Victim(model=model)) for model in ("lenet", "net.py:mine")]
        [False, True]
    """
    return ":" in settings.model or settings.weights is not None or is_published(settings)


def network(
    run: Run[Settings],
    whole: bool = False,
    real: bool = True,
    fits: Fits | None = None,
) -> Prepared:
    """Train, load or fetch the network that ``--model`` names.

    Args:
        run: keeps the trained network.
        whole: leave a set of pictures on disk that does not fit in memory.
        real: refuse to go on without pictures.
        fits: called with image shape and number of classes as soon as they are known,
            to refuse them before anything is trained.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.

    Example:
        >>> from dataclasses import dataclass, field
        >>> from fooljax import study
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     victim: study.Victim = study.Victim(model="softmax", train_steps=60)
        ...     run: study.RunFlags = field(default_factory=lambda: study.RunFlags(out="trained"))
        >>> def main(config):
        ...     with study.opened(main, config) as run:
        ...         return study.network(run)  # --model, --dataset, --weights: all in Victim
        >>> prepared = main(Config())
        >>> prepared.classifier, prepared.accuracy > 0.7
        (Classifier(28 x 28 x 1 -> 10 classes, 7,850 weights), True)
    """
    if real:
        refuse_no_data(run.config.victim)
    return prepared.prepare(run.config.victim, run.folder, fits or _any, whole)


def given(classifier: Classifier, fits: Fits) -> Prepared:
    """Take a network from Python in place of one that flags name; its classes are numbers.

    Args:
        classifier: the network.
        fits: as for `network`.

    Raises:
        ValueError: if it is none, or does not suit the experiment.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> prepared = study.given(network, lambda shape, num_classes: None)  # refuses nothing
        >>> prepared.class_names, prepared.origin
        (('0', '1', '2'), 'a network given from Python')
    """
    models.validate(classifier)
    fits(classifier.input_shape, classifier.num_classes)
    names = tuple(map(str, range(classifier.num_classes)))
    medium = medium_of(tuple(classifier.input_shape))
    return Prepared(classifier, names, None, "a network given from Python", medium=medium)


def refuse_no_data(settings: Victim) -> None:
    """Refuse a network without data where an experiment needs real images.

    Raises:
        ValueError: naming the flag.
    """
    if settings.dataset == "none":
        raise ValueError("--dataset: real images are needed to perturb; name a data set")


def splits_of(prepared: Prepared) -> Splits:
    """Return a network's pictures.

    Raises:
        ValueError: if it came without, or they were left on disk.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits = fj.data.load("digits")
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> prepared = study.Prepared(network, digits.train.class_names, None, "drawn", digits)
        >>> study.splits_of(prepared) is digits
        True
    """
    if prepared.splits is None:
        raise ValueError("--dataset: real images are needed; name a data set")
    return prepared.splits


def _any(shape: tuple[int, ...], num_classes: int) -> None:
    """Refuse nothing."""
