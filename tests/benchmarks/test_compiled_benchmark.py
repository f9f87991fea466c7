"""The benchmark that compiles for TPUs: how it reads programs, and where libtpu is, itself."""

import importlib.util
import json
import subprocess
import sys

import pytest

from benchmarks import compiled

PROGRAM = """
  %all-reduce.1 = f32[8]{0} all-reduce(%x), channel_id=1
  %start = (f32[2]{0}, f32[8]{0}) all-gather-start(%y), channel_id=2
  %done = f32[8]{0} all-gather-done(%start)
  %all-reduce-start.3 = f32[] all-reduce-start(%all-reduce.1)
  %fusion = f32[8]{0} fusion(%all-reduce.1, %all-gather), calls=%computation
  %one = (f32[100,3]{1,0:T(8,128)}, s32[7]{0}) custom-call(%a, %b), custom_call_target="tpu_custom_call", operand_layout_constraints={bf16[5,1]{1,0}, pred[4]{0}}, metadata={op_name="f32[9]"}
  %other = f32[6]{0} custom-call(%a), custom_call_target="Sharding"
"""  # noqa: E501


def test_exchanges_are_counted_once_each():
    assert compiled.collectives(PROGRAM) == {"all-gather": 1, "all-reduce": 2}


def test_what_kernels_move_is_read_off_the_program():
    assert compiled.kernel_bytes(PROGRAM) == 100 * 3 * 4 + 7 * 4 + 5 * 2 + 4


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("chips must be of 1, 4, 8, 16, 32, got 3", {"chips": (1, 3)}),
        ("images must be positive, got 0", {"images": 0}),
    ],
)
def test_impossible_sizes(message, changes):
    with pytest.raises(ValueError, match=message):
        compiled.Config(**changes)


def programs(*flags):
    """Run the benchmark in a process of its own; its rows by part, encoding and chips."""
    if importlib.util.find_spec("libtpu") is None:
        pytest.skip('needs libtpu, which compiles for TPUs: pip install "fooljax[tpu]"')
    command = [sys.executable, "-m", "benchmarks.compiled", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)["programs"]
    return {(row["part"], row["encoding"], row["chips"]): row for row in rows}, done.stderr


@pytest.mark.slow
def test_a_search_for_slices_of_a_pod():
    sizes = {"--image-size": 28, "--channels": 1, "--images": 8, "--niches": 10}
    flags = [str(word) for pair in sizes.items() for word in pair]
    rows, table = programs(
        "--network", "softmax", *flags, "--encodings", "cppn", "--chips", "1", "4"
    )
    assert rows["forward", "any", 1]["gflop"] * 1e9 == pytest.approx(2 * 8 * 28 * 28 * 10, rel=0.05)
    alone, shared = rows["search", "cppn", 1], rows["search", "cppn", 4]
    assert alone["collectives"] == {}
    assert 1 <= sum(shared["collectives"].values()) <= 8
    # four times the children on four times the chips
    assert shared["accessed_gb"] == pytest.approx(alone["accessed_gb"], rel=0.1)
    image = 8 * 28 * 28 * 4
    assert image < alone["kernels_gb"] * 1e9 < 3 * image
    assert len(table.splitlines()) >= 5 + len(rows)


@pytest.mark.slow
def test_painting_moves_a_quarter_of_what_the_network_moves():
    rows, _ = programs("--parts", "forward", "painting", "--encodings", "cppn", "direct")
    network = rows["forward", "any", 1]
    written = 100 * 224 * 224 * 3 * 4 / 1e9
    for encoding in ("cppn", "direct"):
        painting = rows["painting", encoding, 1]
        assert written <= painting["accessed_gb"] <= 0.25 * network["accessed_gb"]
    assert rows["painting", "cppn", 1]["kernels_gb"] >= written
