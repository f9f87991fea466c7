"""Universal perturbations against closed forms on linear networks, and their contract."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from attack_cases import SHAPE, affine

from fooljax import attacks
from fooljax.attacks import (
    Universal,
    UniversalState,
    fooling_rate,
    perturbed_answers,
    random_perturbation,
    run_universal,
    universal_deepfool,
    universal_sgd,
)
from fooljax.types import Classifier

SIZE = 36
RADII = {"linf": 0.1, "l2": 0.4}
METHODS = {"sgd": universal_sgd, "deepfool": universal_deepfool}
EVERY = [(method, norm) for method in METHODS for norm in RADII]
BOTH = [("sgd", "linf"), ("deepfool", "l2")]  # each method, each norm
TRACES = []  # one entry for every time that the network is traced, hence compiled


def walled(params, images):
    """A linear network without an answer where the last pixel is exactly ``wall``."""
    TRACES.append(images.shape)
    weights_and_bias, wall = params
    return jnp.where(images[:, -1, -1, :] == wall, jnp.nan, affine(weights_and_bias, images))


def make_linear(distance, norm, third=None, seed=0):
    """A linear network, and its slopes: class 1 lies a typical ``distance`` ahead of grey.

    Class 2 lies ``third`` ahead, or out of reach; there are always three, so one program.
    """
    weights = np.random.default_rng(seed).normal(size=(SIZE, 3)).astype(np.float32)
    weights[:, 0] = 0.0
    dual = np.linalg.norm(weights, ord=1 if norm == "linf" else 2, axis=0)
    ahead = np.array([0.0, distance, 1e3 if third is None else third])
    bias = np.float32(-0.5 * weights.sum(axis=0) - ahead * dual)
    return network(weights, bias), weights


def network(weights, bias, wall=-1.0):
    params = ((jnp.asarray(weights), jnp.asarray(bias)), jnp.float32(wall))
    return Classifier(params, walled, SHAPE, 3)


def make_images(count=60, spread=0.2, seed=1):
    grey = np.random.default_rng(seed).uniform(0.5 - spread, 0.5 + spread, (count, *SHAPE))
    return grey.astype(np.float32)


def one_sided(norm):
    """A network, its slope towards class 1, and images that it takes for class 0."""
    classifier, weights = make_linear(RADII[norm], norm)
    images = make_images()
    return classifier, weights[:, 1], images[perturbed_answers(classifier, images) == 0]


def optimum(slope, norm):
    """The best perturbation in the ball: all of it along the slope."""
    if norm == "linf":
        return RADII[norm] * np.sign(slope)
    return RADII[norm] * slope / np.linalg.norm(slope)


def make(method, norm, **changes):
    if method == "deepfool":
        changes["steps"] = 2  # a linear network takes one
    return METHODS[method](RADII[norm], norm=norm, **changes)


# the others come as near to theirs with a broken image among the others
@pytest.mark.parametrize(
    ("method", "norm"),
    [pytest.param(*one, marks=pytest.mark.slow) if one in BOTH else one for one in EVERY],
)
def test_reaches_the_optimum_on_a_linear_network(method, norm, key):
    classifier, slope, images = one_sided(norm)
    result = run_universal(make(method, norm), key, classifier, images, steps=15, batch_size=20)
    best, found = optimum(slope, norm), np.asarray(result.perturbation).ravel()
    assert found @ best > 0.99 * np.linalg.norm(found) * np.linalg.norm(best)
    logits = images.reshape(len(images), -1) @ slope + np.asarray(classifier.params[0][1])[1]
    share = np.mean(logits + best @ slope > 0)
    assert 0.2 < share < 0.8  # otherwise any perturbation would do
    rate = fooling_rate(classifier, images, result.perturbation)
    assert rate == pytest.approx(share, abs=1.5 / len(images))
    assert result.fooled.shape == (15,) and result.fooled[0] == 0.0
    assert result.fooled[-3:].mean() == pytest.approx(share, abs=0.2)


@pytest.mark.parametrize("norm", RADII)
def test_a_step_of_deepfool_is_a_weighted_vote(norm, key):
    """Against numpy: images near different classes pull different ways."""
    classifier, weights = make_linear(0.2 * RADII[norm], norm, third=0.2 * RADII[norm])
    order, dual = (np.inf, 1) if norm == "linf" else (2, 2)
    images = make_images(spread=0.02)
    logits = images.reshape(len(images), -1) @ weights + np.asarray(classifier.params[0][1])
    images, logits = (one[logits.argmax(axis=1) == 0][:20] for one in (images, logits))
    assert len(images) == 20
    size = 0.05 * RADII[norm]
    found = run_universal(
        make("deepfool", norm, step_size=size), key, classifier, images, steps=1, batch_size=20
    )
    distances = -logits[:, 1:] / np.linalg.norm(weights[:, 1:], dual, axis=0)
    nearest, far = distances.argmin(axis=1), 1.02 * distances.min(axis=1)
    assert set(nearest) == {0, 1}
    pull = weights[:, 1:].T / np.linalg.norm(weights[:, 1:], axis=0)[:, None]
    pull = np.sign(pull) if norm == "linf" else pull
    way = np.mean(pull[nearest] * (far / np.maximum(far, size) ** 2)[:, None], axis=0)
    best = size * (np.sign(way) if norm == "linf" else way / np.linalg.norm(way))
    assert np.linalg.norm(best, order) == pytest.approx(size)
    np.testing.assert_allclose(np.asarray(found.perturbation).ravel(), best, atol=1e-3 * size)


@pytest.mark.parametrize(("method", "norm"), BOTH)
def test_goes_to_the_target_and_not_to_the_nearest_class(method, norm, key):
    classifier, weights = make_linear(0.2 * RADII[norm], norm, third=0.7 * RADII[norm])
    images = make_images(spread=0.02)
    assert set(perturbed_answers(classifier, images)) == {0}
    run = lambda goal: run_universal(
        make(method, norm), key, classifier, images, goal, steps=15, batch_size=20
    )
    target = attacks.reach(jnp.full(len(images), 2))
    aimed, free = run(target), run(None)
    assert fooling_rate(classifier, images, aimed.perturbation, target) == 1.0
    assert fooling_rate(classifier, images, free.perturbation) == 1.0
    assert fooling_rate(classifier, images, free.perturbation, target) == 0.0
    # what the target alone would ask for, known in closed form, reaches as many
    alone = optimum(weights[:, 2], norm).reshape(SHAPE).astype(np.float32)
    assert fooling_rate(classifier, images, alone, target) == 1.0


@pytest.mark.parametrize(("method", "norm"), BOTH)
def test_a_clipped_image_does_not_hold_the_others_back(method, norm, key):
    classifier, slope, images = one_sided(norm)
    uphill = (slope > 0).reshape(SHAPE)
    images[: len(images) // 2] = np.where(uphill, images[: len(images) // 2], 0.0)
    images[:5, 0, 0] = 1.0 if uphill[0, 0, 0] else 0.0  # at the wall that the slope leads to
    images = images[perturbed_answers(classifier, images) == 0]
    result = run_universal(make(method, norm), key, classifier, images, steps=20, batch_size=20)
    best, found = optimum(slope, norm), np.asarray(result.perturbation).ravel()
    assert found @ best > 0.95 * np.linalg.norm(found) * np.linalg.norm(best)


@pytest.mark.parametrize(("method", "norm"), EVERY)
def test_the_norm_is_never_above_epsilon(method, norm, key):
    classifier, _, images = one_sided(norm)
    epsilon = np.float32(RADII[norm])
    order = np.inf if norm == "linf" else 2
    for step_size in (0.4 * RADII[norm], 50.0):
        result = run_universal(
            make(method, norm, step_size=step_size), key, classifier, images, steps=3, batch_size=20
        )
        exact = np.asarray(result.perturbation, np.float64).ravel()
        assert 0.999 * epsilon < np.linalg.norm(exact, ord=order) <= epsilon


@pytest.mark.parametrize("method", METHODS)
def test_a_cut_run_goes_the_same_way(method, key):
    classifier, _, images = one_sided("l2")
    extra = {} if method == "deepfool" else {"optimizer": optax.sgd(0.1, momentum=0.9)}
    way = make(method, "l2", **extra)
    run = lambda key, **changes: run_universal(
        way, key, classifier, images, batch_size=20, **changes
    )
    whole, again, other = run(key, steps=7), run(key, steps=7), run(jax.random.key(9), steps=7)
    half = run(key, steps=3)
    rest = run(key, steps=7, start=half.state)
    assert (whole.perturbation == again.perturbation).all()
    assert (whole.perturbation == rest.perturbation).all()
    assert (whole.perturbation != other.perturbation).any()
    assert whole.fooled.tolist() == [*half.fooled, *rest.fooled]


def test_every_pass_shows_every_image_once(key):
    classifier, _, _ = one_sided("l2")
    images = np.broadcast_to(np.arange(12, dtype=np.uint8)[:, None, None, None], (12, *SHAPE))
    seen, sent = [], []

    def step(classifier, batch, goal, perturbation, memory):
        seen.append([int(number) for number in np.round(np.asarray(batch[:, 0, 0, 0]) * 255)])
        assert goal.labels.tolist() == [2] * 4
        return perturbation, memory, jnp.float32(0.0)

    watch = Universal(lambda shape: (jnp.zeros(shape), ()), step)
    goal = attacks.leave(jnp.full(12, 2))
    run_universal(watch, key, classifier, images, goal, steps=6, batch_size=4, on_step=sent.append)
    first, second = np.ravel(seen[:3]).tolist(), np.ravel(seen[3:]).tolist()
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second and first != sorted(first)
    assert sent == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("method", METHODS)
def test_new_weights_and_numbers_do_not_recompile(method, key):
    images = make_images(40)
    fixed = {"steps": 2} if method == "deepfool" else {}

    def run(seed, epsilon):
        classifier, _ = make_linear(0.1, "linf", seed=seed)
        way = METHODS[method](epsilon, **fixed)
        run_universal(way, key, classifier, images, steps=3, batch_size=20)

    run(0, 0.1)
    traced = len(TRACES)
    run(5, 0.2)
    assert traced and len(TRACES) == traced


@pytest.mark.parametrize(("method", "norm"), BOTH)
def test_nan_in_one_image_does_not_spread(method, norm, key):
    classifier, slope, images = one_sided(norm)
    images[3, -1, -1] = 0.0  # at the wall: no perturbation leads away in time
    slope = np.where(np.arange(SIZE) == SIZE - 1, -abs(slope), slope)  # so that it stays there
    weights, bias = (np.array(one) for one in classifier.params[0])
    weights[:, 1] = slope
    classifier = network(weights, bias, wall=0.0)
    result = run_universal(make(method, norm), key, classifier, images, steps=15, batch_size=20)
    best, found = optimum(slope, norm), np.asarray(result.perturbation).ravel()
    assert found @ best > 0.99 * np.linalg.norm(found) * np.linalg.norm(best)
    answers = perturbed_answers(classifier, images, result.perturbation)
    assert answers[3] == -1 and (np.delete(answers, 3) >= 0).all()


IMPOSSIBLE = {
    "epsilon must not be negative, got -1": lambda: universal_sgd(-1.0),
    "epsilon must not be negative, got nan": lambda: universal_deepfool(float("nan")),
    "norm must be linf or l2, got 'l1'": lambda: universal_sgd(0.1, norm="l1"),
    "step_size must not be negative, got -2": lambda: universal_deepfool(0.1, step_size=-2.0),
    "step_size belongs to steps without": lambda: universal_sgd(
        0.1, step_size=0.1, optimizer=optax.sgd(0.1)
    ),
    "ceiling must be a number, got nan": lambda: universal_sgd(0.1, ceiling=float("nan")),
    "steps must be at least 1, got 0": lambda: universal_deepfool(0.1, steps=0),
    "norm must be linf or l2, got 'l0'": lambda: random_perturbation(
        jax.random.key(0), SHAPE, 0.1, "l0"
    ),
}


@pytest.mark.parametrize("message", IMPOSSIBLE)
def test_impossible_numbers(message):
    with pytest.raises(ValueError, match=message):
        IMPOSSIBLE[message]()


WRONG = {
    "steps must be at least 1, got 0": {"steps": 0},
    "batch_size must be at least 1, got 0": {"batch_size": 0},
    r"images must be \[n, h, w, c\]": {"images": np.zeros((3, 5, 5, 1), np.float32)},
    "images must be floats .* or bytes": {"images": np.zeros((3, *SHAPE), np.int32)},
    "a label for each of 4 images": {"goal": attacks.leave(jnp.zeros(3))},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments(message, key):
    classifier, _, _ = one_sided("linf")
    arguments = {"images": make_images(4), "goal": None, "steps": 1} | WRONG[message]
    with pytest.raises(ValueError, match=message):
        run_universal(universal_sgd(0.1), key, classifier, **arguments)


def test_a_start_further_on_than_the_end(key):
    classifier, _, images = one_sided("linf")
    state = run_universal(universal_sgd(0.1), key, classifier, images, steps=2).state
    with pytest.raises(ValueError, match="at least those of start, 2, got 1"):
        run_universal(universal_sgd(0.1), key, classifier, images, steps=1, start=state)
    with pytest.raises(ValueError, match=r"an array \(6, 6, 1\), got an array .* \(6, 6\)"):
        fooling_rate(classifier, images, np.zeros((6, 6), np.float32))


def test_a_start_of_other_images(key):
    """One number in the place of all would be added to every image without a word."""
    classifier, images = make_linear(0.1, "linf")[0], make_images(4)
    state = UniversalState(jnp.zeros((1, 1, 1)), (), 1)
    with pytest.raises(ValueError, match=r"start must hold a perturbation \(6, 6, 1\)"):
        run_universal(universal_sgd(0.1), key, classifier, images, steps=2, start=state)
