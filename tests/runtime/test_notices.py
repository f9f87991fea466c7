"""Warnings about results are kept beside the run, once; incidents and other libraries' are not."""

import json
import math
import warnings

import numpy as np
import pytest

from fooljax.runtime import notices


@pytest.mark.filterwarnings("default")
def test_keeps_what_makes_results_doubtful(tmp_path):
    with pytest.warns() as shown, notices.kept(tmp_path):
        warnings.warn("the outputs look odd", stacklevel=1)
        warnings.warn("a file is computed again", category=notices.Incident, stacklevel=1)
        warnings.warn("divided by zero", category=RuntimeWarning, stacklevel=1)
        theirs = "/somewhere/site-packages/other/code.py"
        warnings.warn_explicit("theirs", UserWarning, theirs, 1)
    assert len(shown) == 4
    assert notices.of(tmp_path) == ["the outputs look odd"]


@pytest.mark.filterwarnings("default")
def test_a_resumed_run_says_what_an_uncut_one_would(tmp_path):
    """The first warning is raised again, the second not: it belongs to work that is kept."""
    cut, uncut = tmp_path / "cut", tmp_path / "uncut"
    for folder, parts in ((cut, [["a", "b"], ["a", "c"]]), (uncut, [["a", "b", "c"]])):
        folder.mkdir()
        for part in parts:
            with pytest.warns(UserWarning), notices.kept(folder):
                for text in part:
                    warnings.warn(text, stacklevel=1)
        notices.summarize(folder, {"confidence": 0.5})
    read = lambda folder: (folder / "summary.json").read_bytes()
    assert read(cut) == read(uncut)
    assert json.loads(read(cut)) == {"confidence": 0.5, "warnings": ["a", "b", "c"]}


def test_nothing_suspected_leaves_no_file(tmp_path):
    with notices.kept(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    assert notices.summarize(tmp_path, {})["warnings"] == []


def test_what_json_cannot_hold_is_null_in_a_summary(tmp_path):
    numbers = {"a": [np.inf, 1.0, {"b": math.nan}], "c": "nan", "d": 2}
    notices.summarize(tmp_path, numbers)
    written = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    expected = {"a": [None, 1.0, {"b": None}], "c": "nan", "d": 2}
    assert {name: written[name] for name in numbers} == expected
