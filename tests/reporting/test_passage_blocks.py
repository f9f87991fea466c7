import pytest

from fooljax.reporting.passages import passage


def test_marks_say_what_was_added_chosen_and_right():
    shown = passage("Who?", ["One.", "Two."], right=[0], added=1, chosen=1).markup
    assert shown.count("<mark>") == shown.count("<ins>") == 1
    added = shown[shown.index("<mark>") : shown.index("</mark>")]
    assert added.startswith("<mark><ins>") and "Two." in added and "One." not in added
    right = shown[shown.rindex("<strong>") : shown.rindex("</strong>")]
    assert "One." in right
    assert "Question: " in shown and "Question: " not in passage("", ["One."]).markup


def test_hostile_sentences_stay_letters():
    shown = passage("<b>", ["</ins><script>", "\u202eevil\0"], added=0).markup
    assert "<script>" not in shown and "<b>" not in shown and "\0" not in shown
    assert "\u202e" not in shown


def test_places_that_are_not_there():
    with pytest.raises(ValueError, match=r"must be in \[0, 1\), got \[1\]"):
        passage("Who?", ["One."], chosen=1)
