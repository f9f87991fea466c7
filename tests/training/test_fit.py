import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fooljax.data import Dataset, as_float
from fooljax.models import SoftmaxRegression, build, init_flax
from fooljax.training import caffe_lenet, fit, minibatches
from fooljax.types import Classifier

SHAPE, N = (2, 3, 1), 8


def samples(images, labels):
    return Dataset(images, labels, class_names=("a", "b", "c"))


@pytest.fixture(scope="module")
def dataset():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (N, *SHAPE), dtype=np.uint8)
    return samples(images, random.integers(0, 3, N, dtype=np.int32))


@pytest.fixture(scope="module")
def classifier():
    return build("softmax", jax.random.key(7), SHAPE, 3)


def everything(key, classifier, dataset):
    """A sampler that leaves nothing to chance."""
    return as_float(dataset.images), dataset.labels


SGD = optax.sgd(0.5)
SAMPLER = minibatches(4)


def gradient(weights, bias, dataset):
    """Gradient and value of the mean cross-entropy of softmax regression, in closed form."""
    x = dataset.images.reshape(N, -1) / 255
    logits = x @ weights + bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(N), dataset.labels]))
    p[np.arange(N), dataset.labels] -= 1
    return x.T @ p / N, p.mean(0), loss


@pytest.mark.parametrize("scan", [False, True])
def test_three_steps_by_hand(key, classifier, dataset, scan):
    fitted, losses = fit(
        key, classifier, dataset, optimizer=SGD, sampler=everything, steps=3, chunk=2, scan=scan
    )
    weights, bias = (np.asarray(classifier.params["fc"][leaf]) for leaf in ("kernel", "bias"))
    for i in range(3):
        weight_gradient, bias_gradient, loss = gradient(weights, bias, dataset)
        np.testing.assert_allclose(losses[i], loss, rtol=1e-5)
        weights, bias = weights - 0.5 * weight_gradient, bias - 0.5 * bias_gradient
    np.testing.assert_allclose(fitted.params["fc"]["kernel"], weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fitted.params["fc"]["bias"], bias, rtol=1e-4, atol=1e-6)


def test_caffes_solver_by_hand(key, classifier, dataset):
    """V = 0.9 V + rate (gradient + decay W), W = W - V; biases at twice the rate."""
    optimizer = caffe_lenet(learning_rate=0.5).optimizer
    params = {"fc": {"kernel": classifier.params["fc"]["kernel"], "bias": jnp.ones(3)}}
    start = dataclasses.replace(classifier, params=params)
    fitted, _ = fit(key, start, dataset, optimizer=optimizer, sampler=everything, steps=4)
    weights, bias = np.asarray(params["fc"]["kernel"]), np.ones(3)
    weight_speed, bias_speed = 0.0, 0.0
    for t in range(4):
        rate = 0.5 * (1 + 1e-4 * t) ** -0.75
        weight_gradient, bias_gradient, _ = gradient(weights, bias, dataset)
        weight_speed = 0.9 * weight_speed + rate * (weight_gradient + 5e-4 * weights)
        bias_speed = 0.9 * bias_speed + 2 * rate * (bias_gradient + 5e-4 * bias)
        weights, bias = weights - weight_speed, bias - bias_speed
    np.testing.assert_allclose(fitted.params["fc"]["kernel"], weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fitted.params["fc"]["bias"], bias, rtol=1e-4, atol=1e-6)


def test_neither_chunk_nor_scan_changes_the_path(key, classifier, dataset):
    runs = [
        fit(key, classifier, dataset, optimizer=SGD, sampler=SAMPLER, steps=7, **how)
        for how in ({"scan": False}, {"scan": False, "chunk": 3}, {"scan": True, "chunk": 3})
    ]
    for fitted, losses in runs[1:]:
        np.testing.assert_allclose(losses, runs[0][1], rtol=1e-5)
        kernels = fitted.params["fc"]["kernel"], runs[0][0].params["fc"]["kernel"]
        np.testing.assert_allclose(*kernels, rtol=1e-4, atol=1e-6)


def test_the_key_decides_the_batches(key, classifier, dataset):
    losses = [
        fit(k, classifier, dataset, optimizer=SGD, sampler=SAMPLER, steps=7)[1]
        for k in (key, key, jax.random.key(1))
    ]
    np.testing.assert_array_equal(losses[0], losses[1])
    assert not np.allclose(losses[0], losses[2])


@pytest.mark.parametrize("scan", [False, True])
def test_a_second_fit_compiles_nothing(key, dataset, scan):
    traces = []

    def sampler(key, classifier, dataset):
        traces.append(None)
        return minibatches(4)(key, classifier, dataset)

    for seed, steps in ((1, 3), (2, 4)):
        start = build("softmax", jax.random.key(seed), SHAPE, 3)
        fit(key, start, dataset, optimizer=SGD, sampler=sampler, steps=steps, chunk=2, scan=scan)
    assert len(traces) == 1


