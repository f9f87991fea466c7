"""Is a thing of the kind that is meant? How to name in a sentence what was given instead."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

Kind = TypeVar("Kind")
Settings = ParamSpec("Settings")

_LONGEST = 40  # characters of a value that a message repeats


def kind(name: str, given: Any, wanted: type[Kind], remedy: str = "") -> Kind:
    """Return what is of the wanted type, or say what it is instead.

    A factory that was not called, such as ``attacks.fgsm`` in place of
    ``attacks.fgsm(0.1)``, is told from other things.

    Args:
        name: of the argument.
        given: its value.
        wanted: its type.
        remedy: what to do, as a clause; of a forgotten call it is said anyway.

    Raises:
        ValueError: if it is of another type.
    """
    if isinstance(given, wanted):
        return given
    if isinstance(given, Callable) and hasattr(given, "__name__"):  # type: ignore[arg-type]
        remedy = f"call it and give what it returns, {given.__name__}(...)"
    article = "an" if wanted.__name__[0] in "AEIOU" else "a"
    sentence = f"{name} must be {article} {wanted.__name__}, got {shown(given)}"
    raise ValueError(f"{sentence}; {remedy}" if remedy else sentence)


def function(name: str, given: Any, signature: str) -> None:
    """Refuse what cannot be called.

    Args:
        name: of the argument.
        given: its value.
        signature: what the function takes and returns, for the message.

    Raises:
        ValueError: if it is no function.
    """
    if not callable(given):
        raise ValueError(f"{name} must be a function {signature}, got {shown(given)}")


def own(name: str, given: Any, signature: str, made: type[Kind]) -> Callable[..., Kind]:
    """Return a function of the user's own that says in words what is wrong with it.

    Args:
        name: of the function.
        given: the function.
        signature: what it takes and returns, for the message.
        made: the class of what it must return.

    Raises:
        ValueError: if it is no function, or already what it must return; when called, if it
            raises or returns something else.
    """
    function(name, given, signature)
    if isinstance(given, made):
        raise ValueError(f"{name} must be a function {signature}, got {shown(given)} itself")

    def call(*arguments: Any) -> Kind:
        try:
            found = given(*arguments)
        except Exception as error:  # it may raise anything
            called = f"{name}({', '.join(map(str, arguments))})"
            raise ValueError(
                f"{called} fails with {type(error).__name__}: {error}; it must be a function "
                f"{signature}"
            ) from error
        if not isinstance(found, made):
            raise ValueError(
                f"{name} must be a function {signature}, got one that returns {shown(found)}"
            )
        return found

    return call


def cache(factory: Callable[Settings, Kind]) -> Callable[Settings, Kind]:
    """Let equal settings give the same object, as ``functools.cache`` does.

    Settings that cannot be compared, such as arrays, reach the factory too, so that
    it can say what is wrong with them. 1, 1.0 and True are different settings.
    """
    cached = functools.lru_cache(maxsize=None, typed=True)(factory)

    @functools.wraps(factory)
    def call(*args: Settings.args, **settings: Settings.kwargs) -> Kind:
        try:
            hash((args, tuple(settings.values())))
        except TypeError:
            return factory(*args, **settings)
        return cached(*args, **settings)  # type: ignore[arg-type]

    return call


def shown(given: Any) -> str:
    """Name a value in a few words: numbers and texts as they are, the rest by what it is."""
    if given is None or isinstance(given, bool | int | float | complex | np.generic):
        return str(given)
    if isinstance(given, str | bytes):
        text = repr(given)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    if hasattr(given, "shape") and hasattr(given, "dtype"):
        return f"an array {given.dtype} {tuple(given.shape)}"
    if isinstance(given, list | tuple | set | dict) and type(given).__module__ == "builtins":
        return f"a {type(given).__name__} of {len(given)}"
    if isinstance(given, type):
        return f"the class {given.__name__}"
    if callable(given) and hasattr(given, "__name__"):
        return f"the function {given.__name__}"
    name = type(given).__name__
    return f"an {name}" if name[0].upper() in "AEIOU" else f"a {name}"
