"""Texts on pages: whatever they hold, they stay letters in a place of their own."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from fooljax import media, reporting, study
from fooljax.reporting import texts

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = {
    "markup": "</bdi><script>alert(1)</script>&amp;",
    "attribute": '" onmouseover="alert(1)',
    "right to left": "abc \u202e אבג \u2066 x",
    "marks first": "\u0301\u0302a",
    "marks piled up": "a" + "\u0301" * 200,
    "control": "a\0b\x1b[31mc\x7f",
    "spaces": "  a   b  ",
    "no characters": "\ufffe\uffff",
    "private": "\ue000",
    "emoji": "👩\u200d👩\u200d👧",
    "nothing": "",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_is_one_isolated_element(name):
    markup = texts.written(HOSTILE[name]).markup
    inner = re.fullmatch(r'<bdi class="text" dir="auto">(.*)</bdi>', markup, re.DOTALL)[1]
    assert "<" not in inner and '"' not in inner
    assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", inner)


def test_what_cannot_be_seen_is_shown_by_number():
    assert "a⟨0⟩b⟨1B⟩[31mc⟨7F⟩" in texts.written(HOSTILE["control"]).markup
    assert "  a   b  " in texts.written(HOSTILE["spaces"]).markup
    assert "◌\u0301" in texts.written(HOSTILE["marks first"]).markup


@pytest.mark.parametrize("name", HOSTILE)
def test_every_text_has_a_picture(name):
    assert texts.picture(HOSTILE[name]).shape == (texts.SIDE, texts.SIDE, 3)


def test_short_texts_are_drawn_large():
    height = lambda text: np.flatnonzero((texts.picture(text) < 128).any(axis=(1, 2))).size
    assert height("H") > 1.3 * height("H" + " " * 500)
    assert texts.picture("x" * 10_000).min() < 128


def test_texts_are_lines_of_a_table():
    medium = media.Texts()
    ids = np.stack([medium.encode(text, 9) for text in ("<b>", "אב")])
    page = study.experience(medium, ids, ["one & two", "three"], ["99 %", "98 %"]).markup
    assert page.count("<tr>") == 3 and "Confidence" in page
    assert "one &amp; two" in page and "&lt;b&gt;" in page and "<b>" not in page
    plain = study.experience(medium, ids, ["one", "two"]).markup
    assert "Confidence" not in plain


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_deleted_words_are_struck_through_and_new_ones_underlined(tmp_path):
    """A line of the words around would not cross a text, which is a block of its own."""
    block = reporting.paragraph(texts.edited("not bad at all", "bad at once all"))
    path = reporting.page(tmp_path / "page.html", "Title", block)
    html = re.sub(r"<meta http-equiv.*?>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    script = (
        'for (const text of document.querySelectorAll("bdi"))'
        " text.title = getComputedStyle(text).textDecorationLine;"
    )
    path.write_text(html.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-sync", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"file://{path}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    lines = re.findall(r'<bdi .*?title="(.*?)">(.*?)</bdi>', shown)
    assert ("line-through", "not") in lines and ("underline", "once") in lines
    assert ("none", "bad at") in lines
