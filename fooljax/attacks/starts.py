"""Where a climb from nothing begins: starting images by name, add yours here, and CPPNs."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from fooljax import checks, encodings, evolution
from fooljax.types import Classifier, Genome, Images, RandomKey

_LEVEL = 1.0 / 255.0  # of a picture
_FAINT_SOUND = 0.005  # 0.01 of the waveform, whose scale is twice as long


class StartEntry(NamedTuple):
    """Starting images that can be asked for by name.

    Attributes:
        draw: ``(key, shape) -> images`` of this shape, ``[b, ...]``, in [0, 1].
        words: what they are.
        words_of_sounds: the same, where they are sounds.
    """

    draw: Callable[[RandomKey, tuple[int, ...]], Images]
    words: str
    words_of_sounds: str


def best_random_cppns(
    key: RandomKey, classifier: Classifier, targets: ArrayLike, candidates: int, repeats: int = 1
) -> Genome:
    """Draw random CPPNs, and find for each class the one that the network is surest of.

    It is where an ascent in the weights of CPPNs (`spaces.cppn`) begins: give it to `run` as
    ``start``. Such an ascent keeps the structure of a CPPN as it is, so what it can reach depends
    on where it begins.

    Args:
        key: decides all of them.
        classifier: the network.
        targets: classes to be shown, ``[n]``.
        candidates: how many are drawn in each repeat, for all classes together.
        repeats: independent draws.

    Returns:
        Genomes whose leaves have a leading axis of length ``repeats * n``, repeat after repeat.

    Raises:
        ValueError: if a number is out of its range.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> begin = fj.attacks.best_random_cppns(jax.random.key(1), network, [0, 2], 20)
        >>> {len(leaf) for leaf in jax.tree.leaves(begin)}
        {2}
    """
    classifier = checks.classifier(classifier)
    classes = np.atleast_1d(checks.whole(targets, "targets"))
    labels = checks.labels(classes, len(classes), classifier.num_classes, "targets")
    encoding = encodings.cppn(classifier.input_shape, coordinates="normalized", levels=None)
    count, repeats = checks.count("candidates", candidates), checks.count("repeats", repeats)
    search = evolution.repeat(evolution.map_elites(encoding, count))
    keys = jax.random.split(checks.key(key), repeats)
    state, _ = evolution.start(keys, search, classifier)
    flat = lambda leaf: jnp.asarray(np.asarray(leaf)[:, labels].reshape(-1, *leaf.shape[2:]))
    return jax.tree.map(flat, state.archive.genomes)


def _uniform(key: RandomKey, shape: tuple[int, ...]) -> Images:
    return jax.random.uniform(key, shape, dtype=jnp.float32)


def _around_grey(spread: float, spread_of_sound: float) -> Callable[..., Images]:
    """Draw Gaussian noise around the middle of the range; what lies beyond the range is cut off."""

    def draw(key: RandomKey, shape: tuple[int, ...]) -> Images:
        size = spread_of_sound if len(shape) == 3 else spread
        return jnp.clip(0.5 + size * jax.random.normal(key, shape, dtype=jnp.float32), 0.0, 1.0)

    return draw


STARTS: dict[str, StartEntry] = {
    "near_grey": StartEntry(
        _around_grey(_LEVEL, _FAINT_SOUND),
        "Grey with noise of one level in 255 (published)",
        "Silence with noise of a hundredth of full scale (root mean square)",
    ),
    "grey": StartEntry(_around_grey(0.0, 0.0), "Grey", "Silence"),
    "uniform_noise": StartEntry(_uniform, "Uniform noise", "Uniform noise, as loud as can be"),
    "gaussian_noise": StartEntry(
        _around_grey(0.25, 0.25),
        "Gaussian noise, mean 0.5, standard deviation 0.25",
        "Gaussian noise, half of full scale (root mean square)",
    ),
}
