import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.study import units


def counting(calls, name):
    def unit():
        calls.append(name)
        return {"numbers": jnp.arange(3) + len(name), "share": 0.5}

    return unit


def test_what_was_computed_is_not_computed_again(tmp_path):
    calls = []
    work = {name: counting(calls, name) for name in ("one", "three")}
    units.compute(tmp_path, "one", work["one"])
    first = units.compute_all(tmp_path, work, "working")
    again = units.compute_all(tmp_path, work, "working")
    assert calls == ["one", "three"]
    np.testing.assert_array_equal(first["three"]["numbers"], [5, 6, 7])
    for name, arrays in first.items():
        assert arrays["seconds"] >= 0.0
        for key, value in arrays.items():
            np.testing.assert_array_equal(again[name][key], value)


def test_words_of_a_unit_stand_in_the_place_of_its_name(tmp_path, capsys):
    work = {name: counting([], name) for name in ("one", "three")}
    units.compute_all(tmp_path, work, "working", {"one": "fgsm, batch 0"})
    assert capsys.readouterr().err.splitlines()[0] == "working 0/2  fgsm, batch 0"


def test_a_failure_keeps_the_units_before_it(tmp_path):
    calls = []
    broken = {"good": counting(calls, "good"), "bad": lambda: {"x": 1 / 0}}
    with pytest.raises(ZeroDivisionError):
        units.compute_all(tmp_path, broken, "working")
    units.compute_all(tmp_path, {name: counting(calls, name) for name in broken}, "working")
    assert calls == ["good", "bad"]


@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda data: b""])
def test_a_damaged_file_is_computed_again(tmp_path, spoil):
    calls = []
    whole = units.compute(tmp_path, "unit", counting(calls, "unit"))
    path = tmp_path / units.FOLDER / "unit.npz"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.warns(UserWarning, match="unit.npz is damaged"):
        again = units.compute(tmp_path, "unit", counting(calls, "unit"))
    assert calls == ["unit", "unit"]
    np.testing.assert_array_equal(again["numbers"], whole["numbers"])
