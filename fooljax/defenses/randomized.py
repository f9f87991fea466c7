"""Random defenses, and what an adversary who knows them attacks: their mean over many keys.

``defense(key, classifier)``: the same key is the same function of the image, and all
images of a batch share what the key draws, so that no answer depends on a place.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import chance, checks, metrics
from fooljax.defenses.preprocess import shape_of_pictures, shown_through
from fooljax.defenses.reads import without_vectors
from fooljax.types import Bound, Classifier, Images, Logits, Params, RandomDefense, RandomKey


def _shrink(numbers: tuple[RandomKey, Array], images: Images) -> Images:
    key, smallest = numbers
    drawn = jax.random.uniform(
        jax.random.clone(key), (3,), dtype=jnp.float32
    )  # the same in every pass
    share = smallest + (1.0 - smallest) * drawn[0]
    room = (1.0 - share) * jnp.array(images.shape[1:3], jnp.float32)
    return jax.image.scale_and_translate(
        images,
        images.shape,
        (1, 2),
        jnp.broadcast_to(share, (2,)),
        room * drawn[1:],
        method="linear",
    )


def _add_noise(numbers: tuple[RandomKey, Array], images: Images) -> Images:
    key, sigma = numbers
    noise = chance.normal(jax.random.clone(key), images.shape[1:])  # the same in every pass
    return images + sigma * noise[None]


def noisy(key: RandomKey, classifier: Classifier, sigma: float) -> Classifier:
    """Add Gaussian noise to every image: one draw of randomized smoothing.

    Sums are not cut off at 0 and 1, as in the paper: a certificate needs the noise
    to be Gaussian, so the network sees numbers outside of [0, 1].

    Args:
        key: decides the noise, which all images share.
        classifier: the network.
        sigma: standard deviation, in units of [0, 1].

    Raises:
        ValueError: if ``sigma`` is not positive.

    Source:
        Cohen et al., 2019, arXiv:1902.02918.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> fj.defenses.noisy(jax.random.key(2), network, sigma=0.25)(images).shape
        (5, 3)
    """
    sigma = checks.positive("sigma", sigma)
    return shown_through(classifier, _add_noise, (checks.key(key), jnp.float32(sigma)))


def resize_and_pad(key: RandomKey, classifier: Classifier, smallest: float) -> Classifier:
    """Shrink every image at random and put it at a random place on black.

    Args:
        key: decides size and place, which all images share.
        classifier: the network.
        smallest: sizes are drawn uniformly from ``smallest`` to 1 of the image's own
            height and width; in (0, 1).

    Raises:
        ValueError: if ``smallest`` is out of its range, or the network looks at no pictures.

    Source:
        Xie et al., 2018, arXiv:1711.01991 (there to a larger canvas, which a network
        of fixed input size does not take).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> fj.defenses.resize_and_pad(jax.random.key(2), network, smallest=0.75)(images).shape
        (5, 3)
    """
    smallest = checks.between("smallest", smallest, 0.0, 1.0, "()")
    shape_of_pictures("resize_and_pad", classifier)
    return shown_through(classifier, _shrink, (checks.key(key), jnp.float32(smallest)))


class Expected(NamedTuple):
    """Params of a mean over keys.

    Attributes:
        params: the network's own, which all keys share.
        drawn: what the defense made of each key, leaves ``[samples, ...]``.
    """

    params: Params
    drawn: list[Array]


def _mean_probability(
    network: Callable[[Params, Images], Logits],
    structure: Any,
    places: tuple[int | None, ...],
    classes: tuple[int, bool],
    expected: Expected,
    images: Images,
) -> Logits:
    """Average over keys; a leaf's place is that in the network's params, None if it was drawn."""
    shared = jax.tree.leaves(expected.params)

    def answer(drawn: list[Array]) -> Logits:
        rest = iter(drawn)
        leaves = [next(rest) if place is None else shared[place] for place in places]
        return network(jax.tree.unflatten(structure, leaves), images)

    drawn = expected.drawn  # nothing by a defense that is not random
    each = jax.vmap(answer)(drawn) if drawn else answer(drawn)[None]
    return metrics.mean_probability(each, *classes)


def expectation(
    key: RandomKey, defense: RandomDefense, classifier: Classifier, samples: int
) -> Classifier:
    """Average a random defense over fixed keys: what gradients are taken through.

    The mean of probabilities, not of logits or of losses. Its gradient is that of
    the expectation over transformation (EOT). Another key draws other samples and
    compiles nothing::

        expectation(key, lambda key, network: noisy(key, network, 0.25), classifier, 16)

    All samples are computed at once: memory grows with their number.

    Args:
        key: decides the keys that are averaged over.
        defense: ``(key, classifier) -> classifier``.
        classifier: the network.
        samples: number of keys.

    Returns:
        A classifier whose logits are the logarithm of the mean probability. Its
        params are ``Expected``, with the network's own weights once.

    Raises:
        ValueError: if ``samples`` is not positive, and whatever ``defense`` raises.

    Source:
        Athalye et al., 2018, arXiv:1707.07397; Salman et al., 2019, arXiv:1906.04584
        (of the probabilities of a smoothed network).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> noise = lambda key, network: fj.defenses.noisy(key, network, sigma=0.25)
        >>> mean = fj.defenses.expectation(jax.random.key(2), noise, network, samples=8)
        >>> mean(images).shape
        (5, 3)
    """
    samples, key = checks.count("samples", samples), checks.key(key)
    checks.function("defense", defense, "(key, classifier) -> classifier")
    checks.classifier(classifier)
    members = [defense(one, classifier) for one in jax.random.split(key, samples)]
    checks.kind("what the defense returns", members[0], Classifier)
    first = members[0]
    structure = jax.tree.structure(first.params)
    columns = list(zip(*(jax.tree.leaves(one.params) for one in members), strict=True))
    given = {id(leaf): place for place, leaf in enumerate(jax.tree.leaves(classifier.params))}
    places = tuple(given.get(id(column[0])) for column in columns)
    drawn = [jnp.stack(column) for column, at in zip(columns, places, strict=True) if at is None]
    classes = first.num_classes, first.exclusive
    return dataclasses.replace(
        first,
        params=Expected(classifier.params, drawn),
        apply=Bound(_mean_probability, (first.apply, structure, places, classes)),
        tokens=without_vectors(first.tokens),
    )
