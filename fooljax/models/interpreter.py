"""Walk through any network's own program: replace derivatives, and look at what it computes.

A program that JAX has traced (a jaxpr) is what every network becomes, whoever wrote it:
Flax, Haiku, Equinox or a plain function. There a rectifier is ``max(x, 0)``, however it was
called, so no hook and no name of a layer is needed. Calls (``jit``, ``remat``) are entered;
``cond``, ``scan``, ``while`` and functions with derivatives of their own are entered where
something in them is to be replaced, and left as they are otherwise.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.extend import core

from fooljax.types import Images, Logits, Params

#: What an equation of a program does, where a rule may replace it:
#: ``rectifier``, ``max(x, 0)``, called with ``x``;
#: ``ceiling``, ``min(y, c)`` of a rectified ``y``, as in ReLU6, called with ``y`` and ``c``;
#: ``maximum``, the larger of two arrays, as in pooling by shifts, called with both;
#: ``reduce_max``, the largest along axes, as in pooling by reshaping, called with ``x`` and axes.
Role: TypeAlias = Literal["rectifier", "ceiling", "maximum", "reduce_max"]
Rules: TypeAlias = Mapping[Role, Callable[..., Any]]

_CALLS = ("jit", "pjit", "closed_call", "core_call", "eval_jaxpr", "remat2", "checkpoint")
_CUSTOM = ("custom_jvp_call", "custom_vjp_call")
_BRANCHES = ("cond", "scan", "while")
_SAME = ("broadcast_in_dim", "convert_element_type", "reshape", "squeeze", "copy")


class Event(NamedTuple):
    """An equation that was computed.

    Attributes:
        place: its number, the same for batches of every size.
        scope: Flax modules and ``jax.named_scope`` around it, ``LeNet/conv1``.
        operation: of JAX, such as ``conv_general_dilated``.
        roles: that it has, or that are inside a function with derivatives of its own.
        inputs: what it read.
        outputs: what it computed.
    """

    place: int
    scope: str
    operation: str
    roles: frozenset[Role]
    inputs: Sequence[Any]
    outputs: Sequence[Any]


class _Walk(NamedTuple):
    """What stays the same during a walk."""

    rules: Rules
    watch: Callable[[Event], None] | None
    places: Iterator[int]


def interpret(
    apply: Callable[[Params, Images], Logits],
    params: Params,
    images: Images,
    rules: Rules | None = None,
    watch: Callable[[Event], None] | None = None,
) -> Logits:
    """Compute a network's logits equation by equation.

    Args:
        apply: pure function ``(params, images [b, ...]) -> logits [b, m]``.
        params: any pytree of arrays.
        images: ``[b, ...]``, as the network takes them.
        rules: what to compute in place of equations, by what these do.
        watch: called with every equation outside loops, in the order of computing. What it
            keeps belongs to the present trace.

    Returns:
        Logits ``[b, m]``; the network's own, unless a rule computes something else.
    """
    body = jax.make_jaxpr(apply)(params, images)
    leaves = jax.tree.leaves((params, images))
    walk = _Walk(rules or {}, watch, itertools.count())
    (logits,) = _compute(walk, body, leaves, [None] * len(leaves), "")
    return logits


def _compute(
    walk: _Walk, body: Any, inputs: Sequence[Any], known: Sequence[Any], scope: str
) -> list[Any]:
    """Compute the outputs of a (closed) jaxpr.

    Args:
        walk: rules and who watches.
        body: the jaxpr.
        inputs: their values.
        known: the number that each input is made of, None where it is not one number.
        scope: around the body.
    """
    values = dict(zip(body.constvars, getattr(body, "consts", ()), strict=True))
    values |= dict(zip(body.invars, inputs, strict=True))
    read = lambda atom: atom.val if isinstance(atom, core.Literal) else values[atom]
    for equation, role, numbers in _roles(body, known):
        given = [read(atom) for atom in equation.invars]
        inner = "/".join(filter(None, (scope, str(equation.source_info.name_stack))))
        if equation.primitive.name in _CALLS:
            found = _compute(walk, _bodies(equation)[0], given, numbers, inner)
        else:
            roles = _alone(role) | _inside(equation, numbers)
            found = _replaced(walk, equation, role, roles, given, numbers, inner)
            if walk.watch is not None:
                name = equation.primitive.name
                walk.watch(Event(next(walk.places), inner, name, roles, given, found))
        values |= dict(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in body.outvars]


def _replaced(
    walk: _Walk,
    equation: Any,
    role: Role | None,
    roles: frozenset[Role],
    given: Sequence[Any],
    numbers: Sequence[Any],
    scope: str,
) -> list[Any]:
    """Compute an equation by its rule, or with rules inside, or as it is."""
    silent, name = walk._replace(watch=None), equation.primitive.name
    if role is not None and role in walk.rules:
        rule = walk.rules[role]
        if role == "reduce_max":
            return [rule(given[0], tuple(equation.params["axes"]))]
        if role == "maximum":
            return [rule(*jnp.broadcast_arrays(*given))]  # one may be a single number
        place = 0 if numbers[0] is None else 1
        return [rule(given[place], *([] if role == "rectifier" else [given[1 - place]]))]
    params = equation.params
    if roles & walk.rules.keys():
        if name in _CUSTOM:
            return _compute(silent, _bodies(equation)[0], given, numbers, scope)
        if name in _BRANCHES:
            params = {key: _rewritten(silent, value) for key, value in params.items()}
    found = equation.primitive.bind(*given, **equation.primitive.get_bind_params(params))
    return list(found) if equation.primitive.multiple_results else [found]


def _rewritten(walk: _Walk, value: Any) -> Any:
    """Return a parameter of an equation, its jaxprs with rules in place."""
    if type(value) is tuple:
        return tuple(_rewritten(walk, one) for one in value)
    if not hasattr(value, "eqns"):
        return value
    blank = [jax.ShapeDtypeStruct(one.aval.shape, one.aval.dtype) for one in value.invars]
    unknown = [None] * len(blank)
    return jax.make_jaxpr(lambda *inputs: _compute(walk, value, inputs, unknown, ""))(*blank)


def _bodies(equation: Any) -> list[Any]:
    """Return all jaxprs in an equation's parameters."""
    values = equation.params.values()
    several = itertools.chain(*(one if isinstance(one, tuple) else (one,) for one in values))
    return [one for one in several if hasattr(one, "eqns")]


