"""The documentation site: what breaks its build, what it asks of others, and its notebooks."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fooljax

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_are_clean_and_name_this_version(path):
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and not any(cell["outputs"] or cell["execution_count"] for cell in code)
    text = "".join("".join(cell["source"]) for cell in code)
    assert re.findall(r'"fooljax(?:\[\w+\])?==([\d.]+)"', text) == [fooljax.__version__]


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
