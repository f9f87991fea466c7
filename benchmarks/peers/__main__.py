"""The command: ``python -m benchmarks.peers``; see the package."""

import dataclasses
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import benchmarks.peers
from benchmarks.timing import environment, launch, say, version

if TYPE_CHECKING:
    from benchmarks.peers.pairs import Pair, Victim

Network = Literal["lenet", "adversarial"]
_NOT_MEASURED = ("only", "networks", "out", "page", "cache")  # do not change a row
PACKAGES = (
    "torch",
    "torchattacks",
    "pyautoattack",
    "adv-lib",
    "foolbox",
    "adversarial-robustness-toolbox",
    "evosax",
    "pytorch-ood",
    "scikit-learn",
)


@dataclass(frozen=True)
class Config:
    """What to measure, and where to put it.

    Attributes:
        only: questions (attacks, evolution, scores, certification), or parts of the names of
            pairs; all unless given.
        networks: to work on.
        images: attacked together; some slow attacks take fewer.
        repeats: calls of each side after the first.
        weights: safetensors file for LeNet; random weights unless given.
        data_dir: where MNIST is; scikit-learn's digits unless given.
        out: JSON file to which every row is added as soon as it is measured. Rows that it has
            already are kept and not measured again, save those of missing peers and errors.
        page: Markdown file to write, of all rows.
        cache: folder in which the network that is trained here is kept.
    """

    only: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ("lenet", "adversarial")
    images: int = 100
    repeats: int = 5
    weights: str | None = None
    data_dir: str | None = None
    out: str | None = None
    page: str | None = None
    cache: str = "~/.cache/fooljax/benchmarks"

    def __post_init__(self):
        for name in ("images", "repeats"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


def measure(config: Config) -> dict[str, Any]:
    """Measure the pairs that are asked for and not measured yet; a document of plain values."""
    from benchmarks.peers import page, verdicts
    from benchmarks.peers.clock import measured

    document = _begun(config)
    for network, build in _victims(config).items():
        for pair in _asked(config):
            key = pair.name if pair.bare else f"{network}: {pair.name}"
            if "fooljax" not in document["rows"].get(key, {}):
                say(f"{key} ...")
                row = verdicts.finite(measured(pair, build(), config.repeats))
                document["rows"][key] = row
                say(page.summarize({"rows": {key: row}}))
                _keep(config.out, json.dumps(document, indent=1) + "\n")
    _keep(config.page, page.to_markdown(document, config.out or "what it printed"))
    return document


def _victims(config: Config) -> dict[str, Callable[[], "Victim"]]:
    """Return what builds each network, once, when a pair first needs it."""
    from benchmarks.peers.networks import victims

    builders = victims(
        config.networks,
        images=config.images,
        weights=config.weights,
        data_dir=config.data_dir,
        cache=Path(config.cache).expanduser(),
    )
    return {name: cache(build) for name, build in builders.items()}


def _asked(config: Config) -> list["Pair"]:
    """Return the pairs that are asked for.

    Raises:
        ValueError: if a name fits none.
    """
    from benchmarks.peers import attacks_jax, attacks_torch, certification, evolution, scores

    parts = (attacks_torch, attacks_jax, evolution, scores, certification)
    pairs = [pair for part in parts for pair in part.PAIRS]
    fits = lambda word, pair: word == pair.question or word.lower() in pair.name.lower()
    for word in config.only:
        if not any(fits(word, pair) for pair in pairs):
            names = ", ".join(pair.name for pair in pairs)
            raise ValueError(f"--only {word} fits no question and no pair of {names}")
    return [
        pair for pair in pairs if not config.only or any(fits(word, pair) for word in config.only)
    ]


def _begun(config: Config) -> dict[str, Any]:
    """Return what is measured already, or nothing.

    Raises:
        ValueError: if it was measured with other settings or versions.
    """
    settings = {
        name: value
        for name, value in dataclasses.asdict(config).items()
        if name not in _NOT_MEASURED
    }
    settings["weights"] = config.weights and Path(config.weights).name
    settings["data_dir"] = config.data_dir and Path(config.data_dir).name
    where = environment()
    where["packages"] |= {name: version(name) for name in PACKAGES}
    document = {"config": settings, "environment": where, "rows": {}}
    if config.out is None or not Path(config.out).is_file():
        return document
    before = json.loads(Path(config.out).read_text())
    old, new = ({**one["config"], **one["environment"]["packages"]} for one in (before, document))
    other = [name for name in new if old.get(name) != new[name]]
    if other and before["rows"]:
        was = ", ".join(f"{name} {old.get(name)} (now {new[name]})" for name in other)
        raise ValueError(f"--out {config.out} was measured with {was}; give another file")
    for row in before["rows"].values():
        row.setdefault("processor", before["environment"]["processor"])
    return document | {"rows": before["rows"]}


def _keep(path: str | None, text: str) -> None:
    """Write a file that appears complete or not at all."""
    if path is not None:
        unfinished = Path(path).with_suffix(".unfinished")
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)


def _summary(document: dict[str, Any]) -> str:
    from benchmarks.peers.page import summarize

    return summarize(document)


if __name__ == "__main__":
    launch(
        Config,
        measure,
        _summary,
        prog="python -m benchmarks.peers",
        description=benchmarks.peers.__doc__,
    )
