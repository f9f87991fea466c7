"""Places spread evenly, and in an order that names decide."""

import numpy as np
import pytest

from fooljax import study


@pytest.mark.parametrize(("count", "most"), [(10, 4), (10, 10), (3, 8), (1, 5), (100, 1)])
def test_places_are_spread_evenly(count, most):
    found = study.spread(count, most)
    assert len(found) == len(set(found)) == min(count, most) and found[0] == 0
    if len(found) > 1:
        steps = np.diff(found)
        assert found[-1] == count - 1 and steps.max() - steps.min() <= 1


def test_an_order_belongs_to_its_names():
    order = study.order_of(3, 20, images="test", repeat=1)
    assert sorted(order) == list(range(20)) != list(order)
    np.testing.assert_array_equal(order, study.order_of(3, 20, repeat=1, images="test"))
    for other in ({"images": "test", "repeat": 2}, {"images": "clean", "repeat": 1}):
        assert list(study.order_of(3, 20, **other)) != list(order)
    assert list(study.order_of(4, 20, images="test", repeat=1)) != list(order)


def test_what_is_drawn_stands_in_ascending_order():
    order = study.order_of(3, 20, images="test")
    np.testing.assert_array_equal(study.draw(3, 20, 5, images="test"), np.sort(order[:5]))
    assert list(study.draw(3, 4, 9, images="test")) == [0, 1, 2, 3]
