"""Cells: files and random numbers follow from names, and nothing is computed twice."""

import jax
import numpy as np
import pytest

from fooljax.study import Results, RunFlags, Victim, compute, gather, grid, key_of
from fooljax.study.cells import file_name
from fooljax.study.run import Run


class Config:
    victim = Victim()
    run = RunFlags(seed=3)


def bits(key):
    return jax.random.key_data(key).tolist()


def test_keys_follow_names_and_values():
    one = bits(key_of(0, maker="pgd", repeat=1))
    assert one == bits(key_of(0, repeat=1, maker="pgd"))
    others = [
        key_of(1, maker="pgd", repeat=1),
        key_of(0, maker="pgd", repeat=2),
        key_of(0, maker="pgd"),
        key_of(0, other="pgd", repeat=1),
    ]
    assert one not in [bits(key) for key in others]


def test_many_cells_have_different_keys_and_files():
    cells = grid(maker=["pgd", "a b", "a_b", "a-b", "A b"], made_for=range(10), repeat=range(8))
    assert len({tuple(bits(key_of(0, **cell))) for cell in cells}) == len(cells) == 400
    assert len({file_name(cell) for cell in cells}) == len(cells)


@pytest.mark.parametrize("name", ["lenet", "/home/me/my net.py:make", "ü" * 400, "..", "a/b", ""])
def test_files_have_names_that_any_file_system_takes(name, tmp_path):
    place = tmp_path / f"{file_name({'model': name, 'repeat': 0})}.npz"
    place.write_bytes(b"")
    assert list(tmp_path.iterdir()) == [place] and place.name.isascii()


def test_the_last_axis_changes_fastest():
    assert grid(a=["x", "y"], b=[1, 2]) == [
        {"a": "x", "b": 1},
        {"a": "x", "b": 2},
        {"a": "y", "b": 1},
        {"a": "y", "b": 2},
    ]


def test_what_was_computed_is_read(tmp_path):
    run, calls = Run("experiments.it", Config(), tmp_path), []

    def make(key, size, repeat):
        calls.append((size, repeat))
        return {"drawn": jax.random.uniform(key, (size,)), "twice": 2 * size}

    cells = grid(size=[1, 3], repeat=range(2))
    first = compute(run, cells[:3], make, "drawing")
    again = compute(run, cells[::-1], make, "drawing")
    assert calls == [(1, 0), (1, 1), (3, 0), (3, 1)]
    for cell in cells[:3]:
        one, other = first.one(**cell), again.one(**cell)
        np.testing.assert_array_equal(one["drawn"], other["drawn"])
        expected = jax.random.uniform(key_of(3, **cell), (cell["size"],))
        np.testing.assert_array_equal(one["drawn"], expected)
    assert len(again.where(size=3).found) == 2 and again.where(size=2) == Results(())
    assert again.seconds >= first.where(size=1).seconds > 0
    assert set(again.arrays("twice", "absent")) == {f"{file_name(cell)}.twice" for cell in cells}
    assert len(gather(first, again).found) == 7
    with pytest.raises(KeyError, match=r"2 cells at .*size.*3"):
        again.one(size=3)
    with pytest.raises(ValueError, match="different"):
        compute(run, [cells[0], cells[0]], make, "drawing")
