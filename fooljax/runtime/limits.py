"""What settings may be: types that say their own limits, checked by one function.

``steps: Count`` in a settings dataclass is an ``int`` for flags and type checkers; ``check``
reads the limits off the type, and names the flag of what lies outside.
"""

import dataclasses
import types
from collections.abc import Iterator
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)


class Within(NamedTuple):
    """An interval that a number must lie in.

    Attributes:
        low: its lower end.
        high: its upper end.
        open_low: whether the lower end itself is too little.
        open_high: whether the upper end itself is too much.
        why: what the upper end is there for, and the remedy.
    """

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False
    why: str = ""

    def holds(self, number: float) -> bool:
        """Tell whether a number lies inside; NaN never does."""
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        return above and below

    def complain(self, value: float) -> str:
        """Say what is wrong with a number; nothing if all is well."""
        if self.holds(value):
            return ""
        if self.why and value > self.low:
            end = "below" if self.open_high else "at most"
            return f"must be {end} {self.high:,}, got {value:,}; {self.why}"
        if self.why:
            return (
                f"must be {'positive' if self.open_low else f'at least {self.low:g}'}, got {value}"
            )
        left, right = "[("[self.open_low], "])"[self.open_high]
        return f"must be in {left}{self.low:g}, {self.high:g}{right}, got {value}"


class Distinct(NamedTuple):
    """A list that names each thing once.

    Attributes:
        least: how many things it must name.
    """

    least: int = 1

    def complain(self, values: tuple[Any, ...]) -> str:
        """Say what is wrong with a list; nothing if all is well."""
        if len(values) >= self.least and len(set(values)) == len(values):
            return ""
        given = " ".join(map(str, values)) or "none"
        return (
            f"must name {f'at least {self.least}' if self.least else 'any'}, each once, got {given}"
        )


_T = TypeVar("_T")
_MANY = 10**9
_PIECES = 10_000
_ROOM = 100_000

#: Steps of a loop, which can be cut and take as long as they take.
Count = Annotated[int, Within(1, _MANY, why="nothing runs that long; ask for fewer")]
#: The same, where none at all is an answer too.
Natural = Annotated[int, Within(0, _MANY, why="nothing runs that long; ask for fewer")]
#: Networks, repeats, perturbations: each is a piece of work and a file of its own.
Pieces = Annotated[
    int, Within(1, _PIECES, why="each is computed and kept by itself; ask for fewer")
]
#: Images, children, draws: held in memory at once.
Batch = Annotated[int, Within(1, _ROOM, why="they are in memory at once; ask for fewer")]
#: Height or width of an image.
Pixels = Annotated[
    int, Within(1, 16_384, why="larger images do not fit in memory; give a smaller size")
]
#: Number of a class, from 0.
Label = Annotated[int, Within(0, 1_000_000, why="no network here knows so many classes")]
#: What decides random numbers.
Seed = Annotated[
    int, Within(0, 2**32, open_high=True, why="a random key holds 32 bits; give a smaller one")
]
#: Devices, simulated ones included.
Devices = Annotated[int, Within(1, 4096, why="there is no such machine; give those you have")]
#: A probability that leaves room on both sides.
Confidence = Annotated[float, Within(0.0, 1.0, open_low=True, open_high=True)]
#: Memory.
Gigabytes = Annotated[float, Within(0.0, 1e6, open_low=True, why="no machine has so much")]
#: Capacity of a genome in nodes or edges.
Capacity = Annotated[int, Within(5, 4096, why="a genome is painted in that many steps; give fewer")]
#: Part of a whole, and a change of pixels in [0, 1].
Share = Annotated[float, Within(0.0, 1.0, open_low=True)]
#: A probability, or a share that may be nothing.
Rate = Annotated[float, Within(0.0, 1.0)]
#: A length or weight of any finite size.
Positive = Annotated[float, Within(0.0, 1e6, open_low=True, why="give a smaller one")]
#: The same, where zero is an answer too.
NotNegative = Annotated[float, Within(0.0, 1e6, why="give a smaller one")]

#: Things to do or compare, at least one of them.
Several = Annotated[tuple[_T, ...], Distinct()]
#: The same, where none means all, or none at all.
Some = Annotated[tuple[_T, ...], Distinct(0)]


class Item(NamedTuple):
    """A setting.

    Attributes:
        name: of the field.
        type: as declared, limits and all.
        value: the value it has.
    """

    name: str
    type: Any
    value: Any

    @property
    def flag(self) -> str:
        """The flag that sets it."""
        return f"--{self.name.replace('_', '-')}"


def items(config: Any) -> Iterator[Item]:
    """Walk all settings, those of nested ones among them."""
    for name, kind in types_of(type(config)).items():
        value = getattr(config, name)
        if dataclasses.is_dataclass(value):
            yield from items(value)
        else:
            yield Item(name, kind, value)


def types_of(config_type: type) -> dict[str, Any]:
    """Return the declared type of every setting by name, limits and all."""
    declared = get_type_hints(config_type, include_extras=True)
    return {field.name: declared[field.name] for field in dataclasses.fields(config_type)}


def check(config: Any) -> None:
    """Refuse settings of the wrong type or outside the limits that their types declare.

    Args:
        config: a settings dataclass; nested ones are checked too.

    Raises:
        ValueError: naming the flag, the value and the limit.
    """
    for item in items(config):
        complaint = complain(item.type, item.value)
        if complaint:
            raise ValueError(f"{item.flag} {complaint}")


def complain(wanted: Any, value: Any) -> str:
    """Say what is wrong with a value of a declared type; nothing if all is well.

    Args:
        wanted: a plain type, ``Literal``, ``tuple``, union, or one of these with limits.
        value: what is given.
    """
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        kind, limits = arguments[0], arguments[1:]
        complaint = complain(kind, value)
        return complaint or next(filter(None, (limit.complain(value) for limit in limits)), "")
    if origin in (Union, types.UnionType):
        complaints = [complain(kind, value) for kind in arguments if kind is not type(None)]
        fits = (value is None and type(None) in arguments) or not all(complaints)
        return "" if fits else complaints[0]
    if origin is Literal:
        known = " or ".join(map(str, arguments))
        return "" if value in arguments else f"must be {known}, got {value!r}"
    if origin is tuple:
        return _several(arguments, value)
    if wanted is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if fits else f"must be a number, got {value!r}"
    if wanted is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
        return "" if fits else f"must be a whole number, got {value!r}"
    if wanted is str and value == "":
        return "must not be empty, got ''; leave it out, or give a value"
    if isinstance(wanted, type) and not isinstance(value, wanted):
        name = {str: "a text", bool: "true or false"}.get(wanted, wanted.__name__)
        return f"must be {name}, got {value!r}"
    return ""


def _several(arguments: tuple[Any, ...], values: Any) -> str:
    if not isinstance(values, tuple):
        return f"must be a list of values, got {values!r}"
    if arguments[-1] is Ellipsis:
        kinds = (arguments[0],) * len(values)
    elif len(values) == len(arguments):
        kinds = arguments
    else:
        return f"must be {len(arguments)} values, got {len(values)}"
    return next(filter(None, map(complain, kinds, values)), "")
