"""What leaves an experiment nothing to train."""

import jax
import numpy as np
import pytest

import fooljax as fj
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
        ({"model": "a.py:net"}, f"--model a.py:net: {OWN}; give the name of an architecture"),
        ({"classifier": "here"}, f"--classifier here: {OWN}; leave it out"),
        ({"dataset": "none"}, f"--dataset none: {OWN}, from videos; name a set"),
        ({"train_epsilon": 0.1}, "--train-epsilon: --recipe quick has none"),
    ],
)
def test_what_is_ready_made_is_refused(settings, message):
    study.refuse_ready_made(Victim(), OWN)
    with pytest.raises(ValueError, match=message):
        study.refuse_ready_made(Victim(**settings), OWN, "videos")


def prepared(network):
    return study.Prepared(network, ("0", "1"), None, "mine")


def test_only_what_cannot_be_followed_has_no_gradient(key):
    """A network of JAX has one, unless it loops for as long as it likes or asks Python."""
    shape = (2, 2, 1)
    flat = lambda params, images: images.reshape(len(images), -1)[:, :2]

    def endless(params, images):
        return jax.lax.while_loop(lambda x: x.sum() > 9.0, lambda x: x / 2.0, flat(params, images))

    def asks(params, images):
        out = jax.ShapeDtypeStruct((len(images), 2), np.float32)
        return jax.pure_callback(lambda x: np.asarray(x).reshape(-1, 4)[:, :2], out, images)

    of = lambda apply: fj.types.Classifier((), apply, shape, 2)
    known = [fj.models.build("softmax", key, shape, 2), of(flat), of(endless), of(asks)]
    known.append(fj.models.from_function(lambda images: images.reshape(-1, 4)[:, :2], shape, 2))
    assert [fj.models.has_gradient(one) for one in known] == [True, True, False, False, False]


def test_an_attack_of_ones_own_may_do_without_a_gradient():
    known = fj.attacks.CATALOG
    mine = known["pgd"]._replace(blind=False)
    answers = lambda images: images.reshape(-1, 4)[:, :2]
    network = prepared(fj.models.from_function(answers, (2, 2, 1), 2))
    chosen = {"mine.py:attack": mine, "square": known["square"]}
    study.refuse_seeing("--attacks", chosen, known, [network])
    with pytest.raises(ValueError, match=r"^--attacks pgd cannot do without a .*mine only answers"):
        study.refuse_seeing("--attacks", {**chosen, "pgd": mine}, known, [network])
