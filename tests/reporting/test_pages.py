"""Pages are parsed by the standard library's parser, which knows nothing of ours."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from fooljax import reporting

VOID = {"img", "meta", "br"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that tags nest."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self._open = [], "", []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data.replace("\N{NO-BREAK SPACE}", " ")


def parse(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert not reader._open
    return reader


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (4, 4), "red").save(path)
    return path


def test_blocks_escape_text_and_keep_markup(tmp_path):
    block = reporting.section(
        "<h>",
        "<b>",
        reporting.paragraph(
            "1 < 2 ", reporting.strong("&"), reporting.link("<a>", "https://x.org/?a=1&b")
        ),
        reporting.tiles(("<1>", "<2>")),
        reporting.table(["<c>", "d"], [["<e>", reporting.strong("<f>")]], "<g>"),
        reporting.details("<i>", reporting.code("<j>")),
    )
    reader = parse(reporting.page(tmp_path / "p.html", "t", block, lead="<k>"))
    for text in ("<h>", "<b>", "1 < 2 &", "<a>", "<1>", "<2>", *(f"<{x}>" for x in "cefgijk")):
        assert text in reader.text
    assert not {"b", "h", "c", "e", "i", "j", "k"} & {tag for tag, _ in reader.tags}
    assert "https://x.org/?a=1&b" in [a.get("href") for _, a in reader.tags]


def test_blocks_refuse_what_would_break_a_page(tmp_path, picture):
    with pytest.raises(ValueError, match="https"):
        reporting.link("x", "javascript:alert(1)")
    with pytest.raises(ValueError, match="2 cells"):
        reporting.table(["a", "b"], [["c"]])
    with pytest.raises(ValueError, match="alt"):
        reporting.figure(picture, " ", "caption")
    with pytest.raises(ValueError, match="picture"):
        reporting.figure(tmp_path / "x.html", "alt", "caption")


def test_words_in_a_table_are_marked_and_keep_some_width_on_small_screens(tmp_path):
    long = "a sentence that a narrow column would break after every word"
    table = reporting.table(("Name", "Value", "Meaning"), [("x", "99 %", long)])
    assert f'<td class="words">{long}</td>' in table.markup and "<td>99&nbsp;%</td>" in table.markup
    style = reporting.page(tmp_path / "page.html", "Title", table).read_text("utf-8")
    assert ".words { min-width:" in style.partition("@media (max-width")[2]


def test_importing_reporting_loads_neither_jax_nor_matplotlib():
    check = "import sys, fooljax.reporting; print({'jax', 'matplotlib'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert printed.stdout.strip() == "set()", printed.stderr


def test_warnings_come_before_everything_and_are_no_markup(tmp_path):
    made = reporting.page(
        tmp_path / "x.html",
        "Title",
        reporting.section("Results", "42"),
        warnings=["<b>odd</b>"],
    )
    text = made.read_text()
    assert text.index("&lt;b&gt;odd&lt;/b&gt;") < text.index("Results")
    assert "Before you believe this" not in reporting.page(tmp_path / "y.html", "T").read_text()


@pytest.mark.parametrize(
    "block",
    [
        lambda text: reporting.paragraph(text),
        lambda text: reporting.tiles((text, text)),
        lambda text: reporting.table((text, text), [(text, text)], text),
        lambda text: reporting.details(text, text),
    ],
    ids=["paragraph", "tiles", "table", "details"],
)
def test_a_percent_sign_and_a_power_stay_with_their_number(block):
    """However narrow a column or a screen is."""
    markup = block(
        "5 % of 4 \N{MULTIPLICATION SIGN} 10\u207b\u2079 and 3 \N{MULTIPLICATION SIGN} 3"
    ).markup
    assert "5&nbsp;% of" in markup and " %" not in markup
    assert "4&nbsp;\N{MULTIPLICATION SIGN}&nbsp;10\u207b" in markup


def test_letters_of_small_and_large_charts_are_of_one_size(tmp_path):
    """A matrix of two columns is not blown up to what a phone cannot show; a gallery stays."""
    small = reporting.matrix(tmp_path / "small.png", [[0.5, 0.1]], ["a"], ["b", "c"], label="x")
    series = {"pgd": ([0.0, 1.0], [1.0, 0.5])}
    large = reporting.lines(tmp_path / "large.png", series, x_label="x", y_label="y")
    for path in (small, large):
        with Image.open(path) as picture:
            width, dots = picture.width, picture.info["dpi"][0]
        shown = re.search(r' width="(\d+)"', reporting.figure(path, "a chart", "").markup)[1]
        assert int(shown) == pytest.approx(128 * width / dots, abs=1)
    drawn = reporting.grid(tmp_path / "grid.png", np.zeros((1, 1, 4, 4, 1)), [["black"]])
    assert " width=" not in reporting.figure(drawn, "a picture", "").markup
