"""Which part of an image a network answers to: the same image again and again, partly hidden.

Everything here is thin on `answers_to`, which shows images through masks. What is hidden
is painted with a fill, see `fooljax.analysis.fills`; what is found depends on it.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import ArrayLike

from fooljax import backend, checks, interrupts
from fooljax.analysis import masks as parts_of
from fooljax.data import as_float, at_once
from fooljax.types import Classifier, Images, Logits

#: What an effect is measured in: the class's own logit, or log(p / (1 - p)).
Score: TypeAlias = Literal["logit", "log_odds"]

# On a CPU small batches stay in its cache: SqueezeNet is fastest with 4 images, LeNet with 100.
_NUMBERS, _MOST = 600_000, 128


def answers_to(
    classifier: Classifier,
    images: Images | np.ndarray,
    masks: ArrayLike,
    fill: ArrayLike,
    batch_size: int | None = None,
) -> Float[np.ndarray, "n m k"]:
    """Ask a network about images of which only a part is shown.

    Args:
        classifier: the network; new weights do not recompile.
        images: ``[n, h, w, c]`` in [0, 1].
        masks: over all axes of an image but its channels, ``[m, h, w]`` for all images or
            ``[n, m, h, w]`` for each; bool, or numbers in [0, 1]: 1 or True shows the image,
            0 or False the fill, what lies between both.
        fill: shown where the image is hidden, ``[n, h, w, c]`` or ``[1, h, w, c]`` in [0, 1];
            see `fooljax.analysis.fills`.
        batch_size: images shown at a time; decides memory and speed only. As many as fit
            into a CPU's cache unless given, and more elsewhere.

    Returns:
        The logits of every image behind every mask.

    Raises:
        ValueError: if images, masks or fill do not suit the classifier or each other.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> fill = fj.analysis.fills.plain(images, 0.5)
        >>> import numpy as np
        >>> masks = np.ones((1, 4, 4), bool)  # all is shown
        >>> answers = fj.analysis.answers_to(network, images, masks, fill)
        >>> bool(np.allclose(answers[:, 0], network(images), atol=1e-5))
        True
    """
    classifier, images, fill = checked(classifier, images, fill)
    seen = _masks(masks, images.shape)
    rows, columns = np.divmod(np.arange(len(images) * seen.shape[1]), seen.shape[1])
    logits = ask(classifier, images, seen, fill, rows, columns, batch_size)
    return logits.reshape(len(images), seen.shape[1], -1)


def occlusion(
    classifier: Classifier,
    images: Images | np.ndarray,
    targets: ArrayLike,
    fill: ArrayLike,
    size: int,
    stride: int = 1,
    score: Score = "logit",
    batch_size: int | None = None,
) -> Float[np.ndarray, "n ..."]:
    """Map what the network loses where a window is hidden.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]`` in [0, 1].
        targets: the class in question of each image, ``[n]``.
        fill: shown in the window, as for `answers_to`.
        size: side of the window in pixels.
        stride: from one window to the next, in pixels.
        score: what is lost: the class's logit, or its log-odds.
        batch_size: as for `answers_to`.

    Returns:
        For each pixel the mean loss over the windows that it lies in, ``[n, h, w]``;
        positive where the part speaks for the class.

    Raises:
        ValueError: as `answers_to`, or if windows or targets do not suit the images.

    Source:
        Zeiler and Fergus, 2014, arXiv:1311.2901, section 4.2; means over windows as in
        Captum's ``Occlusion``.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> fill = fj.analysis.fills.plain(images, 0.5)
        >>> fj.analysis.occlusion(network, images, labels, fill, size=2).shape
        (2, 4, 4)
    """
    windows = parts_of.windows(classifier.input_shape, size, stride)
    shown = np.concatenate([np.ones_like(windows[:1]), ~windows])
    logits = answers_to(classifier, images, shown, fill, batch_size)
    found = scores(logits, targets, classifier.num_classes, score)
    effects = found[:, :1] - found[:, 1:]
    return np.tensordot(effects, windows.astype(np.float32), 1) / windows.sum(axis=0)


def central_windows(
    classifier: Classifier,
    images: Images | np.ndarray,
    targets: ArrayLike,
    fill: ArrayLike,
    sizes: Sequence[float],
    batch_size: int | None = None,
) -> Float[np.ndarray, "n s"]:
    """Return the log-odds of each image's class where only its middle is shown.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]`` in [0, 1].
        targets: the class in question of each image, ``[n]``.
        fill: shown around the window, as for `answers_to`.
        sizes: side of each window as a share of the image's, in (0, 1].
        batch_size: as for `answers_to`.

    Raises:
        ValueError: as `answers_to`, or if a size or a target is out of its range.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> fill = fj.analysis.fills.plain(images, 0.5)
        >>> fj.analysis.central_windows(network, images, labels, fill, sizes=[0.5, 1.0]).shape
        (2, 2)
    """
    windows = parts_of.central(classifier.input_shape, sizes)
    logits = answers_to(classifier, images, windows, fill, batch_size)
    return scores(logits, targets, classifier.num_classes, "log_odds")


def scores(
    logits: Float[np.ndarray, "n m k"], targets: ArrayLike, num_classes: int, score: Score
) -> Float[np.ndarray, "n m"]:
    """Read off how much each image, behind each mask, shows its class.

    Args:
        logits: as `answers_to` returns them.
        targets: the class in question of each image, ``[n]``.
        num_classes: of the classifier.
        score: the class's logit, or its log-odds.

    Raises:
        ValueError: if a target is no class.
    """
    checks.choice("score", score, ("logit", "log_odds"))
    labels = np.asarray(checks.labels(targets, len(logits), num_classes, "targets"))
    own = np.take_along_axis(logits, labels[:, None, None], axis=2)[:, :, 0]
    if score == "logit":
        return own
    is_own = np.arange(logits.shape[2]) == labels[:, None, None]
    rest = np.where(is_own, -np.inf, logits).astype(np.float64)
    return own - scipy.special.logsumexp(rest, axis=2).astype(np.float32)


def checked(
    classifier: Classifier, images: Any, fill: Any
) -> tuple[Classifier, Float[Array, "n ..."], Float[Array, "g ..."]]:
    """Return what all of these functions are given, images and fill as float32.

    Raises:
        ValueError: if they do not suit each other.
    """
    classifier = checks.classifier(classifier)
    images = jnp.asarray(as_float(checks.images(images, classifier.input_shape)))
    fill = jnp.asarray(as_float(checks.images(fill, classifier.input_shape, "fill")))
    if len(fill) not in (1, len(images)):
        raise ValueError(
            f"fill must be one image, or one for each of {len(images)} images, got {len(fill)}"
        )
    return classifier, images, fill


def batch_of(classifier: Classifier, given: int | None) -> int:
    """Return how many images to show at a time."""
    if given is not None:
        return checks.count("batch_size", given)
    if not backend.on_cpu():
        return at_once(classifier.input_shape)
    return max(1, min(_MOST, _NUMBERS // math.prod(classifier.input_shape)))


def ask(
    classifier: Classifier,
    images: Images,
    masks: Bool[np.ndarray, "g m ..."],
    fill: Images,
    rows: Int[np.ndarray, " p"],
    columns: Int[np.ndarray, " p"],
    batch_size: int | None = None,
) -> Float[np.ndarray, "p k"]:
    """Ask about some pairs of an image and a mask, in batches of one size.

    Args:
        classifier: the network.
        images: ``[n, h, w, c]``, float32.
        masks: one set for all images, or one for each.
        fill: one for all images, or one for each.
        rows: numbers of the images.
        columns: numbers of their masks.
        batch_size: images shown at a time, as for `answers_to`.
    """
    size, found = batch_of(classifier, batch_size), list[Logits]()
    sets = np.minimum(rows, len(masks) - 1)
    for first in range(0, len(rows), size):
        interrupts.check()
        if len(found) > 1:  # never more than two batches ahead of the device
            found[-2].block_until_ready()
        # the last batch is filled up: one program, and equal bits however many there are
        places = np.minimum(np.arange(first, first + size), len(rows) - 1)
        seen = masks[sets[places], columns[places]]
        found.append(_ask(classifier, images, fill, seen, rows[places]))
    return np.concatenate(jax.device_get(found))[: len(rows)]


def paint(images: Images, seen: Float[Array, "b ..."], fill: Images) -> Images:
    """Show images where ``seen`` is 1, the fill where it is 0."""
    seen = jnp.expand_dims(seen, -1)
    return seen * images + (1.0 - seen) * fill


@jax.jit
def _ask(classifier: Classifier, images: Images, fill: Images, seen: Array, rows: Array) -> Logits:
    behind = fill[rows if len(fill) > 1 else jnp.zeros_like(rows)]
    return classifier(paint(images[rows], seen.astype(jnp.float32), behind))


def _masks(given: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return masks as ``[1, m, h, w]`` or ``[n, m, h, w]``."""
    array = np.asarray(checks.array("masks", given))
    sides = shape[1:-1]
    each = array if array.ndim > 1 + len(sides) else array[None]
    if each.shape[2:] != sides or len(each) not in (1, shape[0]) or not each.size:
        raise ValueError(
            f"masks must be [m, {', '.join(map(str, sides))}], or as many for each of "
            f"{shape[0]} images, got {array.shape}; a mask has no axis for channels"
        )
    if each.dtype == bool:
        return each
    return np.asarray(checks.in_unit_interval(each.astype(np.float32), "masks"))
