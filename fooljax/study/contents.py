"""The parts of a page, from a table of contents."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from fooljax.study.page import Block, Heading

Found = TypeVar("Found")
#: From what was found to a block of the page, or to several.
Part: TypeAlias = Callable[[Found], Block | Iterator[Block]]


def sections(found: Found, parts: Mapping[str, Part[Found]]) -> Iterator[Block]:
    """Yield each part of a page below its heading; one that has nothing to show is left out.

    Args:
        found: what the page is about.
        parts: what makes each part, by its heading, in the order of reading.
    """
    for heading, part in parts.items():
        made = part(found)
        blocks = list(made) if isinstance(made, Iterator) else [made]
        if blocks:
            yield Heading(heading)
            yield from blocks