def test_the_starting_weights_survive(key, classifier, dataset):
    before = jax.tree.map(np.array, classifier.params)
    fitted, _ = fit(key, classifier, dataset, optimizer=SGD, sampler=SAMPLER, steps=2)
    jax.tree.map(np.testing.assert_array_equal, classifier.params, before)
    assert not np.allclose(fitted.params["fc"]["kernel"], before["fc"]["kernel"])
    assert jax.tree.structure(fitted) == jax.tree.structure(classifier)


def test_the_sampler_sees_the_weights_of_its_step(key, classifier, dataset):
    """An adversarial sampler attacks the network that it is about to train."""

    def hardest(key, classifier, dataset):
        images = as_float(dataset.images)
        logits = classifier(images)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, dataset.labels)
        worst = jnp.argmax(losses)[None]
        return images[worst], dataset.labels[worst]

    _, losses = fit(key, classifier, dataset, optimizer=optax.sgd(0.1), sampler=hardest, steps=5)
    one, _ = fit(key, classifier, dataset, optimizer=optax.sgd(0.1), sampler=hardest, steps=4)
    each = optax.softmax_cross_entropy_with_integer_labels(
        one(as_float(dataset.images)), dataset.labels
    )
    np.testing.assert_allclose(losses[4], jnp.max(each), rtol=1e-4)


def test_labels_beyond_the_classes(key, dataset):
    """A fooling class is one more column, trained like any other."""
    start = init_flax(key, SoftmaxRegression(4), SHAPE, 3)
    fooling = samples(dataset.images, np.full(N, 3, np.int32))
    fitted, losses = fit(key, start, fooling, optimizer=SGD, sampler=everything, steps=20)
    assert fitted.num_classes == 3 and losses[-1] < 0.2 < losses[0]


def test_progress_is_reported_seldom_and_at_the_end(key, classifier, dataset):
    reports = []
    _, losses = fit(
        key,
        classifier,
        dataset,
        optimizer=SGD,
        sampler=SAMPLER,
        steps=301,
        chunk=2,
        on_chunk=lambda step, loss: reports.append((step, loss)),
    )
    assert reports[-1][0] == 301 and len(reports) < 30
    np.testing.assert_allclose(reports[-1][1], losses[-1], rtol=1e-6)


def test_a_diverging_loss_is_an_error(key, classifier, dataset):
    def explodes_at_step_5(updates, state, params=None):
        factor = jnp.where(state == 4, jnp.inf, 1e-3)
        return jax.tree.map(lambda g: -factor * g, updates), state + 1

    optimizer = optax.GradientTransformation(lambda _: jnp.int32(0), explodes_at_step_5)
    run = {"optimizer": optimizer, "sampler": SAMPLER, "chunk": 2}
    with pytest.raises(ValueError, match=r"diverged at step 5: .* lower the learning rate"):
        fit(key, classifier, dataset, steps=9, **run)
    with pytest.raises(ValueError, match=r"diverged at step 4: .* lower the learning rate"):
        fit(key, classifier, dataset, steps=5, **run)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"chunk": 0}, "chunk must be at least 1, got 0"),
        ({"images": np.zeros((N, 3, 3, 1), np.uint8)}, r"\(h, w, c\) = \(2, 3, 1\), got"),
        ({"labels": np.zeros(N - 1, np.int32)}, "every image needs a label"),
        (
            {"images": np.zeros((0, *SHAPE)), "labels": np.zeros(0, np.int32)},
            r"at least one image, there are none in \(0, 2, 3, 1\)",
        ),
        ({"labels": np.full(N, 3)}, r"labels must be in \[0, 2\].* got 3 to 3"),
        ({"labels": np.full(N, -1)}, r"labels must be in \[0, 2\].* got -1 to -1"),
    ],
)
def test_impossible_arguments(key, classifier, dataset, change, sentence):
    data = {name: change.pop(name, getattr(dataset, name)) for name in ("images", "labels")}
    run = {"optimizer": SGD, "sampler": SAMPLER, "steps": 3, **change}
    with pytest.raises(ValueError, match=sentence):
        fit(key, classifier, samples(**data), **run)


def test_minibatches_are_uniform(key):
    """Chi-square of 30,000 draws from 10 samples; 21.7 is its 99 % quantile."""
    identity = samples(jnp.arange(10, dtype=jnp.float32).reshape(10, 1, 1, 1), jnp.arange(10))
    nobody = Classifier(None, lambda params, images: images, (1, 1, 1), 10)
    images, labels = jax.jit(minibatches(30_000))(key, nobody, identity)
    np.testing.assert_array_equal(images.ravel(), labels)
    counts = np.bincount(labels, minlength=10)
    assert np.sum((counts - 3000) ** 2 / 3000) < 21.7


def test_minibatches_of_equal_size_are_equal():
    assert minibatches(4) is minibatches(4)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        minibatches(0)
