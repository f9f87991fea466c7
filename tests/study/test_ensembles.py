"""Who joins which set, what is refused, and what an attack on a whole cost."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from fooljax import data, study
from fooljax.metrics import Interval
from fooljax.study import Ensembles, Joint, Victim
from fooljax.types import Classifier

CLASSES = 10


def test_who_joins_in_which_set():
    ensembles = Ensembles(members=(1, 3), sets=2)
    assert ensembles.needed == {"lenet": 6, "mlp": 2, "softmax": 2}
    assert ensembles.names("same", 1) == ("lenet 4", "lenet 5", "lenet 6")
    assert ensembles.names("mixed", 1) == ("lenet 4", "mlp 2", "softmax 2")
    assert ensembles.title("mixed") == "Mixed architectures: 1 x lenet, 1 x mlp, 1 x softmax"
    assert Ensembles(members=(1, 5), sets=2).names("mixed", 1) == (
        *("lenet 6", "mlp 3", "softmax 2", "lenet 7", "mlp 4"),
    )
    own = Ensembles(models=("a.py:x", "b.py:y"), members=(1, 2), sets=1)
    assert list(own.groups) == ["mixed"]


@pytest.mark.parametrize("group", ["same", "mixed"])
def test_sets_share_no_network_and_take_all(group):
    ensembles = Ensembles(members=(2, 7), sets=3)
    every = [name for place in range(3) for name in ensembles.names(group, place)]
    assert len(set(every)) == len(every) == 21
    known = {f"{model} {i + 1}" for model, n in ensembles.needed.items() for i in range(n)}
    assert set(every) <= known


IMPOSSIBLE = {
    "--members must ascend, got 3 1": Ensembles(members=(3, 1)),
    "--models: a.py:b has but one set of weights": Ensembles(models=("a.py:b", "mlp")),
    "--members: 2 members, but --models names 1:": Ensembles(("a.py:b",), (1, 2), sets=1),
}


@pytest.mark.parametrize(("message", "ensembles"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_what_no_networks_could_be_is_refused(message, ensembles):
    with pytest.raises(ValueError, match=message):
        ensembles.check(Victim())


def test_a_model_without_a_place_is_refused():
    with pytest.raises(ValueError, match="--model: give --models mlp another"):
        Ensembles().check(Victim(model="mlp"))


def test_more_turns_than_steps_are_refused():
    Joint(steps=20).check(20)
    with pytest.raises(ValueError, match="--rounds must be at most --steps 20, got 21"):
        Joint(steps=20).check(21)


def prepared(right, splits):
    """Networks that are right about the test images for which ``right`` says so."""

    def say(params, images):
        ids = jnp.round(images.reshape(len(images), -1).sum(axis=1) * 255.0).astype(int)
        return jnp.zeros((len(images), CLASSES)).at[jnp.arange(len(images)), ids % CLASSES].set(1.0)

    network = Classifier(jnp.zeros(()), say, (28, 28, 1), CLASSES)
    return study.Prepared(network, splits.test.class_names, right, "made up", splits)


def test_images_are_those_that_every_network_of_the_set_gets_right():
    splits = data.load("digits")
    ensembles = Ensembles(models=("softmax",), members=(1, 2), sets=2)
    networks = {f"softmax {i + 1}": prepared(0.1, splits) for i in range(4)}
    found = study.make_sets(networks, ensembles, 5, seed=0)
    assert list(found) == [("same", 0), ("same", 1)]
    for place in range(2):
        one = found["same", place]
        assert one.names == ensembles.names("same", place) and len(one.members) == 2
        said = np.asarray(one.members[0](one.images)).argmax(axis=1)
        np.testing.assert_array_equal(said, one.labels)
    with pytest.raises(ValueError, match=r"--images: .* right about \d+ test images only, got 300"):
        study.make_sets(networks, ensembles, 300, seed=0)


def test_costs_by_hand():
    joint = Joint(generations=2, children=100, steps=3, tau=0.9)
    own = np.log(np.array([[0.95, 0.05], [0.5, 0.5]]))
    labels = np.array([0, 1, 1, 0])
    climbed = {"own": own, "trace": np.array([[-1.0, -1.0, 0.1, 0.2], [0.5, 1.0, 1.0, 1.0]])}
    numbers = study.judge_whole(joint, climbed, labels, 2)
    assert numbers["cost"] == (2.0 + 1.0) / 2  # what is certain at once costs a step all the same
    assert numbers["fooled"] == 0.5 and numbers["confidence"] == pytest.approx((0.95 + 0.5) / 2)
    assert numbers["named"] == 0.5 and numbers["accuracy"] is None and numbers["pgd"] is None
    never = {"own": own, "trace": np.full((2, 4), -1.0), "pgd_success": np.array([1, 0, 0, 0])}
    missed = study.judge_whole(joint, never, labels, 2)
    assert missed["cost"] == math.inf and missed["pgd"] == 0.25
    evolved = {"own": own, "history": np.array([[0.1, 0.95], [0.2, 0.3], [0.95, 0.3]])}
    assert study.judge_whole(joint, evolved, labels, 2)["cost"] == (300.0 + 100.0) / 2
    perturbed = {
        "own": own,
        "clean": np.array([0, 1, 2, 1]),
        "l2": np.array([1.0, 3.0]),
        "success": np.array([True, False]),
    }
    numbers = study.judge_whole(joint, perturbed, labels, 2)
    assert numbers["cost"] == 2.0 and numbers["fooled"] == 0.5 and numbers["named"] is None
    assert numbers["accuracy"] == 0.5 and numbers["rejected"] == 0.25
    assert (joint.most("direct"), joint.most("ascent")) == (300, 3)
    assert math.isnan(joint.most("perturb"))


def test_a_single_member_answers_for_itself_and_several_by_their_mean():
    linear = lambda params, images: images.reshape(len(images), -1) @ params
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(3, 4, CLASSES)).astype(np.float32)
    members = [Classifier(jnp.asarray(one), linear, (2, 2, 1), CLASSES) for one in weights]
    images = jnp.asarray(rng.random((6, 2, 2, 1), np.float32))
    assert study.as_one(members[:1], "log_probabilities") is members[0]
    each = scipy.special.softmax(np.einsum("bp,mpk->mbk", images.reshape(6, -1), weights), axis=2)
    whole = scipy.special.softmax(np.asarray(study.as_one(members)(images)), axis=1)
    np.testing.assert_allclose(whole, each.mean(axis=0), atol=1e-5)
    votes = study.as_one(members, "majority_vote")(images).argmax(axis=1)
    counts = np.stack([np.bincount(row, minlength=CLASSES) for row in each.argmax(axis=2).T])
    assert np.all(counts[np.arange(6), votes] == counts.max(axis=1))


def test_records_become_a_row_for_each_repeat():
    records = [
        {"set": place, "members": size, "cost": 10.0 * place + size, "pgd": None}
        for size in (2, 1)
        for place in (0, 1)
    ]
    np.testing.assert_array_equal(
        study.by_repeat(records, "cost", "set", "members"), [[1.0, 2.0], [11.0, 12.0]]
    )
    assert np.isnan(study.by_repeat(records[:3], "pgd", "set", "members")).all()


def test_means_of_any_size():
    logs = [1.0, 2.0, 4.0]
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(logs), scipy.stats.sem(logs))
    assert study.unbounded(logs) == pytest.approx((np.mean(logs), low, high))
    beyond = study.unbounded([1.0, math.inf])
    assert beyond.mean == math.inf and math.isnan(beyond.low)
    assert study.times(study.unbounded([2.0, 2.0])) == "2 (in every repeat)"
    assert study.times(study.unbounded([math.nan])) == "not measured"


def test_sides_of_a_level():
    say = lambda low, high: study.beyond_chance(Interval(0.5, low, high), 1.0, "more", "less")
    assert say(1.1, 2.0) == "more beyond chance"
    assert say(0.1, 0.9) == "less beyond chance"
    assert say(0.1, 2.0) == "within chance"
    assert say(math.nan, math.nan) == "without an interval"  # of one repeat nobody knows
