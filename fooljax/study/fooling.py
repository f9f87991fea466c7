"""Images that show nothing, and what it takes to make them, controls included: add yours here."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import attacks, data, encodings
from fooljax.attacks.regularization import Regularization
from fooljax.attacks.universal_measures import add
from fooljax.data import Dataset
from fooljax.study.classifiers import logits
from fooljax.study.evolved import evolve_repeats
from fooljax.study.settings import Fooling
from fooljax.types import Classifier, Images, RandomKey

SURE = 0.99
EVOLVED = ("direct", "cppn")  # made without any gradient
_BATCH = 50


class Fooled(NamedTuple):
    """Images that show nothing, made for a network.

    Attributes:
        images: ``[n, h, w, c]`` in [0, 1].
        cost: evaluations (forward and gradient passes) until the network named the
            class of the image with a confidence of ``SURE``, ``[n]``: infinity where
            it never did, NaN where nobody looked at the network.
    """

    images: Images
    cost: Float[Array, " n"]


class Known(NamedTuple):
    """Images that may be drawn on besides the network.

    Attributes:
        train: training images.
        others: images of another kind, ``[n, h, w, c]`` in [0, 1].
    """

    train: Dataset
    others: Images


class Fooler(NamedTuple):
    """A way to make images that show nothing, and to say what it took.

    Attributes:
        looks: whether the network is asked while making them; the others are
            controls, the same for every network.
        words: what is done, as the end of a sentence.
        make: ``(numbers, key, classifier, known) -> fooled``.
    """

    looks: bool
    words: str
    make: Callable[[Fooling, RandomKey, Classifier, Known], Fooled]


def _evolved(name: str) -> Callable[..., Fooled]:
    def make(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
        del known
        encoding = encodings.CATALOG[name].build(classifier.input_shape)
        classes = np.arange(classifier.num_classes)
        sizes = (config.children, config.generations, config.runs)
        found = evolve_repeats(key, classifier, encoding, *sizes, classes)
        sure = found.history >= SURE
        cost = config.children * (1.0 + np.argmax(sure, axis=2))
        cost = np.where(sure.any(axis=2), cost, np.inf).ravel()
        images = found.images.reshape(-1, *classifier.input_shape)
        return Fooled(jnp.asarray(images), jnp.asarray(cost, jnp.float32))

    return make


def _climb(
    attack: attacks.Attack, key: RandomKey, classifier: Classifier, start: Images, targets: Array
) -> Fooled:
    """Run an attack toward targets, and note when the network was first sure."""
    goal = attacks.confident(attacks.reach(targets), SURE)
    result = attacks.run(attack, key, classifier, start, goal, trace=True)
    sure = jnp.asarray(result.trace) > 0.0
    cost = 2.0 * jnp.argmax(sure, axis=1) + 1.0  # a forward and a gradient pass for each step
    return Fooled(result.images, jnp.where(jnp.any(sure, axis=1), cost, jnp.inf))


def _targets(config: Fooling, classifier: Classifier) -> Array:
    return jnp.tile(jnp.arange(classifier.num_classes, dtype=jnp.int32), config.runs)


def _ascent(
    config: Fooling,
    key: RandomKey,
    classifier: Classifier,
    known: Known,
    regularization: Regularization | None = None,
    rule: Any = "progress",
) -> Fooled:
    targets = _targets(config, classifier)
    key_noise, key_attack = jax.random.split(key)
    noise = jax.random.uniform(
        key_noise, (len(targets), *classifier.input_shape), dtype=jnp.float32
    )
    climb = attacks.ascent(config.ascent_steps, rule=rule, regularization=regularization)
    return _climb(climb, key_attack, classifier, noise, targets)


def _sparse(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
    """On plain grounds, from black to white."""
    targets = _targets(config, classifier)
    grey = jnp.repeat(
        jnp.linspace(0.0, 1.0, config.runs, dtype=jnp.float32), classifier.num_classes
    )
    plain = jnp.broadcast_to(grey[:, None, None, None], (len(targets), *classifier.input_shape))
    return _climb(attacks.sparse(config.pixels), key, classifier, plain, targets)


def _near_noise(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
    """Raise whatever the network takes noise for, near the noise."""
    key_noise, key_attack = jax.random.split(key)
    noise = _noise(config, key_noise, classifier)
    seen = logits(classifier, noise)[:, : classifier.num_classes]
    attack = attacks.pgd(config.epsilon, steps=config.pgd_steps, loss=attacks.selective)
    return _climb(attack, key_attack, classifier, noise, jnp.argmax(seen, axis=1))


def _signs(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
    """Go as far as need be by the gradient's sign: the class first, then being accepted."""
    targets = _targets(config, classifier)
    key_noise, key_attack = jax.random.split(key)
    noise = jax.random.uniform(
        key_noise, (len(targets), *classifier.input_shape), dtype=jnp.float32
    )
    attack = attacks.pgd(1.0, steps=config.ascent_steps, loss=attacks.selective)
    return _climb(attack, key_attack, classifier, noise, targets)


