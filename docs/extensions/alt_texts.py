"""Pictures that a page's code made say what section they belong to, to whoever cannot see them.

And those of the gallery get a box, in which they scroll on a phone as those of pages do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx_gallery.directives import imgsgnode

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def name_pictures(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Give each picture without a text of its own the heading that it stands below."""
    for picture in doctree.findall(nodes.image):
        section = picture.parent
        while section is not None and not isinstance(section, nodes.section):
            section = section.parent
        if not picture.get("alt") and section is not None:
            picture["alt"] = f"Picture made by the code above: {section[0].astext()}"

    for picture in list(doctree.findall(imgsgnode)):
        picture.parent.replace(picture, nodes.container("", picture, classes=["picture"]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in when the outputs of code have become pictures."""
    app.connect("doctree-resolved", name_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
