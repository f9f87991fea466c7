"""The pictures of an evolution run in words: titles, captions, what its numbers say."""

from collections.abc import Iterator, Mapping
from typing import Any

from fooljax.reporting.readings import certainty_or_unknown, middle
from fooljax.reporting.wording import percent

TITLES = {
    "gallery": "The images",
    "diverse": "The best images that differ",
    "curves": "How fast it went",
    "shares": "How many classes were reached",
    "heatmap": "Class by class",
    "related": "Related classes",
    "lineage": "Where an image came from",
}
CAPTIONS = {
    "gallery": (
        "Evolved images, one column for each class.",
        "How to read it: above each column stands a class, below each image how sure the network "
        "is that the image shows that class. Each row is an independent run from another random "
        "start. Ask yourself whether you would have named the class.",
    ),
    "diverse": (
        "The most certain evolved images that differ from each other, with class and confidence.",
        "How to read it: each image stands for another class, run or kind of pattern. They were "
        "chosen by rule, not by hand: the most certain one first, then always the image farthest "
        "from all chosen ones (in the colors of 8 x 8 fields), relatives last.",
    ),
    "curves": (
        "Confidence of the evolved images over the generations.",
        "How to read it: the upper a line, the surer the network; every further nine (99 %, "
        "99.9 %, 99.99 %) is the same step up. Generation 0 is the best of the random images, and "
        "generations are spaced logarithmically because most happens early.",
    ),
    "shares": (
        "Share of the classes above three confidences, over the generations.",
        "How to read it: each line is a confidence; its height is the share of classes whose image "
        "(the median of the runs) has at least that much. Open marks and dashed lines, if any, are "
        "the paper's.",
    ),
    "heatmap": (
        "Confidence of each class over the generations, as a map of colors.",
        "How to read it: each line across is a class, time runs to the right, and bright means "
        "sure. Lines that stay dark are classes the network is hard to fool about.",
    ),
    "related": (
        "Images of related classes side by side, one column for each class.",
        "How to read it: compare along a row whether related classes got related images, and down "
        "a column whether other runs found other ones. Kin are classes whose images, in the first "
        "run, grew out of one image most recently.",
    ),
    "lineage": (
        "The ancestors of one evolved image, from the oldest to the newest.",
        "How to read it: the last image descends from all those before it. Above each stands the "
        "class it was the best image of; in color where the line of descent moved on to another "
        "class, as an image evolved for one class became the starting point for another.",
    ),
}


def remarks(name: str, summary: Mapping[str, Any]) -> Iterator[str]:
    """What this run's numbers say about a picture."""
    if name == "heatmap" and summary.get("median_confidence_dogs_and_cats") is not None:
        yield _band(summary)
    diverse = summary.get("diverse")
    if name == "diverse" and diverse:
        few = diverse["above_level"] < 2 * diverse["wanted"]
        among = "the most certain ones were chosen among" if few else "those were chosen among"
        yield (
            f"{diverse['above_level']:,} images reach {percent(diverse['level'])}; {among}. The "
            f"{diverse['shown']} shown have a mean confidence of "
            f"{certainty_or_unknown(middle(diverse['mean_confidence']))}, and "
            f"{diverse['unrelated']} of them no common ancestor in the second half of the run."
        )
    shares = summary.get("share_above_0.99_by_generation")
    if name == "shares" and shares:
        parts = (
            f"{percent(summary[f'share_above_{level}_by_generation'][-1])} of the classes reach "
            f"{percent(float(level))}"
            for level in ("0.5", "0.9", "0.99")
        )
        yield f"At the end {', '.join(parts)}."


def _band(summary: Mapping[str, Any]) -> str:
    inside = float(summary["median_confidence_dogs_and_cats"])
    outside = float(summary["median_confidence_other_classes"])
    order = "lower than" if inside < outside else "not lower than"
    known = summary.get("published_medians_dogs_and_cats_and_others") or ()
    paper = f" (in the paper, at its end, {' and '.join(percent(value) for value in known)})"
    return (
        f"The marked classes, dogs and cats, end at a median of {certainty_or_unknown(inside)}, "
        f"{order} that of all others, {certainty_or_unknown(outside)}{paper if known else ''}."
    )