def _universal(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
    """Perturbations that fool about most real images, on a grey ground without any."""
    found = [
        attacks.run_universal(
            attacks.universal_sgd(config.epsilon),
            jax.random.fold_in(key, index),
            classifier,
            known.train.images,
            attacks.leave(known.train.labels),
            steps=config.universal_steps,
            batch_size=min(_BATCH, len(known.train.images)),
        ).perturbation
        for index in range(config.runs)
    ]
    grey = jnp.full((1, *classifier.input_shape), 0.5, jnp.float32)
    images = jnp.concatenate([_add(grey, perturbation) for perturbation in found])
    sure = jnp.max(_probabilities(classifier, images), axis=1) >= SURE
    spent = 2.0 * _BATCH * config.universal_steps
    return Fooled(images, jnp.where(sure, spent, jnp.inf))


def _still(images: Images) -> Fooled:
    return Fooled(images, jnp.full(len(images), jnp.nan, jnp.float32))


def _uniform(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
    return _still(_noise(config, key, classifier))


def _blurred(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
    """Noise without fine detail, stretched to the whole range again."""
    return _still(_smooth(_noise(config, key, classifier)))


def _permuted(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
    """Training images whose pixels change places, in each image in another way."""
    key_rows, key_places = jax.random.split(key)
    count = len(known.train.images)
    rows = np.asarray(jax.random.randint(key_rows, (config.images,), 0, count, dtype=jnp.int32))
    images = data.as_float(jnp.asarray(known.train.images[rows]))
    flat = images.reshape(len(images), -1, images.shape[-1])
    keys = jax.random.split(key_places, len(images))
    return _still(jax.vmap(jax.random.permutation)(keys, flat).reshape(images.shape))


def _others(config: Fooling, key: RandomKey, classifier: Classifier, known: Known) -> Fooled:
    count = min(config.images, len(known.others))
    rows = jax.random.permutation(key, len(known.others))[:count]
    return _still(jnp.asarray(known.others)[rows])


def _noise(config: Fooling, key: RandomKey, classifier: Classifier) -> Images:
    return jax.random.uniform(key, (config.images, *classifier.input_shape), dtype=jnp.float32)


@jax.jit
def _smooth(images: Images) -> Images:
    """Keep the frequencies below a tenth of the highest."""
    height, width = images.shape[1:3]
    fine = np.maximum(abs(np.fft.fftfreq(height))[:, None], abs(np.fft.rfftfreq(width))[None])
    spectrum = jnp.fft.rfft2(images, axes=(1, 2))
    spectrum = jnp.where((fine <= 0.1)[None, :, :, None], spectrum, 0.0)
    smooth = jnp.fft.irfft2(spectrum, (height, width), axes=(1, 2))
    low = jnp.min(smooth, axis=(1, 2, 3), keepdims=True)
    high = jnp.max(smooth, axis=(1, 2, 3), keepdims=True)
    return jnp.clip((smooth - low) / jnp.maximum(high - low, 1e-6), 0.0, 1.0)


_add = jax.jit(add)
_probabilities = jax.jit(
    lambda classifier, images: jax.nn.softmax(classifier(images))[:, : classifier.num_classes]
)
_smooth_ascent = functools.partial(_ascent, regularization=Regularization(decay=0.001, blur=0.4))
_flat_ascent = functools.partial(
    _ascent, regularization=Regularization(total_variation=20.0), rule="adam"
)

FOOLING: dict[str, Fooler] = {
    "direct": Fooler(True, "evolved, every pixel a gene of its own", _evolved("direct")),
    "cppn": Fooler(True, "evolved, painted by small networks (CPPNs)", _evolved("cppn")),
    "ascent": Fooler(True, "climbed from noise by gradient", _ascent),
    "ascent_blur": Fooler(
        True, "climbed from noise by gradient, blurred again and again", _smooth_ascent
    ),
    "ascent_flat": Fooler(
        True, "climbed from noise by gradient, total variation paid for", _flat_ascent
    ),
    "signs": Fooler(
        True, "climbed from noise by the gradient's sign, the class first, then acceptance", _signs
    ),
    "sparse": Fooler(True, "a plain ground with a few pixels set, by gradient", _sparse),
    "near_noise": Fooler(
        True, "uniform noise, changed by at most epsilon by gradient (PGD)", _near_noise
    ),
    "universal": Fooler(
        True, "grey, plus a perturbation learned on real images (universal)", _universal
    ),
    "uniform": Fooler(False, "uniform noise", _uniform),
    "blurred": Fooler(False, "noise without fine detail", _blurred),
    "permuted": Fooler(False, "training images with their pixels in random places", _permuted),
    "others": Fooler(False, "images of another kind", _others),
}
