"""The benchmark of large evolutions runs, and its document has the promised shape."""

import json

import jax
import pytest

from benchmarks import scale

TINY = scale.Config(
    parts=("time",),
    networks=("softmax",),
    encodings=("cppn",),
    children=(6,),
    at_once=(3,),
    precisions=("bfloat16",),
    image_size=28,
    niches=5,
    mutations=2,
    rounds=1,
)


@pytest.mark.slow
def test_every_kind_is_measured():
    with jax.debug_key_reuse(False):  # the same call is measured again and again
        document = json.loads(json.dumps(scale.measure(TINY)))
    kinds = {(row["encoding"], row["precision"]) for row in document["time"]}
    assert kinds == {("cppn", "bfloat16")}
    for row in document["time"]:
        whole, bare = row["generation"]["wall_s"], row["forward"]["wall_s"]
        assert row["ratio_wall"] == pytest.approx(whole / bare)
        assert row["share_outside_network"] == pytest.approx(1 - bare / whole)
        assert all(row[part]["wall_s"] > 0 for part in ("vary", "paint", "insert"))
        assert row["needed_gb"] * 1e9 > 6 * 28 * 28 * 3 * 4
    assert len(scale.summarize(document).splitlines()) == 1


@pytest.mark.slow
def test_memory_of_whole_runs():
    config = scale.Config(
        parts=("memory",), networks=("lenet",), encodings=("direct",), children=(6,), at_once=(0,)
    )
    config = scale.Config(**{**vars(config), "image_size": 28, "niches": 5, "limits": (0.1, 5.0)})
    refused, fits = scale.measure(config)["memory"]
    assert "--memory-limit 0.1: with one child at a time" in refused["refused"]
    assert fits["micro_batch"] == 6
    assert 0.3 < fits["peak_over_planned"] <= 1.5


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("rounds must be positive, got 0", {"rounds": 0}),
        ("children must be at least 8", {"children": (4,), "devices": 8}),
        ("at_once must divide the children .* got 25, 60", {"children": (60,)}),
    ],
)
def test_impossible_sizes(message, changes):
    with pytest.raises(ValueError, match=message):
        scale.Config(**changes)
