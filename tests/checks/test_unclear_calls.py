"""Calls that were answered silently, or in the words of somebody else's library."""

import jax
import numpy as np
import pytest

import fooljax as fj

SHAPE = (4, 4, 1)
IMAGES = np.random.default_rng(0).uniform(size=(5, *SHAPE)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1])
NAN = np.where(np.arange(5)[:, None, None, None] == 3, np.nan, IMAGES)
attacks, data, evolution = fj.attacks, fj.data, fj.evolution
SEARCH = evolution.map_elites(fj.encodings.direct(SHAPE), 4)


@pytest.fixture(scope="module")
def network():
    return fj.models.build("softmax", jax.random.key(0), SHAPE, 3)


def attacked(network, **more):
    goal = attacks.leave(LABELS)
    return attacks.run(attacks.pgd(0.1, steps=1), jax.random.key(1), network, IMAGES, goal, **more)


def of_four(labels):
    return data.from_arrays(IMAGES, labels, ("a", "b", "c", "d"))


CALLS = {
    r"start must be in \[0, 1\], got NaN at \[3, 0": lambda net: attacked(net, start=NAN),
    "start must be floats .* got int32": lambda net: attacked(net, start=np.int32(IMAGES)),
    "on_step must be a function .*, got 'print'": lambda net: attacked(net, on_step="print"),
    "candidates must be images .* got none": lambda net: attacks.strongest(
        net, attacks.leave(LABELS), []
    ),
    r"state must be .*; write state, info = start": lambda net: evolution.advance(
        jax.random.key(1), SEARCH, net, evolution.start(jax.random.key(0), SEARCH, net), 3
    ),
    r"image_size .* height and width, got 28": lambda net: data.load("digits", image_size=28),
    r"rows must be in \[0, 5\), got 2 to 7": lambda net: data.choose_rows(
        of_four(LABELS), np.array([2, 7])
    ),
    r"rows must be a mask of 5, got an array bool \(2,\)": lambda net: data.choose_rows(
        of_four(LABELS), np.array([True, False])
    ),
    r"the dataset's labels must be in \[0, 3\), got 3 at index 2": lambda net: fj.training.evaluate(
        net, of_four(LABELS + 1)
    ),
    r"stand_in must be a function of .* give network\.apply": lambda net: (
        fj.defenses.with_gradient_of(net, net)
    ),
    "groups must be two or more rows of classes, .* got a list of 2": lambda net: fj.models.grouped(
        net, [0, 1]
    ),
    "images must be uint8 or float32, got int64": lambda net: data.as_float([[1, 2]]),
}


@pytest.mark.parametrize(("message", "call"), CALLS.items(), ids=range(len(CALLS)))
def test_what_is_wrong_is_said(message, call, network):
    with pytest.raises(ValueError, match=message):
        call(network)


def test_what_is_right_passes(network):
    bytes_ = np.uint8(255 * IMAGES)
    same = attacked(network, start=bytes_).images == attacked(network, start=bytes_ / 255.0).images
    assert np.all(same)
    for rows in (np.array([-1, 4]), [4, 4]):
        assert data.choose_rows(of_four(LABELS), rows).labels.tolist() == [1, 1]
    assert data.choose_rows(of_four(LABELS), np.zeros(5, bool)).labels.size == 0
    groups = np.array([0]), np.array([1, 2])
    rejecting = fj.models.build("softmax", jax.random.key(0), SHAPE, 3, rejecting=1)
    assert fj.models.grouped(rejecting, groups)(IMAGES).shape == (5, 3)
    pairs = fj.types.Search(
        init=lambda key, net: ((0, 0), None), step=lambda key, net, state: ((state[0] + 1, 0), None)
    )
    state, _ = evolution.start(jax.random.key(1), pairs, network)
    state, _ = evolution.advance(jax.random.key(1), pairs, network, state, 3)
    assert tuple(map(int, state)) == (3, 0)  # a search of one's own may keep a pair
