"""The command that repeats a run."""

from typing import Any

from fooljax.runtime import settings


def command_of(experiment: str, config: Any) -> str:
    """Return the command with every flag that is not at its default.

    Args:
        experiment: name of the module in ``experiments``.
        config: the settings, a dataclass all of whose fields have defaults.
    """
    usual = settings.flat(type(config)())
    flags = [
        f"--{name.replace('_', '-')} {_typed(value)}"
        for name, value in settings.flat(config).items()
        if value != usual[name] and name not in ("out", "resume", "preset", "debug")
    ]
    return " ".join([f"python -m experiments.{experiment}", *flags])


def _typed(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
