"""Blocks of HTML, and the page that holds them.

Every block returns ``Html``. Wherever text is expected, a plain ``str`` is
escaped and an ``Html`` is taken as it is, so a class name from somebody's
folder can never become markup.
"""

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from fooljax.reporting.drawing import write

_MIME = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}


@dataclass(frozen=True)
class Html:
    """Markup that is already safe.

    Attributes:
        markup: the HTML text.
    """

    markup: str


Text = str | Html


def join(*parts: Text) -> Html:
    """Put texts and markup one after another."""
    return Html("".join(_safe(part) for part in parts))


def paragraph(*parts: Text) -> Html:
    """A paragraph."""
    return Html(f"<p>{join(*parts).markup}</p>")


def strong(text: Text) -> Html:
    """Important words inside a paragraph."""
    return Html(f"<strong>{_safe(text)}</strong>")


def code(text: str) -> Html:
    """A command or a file's content, in a box of its own."""
    return Html(f'<pre tabindex="0"><code>{escape(text)}</code></pre>')


def link(text: Text, url: str) -> Html:
    """A link to another page: one of the web, or one in the same folder.

    Raises:
        ValueError: if ``url`` does not start with ``https://`` and is not the
            plain name of an HTML file.
    """
    if not (url.startswith("https://") or re.fullmatch(r"\w[\w.-]*\.html", url)):
        raise ValueError(f"url must start with https:// or be an HTML file's name, got {url!r}")
    return Html(f'<a href="{escape(url)}">{_safe(text)}</a>')


def section(title: Text, *blocks: Text) -> Html:
    """A heading and what belongs under it."""
    return Html(f"<section><h2>{_safe(title)}</h2>\n{join(*blocks).markup}</section>\n")


def tiles(*figures: tuple[Text, Text]) -> Html:
    """Key figures side by side, each a value and what it is the value of."""
    items = "".join(
        f"<div><dt>{_safe(label)}</dt><dd>{_safe(value)}</dd></div>" for value, label in figures
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
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"each row must have {len(header)} cells, got {len(row)}")
    head = "".join(f'<th scope="col">{_safe(cell)}</th>' for cell in header)
    body = "\n".join(
        f'<tr><th scope="row">{_safe(row[0])}</th>'
        + "".join(f"<td>{_unbroken(_safe(cell))}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
        if row
    )
    title = f"<caption>{_safe(caption)}</caption>" if caption else ""
    kind = ' class="sortable"' if sortable else ""
    return Html(
        f'<div class="scroll" tabindex="0"><table{kind}>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>\n"
    )


def figure(path: str | os.PathLike[str], alt: str, caption: Text) -> Html:
    """A picture file, copied into the page, with its caption.

    Wide pictures scroll sideways on small screens rather than shrink.

    Args:
        path: a PNG, JPEG, WebP, GIF or SVG file.
        alt: what the picture shows, for those who do not see it.
        caption: how to read it.

    Raises:
        ValueError: if ``alt`` is empty or the file's ending is another.
    """
    path = Path(path)
    if not alt.strip():
        raise ValueError(f"alt must describe the picture {path.name}, got nothing")
    if path.suffix.lower() not in _MIME:
        raise ValueError(f"picture must end in one of {sorted(_MIME)}, got {path.name!r}")
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return Html(
        f'<figure><div class="picture" tabindex="0">'
        f'<img src="data:{_MIME[path.suffix.lower()]};base64,{content}" alt="{escape(alt)}">'
        f"</div><figcaption>{_safe(caption)}</figcaption></figure>\n"
    )


def details(summary: Text, *blocks: Text) -> Html:
    """Blocks that stay folded until the reader opens them."""
    return Html(f"<details><summary>{_safe(summary)}</summary>{join(*blocks).markup}</details>\n")


def page(
    path: str | os.PathLike[str],
    title: str,
    *sections: Text,
    lead: Text = "",
    warnings: Sequence[str] = (),
) -> Path:
    """Write one self-contained page that opens offline.

    Nothing is loaded from elsewhere: the style and every picture are part of the
    file. No script runs but the one that sorts tables, on pages that have a
    sortable one. It follows the reader's light or dark mode, fits a phone and
    prints well.

    Args:
        path: the HTML file to write.
        title: the page's title and first heading.
        *sections: what the page consists of, usually from ``section``.
        lead: an opening paragraph under the title.
        warnings: what makes the numbers doubtful, shown before all of them.

    Returns:
        The path written.
    """
    doubts = [section("Before you believe this", *map(paragraph, warnings))] if warnings else []
    content = join(*doubts, *sections).markup
    scripts = ("sort.js",) if '<table class="sortable">' in content else ()
    return document(path, title, content, lead, scripts=scripts)


def document(
    path: str | os.PathLike[str],
    title: str,
    content: str,
    lead: Text = "",
    *,
    styles: Sequence[str] = ("page.css",),
    scripts: Sequence[str] = (),
    pictures: str = "data:",
) -> Path:
    """Write a page around its content; only the scripts named here can run.

    Args:
        path: the HTML file to write.
        title: the page's title and first heading.
        content: markup.
        lead: an opening paragraph under the title.
        styles: this package's style sheets to copy into the page.
        scripts: this package's scripts to copy into the page.
        pictures: where pictures may come from, in the words of a content
            security policy.

    Returns:
        The path written.
    """
    read = lambda name: files("fooljax.reporting").joinpath(name).read_text(encoding="utf-8")
    codes = [read(name) for name in scripts]
    digests = [base64.b64encode(hashlib.sha256(c.encode()).digest()).decode() for c in codes]
    allowed = "; script-src " + " ".join(f"'sha256-{d}'" for d in digests) if codes else ""
    opening = f'<p class="lead">{_safe(lead)}</p>' if lead else ""
    style = "".join(read(name) for name in styles)
    script = "".join(f"<script>{c}</script>\n" for c in codes)
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src {pictures}; media-src data:;
 style-src 'unsafe-inline'{allowed}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<header><h1>{escape(title)}</h1>{opening}</header>
<main>
{content}</main>
<footer>Made with fooljax.</footer>
{script}</body>
</html>
"""
    return write(path, text.encode("utf-8", errors="replace"))


def _unbroken(markup: str) -> str:
    """Keep percent signs on the line of their number, however narrow a column is."""
    return markup.replace(" %", "&nbsp;%")


def _safe(part: Text) -> str:
    return part.markup if isinstance(part, Html) else escape(part)
