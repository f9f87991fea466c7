"""What makes a network of another one keeps whether its classes exclude each other."""

import dataclasses
import importlib
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import analysis, checks, defenses, evolution, metrics, models

SHAPE, CLASSES = (8, 8, 1), 3
IMAGES = np.random.default_rng(0).uniform(size=(4, *SHAPE)).astype(np.float32)


def apart(name, shape, seed=0):
    """A network of flax whose classes do not exclude each other, with a column for none."""
    network = models.build(name, jax.random.key(seed), shape, CLASSES, rejecting=1)
    return dataclasses.replace(network, exclusive=False)


NETWORK, OTHER, SOUND = apart("softmax", SHAPE), apart("softmax", SHAPE, 1), apart("mlp", (64, 1))
READER = apart("ngram", (6,))
EVERY = np.ones(READER.tokens.count, bool)
noise = lambda key, network: defenses.noisy(key, network, 0.1)

#: Every public function from a network to another one: add yours here.
KEPT = {
    "analysis.backward": lambda: analysis.backward(apart("lenet", (28, 28, 1)), "guided"),
    "analysis.resized": None,  # of matchers, whose classes are sentences
    "analysis.shuffle_top": lambda: analysis.shuffle_top(jax.random.key(0), NETWORK)[0][1],
    "defenses.ensemble": lambda: defenses.ensemble([NETWORK, OTHER]),
    "defenses.expectation": lambda: defenses.expectation(jax.random.key(0), noise, NETWORK, 2),
    "defenses.gaussian_blur": lambda: defenses.gaussian_blur(NETWORK, 1.0),
    "defenses.jpeg": lambda: defenses.jpeg(NETWORK, 50.0),
    "defenses.known_words": lambda: defenses.known_words(READER, EVERY, "refuse"),
    "defenses.low_pass": lambda: defenses.low_pass(SOUND, 0.5),
    "defenses.median_filter": lambda: defenses.median_filter(NETWORK, 3),
    "defenses.mu_law": lambda: defenses.mu_law(SOUND, 4),
    "defenses.noisy": lambda: noise(jax.random.key(0), NETWORK),
    "defenses.quantize": lambda: defenses.quantize(NETWORK, 4),
    "defenses.reject": lambda: defenses.reject(NETWORK, defenses.maximum_probability(), 0.0),
    "defenses.resample": lambda: defenses.resample(SOUND, 2),
    "defenses.resize_and_pad": lambda: defenses.resize_and_pad(jax.random.key(0), NETWORK, 0.8),
    "defenses.tempered": lambda: defenses.tempered(NETWORK, 2.0),
    "defenses.time_shift": lambda: defenses.time_shift(jax.random.key(0), SOUND, 0.1),
    "defenses.with_gradient_of": lambda: defenses.with_gradient_of(NETWORK, OTHER.apply),
    "evolution.with_references": lambda: evolution.with_references(NETWORK, IMAGES),
    "models.center_crop": lambda: models.center_crop(NETWORK, 10),
    "models.grouped": lambda: models.grouped(NETWORK, [[0], [1, 2]]),
    "models.in_bfloat16": lambda: models.in_bfloat16(NETWORK),
    "models.load_weights": None,  # of a file
    "models.widen": lambda: models.widen(NETWORK),
    "training.fit": None,  # dear; the tests of training have it
}
#: Those that answer one class, or are about something else.
ONE = {
    "defenses.majority_vote": lambda: defenses.majority_vote([NETWORK, OTHER]),
    "defenses.unanimous": lambda: defenses.unanimous([NETWORK, OTHER]),
    "models.one_sound": lambda: models.one_sound(NETWORK, 1),
    "models.ten_crop": None,  # refused
    "models.units": lambda: models.units(NETWORK, "fc"),
}


def makers():
    """Yield the names of public functions that take networks and return one or several."""
    for package in ("analysis", "attacks", "data", "defenses", "evolution", "models", "training"):
        module = importlib.import_module(f"fooljax.{package}")
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function):
                annotations = {key: str(one) for key, one in function.__annotations__.items()}
                returned = annotations.pop("return")
                networks = any(
                    key.startswith("classifier") and "Classifier" in one
                    for key, one in annotations.items()
                )
                if networks and "Classifier" in returned:
                    yield f"{package}.{name}"


def test_the_tables_know_all():
    assert sorted(makers()) == sorted(KEPT | ONE)


@pytest.mark.parametrize("name", [name for name, make in KEPT.items() if make])
def test_classes_stay_apart(name):
    assert not checks.classifier(KEPT[name]()).exclusive


@pytest.mark.parametrize("name", [name for name, make in ONE.items() if make])
def test_what_answers_one_class_excludes_the_others(name):
    assert checks.classifier(ONE[name]()).exclusive


def read(network, images):
    logits = jax.jit(network)(images)
    measured = metrics.of_classes(metrics.probabilities, logits, CLASSES, network.exclusive)
    return np.asarray(measured[:, :CLASSES], np.float64)


def test_a_mean_of_probabilities_is_that_of_each_score():
    """The one sigmoid a class, averaged in numpy."""

    def scores(network):
        logits = np.asarray(jax.jit(network)(IMAGES), np.float64)
        return 1.0 / (1.0 + np.exp(logits[:, 3:] - logits[:, :CLASSES]))

    mean = (scores(NETWORK) + scores(OTHER)) / 2.0
    np.testing.assert_allclose(read(defenses.ensemble([NETWORK, OTHER]), IMAGES), mean, rtol=1e-5)
    same = lambda key, network: network
    whole = defenses.expectation(jax.random.key(0), same, NETWORK, 3)
    np.testing.assert_allclose(read(whole, IMAGES), scores(NETWORK), rtol=1e-5)


@pytest.mark.parametrize("combine", ["logits", "log_probabilities", "margins"])
def test_other_means_are_those_of_log_odds(combine):
    odds = lambda network: np.subtract(
        *np.split(np.asarray(jax.jit(network)(IMAGES)), [CLASSES], axis=1)
    )
    both = defenses.ensemble([NETWORK, OTHER], combine)
    mean = (odds(NETWORK) + odds(OTHER)) / 2.0
    np.testing.assert_allclose(odds(both), mean, rtol=1e-4, atol=1e-5)


def test_a_mean_survives_certainty():
    """Scores of float32 are exactly 1 from 17 on, their log-odds are not."""
    logits = jnp.array([[[50.0, -50.0, 0.0]], [[50.0, -50.0, 0.0]]])
    whole = jax.jit(metrics.mean_probability, static_argnums=(1, 2))(logits, 2, False)
    np.testing.assert_allclose(whole, [[50.0, -50.0, 0.0]], rtol=1e-6)


def test_networks_of_both_kinds_do_not_go_together():
    mixed = [NETWORK, dataclasses.replace(OTHER, exclusive=True)]
    for join in (defenses.ensemble, defenses.majority_vote, defenses.unanimous):
        with pytest.raises(ValueError, match="those of one exclude each other"):
            join(mixed)


def test_ten_crops_are_of_classes_that_exclude_each_other():
    with pytest.raises(ValueError, match=r"do not exclude each other; take models\.center_crop"):
        models.ten_crop(NETWORK, 10)


def test_weights_from_a_file_are_of_the_same_kind(tmp_path):
    models.save_weights(tmp_path / "net.safetensors", NETWORK)
    assert not models.load_weights(tmp_path / "net.safetensors", OTHER).exclusive
