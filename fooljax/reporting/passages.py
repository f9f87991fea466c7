"""A question and its paragraph on a page: what was added, what was chosen, what is right."""

from collections.abc import Collection, Sequence

from fooljax.reporting.html import Html, join, paragraph, strong
from fooljax.reporting.texts import written

#: How to read a passage.
LEGEND = "bold: holds the answer; underlined: added; highlighted: what the reader chose"


def passage(
    question: str,
    sentences: Sequence[str],
    *,
    right: Collection[int] = (),
    added: int | None = None,
    chosen: int | None = None,
) -> Html:
    """Show a paragraph with marks that are there for those who hear a page, too.

    Args:
        question: above the paragraph; left out if empty.
        sentences: of the paragraph, any text.
        right: places of those that hold the answer.
        added: place of the one that was added.
        chosen: place of the one that a reader chose.

    Raises:
        ValueError: if there is no sentence at such a place.
    """
    places = {*right, *(place for place in (added, chosen) if place is not None)}
    outside = sorted(place for place in places if not 0 <= place < len(sentences))
    if outside:
        raise ValueError(f"right, added, chosen must be in [0, {len(sentences)}), got {outside}")
    shown: list[Html | str] = []
    for place, sentence in enumerate(sentences):
        text = written(sentence)
        text = strong(text) if place in right else text
        text = Html(f"<ins>{text.markup}</ins>") if place == added else text
        text = Html(f"<mark>{text.markup}</mark>") if place == chosen else text
        shown += [text, " "]
    asked = [paragraph(strong("Question: "), written(question))] if question else []
    return join(*asked, paragraph(*shown))
