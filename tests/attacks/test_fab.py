"""FAB where the nearest boundary is known, in the middle of the box and at its edge."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine, spread
from test_hyperplane import NORMS, ORDER, solved

import fooljax as fj
from fooljax.attacks import fab, leave, reach
from fooljax.types import Classifier

COUNT, CLASSES, OVERSHOOT = 5, 4, 1.05
NETWORK = make_affine(7, columns=CLASSES)
# in units of the way to the boundary: from 1.05 back to 0.945, then beyond it and leaning to the
# original; later steps lean more, and end farther
BACK = 0.9 * OVERSHOOT
LEAN = (1.0 - BACK) / (2.0 - BACK)
AGAIN = (1.0 - LEAN) * (BACK + OVERSHOOT * (1.0 - BACK)) + LEAN * OVERSHOOT
DUAL = {"linf": 1, "l2": 2, "l1": np.inf}
# each norm compiles anew
EVERY = [pytest.param(norm, marks=[pytest.mark.slow] * (norm != "l2")) for norm in NORMS]


def images():
    return jax.random.uniform(jax.random.key(8), (COUNT, *SHAPE), minval=0.4, maxval=0.6)


def labels(of):
    return jnp.argmax(NETWORK(of), axis=1)


def rivals(of):
    """For each image the slopes and the leads that its rivals lack, in double precision."""
    weights, logits = np.float64(NETWORK.params[0]), np.float64(NETWORK(of))
    for row in logits:
        own = row.argmax()
        yield {c: (weights[:, c] - weights[:, own], row[own] - row[c]) for c in range(CLASSES)}


def nearest(of, norm, beyond=1.0):
    """Distance of each image to the nearest boundary of its class, without a box."""
    lengths = lambda those: [
        lack / np.linalg.norm(slope, DUAL[norm]) for slope, lack in those.values() if lack > 0.0
    ]
    return beyond * np.array([min(lengths(those)) for those in rivals(of)])


@pytest.mark.parametrize("norm", EVERY)
def test_one_step_goes_just_beyond_the_nearest_boundary(norm, key):
    result = fj.attacks.run(fab(1, norm=norm), key, NETWORK, images(), leave(labels(images())))
    assert jnp.all(result.success)
    far = getattr(result, norm)
    np.testing.assert_allclose(far, nearest(images(), norm, OVERSHOOT), rtol=1e-4)
    np.testing.assert_array_equal(result.gradients, CLASSES - 1)
    np.testing.assert_array_equal(result.forwards, 4)  # twice for a step, look, score


@pytest.mark.parametrize("norm", EVERY)
def test_then_it_goes_back_and_approaches_the_boundary_again(norm, key):
    result = fj.attacks.run(fab(30, norm=norm), key, NETWORK, images(), leave(labels(images())))
    share = np.asarray(getattr(result, norm)) / nearest(images(), norm)
    np.testing.assert_allclose(share, AGAIN, rtol=1e-4)


@pytest.mark.parametrize("norm", EVERY)
def test_at_the_edge_of_the_box_no_solver_finds_a_nearer_one(norm, key):
    """On the boundary that is nearest without the box, which is the one that it goes for."""
    begun = jnp.round(images() + 0.02)  # black and white
    result = fj.attacks.run(fab(30, norm=norm), key, NETWORK, begun, leave(labels(begun)))
    flat = np.float64(begun).reshape(COUNT, -1)
    far = lambda one: one[1] / np.linalg.norm(one[0], DUAL[norm])
    best = [
        solved(point, *min((one for one in those.values() if one[1] > 0.0), key=far), norm)
        for point, those in zip(flat, rivals(begun), strict=True)
    ]
    assert jnp.all(result.success)
    change = np.float64(result.images).reshape(COUNT, -1) - flat
    share = np.linalg.norm(change, ord=ORDER[norm], axis=1) / best
    np.testing.assert_allclose(share, AGAIN, rtol=1e-3)


def test_toward_one_class_it_finds_the_boundary_to_that_class(key):
    begun, wanted = images(), (labels(images()) + 2) % CLASSES
    attack = fab(30, norm="l2", target=0)
    own = attack.budget._replace(target=wanted.astype(jnp.float32))
    attack = dataclasses.replace(attack, budget=own)
    result = fj.attacks.run(attack, key, NETWORK, begun, leave(labels(begun)))
    far = np.array(
        [
            those[int(c)][1] / np.linalg.norm(those[int(c)][0])
            for those, c in zip(rivals(begun), wanted, strict=True)
        ]
    )
    # on the way to it another class may be entered, which is as good
    assert jnp.all(result.success)
    assert np.all(result.l2 <= 1.006 * far) and np.all(result.l2 >= nearest(begun, "l2") * 0.9999)
    direct = np.asarray(jnp.argmax(NETWORK(result.images), axis=1)) == np.asarray(wanted)
    np.testing.assert_allclose(result.l2[direct], far[direct], rtol=0.006)
    np.testing.assert_array_equal(result.gradients, 30)


def test_a_target_may_be_reached(key):
    begun = images()
    wanted = (labels(begun) + 1) % CLASSES
    result = fj.attacks.run(fab(40, norm="l2"), key, NETWORK, begun, reach(wanted))
    assert jnp.all(result.success)
    np.testing.assert_array_equal(jnp.argmax(NETWORK(result.images), axis=1), wanted)


def constant(params, images):
    return jnp.broadcast_to(params, (len(images), CLASSES))


@pytest.mark.parametrize("norm", EVERY)
def test_later_starts_are_on_a_sphere_of_half_the_radius(norm, key):
    """Where the network says the same of everything, a step only leans, by a tenth."""
    still = Classifier(jnp.arange(float(CLASSES)), constant, SHAPE, CLASSES)
    attack = spread(fab(2, norm=norm, restarts=3, radius=0.1))
    assert attack.steps == 6
    keys = jax.random.split(key, COUNT)
    point, step, seen = attack.init(keys, attack.budget, images()), jax.jit(attack.step), []
    for i in range(attack.steps):
        given = (fj.attacks.attack.fold_in(keys, i), attack.budget, still, images())
        point, _, _ = step(*given, leave(jnp.full(COUNT, CLASSES - 1)), point)
        change = np.float64(point.images - images()).reshape(COUNT, -1)
        seen.append(np.linalg.norm(change, ord=ORDER[norm], axis=1))
    np.testing.assert_array_equal(seen[:2], 0.0)
    np.testing.assert_allclose([seen[2], seen[4]], 0.05 * 0.9, rtol=1e-4)
    np.testing.assert_allclose([seen[3], seen[5]], 0.05 * 0.9**2, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"norm": "l0"}, "norm"),
        ({"restarts": 0}, "restarts must be at least 1"),
        ({"radius": -1.0}, "radius"),
        ({"target": -2}, "target must be at least -1"),
        ({"candidates": 0}, "candidates"),
        ({"overshoot": 0.0}, "overshoot"),
        ({"lean": 1.5}, "lean"),
        ({"backward": 1.0}, "backward"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        fab(**arguments)


def test_it_needs_another_class(key):
    one = Classifier(jnp.zeros(1), lambda params, x: jnp.zeros((len(x), 1)), SHAPE, 1)
    with pytest.raises(ValueError, match="two classes"):
        fj.attacks.run(fab(2), key, one, images(), leave(jnp.zeros(COUNT, jnp.int32)))
