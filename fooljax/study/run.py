"""A run under way: its settings, checked, and its directory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

from fooljax.runtime import directory, limits
from fooljax.runtime.devices import set_up
from fooljax.study.command import module_of
from fooljax.study.settings import NEUTRAL, RunFlags
from fooljax.study.victim import Victim


class Runnable(Protocol):
    """Settings of an experiment: a frozen dataclass with a field that all have."""

    @property
    def run(self) -> RunFlags:
        """Where the run goes."""


class Settings(Runnable, Protocol):
    """Settings of an experiment that fools a classifier."""

    @property
    def victim(self) -> Victim:
        """The data, and how networks are trained."""


Config = TypeVar("Config", bound=Runnable)
Config_co = TypeVar("Config_co", bound=Runnable, covariant=True)


class Run(NamedTuple, Generic[Config_co]):
    """A run under way.

    Attributes:
        module: of the experiment, as ``python -m`` takes it.
        config: the settings.
        folder: run directory.
    """

    module: str
    config: Config_co
    folder: Path


@contextmanager
def opened(
    main: Callable[[Config], object],
    config: Config,
    neutral: Sequence[str] = (),
    devices: int | None = None,
) -> Iterator[Run[Config]]:
    """Check the settings, set JAX up and open the run's directory.

    A directory in which nothing was computed disappears again when the run fails.

    Args:
        main: the experiment's; its module gives the run its name.
        config: the settings.
        neutral: settings that may differ when the run is resumed, beside those that may
            in every experiment.
        devices: simulated on a CPU; those there are unless given.

    Raises:
        ValueError: for settings outside their limits, naming the flag; if the place is
            taken, or there is no such run to resume.
        Interrupted: if stopped; says how to go on with what is done.

    Example:
        >>> from dataclasses import dataclass, field
        >>> from fooljax import study
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     dice: study.Pieces = 2
        ...     run: study.RunFlags = field(default_factory=lambda: study.RunFlags(out="dice"))
        >>> def main(config):
        ...     with study.opened(main, config) as run:
        ...         print(run.folder.name, config.dice, run.config == config)
        >>> main(Config())
        dice 2 True
        >>> try:
        ...     main(Config(dice=-1))
        ... except ValueError as error:
        ...     print(error)
        --dice must be at least 1, got -1
    """
    limits.check(config)
    set_up(devices)
    module = module_of(main)
    with directory.opened(config, module, (*NEUTRAL, *neutral)) as folder:
        yield Run(module, config, folder)
