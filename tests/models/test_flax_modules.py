"""Flax modules as people write them: running averages, switches, dropout, other leaves."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from fooljax import data, models, training
from fooljax.types import Classifier

SHAPE = (3, 2, 1)
KEY = jax.random.key(0)
IMAGES = np.random.default_rng(0).uniform(size=(8, *SHAPE)).astype(np.float32)
LABELS = np.arange(8) % 2
DATASET = data.from_arrays(IMAGES, LABELS)
FIT = {"optimizer": optax.sgd(0.1), "sampler": training.minibatches(8)}


class Normed(nn.Module):
    """Normalized over the batch; trains unless told otherwise, as many published ones do."""

    drop: float = 0.0

    @nn.compact
    def __call__(self, images, train: bool = True):
        z = images.reshape(len(images), -1)
        z = nn.BatchNorm(use_running_average=not train, momentum=0.9)(z)
        z = nn.Dropout(self.drop, deterministic=not train)(z)
        return nn.Dense(2)(z)


class Undecided(nn.Module):
    @nn.compact
    def __call__(self, images):
        return nn.Dense(2)(nn.BatchNorm()(images.reshape(len(images), -1)))


class Dropping(nn.Module):
    @nn.compact
    def __call__(self, images):
        return nn.Dense(2)(nn.Dropout(0.5, deterministic=False)(images.reshape(len(images), -1)))


class NeedsLabels(nn.Module):
    @nn.compact
    def __call__(self, images, labels, train: bool):
        return nn.Dense(2)(images.reshape(len(images), -1))


class Listed(nn.Module):
    widths: list

    @nn.compact
    def __call__(self, images):
        return nn.Dense(2)(images.reshape(len(images), -1))


def test_a_network_with_running_averages_answers_by_them():
    variables = Normed().init(KEY, IMAGES, train=False)
    stats = variables["batch_stats"]["BatchNorm_0"]
    stats["mean"], stats["var"] = jnp.full(6, 0.3), jnp.full(6, 0.25)
    network = models.from_flax(Normed(), variables, SHAPE, 2)
    models.validate(network)
    p = jax.tree.map(np.asarray, variables["params"])
    normed = (IMAGES.reshape(8, -1) - 0.3) / np.sqrt(0.25 + 1e-5)
    expected = normed @ p["Dense_0"]["kernel"] + p["Dense_0"]["bias"]
    np.testing.assert_allclose(network(IMAGES), expected, rtol=1e-5)
    np.testing.assert_allclose(network(IMAGES[:1]), expected[:1], rtol=1e-5)  # not by the batch
    fresh = models.init_flax(KEY, Normed(), SHAPE, 2)
    assert set(fresh.params) == {"params", "batch_stats"} and fresh.apply == network.apply


def test_training_normalizes_by_the_batch_and_updates_averages_as_flax_does():
    start = models.init_flax(KEY, Normed(), SHAPE, 2)
    seen = []

    def all_images(key, classifier, samples):
        seen.append(classifier(samples.images))
        return data.as_float(samples.images), samples.labels

    trained, losses = training.fit(
        KEY, start, DATASET, optimizer=optax.sgd(0.1), sampler=all_images, steps=2
    )

    def loss(params, stats):
        variables = {"params": params, "batch_stats": stats}
        logits, changed = Normed().apply(variables, IMAGES, train=True, mutable=["batch_stats"])
        each = optax.softmax_cross_entropy_with_integer_labels(logits, LABELS)
        return jnp.mean(each), changed["batch_stats"]

    params, stats = start.params["params"], start.params["batch_stats"]
    for step in range(2):
        (value, stats), slope = jax.value_and_grad(loss, has_aux=True)(params, stats)
        np.testing.assert_allclose(losses[step], value, rtol=1e-5)
        params = jax.tree.map(lambda leaf, way: leaf - 0.1 * way, params, slope)
    close = lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    jax.tree.map(close, trained.params, {"params": params, "batch_stats": stats})


def test_dropout_drops_in_training_only_and_by_the_key():
    network = models.init_flax(KEY, Normed(drop=0.5), SHAPE, 2)
    np.testing.assert_array_equal(network(IMAGES), network(IMAGES))
    fit = lambda seed: training.fit(jax.random.key(seed), network, DATASET, steps=1, **FIT)[1][0]
    assert fit(1) == fit(1) != fit(2)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (Undecided(), "Undecided does not say how it runs; give its __call__ an argument train"),
        (Dropping(), "Dropping draws random numbers when it answers, as dropout does; give its"),
        (NeedsLabels(), "NeedsLabels.__call__ needs labels beside images; wrap it"),
        (Listed([3]), "Listed has an attribute that cannot be hashed; give tuples"),
    ],
)
def test_modules_that_cannot_answer_are_met_with_what_helps(module, sentence):
    with pytest.raises(ValueError, match=sentence):
        models.validate(models.init_flax(KEY, module, SHAPE, 2))


def test_weights_without_their_running_averages_are_met_with_what_helps():
    params = Normed().init(KEY, IMAGES)["params"]
    with pytest.raises(ValueError, match="give from_flax all variables of init"):
        models.validate(models.from_flax(Normed(), params, SHAPE, 2))


def scaled(params, images):
    logits = images.reshape(len(images), -1) @ params["params"]["kernel"]
    return logits / params["params"]["temperature"] + params["batch_stats"]["mean"][None]


OTHER_LEAVES = {
    "params": {
        "kernel": jnp.ones((6, 2)),
        "temperature": 2.0,
        "count": jnp.int32(3),
        "key": jax.random.key(3),
    },
    "batch_stats": {"mean": jnp.ones(2)},
}


def test_what_is_no_weight_is_left_alone(tmp_path):
    network = Classifier(OTHER_LEAVES, scaled, SHAPE, 2)
    models.validate(network)
    decaying = optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1))
    trained, _ = training.fit(
        KEY, network, DATASET, optimizer=decaying, sampler=FIT["sampler"], steps=2
    )
    assert trained.params["params"]["temperature"] == 2.0
    kernel = trained.params["params"].pop("kernel")
    assert not np.allclose(kernel, 1.0)
    rest = {**OTHER_LEAVES, "params": {**OTHER_LEAVES["params"]}}
    del rest["params"]["kernel"]
    assert jax.tree.all(jax.tree.map(lambda a, b: bool(jnp.all(a == b)), trained.params, rest))


def test_the_numbers_of_a_defense_do_not_train():
    from fooljax import defenses

    plain = models.build("softmax", KEY, SHAPE, 2)
    defended = defenses.expectation(
        KEY, lambda key, net: defenses.noisy(key, defenses.quantize(net, 4), 0.1), plain, 2
    )
    trained, _ = training.fit(KEY, defended, DATASET, steps=1, **FIT)
    before, after = jax.tree.leaves(defended.params.drawn), jax.tree.leaves(trained.params.drawn)
    assert all(bool(jnp.all(a == b)) for a, b in zip(before, after, strict=True))
    assert not np.allclose(trained.params.params["fc"]["kernel"], plain.params["fc"]["kernel"])


def test_a_text_among_the_params_is_refused_by_its_name():
    network = Classifier({"params": {"name": "net"}}, scaled, SHAPE, 2)
    for door in (models.validate, lambda net: training.fit(KEY, net, DATASET, steps=1, **FIT)):
        with pytest.raises(ValueError, match=r"got 'net' as params\.name"):
            door(network)
