"""Two short ways in from Python: fool a network at once, and read what a run left behind."""

import base64
import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from fooljax import checks, encodings, evolution, media, models, reporting
from fooljax.reporting import Html, join
from fooljax.runtime import files, progress
from fooljax.study.evolved import express
from fooljax.study.showing import as_pictures, experience
from fooljax.study.tables import Record
from fooljax.study.wording import sure
from fooljax.types import Classifier, Encoding

_CHUNK = 10  # generations between two moves of the bar
_PLAYED = 12  # inputs of other media than pictures, in a notebook


class Fooled(NamedTuple):
    """What a network was found to be certain of, for each of its classes.

    Attributes:
        inputs: the best of each class, ``[k, *input_shape]``.
        confidences: of the network in each, in [0, 1].
        class_names: of the classes.
        history: confidence by generation, the random population first, ``[g, k]``.
        medium: what the inputs are.
    """

    inputs: np.ndarray
    confidences: Float[np.ndarray, " k"]
    class_names: tuple[str, ...]
    history: Float[np.ndarray, "g k"]
    medium: media.Medium

    def __repr__(self) -> str:
        """Say how sure the network is, in one line."""
        middle, least = np.median(self.confidences), np.min(self.confidences)
        return (
            f"Fooled({len(self.confidences)} classes, confidence: median {sure(float(middle))}, "
            f"lowest {sure(float(least))})"
        )

    def save(self, path: str | Path) -> Path:
        """Draw a gallery of what was found, as a PNG file."""
        shown = as_pictures(self.medium, self.inputs)[None]
        return reporting.gallery(path, shown, self.confidences[None], self.class_names)

    def _repr_html_(self) -> str:
        """Show the gallery in a notebook, with players of sounds and moving videos."""
        with tempfile.TemporaryDirectory() as folder:
            content = self.save(Path(folder) / "gallery.png").read_bytes()
        address = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
        words = [
            f"{n}, {sure(float(c))}"
            for n, c in zip(self.class_names, self.confidences, strict=True)
        ]
        played = experience(self.medium, self.inputs[:_PLAYED], words[:_PLAYED])
        return join(Html(f'<img alt="gallery" src="{address}">'), played).markup


def fool(
    classifier: Classifier,
    *,
    encoding: str | Encoding = "direct",
    class_names: Sequence[str] | None = None,
    children: int = 200,
    generations: int = 200,
    seed: int = 0,
) -> Fooled:
    """Search for what a network is certain of, one niche for each class (MAP-Elites).

    Args:
        classifier: the network.
        encoding: a name in ``encodings.CATALOG``, or an encoding of your own.
        class_names: one for each class; numbers unless given.
        children: inputs made in a generation.
        generations: after the random population.
        seed: decides everything.

    Raises:
        ValueError: if the encoding is unknown or does not suit the network, or names are
            missing.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> digits = fj.data.load("digits")
        >>> network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
        >>> recipe = fj.training.quick(steps=60)
        >>> key, train = jax.random.key(1), digits.train
        >>> network, losses = fj.training.fit(key, network, train, **recipe._asdict())
        >>> fooled = fj.fool(network, encoding="cppn", children=50, generations=40)
        >>> fooled.inputs.shape, fooled.history.shape  # an image for each class; what led to it
        ((10, 28, 28, 1), (41, 10))
        >>> bool((fooled.history[-1] > fooled.history[0]).all())
        True
        >>> fooled.save("nonsense.png").name
        'nonsense.png'
    """
    models.validate(classifier)
    shape, count = tuple(classifier.input_shape), classifier.num_classes
    medium = media.medium_of(shape)
    names = tuple(map(str, range(count) if class_names is None else class_names))
    if len(names) != count:
        raise ValueError(f"class_names must be {count}, one for each class, got {len(names)}")
    if isinstance(encoding, str):
        entry = encodings.CATALOG[checks.choice("encoding", encoding, encodings.CATALOG)]
        encoding = entry.build(shape, medium)
    search = evolution.map_elites(encoding, children)
    key, generations = jax.random.key(seed), checks.count("generations", generations)
    state, first = evolution.start(key, search, classifier)
    history = [np.asarray(first.confidence)[None]]
    with progress.bar("evolving", generations) as show:
        for done in range(0, generations, _CHUNK):
            part = min(_CHUNK, generations - done)
            state, infos = evolution.advance(key, search, classifier, state, part, _CHUNK)
            history.append(np.asarray(infos.confidence))
            show(done + part, f"median {np.median(history[-1][-1]):.5f}")
    archive = state.archive
    inputs, confidences = np.asarray(express(encoding, archive)), np.asarray(archive.confidence)
    return Fooled(inputs, confidences, names, np.concatenate(history), medium)


class Loaded(NamedTuple):
    """What a run directory holds.

    Attributes:
        folder: the run directory.
        config: its settings.
        summary: the numbers that its claim is about.
        records: what was measured, a row each; ``pandas.DataFrame(run.records)``.
    """

    folder: Path
    config: dict[str, Any]
    summary: dict[str, Any]
    records: list[Record]

    def __repr__(self) -> str:
        """Say what there is, in one line."""
        return (
            f"Loaded({self.folder}: {len(self.records):,} records, summary of "
            f"{', '.join(list(self.summary)[:6])}, ...)"
        )

    def arrays(self, name: str = "arrays") -> dict[str, np.ndarray]:
        """Read ``NAME.npz`` of the run: arrays, elites, genomes.

        Raises:
            ValueError: if there is none, naming those that there are.
        """
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            there = ", ".join(sorted(file.stem for file in self.folder.glob("*.npz"))) or "none"
            raise ValueError(f"name: {self.folder} has no {path.name}; there are: {there}")
        return files.read_npz(path)

    def _repr_html_(self) -> str:
        """Show where the page is, and the first records, in a notebook."""
        shown = self.records[:10]
        titles = list(dict.fromkeys(name for record in shown for name in record))
        cell = lambda value: f"{value:.4g}" if isinstance(value, float) else str(value)
        rows = [[cell(record.get(name, "")) for name in titles] for record in shown]
        page = reporting.paragraph("The page: ", str(self.folder / "report.html"))
        return join(page, reporting.table(titles, rows) if rows else Html("")).markup


def load(folder: str | Path) -> Loaded:
    """Read a finished run: settings, summary and records.

    Raises:
        ValueError: if it is no run directory, or the run is not finished.

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
        >>> _ = main(Config())  # or a run of `fooljax evolve`
        >>> run = fj.load("squares")
        >>> run.records[-1], run.summary["largest"]
        ({'side': 3, 'area': 9}, 9)
        >>> run.folder.name, sorted(path.name for path in run.folder.glob("*.csv"))
        ('squares', ['records.csv'])
    """
    place = Path(folder).expanduser()
    missing = [name for name in ("config.json", "summary.json") if not (place / name).is_file()]
    if "config.json" in missing:
        raise ValueError(f"folder: {place} is no run directory; it has no config.json")
    if missing:
        raise ValueError(f"folder: the run in {place} is not finished; go on with --resume {place}")
    config, summary = (
        json.loads((place / name).read_text(encoding="utf-8"))
        for name in ("config.json", "summary.json")
    )
    records = place / "records.csv"
    rows: list[Record] = []
    if records.is_file():
        with records.open(newline="", encoding="utf-8") as stream:
            rows = [
                {name: _number(text) for name, text in row.items()}
                for row in csv.DictReader(stream)
            ]
    return Loaded(place, config, summary, rows)


def _number(text: str) -> str | bool | int | float:
    """Return a number, or true or false, where a text is one."""
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
