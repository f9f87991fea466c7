"""The documentation site: what breaks its build, what it asks of others, and its notebooks."""

import importlib
import importlib.util
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fooljax
from fooljax.runtime import entries

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def load(name):
    """A file of the site's own extensions that needs no Sphinx."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "extensions" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_python_becomes_cells_unless_a_comment_says_why_not():
    running = load("running")
    page = "# A\n\n```python\nx = 1\n```\n\n<!-- not run: needs x -->\n```python\ny\n```\n"
    made = running.as_notebook(page)
    assert made.startswith("---\nfile_format: mystnb\n")
    assert made.count("```{code-cell} python3\nx = 1\n```") == 1
    assert "```python\ny\n```" in made
    assert running.as_notebook("# A\n\ntext\n") == "# A\n\ntext\n"


def test_requests_are_told_from_links(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="https://one.example/">x</a> <img src="b.png"> <link rel="canonical" '
        'href="https://two.example/"> <script defer src="https://three.example/a.js"></script>'
        '<link rel="stylesheet" href="//four.example/a.css">'
    )
    (tmp_path / "a.css").write_text('@import "https://five.example/x.css"; a {src: url(x.woff)}')
    away = load("offline").requests(tmp_path)
    assert [re.search(r"(\w+)\.example", one)[1] for one in away] == ["five", "three", "four"]


@pytest.mark.parametrize("package", ["data", "models", "study"])
def test_every_function_of_the_api_stands_under_one_title(package):
    module = importlib.import_module(f"fooljax.{package}")
    listed = [
        name
        for _, functions, classes in load("by_medium").groups()[f"fooljax.{package}"]
        for name in (*functions, *classes)
    ]
    assert len(listed) == len(set(listed))
    others = [getattr(module, name) for name in sorted({*module.__all__} - {*listed})]
    written = [one for one in others if str(getattr(one, "__module__", "")).startswith("fooljax")]
    assert not [one for one in written if inspect.isroutine(one) or inspect.isclass(one)]


def test_records_become_pages(tmp_path):
    kept, made = tmp_path / "records", tmp_path / "runs"
    kept.mkdir()
    record = {"title": "A title", "lead": "A lead.", "figures": [["1", "one"]], "picture": None}
    record |= {"experiment": "transfer", "command": "c", "device": "cpu", "cores": 2, "load": None}
    record |= {"seconds": 1.0, "date": "2026-01-01", "fooljax": "0.1.0", "commit": None}
    record |= {"source": None, "versions": {"jax": "1"}, "records": "name,number\na,0.25\n"}
    (kept / "one.json").write_text(json.dumps(record))
    assert load("runs").write_pages(kept, made) == ["one"]
    assert "| a | 0.25 | 1 |" in (made / "one.md").read_text()
    (kept / "one.json").write_text(json.dumps(record | {"records": "name,number\na,0.75\n"}))
    load("runs").write_pages(kept, made)
    assert "| a | 0.75 | 1 |" in (made / "one.md").read_text()
    assert "one\n```" in (made / "index.md").read_text()


def test_long_commands_of_records_are_broken_before_flags():
    command = f"python -m experiments.transfer --networks 9 --{'a' * 40} 1 --last"
    assert load("runs").folded("short --flag 1") == "short --flag 1"
    lines = load("runs").folded(command).split(" \\\n    ")
    assert len(lines) == 2 and " ".join(lines) == command and lines[1].endswith(" 1 --last")


def test_lines_break_where_a_reader_would():
    pytest.importorskip("sphinx", reason="needs pip install -e '.[docs]'")
    breaks = load("breaks")
    assert (
        breaks.keep_units("40 % of 3 images, 2 x, 5 ms") == "40\xa0% of 3 images, 2\xa0x, 5\xa0ms"
    )
    assert breaks.parts("fooljax.attacks.transforms") == ["fooljax.", "attacks.", "transforms"]
    assert breaks.parts("fj.data.load") == ["fj.data.load"]


def test_large_packages_have_a_page_for_each_title(tmp_path):
    titles = load("by_medium")
    titles.write_pages(tmp_path)
    pages = [path.read_text() for path in (tmp_path / "fooljax.study").iterdir()]
    assert len(pages) == len(titles.GROUPS["fooljax.study"])
    assert sum(text.count(".. autofunction:: launch\n") for text in pages) == 1


def entered(folder, name, rows, **changes):
    """An entry made up, with a digest that is right."""
    board = load("leaderboard")
    own = {key: changes.pop(key, "") for key in entries.OWN}
    version = changes.pop("version", board.TERMS.version)
    row = {"words": "", "clean_rejected": [0.0, 0.0, 0.0], "masked": False, "smaller": None}
    given = json.loads(json.dumps({**board.TERMS.settings, **changes}))
    entry = {
        **{"benchmark": board.TERMS.benchmark, "version": version, "settings": given},
        **{
            "rows": [{**row, **one} for one in rows],
            "data": {"sets": given["dataset"]},
            "code": {},
        },
        **{"networks": {"lenet 1": {"weights": "0123456789abcdef"}}, "files": {}},
        "run": {
            **{"command": f"run {name}", "device": "cpu", "cores": 2, "load": None},
            **{"seconds": 60.0, "date": "2026-01-01", "fooljax": "0.1.0", "commit": None},
            **{"versions": {"jax": "1"}, "source": None, "experiment": "foolbench"},
        },
    }
    entry |= {**own, "digest": entries.digest(entry)}
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(entry))


def accepted(defense, right, adaptive, **more):
    """A row of an entry: the shares accepted by kind, each within a tenth."""
    around = lambda mean: [mean, round(mean - 0.1, 2), round(mean + 0.1, 2)]
    each = {f"kind {i}": around(share) for i, share in enumerate(adaptive)}
    mean = around(sum(adaptive) / len(adaptive))
    both = {"adaptive": each, "naive": each, "adaptive_mean": mean, "naive_mean": mean}
    return {"defense": defense, "clean_accuracy": around(right), **both, **more}


def test_entries_become_a_table(tmp_path):
    """By hand: the worst kind decides, then the mean; who answers too little has no place."""
    kept, page = tmp_path / "leaderboard", tmp_path / "leaderboard" / "index.md"
    worst, mean = accepted("a", 0.9, [0.7, 0.1]), accepted("b", 0.9, [0.6, 0.6])
    entered(kept, "one", [worst, mean], title="Our [best] | <b>net</b>", link="https://a.example/x")
    silent = accepted("d", 0.5, [0.0, 0.0])
    entered(kept, "two", [accepted("c", 0.88, [0.6, 0.5], masked=True), silent], model="mlp")
    assert load("leaderboard").write_page(kept, page) == 1
    text = page.read_text()
    table, kinds, *_ = text.split("## digits\n")[1].split("**By kind")
    lines = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert [(line[0], line[3]) for line in lines[1:]] == [
        *(("| 1", "c †"), ("| 2", "b"), ("| 3", "a")),
        ("| \N{EN DASH}", "d"),
    ]
    assert lines[3][1] == r"[Our \[best\] \| \<b\>net\</b\>](https://a.example/x)"
    assert lines[3][4:8] == ["90 (80 to 100)", "70 (60 to 80)", "kind 0", "40 (30 to 50)"]
    assert lines[1][1:3] == ["two", "mlp"]
    assert "| 3 | a | 70 / 70 | 10 / 10 |" in kinds
    assert len(load("leaderboard").COLUMNS) == len(lines[0]) and "`run two`" in text
    assert all(
        f"| {name} | " in text.split("## What the columns mean")[1] for name in lines[0][1:-1]
    )


def test_only_entries_of_one_setting_share_a_table(tmp_path):
    kept, page = tmp_path / "leaderboard", tmp_path / "leaderboard" / "index.md"
    row = accepted("plain", 0.9, [0.5])
    kept.mkdir()
    assert load("leaderboard").write_page(kept, page) == 0 and "no entry yet" in page.read_text()
    entered(kept, "one", [row])
    entered(kept, "two", [row], dataset="mnist", recipe="caffe_lenet")
    entered(kept, "three", [row], generations=1000)
    entered(kept, "four", [row], train_seed=7, defenses=["plain"])
    entered(kept, "five", [row], version="v0")
    assert load("leaderboard").write_page(kept, page) == 4
    titles = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)[:4]
    assert titles == ["digits", "digits, generations 1000", "mnist", "digits (version v0)"]


def test_entries_that_were_edited_or_are_too_cheap_break_the_page(tmp_path):
    kept, page = tmp_path / "leaderboard", tmp_path / "index.md"
    entered(kept, "one", [accepted("plain", 0.9, [0.5])], generations=3)
    with pytest.raises(ValueError, match=r"one\.json: .*--generations must be at least \d+, got 3"):
        load("leaderboard").write_page(kept, page)
    entered(kept, "one", [accepted("plain", 0.9, [0.5])])
    path = kept / "one.json"
    path.write_text(path.read_text().replace('"adaptive_mean": [0.5', '"adaptive_mean": [0.4'))
    with pytest.raises(ValueError, match=r"one\.json was edited"):
        load("leaderboard").write_page(kept, page)
    assert not page.exists()


def test_the_entries_of_this_repository_are_whole(tmp_path):
    found = list((DOCS / "leaderboard").glob("*.json"))
    assert load("leaderboard").write_page(DOCS / "leaderboard", tmp_path / "index.md") <= len(found)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_are_clean_and_install_what_they_lie_in(path):
    """No release need exist: the place is that of the clone, as in the README."""
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and not any(cell["outputs"] or cell["execution_count"] for cell in code)
    text = "".join("".join(cell["source"]) for cell in code)
    (place,) = re.findall(r'%pip install --quiet "([./]+)(?:\[\w+\])?"', text)
    assert (path.parent / place).resolve() == ROOT and "pip install -e ." in README.read_text()


def test_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1]
    assert project == cited == fooljax.__version__


@pytest.mark.slow
@pytest.mark.parametrize("code", ["print(1 + 1)", "print(1 / 0)"])
def test_a_broken_snippet_breaks_the_build(tmp_path, code):
    pytest.importorskip("myst_nb", reason="needs pip install -e '.[docs]'")
    settings = (DOCS / "conf.py").read_text()
    execution = re.findall(r"^nb_execution\w* = .*$", settings, re.MULTILINE)
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(DOCS / 'extensions')!r})\n"
        'extensions = ["myst_nb", "running"]\n' + "\n".join(execution)
    )
    (tmp_path / "index.md").write_text(f"# A page\n\n```python\n{code}\n```\n")
    build = [sys.executable, "-m", "sphinx", "-W", "-T", "-b", "html", ".", "built/html"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode == 0) == ("/" not in code), done.stderr
    assert ("ZeroDivisionError" in done.stderr) == ("/" in code)
