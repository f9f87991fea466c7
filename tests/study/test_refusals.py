"""What leaves an experiment nothing to train."""

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
