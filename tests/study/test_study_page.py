"""The one exit of an experiment: blocks in their order, files, doubts at the top."""

import dataclasses
import json
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest

from fooljax import reporting, study
from fooljax.study import RunFlags, Victim
from fooljax.study.prepared import Prepared

PAPERS = {"1412.1897": "Nguyen & others", "https://distill.pub/x": "Olah"}


@dataclass(frozen=True)
class Config:
    victim: Victim = field(default_factory=Victim)
    names: study.Several[str] = ("a", "b <c>")
    run: RunFlags = field(default_factory=RunFlags)


def main(config, blocks=None):
    with study.opened(main, config) as run:
        make = lambda key, name: {"image": np.full((2, 2, 1), 0.5)}
        results = study.compute(run, study.grid(name=config.names), make, "making")
        warnings.warn("the numbers are doubtful", stacklevel=1)
        records = [{"name": name, "repeat": 0, "share": 0.25} for name in config.names]
        table = study.summarize(records, ["name"], ["share"])
        prepared = {"lenet": Prepared(None, ("x",), 0.9, "trained <here>")}
        page = blocks(table) if blocks else report(table, results)
        return study.publish(run, page, prepared, results, records, PAPERS, keep=["image"], most=1)


def report(table, results):
    yield study.Opening("A <title>", "A lead.", [("1 %", "of all")])
    yield study.Heading("First")
    yield "A paragraph & more."
    yield study.matrix("rates", table, "name", "name", "share", "Rates. How to read them.")
    yield study.Heading("Second")
    images = [[found["image"] for _, found in results.found]]
    shown = study.images("shown", images, [["x", "y"]], "Images. Look.")
    yield study.Folded(
        "More", ["inside", study.numbers(table, {"name": "N"}, {"share": "S"}), shown]
    )
    yield reporting.paragraph(reporting.strong("bold"))


@pytest.fixture
def run(tmp_path):
    with pytest.warns(UserWarning, match="doubtful"):
        summary = main(study.change(Config(), out=str(tmp_path / "run"), train_steps=5))
    return tmp_path / "run", summary


def test_everything_is_written_and_said_in_order(run):
    folder, summary = run
    page = (folder / "report.html").read_text()
    words = ["A &lt;title&gt;", "A lead.", "Before you believe this", "doubtful", "of all"]
    words += ["<h2>First", "paragraph &amp; more", "Rates. How to read them.", "<h2>Second"]
    words += ["<details><summary>More", ">inside<", "b &lt;c&gt;", "Images. Look.", "<strong>bold"]
    words += [
        "The networks",
        "trained &lt;here&gt;",
        "90&nbsp;%",
        "How to repeat this",
        "--train-steps 5",
    ]
    words += ["Where the idea comes from", "Nguyen &amp; others", "https://arxiv.org/abs/1412.1897"]
    words += ["https://distill.pub/x"]
    places = [page.find(word) for word in words]
    assert -1 not in places and places == sorted(places)
    assert 'alt="Rates."' in page and page.count("data:image/png") == 2
    assert (folder / "records.csv").read_text() == "name,repeat,share\na,0,0.25\nb <c>,0,0.25\n"
    kept = {f"{study.cells.file_name({'name': name})}.image" for name in ("a", "b <c>")}
    assert set(np.load(folder / "arrays.npz").files) == kept
    assert summary == json.loads((folder / "summary.json").read_text())
    assert summary["warnings"] == ["the numbers are doubtful"] and summary["most"] == 1
    assert "test_study_page" in page


def test_a_run_ends_with_what_its_page_begins_with(tmp_path, capsys):
    with pytest.warns(UserWarning, match="doubtful"):
        main(study.change(Config(), out=str(tmp_path / "run")))
    said = capsys.readouterr().err.splitlines()
    assert said[-3:] == ["A <title>", "  1 % of all", f"report: {tmp_path / 'run' / 'report.html'}"]


def test_a_page_begins_with_its_title(tmp_path):
    config = study.change(Config(), out=str(tmp_path / "run"))
    with pytest.warns(UserWarning), pytest.raises(TypeError, match="Opening"):
        main(config, blocks=lambda table: ["text"])


def test_impossible_settings_leave_nothing_behind(tmp_path):
    flags = RunFlags(out=str(tmp_path / "run"))
    for config, words in (
        (Config(names=(), run=flags), "--names must name at least 1, each once, got none"),
        (Config(names=("a", "a"), run=flags), "--names must name at least 1, each once, got a a"),
        (Config(run=dataclasses.replace(flags, seed=-1)), "--seed must be at least 0, got -1"),
    ):
        with pytest.raises(ValueError, match=words):
            main(config)
    assert not list(tmp_path.iterdir())


def test_a_setting_is_changed_wherever_it_is():
    changed = study.change(Config(), seed=4, train_steps=7, names=("z",))
    assert (changed.run.seed, changed.victim.train_steps, changed.names) == (4, 7, ("z",))
    assert study.change(Config(), victim=Victim(), out="x").victim == Victim()
    with pytest.raises(TypeError, match="nothing"):
        study.change(Config(), nothing=1)


def test_names_of_a_catalog():
    known = {"direct": 1, "cppn": 2}
    assert study.choose("--e", ["cppn", "direct"], known) == {"cppn": 2, "direct": 1}
    with pytest.raises(ValueError, match=r"--e: unknown 'dirct'; did you mean direct\? There are"):
        study.choose("--e", ["dirct"], known)


def test_lines_that_were_not_measured_are_left_out(tmp_path):
    records = [
        {"way": way, "size": size, "repeat": 0, "share": None if way == "none" else size / 10}
        for way in ("some", "none", "control")
        for size in (1, 2)
    ]
    table = study.summarize(records, ("way", "size"), ["share"])
    words = {"x_label": "x", "y_label": "y", "shares": True, "dashed": ("none", "control")}
    figure = study.lines("l", table, "size", "share", "way", "Lines. How to read.", **words)
    figure.draw(tmp_path / "l.png")
    assert (tmp_path / "l.png").stat().st_size > 1000


def test_a_section_without_blocks_has_no_heading():
    parts = {"First": ["a", "b"], "Nothing asked for": (), "Last": (word for word in "c")}
    found = list(study.sections(parts))
    assert found == [study.Heading("First"), "a", "b", study.Heading("Last"), "c"]
    assert list(study.sections({"Nothing": iter(())})) == []
