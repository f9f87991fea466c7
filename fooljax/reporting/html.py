"""Blocks of HTML.

Every block returns ``Html``. Wherever text is expected, a plain ``str`` is
escaped and an ``Html`` is taken as it is, so a class name from somebody's
folder can never become markup.
"""

import base64
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_LONG = 20  # characters of a cell from which on it is more than a name or a number
_MIME = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}


_INCH = 128  # of a chart, in pixels of the page: a chart of full width fills it
_TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Html:
    """Markup that is already safe.

    Attributes:
        markup: the HTML text.
    """

    markup: str


Text = str | Html


def safe(part: Text) -> str:
    """Return markup: text escaped, markup as it is.

    A percent sign stays on the line of its number, and so does a power of ten.
    """
    if isinstance(part, Html):
        return part.markup
    return re.sub(rf"(?<=\d) (?=%|{_TIMES})|(?<=\d {_TIMES}) (?=10)", "&nbsp;", escape(part))


def join(*parts: Text) -> Html:
    """Put texts and markup one after another.

    Example:
        >>> from fooljax import reporting
        >>> reporting.join("1 < 2, ", reporting.strong("indeed")).markup
        '1 &lt; 2, <strong>indeed</strong>'
    """
    return Html("".join(safe(part) for part in parts))


def paragraph(*parts: Text) -> Html:
    """A paragraph.

    Example:
        >>> from fooljax import reporting
        >>> "&lt;b&gt;" in reporting.paragraph("Markup such as <b> is shown as it is.").markup
        True
    """
    return Html(f"<p>{join(*parts).markup}</p>")


def strong(text: Text) -> Html:
    """Important words inside a paragraph.

    Example:
        >>> from fooljax import reporting
        >>> reporting.strong("sure").markup
        '<strong>sure</strong>'
    """
    return Html(f"<strong>{safe(text)}</strong>")


def code(text: str) -> Html:
    """A command or a file's content, in a box of its own.

    Example:
        >>> from fooljax import reporting
        >>> "pip install ." in reporting.code("pip install .").markup
        True
    """
    return Html(f'<pre tabindex="0"><code>{escape(text)}</code></pre>')


def link(text: Text, url: str) -> Html:
    """A link to another page: one of the web, or one in the same folder.

    Raises:
        ValueError: if ``url`` does not start with ``https://`` and is not the
            plain name of an HTML file.

    Example:
        >>> from fooljax import reporting
        >>> "href" in reporting.link("the paper", "https://arxiv.org/abs/1412.1897").markup
        True
    """
    if not (url.startswith("https://") or re.fullmatch(r"\w[\w.-]*\.html", url)):
        raise ValueError(f"url must start with https:// or be an HTML file's name, got {url!r}")
    return Html(f'<a href="{escape(url)}">{safe(text)}</a>')


def section(title: Text, *blocks: Text) -> Html:
    """A heading and what belongs under it.

    Example:
        >>> from fooljax import reporting
        >>> "What was done" in reporting.section("What was done", "Little.").markup
        True
    """
    return Html(f"<section><h2>{safe(title)}</h2>\n{join(*blocks).markup}</section>\n")


def tiles(*figures: tuple[Text, Text]) -> Html:
    """Key figures side by side, each a value and what it is the value of.

    Example:
        >>> from fooljax import reporting
        >>> "median confidence" in reporting.tiles(("99 %", "median confidence")).markup
        True
    """
    items = "".join(
        f"<div><dt>{safe(label)}</dt><dd>{safe(value)}</dd></div>" for value, label in figures
    )
    return Html(f'<dl class="tiles">{items}</dl>\n')


def table(
    header: Sequence[Text],
    rows: Sequence[Sequence[Text]],
    caption: Text = "",
    *,
    sortable: bool = False,
) -> Html:
    """A table whose first column names the rows.

    Args:
        header: one title for each column.
        rows: cells, as many in each row as there are titles.
        caption: what the table shows, above it.
        sortable: let the reader sort it by any column: by the numbers that cells
            begin with, the others last; by text where none begins with a number.

    Raises:
        ValueError: if a row has another number of cells than the header.

    Example:
        >>> from fooljax import reporting
        >>> "99&nbsp;%" in reporting.table(["Class", "Confidence"], [["dog", "99 %"]]).markup
        True
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"each row must have {len(header)} cells, got {len(row)}")
    head = "".join(f'<th scope="col">{safe(cell)}</th>' for cell in header)
    body = "\n".join(
        f'<tr><th scope="row">{safe(row[0])}</th>'
        + "".join(f"<td{_class_of(cell)}>{safe(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
        if row
    )
    title = f"<caption>{safe(caption)}</caption>" if caption else ""
    kind = ' class="sortable"' if sortable else ""
    return Html(
        f'<div class="scroll" tabindex="0"><table{kind}>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>\n"
    )


def _class_of(cell: Text) -> str:
    """Mark a long text, which needs some width to be read, on a small screen, too."""
    return ' class="words"' if isinstance(cell, str) and len(cell) > _LONG else ""


def figure(path: str | os.PathLike[str], alt: str, caption: Text) -> Html:
    """A picture file, copied into the page, with its caption.

    Wide pictures scroll sideways on small screens rather than shrink.

    Args:
        path: a PNG, JPEG, WebP, GIF or SVG file.
        alt: what the picture shows, for those who do not see it.
        caption: how to read it.

    Raises:
        ValueError: if ``alt`` is empty or the file's ending is another.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> path = reporting.grid("zero.png", np.zeros((1, 1, 4, 4, 1)), [["black"]])
        >>> block = reporting.figure(path, "a black image", "Nothing is on it.")
    """
    path = Path(path)
    if not alt.strip():
        raise ValueError(f"alt must describe the picture {path.name}, got nothing")
    if path.suffix.lower() not in _MIME:
        raise ValueError(f"picture must end in one of {sorted(_MIME)}, got {path.name!r}")
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return Html(
        f'<figure><div class="picture" tabindex="0">'
        f'<img src="data:{_MIME[path.suffix.lower()]};base64,{content}" alt="{escape(alt)}"'
        f"{_width(path)}>"
        f"</div><figcaption>{safe(caption)}</figcaption></figure>\n"
    )


def _width(path: Path) -> str:
    """Say how wide a chart is that was drawn in inches: letters of all charts are of one size."""
    from PIL import Image

    if path.suffix.lower() != ".png":
        return ""
    with Image.open(path) as picture:
        dots = picture.info.get("dpi")
        return f' width="{round(picture.width / dots[0] * _INCH)}"' if dots else ""


def details(summary: Text, *blocks: Text) -> Html:
    """Blocks that stay folded until the reader opens them.

    Example:
        >>> from fooljax import reporting
        >>> "<details" in reporting.details("All numbers", "1, 2, 3").markup
        True
    """
    return Html(f"<details><summary>{safe(summary)}</summary>{join(*blocks).markup}</details>\n")