def _inside(equation: Any, numbers: Sequence[Any]) -> frozenset[Role]:
    """Return what is done anywhere inside an equation that rules could replace."""
    found: set[Role] = set()
    for body in _bodies(equation):
        same = equation.primitive.name in (*_CALLS, *_CUSTOM)
        known = numbers if same else [None] * len(body.invars)
        for inner, role, inner_numbers in _roles(body, known):
            found |= _alone(role) | _inside(inner, inner_numbers)
    return frozenset(found)


def _alone(role: Role | None) -> frozenset[Role]:
    return frozenset() if role is None else frozenset({role})


def _roles(body: Any, known: Sequence[Any]) -> Iterator[tuple[Any, Role | None, list[Any]]]:
    """Yield every equation with its role, and the number that each of its inputs is made of."""
    number = dict(zip(body.invars, known, strict=True))
    rectified: set[Any] = set()

    def read(atom: Any) -> Any:
        if isinstance(atom, core.Literal):
            return atom.val if jnp.ndim(atom.val) == 0 else None
        return number.get(atom)

    for equation in body.eqns:
        name, out = equation.primitive.name, equation.outvars[0] if equation.outvars else None
        numbers = [read(atom) for atom in equation.invars]
        role: Role | None = None
        if name == "max" and numbers.count(None) == 1:
            (limit,) = (one for one in numbers if one is not None)
            if limit == 0 and _is_real(out) and not _guards(body, equation):
                role = "rectifier"
                rectified.add(out)
        elif name == "max" and numbers == [None, None] and _is_real(out):
            role = "maximum"
        elif name == "min" and numbers.count(None) == 1:
            (bounded,) = (a for a, n in zip(equation.invars, numbers, strict=True) if n is None)
            role = "ceiling" if bounded in rectified else None
        elif name == "reduce_max" and _is_real(out):
            role = "reduce_max"
        elif name in _SAME and numbers[0] is not None:
            number[out] = numbers[0]
        yield equation, role, numbers


def _is_real(atom: Any) -> bool:
    return jnp.issubdtype(atom.aval.dtype, jnp.floating)


def _guards(body: Any, equation: Any) -> bool:
    """Tell whether ``max(x, 0)`` only keeps rounding from a root, as normalization does.

    Its result, or that with a number added, then goes into a square root.
    """
    reached = {equation.outvars[0]}
    for later in body.eqns[body.eqns.index(equation) + 1 :]:
        touched = [isinstance(a, core.Var) and a in reached for a in later.invars]
        if not any(touched):
            continue
        name = later.primitive.name
        if name in ("sqrt", "rsqrt", "log") or (name == "div" and touched == [False, True]):
            return True
        plus = name == "add" and any(isinstance(atom, core.Literal) for atom in later.invars)
        if plus or name in (*_SAME, "gather", "slice", "concatenate"):
            reached |= set(later.outvars)
    return False
