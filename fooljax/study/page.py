"""The page of a run: blocks in the order of reading, and one exit for all that is written."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from fooljax import reporting
from fooljax.reporting import Html
from fooljax.runtime import files, notices, settings
from fooljax.runtime import records as records_of_runs
from fooljax.study.cells import Results
from fooljax.study.prepared import Prepared
from fooljax.study.run import Run, Runnable
from fooljax.study.tables import Record, to_csv
from fooljax.study.wording import UNKNOWN, duration, share


class Opening(NamedTuple):
    """The first block of a page.

    Attributes:
        title: what the numbers say, or the question.
        lead: what this is about.
        figures: key numbers, each a value and what it is the value of; one that is not
            measured is left out.
    """

    title: str
    lead: str
    figures: Sequence[tuple[str, str]]


class Heading(NamedTuple):
    """The title of what follows until the next heading."""

    title: str


class Figure(NamedTuple):
    """A picture that is still to be drawn.

    Attributes:
        name: of its file, ``NAME.png`` in the run directory.
        draw: draws it into the file given.
        caption: its first sentence says what is seen, also to those who do not see it;
            the others how to read it.
    """

    name: str
    draw: Callable[[Path], object]
    caption: str


class Folded(NamedTuple):
    """Blocks that stay folded until the reader opens them."""

    title: str
    blocks: "Sequence[Block]"


#: A part of a page; a text is a paragraph.
Block: TypeAlias = str | Html | Heading | Figure | Folded


def sections(parts: Mapping[str, Iterable[Block]]) -> Iterator[Block]:
    """Yield headings and what follows each; what has nothing to show has no heading.

    Args:
        parts: blocks by the title that they stand under, in the order of reading.

    Example:
        >>> from fooljax import study
        >>> page = study.sections({"What came out": ["A sentence."], "More": []})
        >>> list(page)  # without a heading of nothing
        [Heading(title='What came out'), 'A sentence.']
    """
    for title, blocks in parts.items():
        if section := list(blocks):
            yield Heading(title)
            yield from section


def publish(
    run: Run[Runnable],
    blocks: Iterable[Opening | Block],
    networks: Mapping[str, Prepared],
    results: Results,
    records: Sequence[Record],
    papers: Mapping[str, str],
    *,
    keep: Sequence[str] = (),
    **numbers: Any,  # as JSON can hold them
) -> dict[str, Any]:
    """Write ``records.csv``, ``arrays.npz``, ``summary.json``, the pictures and the page.

    What the page begins with, its title and key figures, ends what the run prints.

    Args:
        run: the run.
        blocks: the page, an `Opening` first; pictures are drawn as they come.
        networks: that took part, by name; none where the page itself says what they are.
        results: what all cells found.
        records: what was measured; all that the page says can be made from them.
        papers: that the idea comes from: what to say of each, by its number on arXiv or
            its address.
        keep: arrays of the cells that go to ``arrays.npz``, such as the images made;
            no such file is written without any.
        numbers: that the claim is about, for ``summary.json``.

    Returns:
        The summary as written, with the run's warnings.

    Example:
        >>> from dataclasses import dataclass, field
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     run: study.RunFlags = field(default_factory=lambda: study.RunFlags(out="squares"))
        >>> def main(config):
        ...     with study.opened(main, config) as run:
        ...         square = lambda key, side: {"area": side**2}
        ...         results = study.compute(run, study.grid(side=(1, 2, 3)), square, "measuring")
        ...         records = [{**cell, "area": int(one["area"])} for cell, one in results.found]
        ...         page = [study.Opening("Areas grow", "Three squares.", [("9", "the largest")])]
        ...         return study.publish(run, page, {}, results, records, papers={}, largest=9)
        >>> summary = main(Config())
        >>> fj.load("squares").records
        [{'side': 1, 'area': 1}, {'side': 2, 'area': 4}, {'side': 3, 'area': 9}]
    """
    whole = {
        **numbers,
        "networks": {
            name: {"accuracy": one.accuracy, "origin": one.origin} for name, one in networks.items()
        },
        "seconds": results.seconds,
        "seed": run.config.run.seed,
        "device": jax.devices()[0].device_kind,
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
    }
    print("drawing ...", file=sys.stderr)
    files.write(run.folder / "records.csv", lambda stream: stream.write(to_csv(records)))
    if keep:
        files.write_npz(run.folder / "arrays.npz", results.arrays(*keep), compress=True)
    whole = notices.summarize(run.folder, whole)
    everything: list[Opening | Block] = [*blocks, *_end(run, networks, whole, papers)]
    opening, *rest = everything
    if not isinstance(opening, Opening):
        raise TypeError(f"a page begins with an Opening, got {type(opening).__name__}")
    known = [figure for figure in opening.figures if figure[0] != UNKNOWN]
    page = reporting.page(
        run.folder / "report.html",
        opening.title,
        reporting.tiles(*known),
        *_sections(rest, run.folder),
        lead=opening.lead,
        warnings=whole["warnings"],
    )
    command = settings.command_of(run.module, run.config)
    figures = [(_plain(value), _plain(label)) for value, label in known]
    headline = {"title": opening.title, "lead": opening.lead, "figures": figures}
    taken = whole["seconds"], headline, whole["versions"]
    records_of_runs.write(run.folder, run.module, command, whole["device"], *taken)
    print(
        "\n".join([opening.title, *(f"  {value} {label}" for value, label in figures)]),
        file=sys.stderr,
    )
    print(f"report: {page}", file=sys.stderr)
    return whole


def _sections(blocks: Iterable[Opening | Block], folder: Path) -> Iterator[Html]:
    title, inside = "", list[Html]()
    for block in blocks:
        if not isinstance(block, Heading):
            inside.append(_html(block, folder))
            continue
        if inside:
            yield reporting.section(title, *inside)
        title, inside = block.title, []
    yield reporting.section(title, *inside)


def _html(block: Opening | Block, folder: Path) -> Html:
    match block:
        case str():
            return reporting.paragraph(block)
        case Html():
            return block
        case Figure():
            path = folder / f"{block.name}.png"
            block.draw(path)
            return reporting.figure(path, f"{block.caption.split('. ')[0]}.", block.caption)
        case Folded():
            return reporting.details(block.title, *(_html(one, folder) for one in block.blocks))
    raise TypeError(f"a page has no place for a second {type(block).__name__}")


def _end(
    run: Run[Runnable],
    networks: Mapping[str, Prepared],
    summary: Mapping[str, Any],
    papers: Mapping[str, str],
) -> Iterator[Block]:
    """What every page ends with."""
    if networks:
        yield Heading("The networks")
        yield reporting.table(
            ("Network", "What it is", "Test images recognized"),
            [(name, one.origin, share(one.accuracy)) for name, one in networks.items()],
        )
    yield Heading("How to repeat this")
    yield reporting.code(settings.command_of(run.module, run.config))
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    yield (
        f"It took {duration(summary['seconds'])} on {summary['device']}, with {versions}, apart "
        "from networks trained before all else. The same command with the same versions on the "
        "same kind of device gives the same numbers."
    )
    flags = [
        (f"--{name.replace('_', '-')}", _spelled(value))
        for name, value in settings.flat(run.config).items()
    ]
    yield Folded("Settings of this run", [reporting.table(("Setting", "Value"), flags)])
    if papers:
        yield Heading("Where the idea comes from")
    for place, words in papers.items():
        number = not place.startswith("https://")
        address = f"https://arxiv.org/abs/{place}" if number else place
        link = reporting.link(f"arXiv:{place}" if number else place, address)
        yield reporting.paragraph(f"{words} (", link, ").")


def _plain(text: str | Html) -> str:
    """Return a text without its markup."""
    return re.sub(r"<[^>]*>", "", text.markup) if isinstance(text, Html) else text


def _spelled(value: object) -> str:
    """A setting as the command line takes it."""
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
