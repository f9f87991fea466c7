"""A sweep over epsilons is as many runs, compiled once."""

import functools
import operator

import jax
import numpy as np
import pytest
from attack_cases import LABELS, LEAVE, TRACES, make_affine, make_params

import fooljax as fj
from fooljax.attacks import deepfool, fgsm, leave, pgd, run, sweep

EPSILONS = (0.0, 0.05, 0.2)
short = functools.partial(pgd, steps=3)
MAKERS = {
    "fgsm": fgsm,
    "pgd": short,
    "pgd random start": functools.partial(short, random_start=True),
    "pgd l2": functools.partial(short, norm="l2"),
}
ALIKE = {"pgd l2"}  # to a sweep


@pytest.fixture(scope="module")
def linear():
    return make_affine(3)


def close(one, other):
    """Equal, up to how a matrix product on a CPU sums in other shapes."""
    compare = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)
    jax.tree.map(compare, one, other)


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one in ALIKE else one for one in MAKERS]
)
def test_each_row_is_a_run_of_its_own(name, linear, images, key):
    make = MAKERS[name]
    swept = jax.tree.map(np.asarray, sweep(make, EPSILONS, key, linear, images, LEAVE))
    assert swept.images.shape == (len(EPSILONS), *images.shape)
    for row, epsilon in enumerate(EPSILONS):
        alone = run(make(epsilon), key, linear, images, LEAVE)
        close(jax.tree.map(operator.itemgetter(row), swept), alone)
    assert np.all(np.diff(swept.linf, axis=0) > 0.0)


def test_the_step_follows_epsilon(linear, images, key):
    """Three steps of 2.5 / 3 epsilon reach the surface of the ball, whatever its radius."""
    epsilons = (0.01, 0.02, 0.04)
    swept = sweep(short, epsilons, key, linear, images * 0.5 + 0.2, LEAVE)
    np.testing.assert_allclose(swept.linf, np.tile(np.array([epsilons]).T, 5), rtol=1e-4)


def test_batches_and_restarts_change_nothing(linear, images, key):
    make = MAKERS["pgd random start"]
    given = (make, EPSILONS, key, linear, images, LEAVE)
    close(sweep(*given, batch_size=4, restarts=2), sweep(*given, restarts=2))


@pytest.mark.slow
def test_with_a_batch_size_nothing_compiles_again(classifier, images, key):
    sweep(short, EPSILONS, key, classifier, images, LEAVE, batch_size=3)
    before = len(TRACES)
    other = fj.types.Classifier(make_params(7), classifier.apply, images.shape[1:], 4)
    sweep(short, (0.3, 0.1), jax.random.key(8), other, images[:4], leave(LABELS[:4]), batch_size=3)
    assert len(TRACES) == before


def test_impossible_sweeps(classifier, images, key):
    given = (key, classifier, images, LEAVE)
    with pytest.raises(ValueError, match="at least one number"):
        sweep(pgd, (), *given)
    with pytest.raises(ValueError, match=r"must not be negative, got -0\.1"):
        sweep(pgd, (0.1, -0.1), *given)
    with pytest.raises(ValueError, match="got an attack"):
        sweep(pgd(0.1), EPSILONS, *given)
    with pytest.raises(ValueError, match="numbers of their budget only"):
        sweep(lambda steps: deepfool(int(steps)), (1, 2), *given)
    with pytest.raises(ValueError, match="at least one image"):
        sweep(pgd, EPSILONS, key, classifier, images[:0], leave(LABELS[:0]))
