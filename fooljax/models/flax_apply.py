"""The forward pass of a Flax Linen module: as it answers, and as it is trained."""

import contextlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import jax
from flax import errors
from flax import linen as nn

from fooljax.types import Images, Logits, Params, RandomKey, Tokens

#: What Flax modules call the switch between training and answering, and its value in training.
SWITCHES = {
    "train": True,
    "training": True,
    "is_training": True,
    "deterministic": False,
    "use_running_average": False,
}
_REMEDY = (
    "give its __call__ an argument train (or deterministic), which is set for it, or build it "
    "for answering (deterministic=True, use_running_average=True)"
)


@dataclass(frozen=True)
class FlaxApply:
    """A module's forward pass, equal to every other of an equal module.

    The bound method ``module.apply`` compares by identity: as a static argument
    of ``jit`` it would compile anew for every module object.

    Attributes:
        module: maps images ``[b, h, w, c]`` in [0, 1] to logits ``[b, m]``.
        collections: whether params are all variables, ``{"params": ..., "batch_stats": ...}``,
            and not the ``params`` collection alone.
    """

    module: nn.Module
    collections: bool = False

    def __call__(self, params: Params, images: Images) -> Logits:
        """Return logits ``[b, m]``, without dropout and by running averages."""
        variables = params if self.collections else {"params": params}
        with explained(self.module):
            return cast(Logits, self.module.apply(variables, images, **mode(self.module, False)))

    def train(self, key: RandomKey, params: Params, images: Images) -> tuple[Logits, Params]:
        """Return logits as in training, and params with what training keeps beside weights.

        Args:
            key: decides what dropout drops.
            params: as for answering.
            images: ``[b, h, w, c]`` in [0, 1].
        """
        switches = mode(self.module, True)
        if not switches:
            return self(params, images), params
        variables = params if self.collections else {"params": params}
        others = [name for name in variables if name != "params"]
        with explained(self.module):
            logits, changed = self.module.apply(
                variables, images, **switches, rngs=key, mutable=others
            )
        if self.collections:
            typed = lambda new, old: new.astype(old.dtype)
            rest = {name: params[name] for name in others}
            params = {**params, **jax.tree.map(typed, {**rest, **changed}, rest)}
        return logits, params


@dataclass(frozen=True)
class FlaxMethod:
    """A method of a module other than its forward pass, equal to every other of an equal one.

    Attributes:
        module: whose method it is.
        name: of the method.
    """

    module: nn.Module
    name: str

    def __call__(self, params: Params, *given: Any) -> Any:
        """Call the method with these weights."""
        return self.module.apply({"params": params}, *given, method=self.name)


def tokens_of(module: nn.Module) -> Tokens | None:
    """Return what a module that reads texts offers to gradients, None of all others.

    A module reads texts if it has an attribute ``count``, of ids, and methods ``embed``
    (``ids [b, n] -> [b, n, d]``), ``answer`` (``vectors [b, n, d] -> logits``), and
    ``table`` (``[count, d]``, the vectors of all ids).
    """
    if not all(hasattr(module, name) for name in ("count", "embed", "answer", "table")):
        return None
    embed, answer, table = (FlaxMethod(module, name) for name in ("embed", "answer", "table"))
    return Tokens(module.count, embed, answer, table)


def mode(module: nn.Module, training: bool) -> dict[str, Any]:
    """Return the arguments that set a module to training or to answering.

    Raises:
        ValueError: if its ``__call__`` needs other arguments than images.
    """
    first, *rest = inspect.signature(module.__call__).parameters.values()
    plain = (first.POSITIONAL_OR_KEYWORD, first.POSITIONAL_ONLY, first.KEYWORD_ONLY)
    needed = [
        one.name
        for one in rest
        if one.default is one.empty and one.kind in plain and one.name not in SWITCHES
    ]
    if needed:
        raise ValueError(
            f"{type(module).__name__}.__call__ needs {', '.join(needed)} beside images; wrap it "
            "in a module whose __call__ takes images alone"
        )
    return {
        one.name: SWITCHES[one.name] == training
        for one in rest
        # what is set when the module is built must not be set again
        if one.name in SWITCHES and getattr(module, one.name, None) is None
    }


@contextlib.contextmanager
def explained(module: nn.Module) -> Iterator[None]:
    """Say what helps where Flax refuses to run a module.

    Raises:
        ValueError: for Flax's own error.
    """
    name = type(module).__name__
    try:
        yield
    except errors.InvalidRngError as error:
        what = f"{name} draws random numbers when it answers, as dropout does; {_REMEDY}"
        raise ValueError(f"{what} ({_first(error)})") from error
    except errors.ModifyScopeVariableError as error:
        what = f"{name} answers as in training, as BatchNorm does; {_REMEDY}"
        raise ValueError(f"{what} ({_first(error)})") from error
    except errors.ScopeCollectionNotFound as error:
        what = f"{name} needs more than params: give from_flax all variables of init"
        raise ValueError(f"{what} ({_first(error)})") from error
    except ValueError as error:
        if "must be passed to the constructor or at call time" not in str(error):
            raise
        raise ValueError(f"{name} does not say how it runs; {_REMEDY} ({error})") from error


def _first(error: Any) -> str:
    return str(error).split(" (https://")[0]
