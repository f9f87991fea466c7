"""The page that holds blocks of HTML: one file, which loads nothing from elsewhere."""

import base64
import hashlib
import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from fooljax.reporting.drawing import write
from fooljax.reporting.html import Text, join, paragraph, safe, section


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

    Example:
        >>> from fooljax import reporting
        >>> path = reporting.page("page.html", "Found", reporting.section("What", "Little."))
        >>> path.name
        'page.html'
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
    opening = f'<p class="lead">{safe(lead)}</p>' if lead else ""
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
<header><h1>{safe(title)}</h1>{opening}</header>
<main>
{content}</main>
<footer>Made with fooljax.</footer>
{script}</body>
</html>
"""
    return write(path, text.encode("utf-8", errors="replace"))
