"""Normal distributions that evosax moves toward better samples, many of them side by side."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks

# these have no step size, or need more than one: a prior, a number of populations
_UNUSABLE = ("GradientlessDescent", "RandomSearch", "SV_CMA_ES", "SV_Open_ES")
# they ask for this by assertions, which Python may leave out
_IN_PAIRS = (
    "ARS",
    "ASEBO",
    "CR_FM_NES",
    "GuidedES",
    "NoiseReuseES",
    "Open_ES",
    "PGPE",
    "PersistentES",
)
# their updates are already in units of the step size
_OWN_OPTIMIZER = ("DES", "SNES", "SimpleES", "xNES")


class Distributions(NamedTuple):
    """An algorithm of evosax for ``k`` searches at once; every leaf has a leading axis ``k``.

    Attributes:
        init: ``(keys, means) -> state``.
        ask: ``(keys, state) -> (samples [k, population, ...], state)``.
        tell: ``(keys, samples, costs [k, population], state) -> (state, metrics)``.
    """

    init: Callable[..., Any]
    ask: Callable[..., Any]
    tell: Callable[..., Any]


def find(name: str, argument: str = "strategy") -> Any:
    """Return a distribution-based algorithm of evosax, named in any case.

    Args:
        name: of the algorithm.
        argument: what the name was given as, for the message.

    Raises:
        ValueError: if there is none, naming those that there are.
    """
    from evosax.algorithms import distribution_based_algorithms as known

    usable = {key.lower(): value for key, value in known.items() if key not in _UNUSABLE}
    if not isinstance(name, str) or name.lower() not in usable:
        got = checks.shown(name)
        raise ValueError(f"{argument} must be one of {', '.join(sorted(usable))}, got {got}")
    return usable[name.lower()]


def distributions(kind: Any, population: int, shape: tuple[int, ...], std: float) -> Distributions:
    """Configure an algorithm for samples ``std`` around the mean.

    Args:
        kind: as ``find`` returns it.
        population: samples in a step.
        shape: of a sample.
        std: standard deviation of the first samples.

    Raises:
        ValueError: if the algorithm cannot use such a population.
    """
    import optax

    if kind.__name__ in _IN_PAIRS and population % 2:
        raise ValueError(f"{kind.__name__} with {population} children: the number must be even")
    accepted = inspect.signature(kind).parameters
    options: dict[str, Any] = {"metrics_fn": lambda *_: {}}
    if "std_schedule" in accepted:
        options["std_schedule"] = optax.constant_schedule(std)
    if "optimizer" in accepted and kind.__name__ not in _OWN_OPTIMIZER:
        options["optimizer"] = optax.adam(0.5 * std)
    # some compute their sizes with jax.numpy
    with jax.ensure_compile_time_eval(), jax.numpy_rank_promotion("allow"):
        try:
            algorithm = kind(
                population_size=population, solution=jnp.zeros(shape, jnp.float32), **options
            )
        except AssertionError as error:
            problem = f"{kind.__name__} with {population} children: {error}"
            raise ValueError(problem) from None
        params = algorithm.default_params
    params = params.replace(std_init=std) if hasattr(params, "std_init") else params
    init, ask, tell = (_every(getattr(algorithm, name), params) for name in Distributions._fields)
    return Distributions(lambda keys, means: _without_nan(init(keys, means)), ask, tell)


def _without_nan(state: Any) -> Any:
    """Begin with 0 for what is not known yet, such as the best sample before there is one."""
    known = lambda leaf: (
        jnp.where(jnp.isnan(leaf), 0.0, leaf) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
    )
    return jax.tree.map(known, state)


def _every(method: Callable[..., Any], params: Any) -> Callable[..., Any]:
    """Run a method of an evosax algorithm for all searches, whatever its habits.

    It broadcasts over ranks, which users may have forbidden, and starts from
    Python numbers, whose weak types would have the next step compiled twice.
    The barriers keep its arithmetic the same whatever is compiled around it.
    """

    def run(keys, *args):
        args = jax.lax.optimization_barrier(args)
        with jax.numpy_rank_promotion("allow"):
            found = jax.vmap(lambda *one: method(*one, params))(keys, *args)
        found = jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), found)
        return jax.lax.optimization_barrier(found)

    return run


def costs(scores: Float[Array, "k p"]) -> Float[Array, "k p"]:
    """What a strategy minimises; children without a finite score count as its worst."""
    finite = jnp.isfinite(scores)
    worst = jnp.min(jnp.where(finite, scores, jnp.inf), axis=1, keepdims=True)
    return -jnp.where(finite, scores, jnp.where(jnp.isfinite(worst), worst, 0.0))
