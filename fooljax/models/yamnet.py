"""YAMNet: which of 521 kinds of sound are heard in a second, each by itself.

Its 521 numbers are not exclusive: a bark is a dog, an animal and a domestic animal. The
published score of a class is the sigmoid of its logit. One more column, "none of these", is
always zero, so that the score of a class is its softmax against that column alone. The
classifier that `load_pretrained` returns says so (``exclusive=False``), and the score is what
attacks and searches climb and what they call confidence. In a softmax over all columns

* the share of a class is at most that score, ``e^z / (1 + e^z + the other e^z')``,
  and equal to it where no other class is heard: the share of "this class, and no
  other" if at most one sound is there. Whatever is confident at 0.99 here has a
  published score of at least 0.99;
* "none of these" wins exactly where no published score exceeds a half.

`presence` returns the scores, and `one_sound` asks about one class alone: is it there or not?
"""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.models.front_ends import frames, hann, magnitudes, require_sound, waveform
from fooljax.models.mobilenet import v1_body
from fooljax.types import Bound, Classifier, Images, Logits, Params

AUDIOSET_CLASSES = 521
YAMNET_RATE = 16_000
YAMNET_SAMPLES = 15_600
_FRAME, _HOP, _LENGTH, _BANDS = 400, 160, 512, 64
_QUIETEST, _LOUDEST = -6.915, 5.330  # what the published 8-bit network can represent


class YAMNet(nn.Module):
    """A MobileNetV1 that looks at a picture of 96 frames and 64 mel bands.

    Attributes:
        outputs: number of classes; one more logit, always zero, means none of them.

    Source:
        Plakal and Ellis, YAMNet (tensorflow/models, research/audioset/yamnet); Howard et
        al., 2017, arXiv:1704.04861; classes of Gemmeke et al., 2017, "Audio Set".
    """

    outputs: int = AUDIOSET_CLASSES

    @nn.compact
    def __call__(self, sounds: Images) -> Logits:
        """Return logits ``[b, outputs + 1]`` of sounds ``[b, 15600, 1]`` in [0, 1]."""
        require_sound(sounds, "YAMNet", YAMNET_SAMPLES, YAMNET_SAMPLES)
        x = _FrontEnd(name="frontend")(sounds)
        logits = v1_body(x[..., None], self.outputs, width=1.0)
        return jnp.pad(logits, ((0, 0), (0, 1)))


