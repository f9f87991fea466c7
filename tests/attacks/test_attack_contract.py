"""What every attack owes its user, over the whole table of attacks."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import CASES, CLASSES, LABELS, TRACES, make_params

import fooljax as fj

_answer = jax.jit(lambda classifier, images: classifier(images))
_margin = jax.jit(
    lambda goal, classifier, images: fj.attacks.margin(goal, classifier(images), CLASSES)
)
_attack_inside_jit = jax.jit(lambda attack, *arguments: attack(*arguments))
# one attack for each way that the compiled loop goes; others with -m slow
LOOPS = {"fgsm", "ddn", "deepfool l2"}

# built like others of the table; tested with -m slow only
ALIKE = {
    "pgd reach momentum",
    "pgd random start",
    "pgd margin",
    "pgd l2",
    "ascent none",
    "ascent decay",
    "ascent blur",
    "ascent total variation adam",
    "ascent cppn random start",
    "deepfool linf",
    "deepfool confident",
    "square l2",
    "fmn l1",
    "fmn l2",
    "fmn linf",
    "elastic net l1",
    "jsma l0 single darkens",
    "spatial",
    "spatial draws",
    "brightness",
    "blur",
    "salt and pepper",
    "brendel bethge linf",
    "simba l2 dct",
    "nes l2 momentum",
    "spsa",
    "fab l2",
    "fab l1 toward a class",
}


def _slow_if(names):
    return [pytest.param(one, marks=pytest.mark.slow) if one in names else one for one in CASES]


@pytest.fixture(scope="module", params=_slow_if(ALIKE))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def case(name):
    return CASES[name]


@pytest.fixture(scope="module")
def result(case, classifier, images):
    return fj.attacks.run(case.attack, jax.random.key(0), classifier, images, case.goal)


def float64(array):
    return np.asarray(array, np.float64)


def close(one, other):
    """Equal, up to how a matrix product on a CPU sums in other shapes or programs."""
    for name, mine, others in zip(one._fields[:-1], one[:-1], other[:-1], strict=True):
        np.testing.assert_allclose(mine, others, rtol=1e-4, atol=2e-6, err_msg=name)


def test_stays_in_range_and_in_the_ball(name, case, result, images):
    assert result.images.dtype == jnp.float32
    assert np.all((np.asarray(result.images) >= 0.0) & (np.asarray(result.images) <= 1.0))
    change = float64(result.images) - float64(images)
    if not hasattr(case.attack.budget, "epsilon"):
        return
    epsilon = case.attack.budget.epsilon
    if "l0" in name:
        assert (change != 0.0).sum(axis=(1, 2, 3)).max() <= epsilon
    elif "l1" in name:
        assert abs(change).sum(axis=(1, 2, 3)).max() <= epsilon
        assert np.asarray(result.l1).max() <= np.float32(epsilon)
    elif "l2" not in name:
        assert np.asarray(result.linf).max() <= np.float32(epsilon)
        assert abs(change).max() <= np.float32(epsilon)
    else:
        lengths = np.sqrt((change**2).sum(axis=(1, 2, 3)))
        assert lengths.max() <= epsilon
        assert np.asarray(result.l2).max() <= np.float32(epsilon)


def test_reports_distances(result, images):
    change = abs(float64(result.images) - float64(images)).reshape(len(images), -1)
    np.testing.assert_allclose(result.l1, change.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(result.l2, np.sqrt((change**2).sum(axis=1)), rtol=1e-5)
    np.testing.assert_allclose(result.linf, change.max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(result.l0, (change > 0.0).mean(axis=1), rtol=1e-6)


def test_success_is_what_the_network_says_of_the_image(case, result, classifier):
    logits = float64(_answer(classifier, result.images))
    said = logits.argmax(axis=1)
    log_odds = float64(fj.metrics.log_odds(logits.astype(np.float32)))
    labels = np.asarray(case.goal.labels)
    real = said == labels if case.goal.targeted else (said != labels) & (said < CLASSES)
    sure = np.take_along_axis(log_odds, said[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(result.success, real & (sure > case.goal.least_log_odds))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wanted = np.arange(CLASSES + 1)[None] == labels[:, None]
    wanted = wanted if case.goal.targeted else ~wanted & (np.arange(CLASSES + 1) < CLASSES)[None]
    asked = np.where(wanted, p, 0.0).max(axis=1)
    np.testing.assert_allclose(result.confidence, asked, rtol=1e-5)
    np.testing.assert_allclose(result.log_doubt, np.log1p(-asked), rtol=1e-4)


def test_is_never_worse_than_the_start(name, case, result, classifier, images):
    before, after = (
        np.asarray(_margin(case.goal, classifier, which)) for which in (images, result.images)
    )
    assert np.all(np.asarray(result.success) | (before <= 0.0))
    if case.attack.better == "margin" and "random" not in name:
        assert np.all(after >= before - 1e-6)
    if case.attack.better != "margin":
        assert np.all((before <= 0.0) | (np.asarray(result.l2) == 0.0))


def test_counts_the_passes_of_every_sample(case, result, classifier, images):
    """As many steps as the sample has points but its first, a last look and the score."""
    seen = fj.attacks.run(
        case.attack, jax.random.key(0), classifier, images, case.goal, trace=True
    ).trace
    taken = np.sum(~np.isnan(seen), axis=1) - 1
    # what a sample draws to begin at may be broken, and stays so for all steps; what is made
    # of the whole image may be broken for a while
    taken = np.where(np.isnan(seen[:, 0]) | case.mends, case.attack.steps, taken)
    assert np.all((taken == case.attack.steps) | (result.success & case.attack.stops))
    if case.forwards is None:
        assert jnp.all(result.forwards >= taken + 2)
    else:
        np.testing.assert_array_equal(result.forwards, case.forwards * taken + 2)
    if case.gradients is not None:
        np.testing.assert_array_equal(result.gradients, case.gradients * taken)


def test_does_not_depend_on_the_batch(case, result, classifier, images):
    """Elsewhere in a batch of other images: the same to the bit."""
    order = np.array([3, 0, 4])
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(0), order)
    keys = jnp.concatenate([jax.random.split(jax.random.key(9), 2), keys])
    originals = np.asarray(images)
    company = np.concatenate([1.0 - originals[:2], originals[order]])
    goal = jax.tree.map(lambda leaf: np.asarray(leaf)[np.r_[2, 3, order]], case.goal)
    found = fj.attacks.run(case.attack, keys, classifier, company, goal)
    same = lambda one, other: np.testing.assert_array_equal(
        np.asarray(one)[2:], np.asarray(other)[order]
    )
    jax.tree.map(same, found, result)


@pytest.mark.parametrize("name", _slow_if(CASES.keys() - {"fgsm"}), indirect=True, scope="module")
def test_the_same_inside_jit(case, classifier, images):
    attack = dataclasses.replace(case.attack, steps=2 if case.attack.stops else 1)
    given = (attack, jax.random.key(0), classifier, images, case.goal)
    close(_attack_inside_jit(*given), fj.attacks.run(*given))


def test_can_be_traced_inside_jit(case, result, classifier, images):
    """What goes round in the loop keeps its types, and so does the result."""
    attack = dataclasses.replace(case.attack, steps=2)
    found = jax.eval_shape(attack, jax.random.key(0), classifier, images, case.goal)
    assert all(
        (one.shape, one.dtype) == (other.shape, other.dtype)
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(result), strict=True)
    )


def test_the_same_key_the_same_result(case, result, classifier, images):
    again = fj.attacks.run(case.attack, jax.random.key(0), classifier, images, case.goal)
    jax.tree.map(np.testing.assert_array_equal, again, result)


def test_new_numbers_do_not_recompile(case, result, classifier, images):
    before = len(TRACES)
    budget = jax.tree.map(lambda number: number * 1.1, case.attack.budget)
    attack = dataclasses.replace(case.attack, budget=budget, steps=case.attack.steps + 1)
    other = dataclasses.replace(classifier, params=make_params(5))
    goal = dataclasses.replace(case.goal, labels=(LABELS + 1) % CLASSES)
    fj.attacks.run(attack, jax.random.key(1), other, images, goal)
    assert len(TRACES) == before


@pytest.mark.parametrize("name", _slow_if(CASES.keys() - LOOPS), indirect=True, scope="module")
def test_an_accelerator_takes_the_same_path(case, classifier, images, accelerator):
    """All steps are one program there, which serves other steps, budgets and weights too."""
    few = dataclasses.replace(case.attack, steps=2 if case.attack.stops else 1)
    given = (jax.random.key(0), classifier, images, case.goal)
    watched = fj.attacks.run(few, *given, trace=True)
    close(fj.attacks.run(few, *given), watched._replace(trace=None))
    before = len(TRACES)
    budget = jax.tree.map(lambda number: number * 1.1, case.attack.budget)
    more = dataclasses.replace(case.attack, budget=budget)
    other = dataclasses.replace(classifier, params=make_params(5))
    goal = dataclasses.replace(case.goal, labels=(LABELS + 1) % CLASSES)
    fj.attacks.run(more, jax.random.key(1), other, images, goal, restarts=2)
    assert len(TRACES) == before


def test_nan_does_not_spread(case, result, classifier, images):
    if not case.begins_at_images or case.mends:
        pytest.skip("an attack that never looks at the broken image, or makes a sound one of it")
    broken = images.at[2, -1, -1, 0].set(1.0)
    found = fj.attacks.run(case.attack, jax.random.key(0), classifier, broken, case.goal)
    found, result = (jax.tree.map(np.asarray, one) for one in (found, result))
    others = np.array([0, 1, 3, 4])
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[others], b[others]), found, result)
    assert not found.success[2]
    assert np.all(np.isfinite(found.images))
    assert np.isnan(_margin(case.goal, classifier, found.images))[2]
    np.testing.assert_array_equal(found.images[2], np.asarray(broken)[2])


def test_epsilon_0_is_the_identity(case, classifier, images):
    if not hasattr(case.attack.budget, "epsilon"):
        pytest.skip("an attack without a ball")
    still = dataclasses.replace(case.attack, budget=case.attack.budget._replace(epsilon=0.0))
    result = fj.attacks.run(still, jax.random.key(0), classifier, images, case.goal)
    np.testing.assert_array_equal(result.images, images)
    np.testing.assert_array_equal(result.l2, 0.0)


def test_equal_arguments_give_equal_attacks(name, case):
    assert case.attack == CASES[name].attack
    assert dataclasses.replace(case.attack, steps=case.attack.steps + 1) != case.attack
