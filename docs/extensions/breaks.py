"""Where lines break: not between a number and its unit, and in a long name after "_" and ".".

A name that is wider than a phone would otherwise be cut wherever the line ends. The places to
cut are tags of HTML, so that a name that is copied, or searched for, stays whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_UNIT = re.compile(r"(?<=\d) (?=(?:%|x|s|ms|[MG]B|k?Hz|dB)(?![\w-]))")
_CUT = re.compile(r"(?<=\w[_./(])(?=[a-zA-Z])")
_LONG = 20  # letters, as many as a narrow cell of a table holds
_AS_WRITTEN = (nodes.literal_block, nodes.doctest_block, nodes.raw)


def keep_units(text: str) -> str:
    """Tie each number to the unit that follows it."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", text)


def parts(name: str) -> list[str]:
    """Cut a text where a long name in it may be cut."""
    longest = max(map(len, name.split()), default=0)
    return _CUT.split(name) if longest > _LONG else [name]


def _set(app: Sphinx, doctree: nodes.document, page: str) -> None:
    for text in list(doctree.findall(nodes.Text)):
        if _within(text, *_AS_WRITTEN):
            continue
        if _within(text, addnodes.desc_signature):
            kept = _CUT.split(text)
        elif _within(text, nodes.literal):
            kept = parts(text)
        else:
            kept = parts(keep_units(text))
        if kept != [text]:
            made: list[nodes.Node] = [nodes.Text(kept[0])]
            for part in kept[1:]:
                made += [nodes.raw("", "<wbr>", format="html"), nodes.Text(part)]
            text.parent.replace(text, made)


def _within(node: nodes.Node, *kinds: type) -> bool:
    above = node.parent
    while above is not None and not isinstance(above, kinds):
        above = above.parent
    return above is not None


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in when a page is complete."""
    app.connect("doctree-resolved", _set)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
