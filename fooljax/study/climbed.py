"""Images for every class by gradient, several times, with what it took; evolutions likewise."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from fooljax import attacks
from fooljax.study.evolved import Evolved
from fooljax.types import Classifier, Images, RandomKey

_BATCH = 100
_LEAST, _MOST = 1e-30, 1.0 - 2.0**-24  # confidence in float32 that is neither 0 nor 1


class Climbed(NamedTuple):
    """What independent searches found for some classes, and what it took.

    Letters: ``r`` repeats, ``k`` classes, ``t`` moments.

    Attributes:
        images: ``[r, k, ...]``, in [0, 1].
        confidence: of the network in each of them, in [0, 1].
        odds: the best log-odds of each class so far.
        passes: of one repeat for all classes together, forward and gradient, until then.
        forwards: forward passes of each repeat.
        gradients: gradient passes of each repeat.
    """

    images: Float[np.ndarray, "r k ..."]
    confidence: Float[np.ndarray, "r k"]
    odds: Float[np.ndarray, "r k t"]
    passes: Float[np.ndarray, " t"]
    forwards: Int[np.ndarray, " r"]
    gradients: Int[np.ndarray, " r"]


def climb_repeats(
    key: RandomKey,
    classifier: Classifier,
    ascent: attacks.Attack,
    images: Images,
    classes: Int[np.ndarray, " k"],
    start: Any = None,  # as `attacks.run` takes it
    searched: int = 0,
) -> Climbed:
    """Climb toward some classes several times, all at once.

    Args:
        key: decides whatever is drawn on the way.
        classifier: the network.
        ascent: of ``attacks.ASCENTS``, ready to run.
        images: where to begin, ``[r * k, ...]``, all classes of the first repeat first.
        classes: numbers of the classes.
        start: where to begin in a space that is not one of images.
        searched: forward passes of each repeat that were spent on finding it.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> key_net, key_noise, key = jax.random.split(jax.random.key(0), 3)
        >>> ascent = fj.attacks.ascent(steps=4)
        >>> network = fj.models.build("softmax", key_net, (8, 8, 1), 3)
        >>> noise = jax.random.uniform(key_noise, (6, 8, 8, 1))  # 2 repeats of 3 classes
        >>> found = study.climb_repeats(key, network, ascent, noise, np.arange(3))
        >>> found.odds.shape, found.passes.tolist()  # [repeats, classes, moments]
        ((2, 3, 5), [3.0, 9.0, 15.0, 21.0, 27.0])
        >>> bool((found.odds[..., -1] > found.odds[..., 0]).all())
        True
    """
    repeats = len(images) // len(classes)
    # log p / (1 - p) is the margin of "more likely than not"
    goal = attacks.confident(attacks.reach(jnp.tile(classes, repeats)), 0.5)
    size = min(_BATCH, len(images))
    found = attacks.run(
        ascent, key, classifier, images, goal, batch_size=size, start=start, trace=True
    )
    split = lambda leaf: np.asarray(leaf).reshape(repeats, len(classes), *leaf.shape[1:])
    trace = split(found.trace).astype(np.float64)
    return Climbed(
        split(found.images),
        split(found.confidence),
        np.fmax.accumulate(np.where(np.isnan(trace), -np.inf, trace), axis=2),
        # moment i has cost each class i + 1 forward and i gradient passes
        searched + len(classes) * (2.0 * np.arange(trace.shape[2]) + 1.0),
        searched + split(found.forwards).sum(axis=1),
        split(found.gradients).sum(axis=1),
    )


def as_climbed(found: Evolved, children: int) -> Climbed:
    """Say what evolutions found and took as `climb_repeats` does: one serves all classes at once.

    Args:
        found: the evolutions.
        children: images made in a generation.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> history = np.array([[[0.5, 0.75, 0.99]]])  # of one run, for one class
        >>> evolved = study.Evolved(np.zeros((1, 1, 8, 8, 1)), history[..., -1], history)
        >>> found = study.as_climbed(evolved, children=20)
        >>> found.odds.round(2).tolist(), found.passes.tolist()
        ([[[0.0, 1.1, 4.6]]], [20.0, 40.0, 60.0])
    """
    inside = np.clip(found.history.astype(np.float64), _LEAST, _MOST)
    odds = np.log(inside) - np.log1p(-inside)
    repeats, _, moments = odds.shape
    return Climbed(
        found.images,
        found.confidence,
        odds,
        children * (1.0 + np.arange(moments)),
        np.full(repeats, children * moments),
        np.zeros(repeats, int),
    )
