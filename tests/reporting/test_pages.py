"""Pages are parsed by the standard library's parser, which knows nothing of ours."""

import base64
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from PIL import Image

from fooljax import reporting

EVIL = "<script>alert('x')</script>\" onerror=\"alert(1)"
VOID = {"img", "meta", "br"}
SUMMARY = {
    "clean_accuracy": 0.991,
    "median_confidence": 0.99992,
    "min_confidence": [0.97, 0.92],
    "per_class_confidence": [[0.99992, 0.92], [0.97, 1.0]],
    "median_confidence_by_generation": [0.5, 0.99992],
    "first_generation_all_above": {"0.99": [12, None], "0.9999": None},
    "random_image_median_confidence": 0.25,
    "evaluations": 40200,
    "evaluations_per_second": 20100.0,
    "generations": 200,
    "seed": 7,
    "controls": {
        "random_images": {
            "median_top1_confidence": 0.41,
            "share_above_0.99": 0.0,
            "median_best_per_class": 0.3,
        },
        "gaussian_noise": {"median_top1_confidence": None},
    },
}


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


@pytest.fixture
def report(tmp_path, picture):
    pictures = dict.fromkeys(["gallery", "curves", "heatmap", "lineage", EVIL], picture)
    settings = {"dataset": "mnist", "model": EVIL, "encoding": "cppn", "search": {"size": None}}
    path = reporting.evolve_page(
        tmp_path / "report.html",
        SUMMARY,
        settings,
        pictures,
        class_names=[EVIL, "お"],
        command=f"python -m experiments.evolve {EVIL}",
        title=EVIL,
    )
    return parse(path)


def test_report_is_self_contained(report, picture):
    content = base64.b64encode(picture.read_bytes()).decode()
    links = [a["href"] for _, a in report.tags if "href" in a]
    sources = [a["src"] for _, a in report.tags if "src" in a]
    assert links == ["https://arxiv.org/abs/1412.1897"]
    assert sources == [f"data:image/png;base64,{content}"] * 5
    assert all(a["alt"].strip() for tag, a in report.tags if tag == "img")
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in report.tags}


def test_report_escapes_everything(report):
    assert not any(name.startswith("on") for _, attributes in report.tags for name in attributes)
    assert report.text.count("<script>alert('x')</script>") >= 4  # title, heading, class, command


def test_report_says_the_numbers(report):
    for text in ("99.992 %", "92 %", "99.1 %", "40,200", "2 s", "41 %", "12, never", "お", "Seed"):
        assert text.lower() in report.text.lower()
    assert "2 independent runs of 200 generations" in report.text
    assert "search.size" in report.text
    assert "100 %" not in report.text


def test_report_has_one_main_heading_and_scoped_tables(report):
    tags = [tag for tag, _ in report.tags]
    assert tags.count("h1") == 1 and tags.count("figure") == tags.count("figcaption") == 5
    assert all("scope" in attributes for tag, attributes in report.tags if tag == "th")


@pytest.mark.parametrize(
    "summary",
    [{}, dict.fromkeys(SUMMARY), {"controls": {"x": None}, "median_confidence": float("nan")}],
)
def test_report_says_what_is_missing(tmp_path, summary):
    reader = parse(reporting.evolve_page(tmp_path / "r.html", summary, {}, {}))
    assert "not measured" in reader.text
    assert "None" not in reader.text and "nan" not in reader.text.split()


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
