"""How sure a network became of every class, counted by hand; and what traits came to."""

import numpy as np
import pytest

from fooljax import study


@pytest.fixture(scope="module")
def confidence():
    """By generation, repeat and class; the second repeat never reaches 99.9 %."""
    made = np.sort(np.random.default_rng(0).random((4, 2, 3)), axis=0)
    made[2:, 0] = 0.9995
    made[3, 1] = 0.995
    return made


def test_progress_is_that_of_every_generation(confidence):
    told = study.sum_up_progress(confidence)
    last = [sorted(row)[1] for row in confidence[-1]]
    assert told["median_confidence"] == sum(last) / 2
    assert told["min_confidence"] == confidence[-1].min()
    np.testing.assert_array_equal(told["per_class_confidence"], confidence[-1])
    for repeat in range(2):
        rows = confidence[:, repeat]
        per_repeat = told["median_confidence_by_generation_per_repeat"][repeat]
        np.testing.assert_array_equal(per_repeat, [sorted(row)[1] for row in rows])
        per_repeat = told["min_confidence_by_generation_per_repeat"][repeat]
        np.testing.assert_array_equal(per_repeat, [min(row) for row in rows])
    assert told["share_above_0.99_by_generation"][-1] == 1.0
    first = {"0.99": [2, 3], "0.999": [2, None], "0.9999": [None, None]}
    assert told["first_generation_all_above"] == first
    table = study.table_of_first(confidence).markup.replace("&nbsp;", " ")
    assert "2, 3" in table and "2, never" in table and "never, never" in table


def test_traits_are_means_of_children_and_refusals_a_count():
    rows = np.array([[10.0, 30.0], [40.0, 20.0]])  # sums over five children, two repeats
    history = {"trait_nodes": rows, "trait_refused": np.array([[1, 0], [2, 4]]), "jumps": rows}
    told = study.sum_up_traits(history, 5)
    assert told == {"mean_nodes": (40.0 / 5 + 20.0 / 5) / 2, "refused_mutations": 7}
    assert study.sum_up_traits({"jumps": rows}, 5) == {}
