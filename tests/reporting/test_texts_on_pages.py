"""Texts on pages: whatever they hold, they stay letters in a place of their own."""

import re

import numpy as np
import pytest

from fooljax import media, study
from fooljax.reporting import texts

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
