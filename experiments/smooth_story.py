"""The words of the page of ``experiments.smooth`` that depend on how the run ended."""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.smooth_units import BARE, NOISE
from fooljax import reporting
from fooljax.reporting import Html, paragraph, strong
from fooljax.reporting.readings import certainty_or_unknown

KINDS = {
    "blur": "blur by a Gaussian of so many pixels",
    "median": "every pixel replaced by the median of a window of that side",
    "levels": "every pixel rounded to one of so many values",
    "jpeg": "what JPEG's quantization at that quality leaves",
    "resize": "shrunk at random, to that share at the least, at a random place",
    NOISE: "randomized smoothing: Gaussian noise of that standard deviation, many times, and the "
    "mean of the answers",
}
VERDICTS = {
    "none": "no sure gain even at first",
    "vanishes": "the gain vanishes",
    "shrinks": "part of the gain is left",
    "stays": "most of the gain is left",
}
MADE = {
    "direct": "evolved pixel by pixel",
    "cppn": "evolved as patterns (CPPN)",
    "ascent": "climbed from noise by gradient",
}


def title(summary: Mapping[str, Any]) -> str:
    """Say in a headline what the numbers say."""
    seen, stayed = summary["gains_seen"], summary["gains_stayed"]
    if not seen:
        return "Smoothing the input: no gain to begin with"
    if stayed == seen:
        return "Smoothing the input helps, also against who knows about it"
    if stayed == 0:
        return "Smoothing the input helps less than it seems"
    return "Smoothing the input: what helps, and what only seems to"


def conclude(summary: Mapping[str, Any]) -> str:
    """Say in one sentence what the numbers say."""
    seen = summary["gains_seen"]
    told = (
        f"Of {len(summary['gains'])} comparisons {seen} show a gain against images made for the "
        f"bare network; against images made for the defended one {summary['gains_vanished']} of "
        f"these vanish, {summary['gains_shrunk']} shrink and {summary['gains_stayed']} stay."
    )
    if not summary["certificates_attacked"]:
        return told
    return told + (
        f" Inside the certified radius, attacks broke {summary['certificates_broken']} of "
        f"{summary['certificates_attacked']} certificates."
    )


def story(summary: Mapping[str, Any], config: Any) -> Iterator[Html]:
    """Say what was done."""
    kinds = list(dict.fromkeys(row["kind"] for row in summary["settings"].values()))
    ways = "; ".join(f"{kind}: {KINDS[kind]}" for kind in kinds if kind != BARE)
    epsilons = " and ".join(f"{epsilon:g}" for epsilon in config.epsilons)
    yield paragraph(
        f"{len(summary['networks'])} networks ({summary['model']}) learned {summary['dataset']} "
        "from different starts, without any smoothing. Then every image was changed before they "
        f"saw it. {ways[0].upper()}{ways[1:]}."
    )
    yield paragraph(
        strong("Two adversaries. "),
        "The first does not know: images are made for the bare network and shown to the smoothed "
        "one. The second attacks the smoothed network itself: gradients go through the smoothing "
        "(through rounding as if it were not there, through randomness as the mean of "
        f"{config.draws} fixed draws; the network then answers with {config.judge_draws} other "
        f"ones), and what resists meets {config.queries} squares painted at random, which need no "
        "gradients. A test image counts as right only if no attack succeeded.",
    )
    yield paragraph(
        f"Small changes: {summary['images']} test images, no number changed by more than "
        f"{epsilons} of the range. Images from nothing: one for each class, "
        + "; ".join(MADE[name] for name in config.generators)
        + f"; evolution made {config.children} images in each of {config.generations} "
        f"generations. {summary['rule']}"
    )


def findings(summary: Mapping[str, Any]) -> Iterator[Html]:
    """Say what came out, for every way of making images."""
    yield paragraph(strong(conclude(summary)))
    for against in dict.fromkeys(one["against"] for one in summary["gains"]):
        verdicts = [one for one in summary["gains"] if one["against"] == against]
        lists = {
            verdict: [one["setting"] for one in verdicts if one["verdict"] == verdict]
            for verdict in VERDICTS
        }
        parts = [f"{VERDICTS[verdict]}: {', '.join(of)}" for verdict, of in lists.items() if of]
        question = f"Does smoothing protect test images at {against}? "
        reached = ""
        if against in MADE:
            question = f"Does smoothing keep out images {MADE[against]}? "
            rows = [row["fooling"][against] for name, row in summary["settings"].items()]
            medians = [row["adaptive_confidence"]["mean"] for row in rows[1:]]
            ends = (certainty_or_unknown(end) for end in (min(medians), max(medians)))
            reached = (
                " Made against the smoothed networks, such images reach median confidences of "
                f"{' to '.join(dict.fromkeys(ends))}."
            )
        told = "; ".join(parts)
        yield paragraph(strong(question), f"{told[0].upper()}{told[1:]}.{reached}")
    if summary["gains_stayed"]:
        yield paragraph(
            "A gain that stays has withstood the attacks of this page; a better attack may still "
            "take it away. Only a certificate says more than that."
        )


def source() -> Iterator[Html]:
    """Name the papers."""
    sources = (
        ("W. Xu, D. Evans and Y. Qi, “Feature squeezing”, NDSS 2018", "1704.01155"),
        ("C. Guo et al., “Countering adversarial images”, ICLR 2018", "1711.00117"),
        ("C. Xie et al., “Mitigating adversarial effects through randomization”", "1711.01991"),
        ("J. Cohen, E. Rosenfeld and Z. Kolter, “Certified adversarial robustness”", "1902.02918"),
        ("A. Athalye, N. Carlini and D. Wagner, “Obfuscated gradients”, ICML 2018", "1802.00420"),
    )
    for words, number in sources:
        link = reporting.link(f"arXiv:{number}", f"https://arxiv.org/abs/{number}")
        yield paragraph(words, ", ", link, ".")
