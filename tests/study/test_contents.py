"""The table of contents of a page."""

from fooljax import reporting, study


def test_parts_stand_below_their_headings_and_empty_ones_are_left_out():
    def several(found):
        yield f"one of {found}"
        yield reporting.strong("two")

    def none(found):
        yield from ()

    figure = study.Figure("name", lambda path: None, "what is seen")
    parts = {"A text": lambda found: "text", "Several": several, "Nothing": none}
    parts["A figure"] = lambda found: figure
    assert list(study.sections(5, parts)) == [
        study.Heading("A text"),
        "text",
        study.Heading("Several"),
        "one of 5",
        reporting.strong("two"),
        study.Heading("A figure"),
        figure,
    ]
