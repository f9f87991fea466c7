"""Numbers of things in sentences, of which there may be one."""

import pytest

from fooljax import study


@pytest.mark.parametrize(
    ("count", "things", "how_often", "anew"),
    [
        (0, "0 runs", "0 times", "0 times"),
        (1, "1 run", "once", "once"),
        (2, "2 runs", "2 times", "2 times from other random numbers"),
        (1500, "1,500 runs", "1,500 times", "1,500 times from other random numbers"),
    ],
)
def test_one_is_no_plural(count, things, how_often, anew):
    assert (study.plural(count, "run"), study.often(count)) == (things, how_often)
    assert study.anew(count) == anew


def test_an_ensemble_of_one_set_has_no_interval():
    assert "no interval" in study.Ensembles(sets=1).repeated
    assert "5 sets" in study.Ensembles(sets=5).repeated


@pytest.mark.parametrize(
    ("gained", "said"),
    [
        ([0.5], "Of 1 comparison 1 shows a gain"),
        ([0.5, 0.5], "Of 2 comparisons 2 show a gain"),
        ([0.5, 0.0], "Of 2 comparisons 1 shows a gain"),
        ([0.0], "Of 1 comparison none shows a gain"),
    ],
)
def test_the_verb_goes_with_the_number_of_gains(gained, said):
    records = [
        {
            "defense": f"blur {i}",
            "against": "pgd",
            "network": "lenet",
            "naive_gain": gain,
            "adaptive_gain": gain,
        }
        for i, gain in enumerate(gained)
    ]
    assert study.sum_up(study.gains(records)).startswith(said)
