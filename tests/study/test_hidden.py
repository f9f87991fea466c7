"""Numbers of partly hidden images: what becomes a record, a mean, a tile, a line of a table."""

import math
import re

import numpy as np
import pytest

from fooljax import study
from fooljax.study import Hiding, Results, hidden, where

HIDING = Hiding(generators=("cppn", "direct"), repeats=2, tau=0.9, fills=("median", "white"))
ODDS = {"real": [0.0, 5.0, 5.0], "cppn": [9.0, 9.0, 1.0], "direct": [4.0, 4.0, 4.0]}


@pytest.fixture(scope="module")
def found():
    """Two repeats of three kinds; a look that found nothing on real images."""
    makers = {name: study.FOOLING[name] for name in HIDING.generators}
    network = study.Prepared(None, ("nought", "one"), 0.9, "")
    scene = hidden.Scene(study.Networks({"lenet": network}, ("lenet",)), [], makers)
    cells = study.grid(images=scene.kinds, repeat=(0, 1))
    odds = lambda cell: np.float32(ODDS[cell["images"]]) + cell["repeat"]
    made = [(cell, {"odds": odds(cell), "labels": np.array([1, 0, 1])}) for cell in cells]
    seen = [({"look": "loss", **cell}, {"lost": odds(cell)}) for cell in cells]

    def read(hiding, odds, arrays):
        yield "largest", "", math.nan if odds[0] < 2.0 else float(arrays["lost"].max())
        yield "share", hiding.fills[1], float(np.mean(arrays["lost"] > 4.5))

    results = Results(tuple(made)), Results(tuple(seen))
    records = list(hidden.judge(HIDING, *results, {"loss": read}))
    means = hidden.average(records, {"largest": (0.0, math.inf)})
    return records, hidden.Found(HIDING, scene, *results, means)


def test_records_are_medians_and_shares_of_a_repeat(found):
    records, _ = found
    whole = where(records, look="whole", images="cppn", repeat=1)
    assert {one["name"]: one["value"] for one in whole} == {
        "confidence": pytest.approx(1.0 / (1.0 + math.exp(-10.0))),
        "certain": pytest.approx(2 / 3),  # the third has log-odds of 2, and 0.9 is 2.2
    }
    assert not where(records, name="largest", images="real")  # there was none
    assert [one["value"] for one in where(records, name="largest", images="direct")] == [4.0, 5.0]


def test_means_have_bounds_of_their_own(found):
    _, of = found
    largest, share = of.number("loss", "largest", ""), of.number("loss", "share", "white")
    assert set(largest) == {"cppn", "direct"} and set(share) == {"real", "cppn", "direct"}
    assert largest["direct"].mean == 4.5 and largest["direct"].high > 10.0
    assert share["direct"] == (0.5, 0.0, 1.0)


def test_what_a_page_and_a_summary_say(found):
    _, of = found
    number = "loss", "largest", ""
    assert of.tile(number, "{:.1f}".format, "of {} images") == [("9.5", "of cppn images")]
    assert of.tile(number, str, "{}", kinds=("direct",)) == [("4.5", "direct")]
    assert of.tile(("loss", "smallest", ""), str, "{}") == []
    summary = of.summary({"most": number}, left_out=["share"])
    assert summary["most"]["cppn"]["mean"] == 9.5
    assert {row["name"] for row in summary["means"]} == {"largest", "confidence", "certain"}
    table = str(of.table("loss", {"Most": ("largest", "", "{:.1f}".format)}, "Read it."))
    lines = re.findall(r"<th scope=\"row\">(\w+)</th><td>(.*?)</td>", table)
    assert [kind for kind, _ in lines] == ["real", "cppn", "direct"]
    assert lines[2][1].startswith("4.5") and lines[0][1] == "nan"
    assert of.named("direct", ["a", "b"]) == ["one\na", "nought\nb"]
    told = " ".join(map(str, of.story())).replace("&nbsp;", " ")
    assert "at least 90 %" in told and "white" in told and "made and asked 2 times" in told
    assert hidden.plain(math.nan) == "not measured" and hidden.plain(3.0) == "3"
