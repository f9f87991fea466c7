"""Causes that were found of what the page of peers shows: add one only where you found it."""

#: ``(pair, kind)``, kind one of slower, weaker, stronger; shown where the row has it
CAUSES: dict[tuple[str, str], str] = {
    ("torchattacks CW", "stronger"): (
        "it starts from `atanh` of a pixel, infinite at 0 and 1: black and white ones never move"
    ),
}
