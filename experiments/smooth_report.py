"""The page of a finished ``experiments.smooth`` run, for somebody who did not run it."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments import smooth_story
from experiments.smooth_story import MADE, VERDICTS
from experiments.smooth_units import EVOLVED
from fooljax import reporting
from fooljax.reporting import Html, details, figure, paragraph, percent, section, table
from fooljax.reporting.readings import certainty_or_unknown, duration_or_unknown, flat
from fooljax.runtime.settings import command_of


def write(
    path: Path, summary: Mapping[str, Any], config: Any, pictures: Mapping[str, Path]
) -> Path:
    """Write the report."""
    return reporting.page(
        path,
        smooth_story.title(summary),
        reporting.tiles(*_key_figures(summary)),
        section("What was done", *smooth_story.story(summary, config)),
        section("What came out", *smooth_story.findings(summary), _gains(summary)),
        section("Small changes of real images", *_perturbed(summary, pictures)),
        section("Images that show nothing", *_fooling(summary, pictures)),
        *_certificates(summary, pictures),
        section("The networks", _networks(summary)),
        section("How to repeat this", *_repeat(summary, config)),
        section("Where the idea comes from", *smooth_story.source()),
        lead="An obvious remedy against images that fool a network: smooth every image first. "
        "Images made for the bare network then often fail. This page asks what is left of that "
        "once the images are made by somebody who knows about the smoothing.",
        warnings=summary["warnings"],
    )


def _share(share: float | None) -> str:
    if share is None or math.isnan(share):
        return "not measured"
    return percent(min(max(round(float(share), 3), 0.0), 1.0))


def _told(rate: Mapping[str, float]) -> str:
    """A mean with its interval."""
    if math.isnan(rate["low"]):
        return _share(rate["mean"])
    return f"{_share(rate['mean'])} ({_share(rate['low'])} to {_share(rate['high'])})"


def _points(gain: Mapping[str, float]) -> str:
    """A gain in percentage points with its interval."""
    point = lambda value: f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")
    if math.isnan(gain["low"]):
        return point(gain["mean"])
    return f"{point(gain['mean'])} ({point(gain['low'])} to {point(gain['high'])})"


def _key_figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    figures = [
        (f"{summary['gains_seen']} of {len(summary['gains'])}", "comparisons show a gain at first"),
        (
            f"{summary['gains_vanished']} / {summary['gains_shrunk']} / {summary['gains_stayed']}",
            "of these vanish / shrink / stay",
        ),
    ]
    if summary["certified"]:
        broken, attacked = summary["certificates_broken"], summary["certificates_attacked"]
        figures.append((f"{broken} of {attacked}", "certificates broken by attacks"))
    figures.append((str(len(summary["networks"])), "networks"))
    figures.append((duration_or_unknown(summary["seconds"]), "of computing"))
    return figures


def _gains(summary: Mapping[str, Any]) -> Html:
    rows = [
        (
            one["setting"],
            one["against"],
            _points(one["naive_gain"]),
            _points(one["adaptive_gain"]),
            "" if one["gain_left"] is None else f"{100 * max(one['gain_left'], 0.0):.0f} %",
            VERDICTS[one["verdict"]],
        )
        for one in summary["gains"]
    ]
    return details(
        "Every gain as a number",
        table(
            ("Smoothing", "Against", "Gain, not knowing", "Gain, knowing", "Left", "So"),
            rows,
            "Percentage points: of test images right under attack, or by which the median "
            "confidence in fooling images falls, both compared with the bare network (95 % "
            "interval)",
            sortable=True,
        ),
    )


def _perturbed(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield figure(
        pictures["perturbed"],
        "Share of test images right, by defense and attack.",
        "Rows: ways of smoothing, the bare network first. Columns: unchanged test images "
        f"(accuracy on {summary['test_images']}), then attacked by who does not know about the "
        "smoothing and by who does. Two columns that differ much are a gain that only seemed so.",
    )
    rows = [
        (
            name,
            _told(row["clean_accuracy"]),
            epsilon,
            *(_told(one[f"right_{way}"]) for way in ("naive", "gradient", "adaptive")),
        )
        for name, row in summary["settings"].items()
        for epsilon, one in row["perturbed"].items()
    ]
    titles = ("Smoothing", "Unchanged", "Epsilon", "Not knowing", "By gradient", "Knowing")
    yield details(
        "The same as numbers, by attack",
        table(titles, rows, "Share of test images right (95 % interval)", sortable=True),
    )


def _fooling(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    yield figure(
        pictures["fooling"],
        "Median confidence in fooling images, by defense and generator.",
        "How sure the smoothed networks are of images that show nothing, median over classes: "
        "of images made for the bare network (not knowing), and of images made against the "
        "smoothed one (knowing).",
    )
    yield figure(
        pictures["views"],
        "What the network sees behind each defense.",
        "What the network sees: a test image, and images made for the bare network (first class), "
        "behind each way of smoothing. Of the random ones this is one draw.",
    )
    cost = lambda one: (
        "not reached"
        if one["evaluations_to_reach"] is None
        else f"{one['evaluations_to_reach']:,.0f}"
    )
    rows = [
        (
            name,
            generator,
            _sure(one["naive_confidence"]),
            _sure(one["adaptive_confidence"]),
            _share(one["adaptive_above"]["mean"]),
            cost(one) if generator in EVOLVED else "",
        )
        for name, row in summary["settings"].items()
        for generator, one in row["fooling"].items()
    ]
    limit = percent(summary["tau"])
    yield details(
        "The same as numbers, and what it costs",
        table(
            ("Smoothing", "Made by", "Not knowing", "Knowing", f"Above {limit}", "Images needed"),
            rows,
            f"Median confidence; share of classes above {limit}; images shown to the network "
            f"until the median class was above {limit} for the adversary",
            sortable=True,
        ),
    )
    for name in (one for one in EVOLVED if one in pictures):
        yield details(
            f"The images {MADE[name]}",
            figure(
                pictures[name],
                f"Images {MADE[name]} against each defense.",
                "Made against the first network behind each way of smoothing; below each, how "
                "sure that network is of the class above the column.",
            ),
        )


def _sure(rate: Mapping[str, float]) -> str:
    confidence = rate["mean"]
    if 0.001 < confidence < 0.999:
        return f"{100 * confidence:.1f}\N{NO-BREAK SPACE}%"
    return certainty_or_unknown(confidence)


def _certificates(summary: Mapping[str, Any], pictures: Mapping[str, Path]) -> Iterator[Html]:
    if not summary["certified"]:
        return
    rows = [
        (
            f"noise {sigma}",
            f"{one['median_radius']:.3f}",
            _share(one["abstained"]),
            f"{one['broken']} of {one['attacked']}",
            "yes" if one["sound"] else "no",
            _share(one["broken_beyond"]),
        )
        for sigma, one in summary["certified"].items()
    ]
    verdict = (
        "That agrees with the certificates."
        if summary["certificates_sound"]
        else "That is more than the certificates allow: something is wrong with them."
    )
    yield section(
        "What is certain",
        paragraph(
            "Randomized smoothing can prove that no change of a certain Euclidean length alters "
            f"its answer, except with probability {summary['alpha']:g}. The networks had not "
            "learned from noisy images, as they would have to for large radii. Each certified "
            "image was attacked inside its radius, by gradients through the mean over noises: "
            f"{summary['certificates_broken']} of {summary['certificates_attacked']} answers "
            f"became others. {verdict}"
        ),
        figure(
            pictures["certified"],
            "Certified accuracy against the radius.",
            "Share of test images that are certified and right, against the length of the change "
            "that certainly does no harm. Each line ends where the number of noisy copies can "
            "prove no more.",
        ),
        table(
            ("", "Median radius", "Abstains", "Broken inside", "Sound", "Broken outside"),
            rows,
            f"Outside: at {next(iter(summary['certified'].values()))['beyond']:g} times the "
            "radius, where the same attack may succeed and shows that it can",
        ),
    )


def _networks(summary: Mapping[str, Any]) -> Html:
    rows = [
        (name, one["origin"], _share(one["accuracy"])) for name, one in summary["networks"].items()
    ]
    return table(("Network", "Where it comes from", "Right on the test images"), rows)


def _repeat(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    yield paragraph(f"Intervals: {summary['intervals']}.")
    yield reporting.code(command_of("experiments.smooth", config))
    yield table(
        ("Setting", "Value"), list(flat(dataclasses.asdict(config))), "Settings of this run"
    )
