"""Run the Python of every page.

In a Markdown page each block of Python is a cell: it is run when the site is built, in the
order of the page, and what it prints or draws stands below it. What cannot run there says
why in a comment before it: ``<!-- not run: needs ImageNet -->``. So the same file reads well
on the site and wherever Markdown is shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that the rest can be used without Sphinx
    from sphinx.application import Sphinx

_TOP = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n"
_BLOCK = re.compile(r"^(<!-- not run: .*? -->\n)?```python\n", re.MULTILINE)


def as_notebook(text: str) -> str:
    """Return a page as a notebook, if it has Python to run."""
    found = _BLOCK.sub(lambda one: one[0] if one[1] else "```{code-cell} python3\n", text)
    if "```{code-cell}" not in found or text.startswith("---\n"):
        return found
    return _TOP + found


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    if str(app.env.doc2path(docname)).endswith(".md"):
        source[0] = as_notebook(source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook into the reading of pages."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
