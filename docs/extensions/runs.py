"""Pages of recorded runs: what was asked and found, made of ``docs/records`` at every build.

A record is what ``fooljax record RUN NAME`` gathers from a run directory; no number on these
pages is typed by hand.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from fooljax.runtime import records

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_INDEX = """# Recorded runs

Runs as they ended: the command, what came out, the machine. The numbers are those of the runs'
`records.csv`, gathered by `fooljax record RUN NAME`.

```{toctree}
:maxdepth: 1

"""
_COMMAND = re.compile(r"(?<=```bash\n).+")
_WIDE = 84  # letters of a line


def folded(command: str) -> str:
    """Break a long command before flags, so that it is read, and copied, as it is."""
    first, *flags = re.split(r" (?=--)", command)
    lines = [first]
    for flag in flags:
        if len(lines[-1]) + len(flag) < _WIDE:
            lines[-1] += f" {flag}"
        else:
            lines.append(f"    {flag}")
    return " \\\n".join(lines)


def write_pages(source: Path, target: Path) -> list[str]:
    """Write a page for each record, and their index; return their names.

    Args:
        source: folder of records.
        target: folder of pages, made anew.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    names = sorted(path.stem for path in source.glob("*.json"))
    for name in names:
        page = records.to_markdown(source / f"{name}.json")
        page = _COMMAND.sub(lambda one: folded(one[0]), page)
        (target / f"{name}.md").write_text(page, encoding="utf-8")
        if (source / f"{name}.png").is_file():
            shutil.copyfile(source / f"{name}.png", target / f"{name}.png")
    (target / "index.md").write_text(_INDEX + "\n".join(names) + "\n```\n", encoding="utf-8")
    return names


def _write(app: Sphinx) -> None:
    home = Path(app.srcdir)
    write_pages(home / "records", home / "runs")


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in before pages are looked for."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
