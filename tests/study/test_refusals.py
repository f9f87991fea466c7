"""What leaves nothing to train, and places spread over many."""

import numpy as np
import pytest

from fooljax import study
from fooljax.study import Victim

OWN = "each round trains its own network"


def test_the_first_fault_is_named():
    study.refuse({"--this": False, "--that": False})
    with pytest.raises(ValueError, match=r"^--that is wrong$"):
        study.refuse({"--this is wrong": False, "--that is wrong": True, "--more is wrong": True})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "a.py:net"}, f"--model: {OWN}, not a.py:net; name an architecture"),
        ({"classifier": "here"}, f"--classifier here: {OWN}; leave it out"),
        ({"dataset": "none"}, f"--dataset none: {OWN}, from videos; name a set"),
        ({"train_epsilon": 0.1}, "--train-epsilon: --recipe quick has none"),
    ],
)
def test_what_is_ready_made_is_refused(settings, message):
    study.refuse_ready_made(Victim(), OWN)
    with pytest.raises(ValueError, match=message):
        study.refuse_ready_made(Victim(**settings), OWN, "videos")


@pytest.mark.parametrize(("count", "most"), [(10, 4), (10, 10), (3, 8), (1, 5), (100, 1)])
def test_places_are_spread_evenly(count, most):
    found = study.spread(count, most)
    assert len(found) == len(set(found)) == min(count, most) and found[0] == 0
    if len(found) > 1:
        steps = np.diff(found)
        assert found[-1] == count - 1 and steps.max() - steps.min() <= 1
