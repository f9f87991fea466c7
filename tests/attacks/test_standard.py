"""The cascade where the truth is known, and what it does with what resists."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine
from broken_networks import perhaps_reversed, turn_round

import fooljax as fj
from fooljax.attacks import leave, standard, standard_versions
from fooljax.attacks.square import side
from fooljax.attacks.standard import _NOTHING, _attack_rows, _climb_stage, _Given
from fooljax.types import Classifier

SHORT = {"steps": 8, "targets": 3, "queries": 30}
COUNT, EPSILON, RADIUS = 23, 0.03, 0.044
TRACES = []


def affine(params, images):
    """Four classes, a column that rejects, no answer where the last pixel is above 0.9."""
    TRACES.append(images.shape)
    (weights, bias), sign = params
    pixels = perhaps_reversed(sign, images).reshape(len(images), -1)
    return jnp.where(pixels[:, -1:] > 0.9, jnp.nan, pixels @ weights + bias[None])


def make(seed, rejects=False):
    """Weights that do not see the last pixel, and reject nothing, or everything."""
    weights, bias = make_affine(seed).params
    weights = jnp.pad(weights, ((0, 0), (0, 1))).at[-1].set(0.0)
    bias = jnp.append(bias, 1e3 if rejects else -1e3)
    return Classifier(((weights, bias), jnp.float32(1.0)), affine, SHAPE, 4)


LINEAR = make(3)


@pytest.fixture(scope="module")
def pictures():
    images = jax.random.uniform(jax.random.key(4), (COUNT, *SHAPE))
    return images.at[:, -1, -1, 0].set(0.5)


@pytest.fixture(scope="module")
def said(pictures):
    return jnp.argmax(LINEAR(pictures), axis=1).at[0].add(1) % 4  # the first is wrong


@pytest.fixture(scope="module")
def found(pictures, said):
    told = []
    result = standard(
        jax.random.key(0),
        LINEAR,
        pictures,
        leave(said),
        EPSILON,
        batch_size=8,
        on_stage=told.append,
        **SHORT,
    )
    assert tuple(told) == result.stages
    return result


def resists(images, labels, epsilon):
    """Whether no image of the ball leaves its label, by the best image for each class."""
    weights, bias = (np.asarray(one, np.float64) for one in LINEAR.params[0])
    images, labels = np.asarray(images, np.float64).reshape(len(images), -1), np.asarray(labels)
    safe = np.ones(len(images), bool)
    for rival in range(4):
        slope = weights[:, rival] - weights.T[labels]  # [n, pixels]
        best = np.clip(images + epsilon * np.sign(slope), 0.0, 1.0)
        lead = (best * slope).sum(axis=1) + bias[rival] - bias[labels]
        safe &= (lead <= 0.0) | (labels == rival)
    return safe


def test_on_a_linear_network_it_is_the_truth(found, pictures, said):
    truth = resists(pictures, said, EPSILON)
    assert 5 < truth.sum() < 18
    np.testing.assert_array_equal(~np.asarray(found.result.success), truth)
    assert found.robust_accuracy == pytest.approx(truth.mean())
    assert found.accuracy == pytest.approx((COUNT - 1) / COUNT)


def test_what_it_keeps_is_what_it_says(found, pictures, said):
    images = found.result.images
    assert np.asarray(found.result.linf).max() <= np.float32(EPSILON)
    assert np.asarray(jnp.max(jnp.abs(images - pictures))) <= np.float32(EPSILON)
    answers = np.asarray(jnp.argmax(LINEAR(images), axis=1))
    np.testing.assert_array_equal(found.result.success, answers != np.asarray(said))
    # what was wrong already is left as it is, and costs nothing more
    np.testing.assert_array_equal(images[0], pictures[0])
    assert found.result.gradients[0] == 0


def test_every_stage_gets_what_resisted_before(found):
    names = [stage.name for stage in found.stages]
    assert names == ["clean", "apgd", "apgd toward classes", "square"]
    for before, after in zip(found.stages, found.stages[1:], strict=False):
        assert after.attacked == before.surviving >= after.surviving
    assert found.stages[-1].surviving / COUNT == found.robust_accuracy
    assert sum(stage.forwards for stage in found.stages) == found.result.forwards.sum()
    assert sum(stage.gradients for stage in found.stages) == found.result.gradients.sum()
    assert found.stages[-1].gradients == 0


@pytest.fixture(scope="module")
def by_autoattack(pictures, said):
    given = (jax.random.key(0), LINEAR, pictures, leave(said), EPSILON)
    return standard(*given, version="autoattack", batch_size=8, **SHORT)


def test_autoattacks_version_is_the_truth_too(by_autoattack, pictures, said):
    truth = resists(pictures, said, EPSILON)
    np.testing.assert_array_equal(~np.asarray(by_autoattack.result.success), truth)
    assert np.asarray(by_autoattack.result.linf).max() <= np.float32(EPSILON)
    names = [stage.name for stage in by_autoattack.stages]
    assert names == ["clean", "apgd", "apgd toward classes", "fab toward classes", "square"]
    assert by_autoattack.stages[3].attacked > 0


def test_a_result_says_its_version(found, by_autoattack):
    assert found.version == "fooljax, but 8 steps, 3 targets, 30 queries"
    assert by_autoattack.version == "autoattack, but 8 steps, 3 targets, 30 queries"
    assert "of version autoattack" in repr(by_autoattack)
    assert standard_versions.described("autoattack", 100, 9, 5000) == "autoattack"


def test_the_nearest_image_counts_only_inside_the_ball(pictures, said):
    """FAB alone, which fools them all, mostly from farther away."""
    (attack,) = standard_versions.stages("autoattack", 0.0, "linf", 20, 0, np.zeros((1, COUNT)))[
        "fab toward classes"
    ]
    own = dataclasses.replace(attack, budget=attack.budget._replace(target=(said + 1.0) % 4))
    alone = fj.attacks.run(own, jax.random.key(0), LINEAR, pictures, leave(said), batch_size=8)
    inside = np.asarray(alone.linf) <= np.float32(EPSILON)
    assert np.all(alone.success) and 1 < inside.sum() < COUNT - 1
    given = _Given(jax.random.split(jax.random.key(0), COUNT), pictures, leave(said))
    rows = np.arange(COUNT)
    start = _attack_rows(_NOTHING, LINEAR, given, rows, 8)
    worst, stage = _climb_stage("fab", [(None, own)], LINEAR, given, start, 8, EPSILON)
    np.testing.assert_array_equal(worst.success, inside)
    assert stage.surviving == COUNT - inside.sum()
    np.testing.assert_array_equal(worst.images[~inside], pictures[~inside])


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_stronger_version_fools_no_fewer(norm, pictures, said):
    """On a linear network both are as good as can be."""
    epsilon = EPSILON if norm == "linf" else RADIUS
    how = {"norm": norm, "batch_size": 8, **SHORT, "steps": 20}
    usual, plus = (
        standard(jax.random.key(0), LINEAR, pictures, leave(said), epsilon, version=one, **how)
        for one in ("autoattack", "plus")
    )
    assert [stage.name for stage in plus.stages[1:]] == [
        *("apgd", "apgd on the ratio", "fab", "square"),
        *("apgd toward classes", "fab toward classes"),
    ]
    assert plus.robust_accuracy == usual.robust_accuracy
    if norm == "linf":
        np.testing.assert_array_equal(
            ~np.asarray(plus.result.success), resists(pictures, said, epsilon)
        )


def test_autoattacks_squares_shrink_as_if_there_were_more():
    (usual,) = standard_versions.stages("fooljax", 0.1, "linf", 5, 5000, np.zeros((0, 3)))["square"]
    (theirs,) = standard_versions.stages("autoattack", 0.1, "linf", 5, 5000, np.zeros((0, 3)))[
        "square"
    ]
    assert usual.steps == theirs.steps == 5000
    # sides of the published schedule, of a picture of 28 x 28 after so many candidates
    wanted = {0: 25, 11: 18, 51: 13, 201: 9, 501: 6, 1001: 4, 2001: 3, 4001: 2}
    sides = {n: int(side(theirs.budget, jnp.float32(n), 28, 28)) for n in wanted}
    assert sides == wanted
    assert int(side(usual.budget, jnp.float32(2001), 28, 28)) == 2


@pytest.mark.slow
def test_batches_do_not_matter(found, pictures, said):
    settings = {**SHORT, "queries": 0, "batch_size": 12}
    again = standard(jax.random.key(0), LINEAR, pictures, leave(said), EPSILON, **settings)
    assert again.stages[:1] == found.stages[:1]
    assert [s.surviving for s in again.stages] == [s.surviving for s in found.stages[:3]]
    done = np.asarray(again.result.success)
    np.testing.assert_allclose(
        again.result.margin[done], found.result.margin[done], rtol=1e-3, atol=1e-4
    )


def test_new_numbers_do_not_recompile(found, pictures):
    before, other = len(TRACES), make(5)
    goal = leave(jnp.argmax(other(pictures), axis=1))
    traced = len(TRACES) - before
    result = standard(jax.random.key(1), other, pictures, goal, 0.01, batch_size=8, **SHORT)
    assert result.stages[1].surviving != found.stages[1].surviving
    assert len(TRACES) == before + traced


def test_being_rejected_is_no_success(said, pictures):
    network = make(3, rejects=True)
    result = standard(jax.random.key(0), network, pictures, leave(said), 0.3, batch_size=8, **SHORT)
    assert result.robust_accuracy == result.accuracy == 1.0


def test_no_answer_is_no_resistance(said, pictures):
    images = pictures.at[5, -1, -1, 0].set(1.0)
    result = standard(jax.random.key(0), LINEAR, images, leave(said), 0.0, batch_size=8, **SHORT)
    assert result.accuracy == result.robust_accuracy == pytest.approx((COUNT - 2) / COUNT)
    (finding,) = result.findings
    assert finding.name == "no gradient" and finding.share == 1 / 8


def test_hidden_gradients_are_found_out_by_squares(pictures, said):
    network = turn_round(LINEAR)
    settings = {**SHORT, "targets": 0, "batch_size": 8}
    result = standard(jax.random.key(0), network, pictures, leave(said), 0.07, **settings)
    _, blind, square = result.stages
    assert blind.surviving > 19
    (finding,) = result.findings
    assert finding.name == "gradient-free attack wins"
    assert finding.share == pytest.approx((blind.surviving - square.surviving) / COUNT)


@pytest.mark.slow
def test_l2(pictures, said):
    """A rival is as far as its lead by the length of the slope, where no pixel is at an edge."""
    images = 0.4 + 0.2 * pictures
    labels = jnp.argmax(LINEAR(images), axis=1)
    how = {"norm": "l2", "steps": 20, "targets": 3, "queries": 20}
    result = standard(jax.random.key(0), LINEAR, images, leave(labels), RADIUS, **how)
    weights, bias = (np.asarray(one, np.float64) for one in LINEAR.params[0])
    logits = np.asarray(images, np.float64).reshape(COUNT, -1) @ weights + bias
    top = logits.argmax(axis=1)
    far = [
        min(
            (logits[i, top[i]] - logits[i, j]) / np.linalg.norm(weights[:, top[i]] - weights[:, j])
            for j in range(4)
            if j != top[i]
        )
        for i in range(COUNT)
    ]
    names = [stage.name for stage in result.stages]
    assert names == ["clean", "apgd", "apgd toward classes", "square"]
    clear = abs(np.array(far) - RADIUS) > 1e-3
    assert 3 < sum(one > RADIUS for one in far) < COUNT - 3
    np.testing.assert_array_equal(
        ~np.asarray(result.result.success)[clear], (np.array(far) > RADIUS)[clear]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": -1}, "targets must be at least 0"),
        ({"queries": -1}, "queries must be at least 0"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"steps": 0}, "steps"),
        ({"norm": "l1"}, "norm"),
        ({"version": "rand"}, "version"),
    ],
)
def test_impossible_arguments(pictures, said, change, message):
    with pytest.raises(ValueError, match=message):
        standard(
            jax.random.key(0), LINEAR, pictures, leave(said), 0.1, **{"batch_size": 8, **change}
        )
    with pytest.raises(ValueError, match="leave goal"):
        standard(jax.random.key(0), LINEAR, pictures, fj.attacks.reach(said), 0.1)
