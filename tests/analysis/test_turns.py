"""What turns do to the others: by hand, and turn by turn in plain Python."""

import numpy as np
import pytest

from fooljax import analysis


def test_the_second_turn_costs_the_first_network_its_win():
    before = [[-1.0], [-2.0]]
    after = [[[[3.0], [-4.0]], [[-1.0], [5.0]]]]
    effects = analysis.turn_effects(before, after)
    assert effects.change == pytest.approx(((-4.0 + 2.0) + (-1.0 - 3.0)) / 2)
    assert effects.undone == 1.0


def test_nothing_won_is_nothing_lost():
    before = np.array([[-1.0], [-2.0]])
    after = np.full((1, 2, 2, 1), -3.0)
    assert analysis.turn_effects(before, after).undone == 0.0


def test_three_networks_turn_by_turn():
    rounds, count, images = 2, 3, 5
    rng = np.random.default_rng(0)
    before, after = (
        rng.normal(size=(count, images)),
        rng.normal(size=(rounds, count, count, images)),
    )
    changes, won, lost, was = [], 0, 0, before
    for turns in after:
        for taker, now in enumerate(turns):
            for other in range(count):
                if other == taker:
                    continue
                for one in range(images):
                    changes.append(now[other, one] - was[other, one])
                    won += was[other, one] > 0.0
                    lost += was[other, one] > 0.0 >= now[other, one]
            was = now
    effects = analysis.turn_effects(before, after)
    assert effects == pytest.approx((np.mean(changes), lost / won))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (np.zeros((1, 2)), np.zeros((1, 1, 1, 2))),
        (np.zeros((2, 2)), np.zeros((1, 2, 2, 3))),
        (np.zeros((2, 2)), np.zeros((0, 2, 2, 2))),
        (np.zeros(2), np.zeros((1, 2, 2, 2))),
    ],
)
def test_shapes_must_fit(before, after):
    with pytest.raises(ValueError, match=r"before must be .* got"):
        analysis.turn_effects(before, after)
