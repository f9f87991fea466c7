"""A small trained network, and ways to break it so that attacks fail at what is not robust."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

import fooljax as fj
from fooljax.data import Dataset

SHAPE, CLASSES = (6, 6, 1), 4


def blobs(count, seed=0):
    """Noisy copies of four pictures."""
    random = np.random.default_rng(seed)
    pictures = np.random.default_rng(99).uniform(0.2, 0.8, (CLASSES, *SHAPE))
    labels = random.integers(0, CLASSES, count, dtype=np.int32)
    images = pictures[labels] + random.normal(0.0, 0.1, (count, *SHAPE))
    return Dataset(images.clip(0.0, 1.0).astype(np.float32), labels, tuple("abcd"))


def perhaps_reversed(sign, images):
    """The images; their gradients are turned round where the sign is -1."""
    return sign * images + jax.lax.stop_gradient((1.0 - sign) * images)


def _apply(params, images):
    """A perceptron whose gradients a number in the weights may turn round."""
    weights, sign = params
    return _perceptron().apply(weights, perhaps_reversed(sign, images))


@functools.cache
def _perceptron():
    return fj.models.build("mlp", jax.random.key(3), SHAPE, CLASSES)


def train():
    """An ordinary perceptron, trained as usual."""
    how = {"optimizer": optax.adam(1e-3), "sampler": fj.training.minibatches(64), "steps": 100}
    trained = fj.training.fit(jax.random.key(4), _perceptron(), blobs(500), **how)[0]
    params = (trained.params, jnp.float32(1.0))
    return dataclasses.replace(trained, params=params, apply=_apply)


def turn_round(network):
    """The same answers, and gradients that lead the other way; nothing to compile."""
    weights, sign = network.params
    return dataclasses.replace(network, params=(weights, -sign))


def _with(before=lambda images: images, after=lambda logits: logits):
    def broken(network):
        apply = lambda params, images: after(network.apply(params, before(images)))
        return dataclasses.replace(network, apply=apply)

    return broken


def _numpy_noise(logits):
    """Drawn anew for every pass, behind JAX's back."""
    shape = jax.ShapeDtypeStruct(logits.shape, logits.dtype)
    draw = lambda like: np.random.normal(0.0, 0.1, like.shape).astype(like.dtype)  # noqa: NPY002
    return logits + jax.pure_callback(draw, shape, jax.lax.stop_gradient(logits))


def _noise_of_the_bits(network):
    """The same image, the same noise; any other image, another."""

    def noise(image):
        bits = jnp.sum(jax.lax.bitcast_convert_type(image, jnp.uint32))
        return 0.3 * jax.random.normal(jax.random.key(bits), (CLASSES,))

    def apply(params, images):
        return network.apply(params, images) + jax.vmap(noise)(images)

    return dataclasses.replace(network, apply=apply)


# the name of the finding, and what does it
BROKEN = {
    "stopped gradient": ("no gradient", _with(after=jax.lax.stop_gradient)),
    "step": ("no gradient", _with(before=lambda images: jnp.float32(images > 0.5))),
    "quantized": ("no gradient", _with(before=lambda images: jnp.round(images * 7) / 7)),
    "gradient not finite": ("no gradient", _with(before=lambda images: jnp.sqrt(images**2))),
    "temperature": ("saturated loss", _with(after=lambda logits: 1000.0 * logits)),
    "softmax": ("outputs are probabilities", _with(after=jax.nn.softmax)),
    "numpy noise": ("random outputs", _with(after=_numpy_noise)),
    "noise of the bits": ("rough outputs", _noise_of_the_bits),
    "noise of the place": (
        "batch dependence",
        _with(after=lambda z: z + 0.1 * jax.random.normal(jax.random.key(7), z.shape)),
    ),
    "batch statistics": (
        "batch dependence",
        _with(after=lambda z: z - jnp.mean(z, axis=0, keepdims=True)),
    ),
}