class _FrontEnd(nn.Module):
    """The logarithm of the magnitudes in mel bands; window, bands and offset are weights."""

    @nn.compact
    def __call__(self, sounds: Images) -> Float[Array, "b f m"]:
        window = self.param("window", lambda _: jnp.asarray(hann(_FRAME)))
        mel = self.param("mel", nn.initializers.uniform(0.1), (_LENGTH // 2 + 1, _BANDS))
        offset = self.param("offset", nn.initializers.constant(0.001), (_BANDS,))
        window, mel, offset = (part.astype(jnp.float32) for part in (window, mel, offset))
        heard = magnitudes(frames(waveform(sounds), _FRAME, _HOP), window, _LENGTH)
        logarithm = jnp.log(heard @ mel + offset[None, None, :])
        return jnp.clip(logarithm, _QUIETEST, _LOUDEST).astype(sounds.dtype)


def presence(logits: Float[Array, "*b m"]) -> Float[Array, "*b k"]:
    """Return the published scores: how surely each kind of sound is there, in [0, 1].

    Args:
        logits: of YAMNet, its last column "none of these".

    Example:
        >>> import jax
        >>> import numpy as np
        >>> from fooljax import models
        >>> logits = np.array([[4.0, 3.0, -5.0, 0.0]])  # dog, animal, rain; and none of these
        >>> print(np.asarray(models.presence(logits)).round(2))  # both are there
        [[0.98 0.95 0.01]]
        >>> print(np.asarray(jax.nn.softmax(logits)).round(2))  # classes share what there is
        [[0.72 0.27 0.   0.01]]
    """
    return jax.nn.sigmoid(logits[..., :-1])


def presence_in_clips(
    classifier: Classifier, clips: Images, hop: int = YAMNET_SAMPLES // 2
) -> Float[Array, "b k"]:
    """Return the published scores of longer sounds: the mean over windows.

    Args:
        classifier: YAMNet.
        clips: ``[b, t, 1]`` in [0, 1], of at least one window.
        hop: samples from one window to the next; the end that fills none is left out.

    Raises:
        ValueError: if the clips are shorter than a window, or ``hop`` is not positive.

    Example:
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> def hear(params, sounds):  # stands for YAMNet: one kind of sound, and none of these
        ...     loud = 20 * jnp.std(sounds, axis=(1, 2)) - 5
        ...     return jnp.stack([loud, jnp.zeros_like(loud)], axis=1)
        >>> network = fj.types.Classifier((), hear, (100, 1), num_classes=1)
        >>> clip = jnp.concatenate([jnp.full(200, 0.5), jnp.tile(jnp.array([0.0, 1.0]), 100)])
        >>> score = fj.models.presence_in_clips(network, clip[None, :, None], hop=100)
        >>> print(score.round(2))  # heard in two of four windows
        [[0.5]]
    """
    size, hop = classifier.input_shape[0], checks.count("hop", hop)
    require_sound(clips, "YAMNet", size)
    starts = range(0, clips.shape[1] - size + 1, hop)
    total = sum(presence(classifier(clips[:, start : start + size])) for start in starts)
    return jnp.asarray(total) / len(starts)


def one_sound(classifier: Classifier, label: int) -> Classifier:
    """Ask YAMNet about one class alone: is it there, or not?

    Args:
        classifier: YAMNet.
        label: the class.

    Returns:
        A classifier of two classes, ``label`` first, with the same params. Its softmax is
        the published score, so that what climbs it climbs the score, whatever else is heard.

    Raises:
        ValueError: if there is no such class.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> def hear(params, sounds):  # stands for YAMNet: dog, animal, rain, and none of these
        ...     return jnp.tile(jnp.array([4.0, 3.0, -5.0, 0.0]), (len(sounds), 1))
        >>> network = fj.types.Classifier((), hear, (100, 1), num_classes=3)
        >>> bark = jnp.zeros((1, 100, 1))
        >>> dog = fj.models.one_sound(network, 0)  # dog or not, whatever else it is
        >>> score = fj.models.presence(network(bark))[0, 0]  # as published
        >>> bool(abs(jax.nn.softmax(dog(bark))[0, 0] - score) < 1e-6)
        True
    """
    label = checks.count("label", label, 0)
    if label >= classifier.num_classes:
        raise ValueError(f"label must be in [0, {classifier.num_classes}), got {label}")
    apply = Bound(_one_sound, (classifier.apply, label))
    return dataclasses.replace(classifier, apply=apply, num_classes=2, exclusive=True)


def grouped(
    classifier: Classifier, groups: Sequence[Sequence[int]], *, rejecting: bool = True
) -> Classifier:
    """Let YAMNet answer which of a few groups of its classes it hears best.

    Args:
        classifier: YAMNet.
        groups: for each new class, the old ones that mean it; as of ESC-10, whose "rain"
            is "Rain", "Raindrop" and "Rain on surface".
        rejecting: keep "none of these" as the last column. Without it the network must
            choose: its softmax says which of the groups it is, not whether it is any, and
            can be near one where all published scores are low.

    Returns:
        A classifier of as many classes as there are groups, with the same params. The
        score of a group is the highest of its classes.

    Raises:
        ValueError: if there are less than two groups, one is empty, or a class is unknown.

    Example:
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> def hear(params, sounds):  # stands for YAMNet: dog, animal, rain, and none of these
        ...     return jnp.tile(jnp.array([4.0, 3.0, -5.0, 0.0]), (len(sounds), 1))
        >>> network = fj.types.Classifier((), hear, (100, 1), num_classes=3)
        >>> network = fj.models.grouped(network, [[2], [0, 1]])  # rain; animals
        >>> print(network(jnp.zeros((1, 100, 1))))  # the best of each group, and none of these
        [[-5.  4.  0.]]
    """
    rows = all(np.ndim(group) == 1 for group in groups)
    sets = tuple(tuple(int(label) for label in group) for group in groups) if rows else ()
    known = all(group and 0 <= min(group) <= max(group) < classifier.num_classes for group in sets)
    if len(sets) < 2 or not known:
        raise ValueError(
            "groups must be two or more rows of classes, each of one class at least in "
            f"[0, {classifier.num_classes}), got {checks.shown(groups)}"
        )
    apply = Bound(_grouped, (classifier.apply, sets, bool(rejecting)))
    exclusive = classifier.exclusive or not rejecting
    return dataclasses.replace(classifier, apply=apply, num_classes=len(sets), exclusive=exclusive)


def _grouped(
    apply: Callable,
    groups: tuple[tuple[int, ...], ...],
    rejecting: bool,
    params: Params,
    sounds: Images,
) -> Logits:
    logits = apply(params, sounds)
    best = [jnp.max(logits[:, jnp.array(group)], axis=1) for group in groups]
    return jnp.stack([*best, logits[:, -1]] if rejecting else best, axis=1)


def _one_sound(apply: Callable, label: int, params: Params, sounds: Images) -> Logits:
    logit = apply(params, sounds)[:, label]
    return jnp.stack([logit, jnp.zeros_like(logit)], axis=1)
