"""A network is looked at first: what is suspicious is said, what is broken is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.models import build, look, validate
from fooljax.types import Classifier

SHAPE, CLASSES = (3, 2, 1), 3
WEIGHTS = np.random.default_rng(1).normal(size=(6, CLASSES)).astype(np.float32)


def network(change):
    """Softmax regression whose logits, and images, a function changes."""
    linear = lambda weights, images: images.reshape(len(images), -1) @ weights
    return Classifier(WEIGHTS, lambda p, images: change(linear(p, images), images), SHAPE, CLASSES)


def flat(images):
    return images.reshape(len(images), -1)


SUSPICIOUS = {
    "outputs are probabilities": lambda logits, images: jax.nn.softmax(logits),
    "batch dependence": lambda logits, images: logits - jnp.mean(logits, axis=0, keepdims=True),
    "no answer": lambda logits, images: jnp.where(
        jnp.max(flat(images), axis=1, keepdims=True) == 1.0,
        jnp.nan,
        logits,  # the ramp
    ),
    "same answer": lambda logits, images: 0.0 * logits + jnp.arange(3.0)[None],
}
BROKEN = {
    "mid-gray": lambda logits, images: logits / 0.0,
    "NaN or infinity to 3 of 4 images": lambda logits, images: jnp.where(
        jnp.std(flat(images), axis=1, keepdims=True) < 1e-6, logits, jnp.nan
    ),
    "for each image": lambda logits, images: jnp.mean(logits, axis=0, keepdims=True),
}


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_suspicions_are_said(name):
    assert [found.name for found in look(network(SUSPICIOUS[name]))] == [name]
    with pytest.warns(UserWarning, match=name):
        validate(network(SUSPICIOUS[name]))


@pytest.mark.parametrize("shade", [0.0, 1.0])
def test_black_and_white_images_are_looked_at_too(shade):
    def change(logits, images):
        alike = jnp.all(flat(images) == shade, axis=1, keepdims=True)
        return jnp.where(alike, jnp.nan, logits)

    (found,) = look(network(change))
    assert found.name == "no answer" and "1 of 6 images" in found.message


def test_one_image_of_another_answer_is_enough_to_be_believed():
    ramp_only = lambda logits, images: jnp.where(
        (jnp.max(flat(images), axis=1) == 1.0)[:, None], logits, 0.0
    )
    assert look(network(ramp_only)) == ()


@pytest.mark.parametrize("sentence", BROKEN)
def test_what_cannot_be_right_is_refused(sentence):
    with pytest.raises(ValueError, match=sentence):
        look(network(BROKEN[sentence]))


def test_a_sound_network_of_any_scale_is_not_suspected():
    for scale in (1e-30, 1e-3, 1.0, 1e4):
        assert look(network(lambda logits, images, scale=scale: scale * logits)) == ()


def test_a_random_network_is_told_from_one_that_depends_on_its_batch():
    draws = iter(np.random.default_rng(2).normal(size=(8, 4, CLASSES)).astype(np.float32))

    def noise(logits, images):
        shape = jax.ShapeDtypeStruct(logits.shape, logits.dtype)
        drawn = jax.pure_callback(lambda _: next(draws)[: logits.shape[0]], shape, images)
        return logits + drawn

    assert [found.name for found in look(network(noise))] == ["random outputs"]


@pytest.mark.parametrize(("classes", "names"), [(8, []), (7, []), (6, ["columns without a class"])])
def test_one_logit_beyond_the_classes_may_decline_and_no_more(classes, names):
    built = build("softmax", jax.random.key(0), (8, 8, 1), 8)
    told = dataclasses.replace(built, num_classes=classes)
    assert [found.name for found in look(told)] == names
