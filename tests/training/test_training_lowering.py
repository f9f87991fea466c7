"""Training, and all networks, have a rule for each of their operations on an accelerator."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from lowering import assert_lowers

from fooljax import models, training
from fooljax.attacks import pgd
from fooljax.data import Dataset
from fooljax.media import Texts
from fooljax.training import losses
from fooljax.training.evaluate import _predict
from fooljax.training.fit import _advance, _State
from fooljax.training.outliers import minibatches_and_changed, minibatches_with_noise

pytestmark = pytest.mark.usefixtures("accelerator")
OPTIMIZER = optax.adam(1e-3)
ATTACK = pgd(0.1, steps=3, random_start=True)
WAYS = {
    "attacked": (training.adversarial_minibatches(2, ATTACK), losses.cross_entropy),
    "plain": (training.minibatches(2), losses.cross_entropy),
    "noise": (minibatches_with_noise(2), losses.outlier_exposure()),
    "noise that climbs": (minibatches_with_noise(2, 0.1, 3), losses.low_confidence()),
    "energy": (minibatches_with_noise(2), losses.energy_bounded()),
    "changed": (minibatches_and_changed(2, 0.1, 3), losses.trades()),
    "perturbed": (training.perturbed_minibatches(2), losses.cross_entropy),
}
SLOW = pytest.mark.slow


def assert_training_lowers(network, dataset, sampler, loss, key):
    state = _State(network.params, jax.eval_shape(OPTIMIZER.init, network.params))
    given = {"optimizer": OPTIMIZER, "sampler": sampler, "loss": loss, "chunk": 4}
    assert_lowers(_advance, key, network, state, dataset, jnp.int32(0), jnp.int32(3), **given)


def pictures(shape, classes=3):
    images = np.random.default_rng(0).integers(0, 256, (6, *shape), dtype=np.uint8)
    names = tuple(map(str, range(classes)))
    return Dataset(images, np.arange(6, dtype=np.int32) % classes, names)


@pytest.mark.parametrize(
    "way", [one if one == "plain" else pytest.param(one, marks=SLOW) for one in WAYS]
)
def test_every_way_to_train(way, key):
    sampler, loss = WAYS[way]
    dataset, shape = pictures((12, 12, 1)), (12, 12, 1)
    network = models.build("softmax", key, shape, 3, rejecting=1)
    samples = training.with_fooling_class(dataset, dataset.images[:2], capacity=10)
    if way == "perturbed":
        samples = training.with_perturbations(dataset, np.zeros((1, *shape)))
    assert_training_lowers(network, samples, sampler, loss, key)


@SLOW
@pytest.mark.parametrize("name", sorted(models.NETWORKS.keys() - {"ngram"}))
def test_every_network(name, key):
    """Forward, and the gradients in weights and pixels that training on attacked images takes."""
    shape = (28, 28, 1) if name in ("softmax", "mlp", "lenet") else (68, 68, 3)
    shape = {"sound_cnn": (2048, 1), "video_cnn": (6, 16, 16, 1)}.get(name, shape)
    network = jax.eval_shape(lambda: models.build(name, key, shape, 3))
    dataset = pictures(shape)
    assert_lowers(_predict, network, dataset.images, jnp.int32(0), 2)
    assert_training_lowers(network, dataset, *WAYS["attacked"], key)


def test_a_network_that_reads(key):
    network = jax.eval_shape(lambda: models.build("ngram", key, (12,), 3))
    ids = np.arange(72, dtype=np.int32).reshape(6, 12)
    dataset = Dataset(ids, np.arange(6, dtype=np.int32) % 3, ("0", "1", "2"), medium=Texts())
    assert_lowers(_predict, network, dataset.images, jnp.int32(0), 2)
    assert_training_lowers(network, dataset, *WAYS["plain"], key)
