"""In the dark: how sure is a network of images that it sees darker?

Run:    python dim.py --preset smoke
Cost:   seconds, the training of a network included.
Expect: it is about as often right, and less and less sure: logits shrink with the light.
Source: none; an example of how an experiment is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Pieces, RunFlags, Several, Share, Victim


@dataclass(frozen=True)
class Config:
    """See a data set darker.

    Attributes:
        victim: the data, and the network.
        light: what is left of every pixel, in (0, 1].
        images: that each repeat looks at.
        repeats: from other random numbers, for the error bars.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    light: Several[Share] = (1.0, 0.5, 0.25, 0.1, 0.05)
    images: Pieces = 100
    repeats: Pieces = 3
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(victim=Victim(model="mlp", train_steps=200), images=60, repeats=2),
}


def main(config: Config) -> dict[str, Any]:
    """Run the experiment; return what ``summary.json`` holds."""
    with study.opened(main, config) as run:
        network = study.network(run)
        test = network.splits.test

        def look(key: Any, light: float, repeat: int) -> dict[str, Any]:
            rows = fj.data.even_rows(np.asarray(test.labels), config.images, repeat)
            images = light * np.asarray(fj.data.as_float(test.images[rows]))
            chances = fj.metrics.probabilities(study.logits(network.classifier, images))
            right = chances.argmax(axis=1) == test.labels[rows]
            return {"right": right, "sure": chances.max(axis=1), "images": images}

        cells = study.grid(light=config.light, repeat=range(config.repeats))
        results = study.compute(run, cells, look, "looking")
        records = [
            {**cell, "right": float(seen["right"].mean()), "sure": float(seen["sure"].mean())}
            for cell, seen in results.found
        ]
        table = study.summarize(records, ("light",), ("right", "sure"))
        return study.publish(
            run,
            report(config, results, table),
            {config.victim.model: network},
            results,
            records,
            papers={},
            by_light=table.plain(),
        )


def report(
    config: Config, results: study.Results, table: study.Table
) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block; the title follows from the numbers."""
    darkest = min(config.light)
    right, sure = (table.value(name, light=darkest).mean for name in ("right", "sure"))
    surer = "is surer than it is right" if sure > right else "is right more often than it is sure"
    yield study.Opening(
        f"In the dark the network {surer}",
        f"Test images were shown with {study.share(darkest)} of their light.",
        [(study.share(right), "read correctly"), (study.share(sure), "mean confidence")],
    )
    yield study.Heading("What came out")
    measures = {"right": "Read correctly", "sure": "Mean confidence"}
    caption = "Each line is a share of the light; intervals are 95 %, over the repeats."
    yield study.numbers(table, {"light": "Light"}, measures, caption)
    first = [results.one(light=light, repeat=0)["images"][:5] for light in config.light]
    words = [[""] * 5 for _ in config.light]
    names = [study.share(light) for light in config.light]
    yield study.images(
        "seen", first, words, "The first images as they were shown.", row_names=names
    )


if __name__ == "__main__":
    study.launch(main, PRESETS, __doc__)
