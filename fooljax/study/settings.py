"""The settings that experiments share, and names that a catalog knows."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar

from fooljax.runtime.limits import (
    Batch,
    Confidence,
    Count,
    NotNegative,
    Pieces,
    Rate,
    Seed,
    Several,
    Share,
)
from fooljax.spelling import meant
from fooljax.study.own_file import names_file, take

Chosen = TypeVar("Chosen")

#: What may differ when a run is resumed: places, and what does not change results.
NEUTRAL = ("out", "resume", "data_dir", "classifier", "debug")


@dataclass(frozen=True)
class RunFlags:
    """Where a run goes, and what makes it the same run again.

    Attributes:
        seed: decides everything but the training.
        out: run directory; runs/NAME-DATE-TIME unless given.
        resume: continue the run in this directory.
        preset: settings to start from, by name.
        debug: show the traceback of an error.
    """

    seed: Seed = 0
    out: str | None = None
    resume: str | None = None
    preset: str = "default"
    debug: bool = False


@dataclass(frozen=True)
class Making:
    """How images are made, and how much it may cost.

    Attributes:
        images: test images that are changed, and images of noise, in each repeat.
        generations: of an evolution after the random population.
        children: images made in a generation.
        ascent_steps: steps of the gradient ascent.
        epsilon: most that a change may change a pixel, in units of [0, 1].
        epsilon_l2: Euclidean length of a change by attacks in this norm.
        epsilon_l1: sum of all changes of pixels by attacks in this norm.
        epsilon_l0: how many pixel values attacks in this norm change.
        pgd_steps: steps of attacks by gradient.
        queries: how often attacks without gradients may ask the network.
        universal_steps: batches that a universal perturbation learns from.
        pixels: most pixels that a sparse image may set.
    """

    images: Batch = 100
    generations: Count = 200
    children: Batch = 100
    ascent_steps: Count = 100
    epsilon: Rate = 0.1
    epsilon_l2: NotNegative = 1.5
    epsilon_l1: NotNegative = 10.0
    epsilon_l0: NotNegative = 20.0
    pgd_steps: Count = 20
    queries: Count = 500
    universal_steps: Count = 60
    pixels: Count = 60


@dataclass(frozen=True)
class Evolving:
    """How images that show nothing are evolved, or climbed to from noise.

    Attributes:
        generations: of an evolution after the random population.
        children: images made in a generation.
        ascent_steps: steps of a climb from noise.
    """

    generations: Count = 60
    children: Batch = 100
    ascent_steps: Count = 100

    @property
    def making(self) -> Making:
        """The same as any maker takes it."""
        return Making(**vars(self))


@dataclass(frozen=True)
class Fooling:
    """How images that show nothing are made, and how much it may cost.

    Attributes:
        images: of each control, and near noise.
        runs: images for each class by makers that make one for each.
        generations: of an evolution after the random population.
        children: images made in a generation.
        ascent_steps: steps of a climb from noise.
        pixels: most pixels that a sparse image may set.
        pgd_steps: steps of PGD.
        universal_steps: batches that a universal perturbation learns from.
        epsilon: most that PGD and a universal perturbation may change a pixel, in units
            of [0, 1].
    """

    images: Batch = 100
    runs: Batch = 1
    generations: Count = 60
    children: Batch = 100
    ascent_steps: Count = 100
    pixels: Count = 60
    pgd_steps: Count = 20
    universal_steps: Count = 20
    epsilon: Share = 0.2

    @property
    def making(self) -> Making:
        """The same as any maker takes it."""
        names = {field.name for field in fields(self)} - {"runs"}
        return Making(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True)
class Hiding:
    """Which images are partly hidden, and behind what.

    Attributes:
        generators: how fooling images are made: direct and cppn (evolved), ascent,
            sparse and others (gradient); an unknown name lists them all. Real images are
            always there to compare with.
        images: most images of each kind in each repeat; two at least.
        generations: of an evolution after the random population.
        children: images made in a generation.
        ascent_steps: steps of the gradient ascent.
        repeats: how often everything is made and asked anew.
        tau: confidence from which on the network counts as certain.
        fills: what is painted where an image is hidden, two at least: the first one
            everywhere, others to see whether it matters. median (the image's own), mean,
            blur (its own), noise, others (another image), black, grey, white.
    """

    generators: Several[str] = ("direct", "cppn", "ascent")
    images: Batch = 20
    generations: Count = 200
    children: Batch = 200
    ascent_steps: Count = 100
    repeats: Pieces = 3
    tau: Confidence = 0.99
    fills: Several[str] = ("median", "noise", "blur", "white", "others")

    @property
    def making(self) -> Making:
        """The same as any maker takes it."""
        return Making(
            images=self.images,
            generations=self.generations,
            children=self.children,
            ascent_steps=self.ascent_steps,
        )


class HasEpsilons(Protocol):
    """Settings that say how far an attack may go, in each norm."""

    @property
    def epsilon(self) -> float: ...  # noqa: D102
    @property
    def epsilon_l2(self) -> float: ...  # noqa: D102
    @property
    def epsilon_l1(self) -> float: ...  # noqa: D102
    @property
    def epsilon_l0(self) -> float: ...  # noqa: D102


def radii_of(settings: HasEpsilons) -> dict[str, float]:
    """Return how far an attack may go, by its norm.

    Example:
        >>> from fooljax import study
        >>> study.radii_of(study.Making(epsilon=0.2))
        {'linf': 0.2, 'l2': 1.5, 'l1': 10.0, 'l0': 20.0}
    """
    return {
        "linf": settings.epsilon,
        "l2": settings.epsilon_l2,
        "l1": settings.epsilon_l1,
        "l0": settings.epsilon_l0,
    }


def choose(
    flag: str,
    names: Sequence[str],
    catalog: Mapping[str, Chosen],
    own: Callable[[str, Any], Chosen] | None = None,
) -> dict[str, Chosen]:
    """Return the entries of a catalog that were asked for, in that order.

    Args:
        flag: that asked for them, with its dashes.
        names: of the entries, or ``FILE.py:NAME`` for one of the user's own.
        catalog: all entries by name.
        own: makes an entry of a name and what the user's file has there; if it is left out,
            there are none.

    Raises:
        ValueError: if a name is unknown, with the nearest known one; if a file cannot be
            run, or holds something else.

    Example:
        >>> from fooljax import study
        >>> catalog = {"pgd": "projected gradient", "fgsm": "one step"}
        >>> study.choose("--attacks", ["fgsm"], catalog)
        {'fgsm': 'one step'}
        >>> try:
        ...     study.choose("--attacks", ["fgms"], catalog)
        ... except ValueError as error:
        ...     print(error)
        --attacks: unknown 'fgms'; did you mean fgsm? There are pgd, fgsm
    """
    found = dict(catalog)
    for name in names:
        if own is not None and names_file(name):
            made = take(flag, name)
            with _naming(f"{flag} {name}"):
                found[name] = own(name.rpartition(":")[2], made)
        elif name not in catalog:
            if own is not None and name.endswith(".py"):
                raise ValueError(f"{flag} {name}: give the name in the file, too, {name}:NAME")
            hint = meant(name, catalog)
            raise ValueError(f"{flag}: unknown {name!r}; {hint}There are {', '.join(catalog)}")
    return {name: found[name] for name in names}


@contextlib.contextmanager
def _naming(what: str) -> Iterator[None]:
    """Start the message of an error raised inside with what it is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
