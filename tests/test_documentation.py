"""README and docs: commands are understood, links lead somewhere, and Python runs."""

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fooljax.runtime import command

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MADE = {"_build", "gallery", "api/generated", "leaderboard"}  # by the build of the site
WRITTEN = [
    path
    for path in sorted(DOCS.rglob("*.md"))
    if not MADE
    & {str(parent.relative_to(DOCS)) for parent in path.parents if DOCS in parent.parents}
]
PAGES = {
    "README.md": ROOT / "README.md",
    **{str(path.relative_to(DOCS)): path for path in WRITTEN},
}
TEXTS = {name: path.read_text() for name, path in PAGES.items()}
LAUNCHED = "scale.md"  # its variables are those of launchers; tests of launch files read it
WAY = r"(?:python -m (experiments\.\w+)|^fooljax (\w+))([^\n`]*)"


def commands(text):
    """The experiments that a page starts, each as its module and flags."""
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL))
    joined = re.sub(r"\\\n *", "", blocks)
    for module, name, flags in re.findall(WAY, joined, re.MULTILINE):
        if name not in ("list", "record", "entry"):
            yield module or f"experiments.{name}", shlex.split(flags, comments=True)


COMMANDS = [
    (name, *found) for name, text in TEXTS.items() if name != LAUNCHED for found in commands(text)
]


def snippets(text):
    """The Python of a page, in order; what cannot run here says why in a comment before it."""
    found = re.findall(r"(<!-- not run: .*? -->\n)?```python\n(.*?)```", text, re.DOTALL)
    return [code for why, code in found if not why]


@pytest.mark.parametrize(("page", "module", "flags"), COMMANDS)
def test_every_flag_is_understood(page, module, flags):
    if {"--help", "--help-all"} & set(flags):
        flags = []
    command.parse(importlib.import_module(module).PRESETS, args=flags, prog=module, description="")


def test_a_newcomer_reads_the_readme_in_one_sitting():
    assert len(TEXTS["README.md"].splitlines()) <= 180


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", TEXTS[page])
    here = [one for one in links if not one.startswith("https://")]
    assert [one for one in here if not (PAGES[page].parent / one).exists()] == []


@pytest.mark.parametrize("page", TEXTS)
def test_no_line_is_lost_as_a_comment(page):
    """The site takes a line of Markdown that begins with a percent sign for one."""
    assert re.findall(r"^ *%.*", TEXTS[page], re.MULTILINE) == []


def test_the_readme_names_every_experiment():
    named = set(re.findall(r"`(\w+)`", TEXTS["README.md"]))
    folder = ROOT / "experiments"
    files = {path.stem for path in folder.glob("[a-z]*.py")}
    assert {*files, *(path.parent.name for path in folder.glob("*/__main__.py"))} <= named


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [name for name, text in TEXTS.items() if snippets(text) and "/" not in name]
)
def test_python_runs(page, tmp_path):
    """All snippets of a page, one after the other, in an empty folder.

    Those of pages in folders need cells that draw beside them; the build of the site runs all.
    """
    code = "\n".join(snippets(TEXTS[page]))
    if "import torch" in code:
        pytest.importorskip("torch")
    (tmp_path / "page.py").write_text(code)
    run = [sys.executable, "page.py"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
