"""Inputs of any medium on a page: as pictures in every gallery, and as what they are."""

from collections.abc import Iterator, Sequence

import numpy as np

from fooljax.media import Medium, Pictures, Sounds, Texts, Videos
from fooljax.reporting import Html, join, sounds, table, texts, videos


def as_pictures(medium: Medium, inputs: np.ndarray) -> np.ndarray:
    """Return pictures of inputs: sounds' spectrograms, videos' frames, texts' letters.

    Args:
        medium: what the inputs are.
        inputs: ``[..., *shape]``, in [0, 1], uint8, or ids.

    Returns:
        ``[..., h, w, c]``; pictures as they are.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.media import Pictures, Videos
        >>> videos = np.zeros((2, 4, 8, 8, 1), np.float32)  # of 4 frames each
        >>> study.as_pictures(Videos(rate=8), videos).shape
        (2, 16, 16, 1)
        >>> pictures = np.zeros((2, 8, 8, 1), np.float32)
        >>> study.as_pictures(Pictures(), pictures) is pictures
        True
    """
    inputs = np.asarray(inputs)
    if isinstance(medium, Pictures):
        return inputs
    axes = {Sounds: 2, Videos: 4, Texts: 1}[type(medium)]
    flat = inputs.reshape(-1, *inputs.shape[inputs.ndim - axes :])
    drawn = np.stack([_drawn(medium, _in_range(one)) for one in flat])
    return drawn.reshape(*inputs.shape[: inputs.ndim - axes], *drawn.shape[1:])


def experience(
    medium: Medium,
    inputs: np.ndarray,
    captions: Sequence[str],
    confidences: Sequence[str] | None = None,
) -> Html:
    """Let the reader hear, watch or read some inputs; nothing of pictures, which are seen.

    Texts are lines of a table, the others stand side by side.

    Args:
        medium: what the inputs are.
        inputs: ``[n, *shape]``, in [0, 1], uint8, or ids.
        captions: one for each, such as the class.
        confidences: how sure the network is of each, in words.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.media import Pictures, Sounds
        >>> sounds = np.full((2, 800, 1), 0.5, np.float32)
        >>> study.experience(Sounds(8000), sounds, ("yes", "no")).markup.count("<audio")
        2
        >>> study.experience(Pictures(), np.zeros((1, 8, 8, 1)), ("cat",)).markup  # is seen
        ''
    """
    if isinstance(medium, Pictures):
        return Html("")
    if isinstance(medium, Texts):
        sure = () if confidences is None else (confidences,)
        lines = [texts.written(medium.spell(ids)) for ids in np.asarray(inputs)]
        head = ("Taken for", *("Confidence" for _ in sure), "Text")
        return table(head, list(zip(captions, *sure, lines, strict=True)), sortable=True)
    if confidences is not None:
        captions = [", ".join(both) for both in zip(captions, confidences, strict=True)]
    each = [
        _experienced(medium, _in_range(one), caption)
        for one, caption in zip(np.asarray(inputs), captions, strict=True)
    ]
    return join(Html('<div class="experience">'), *each, Html("</div>\n"))


def is_shown(medium: Medium, shape: tuple[int, ...]) -> bool:
    """Tell whether inputs of a shape can be shown as what their medium says.

    Example:
        >>> from fooljax import study
        >>> from fooljax.media import Pictures, Sounds
        >>> study.is_shown(Pictures(), (28, 28, 1)), study.is_shown(Sounds(8000), (800, 2))
        (True, False)
    """
    match medium:
        case Sounds():
            return len(shape) == 2 and shape[1] == 1
        case Videos():
            return len(shape) == 4 and shape[3] in (1, 3)
        case Texts():
            return len(shape) == 1
    return len(shape) == 3


def note(medium: Medium, shape: tuple[int, ...]) -> Iterator[str]:
    """Say what a page means by an image that is none; nothing of pictures.

    Args:
        medium: what the inputs are.
        shape: of one input.

    Example:
        >>> from fooljax import study
        >>> from fooljax.media import Pictures, Sounds
        >>> [words] = study.note(Sounds(8000), (4000, 1))
        >>> words.split(". ")[0].partition("means ")[2]
        'a sound of 4,000 samples, 0.5 seconds'
        >>> list(study.note(Pictures(), (28, 28, 1)))
        []
    """
    match medium:
        case Sounds(rate):
            yield (
                f"Wherever this page says image it means a sound of {shape[0]:,} samples, "
                f"{shape[0] / rate:.3g} seconds. Samples from -1 to 1 are counted from 0 to 1, so "
                "a distance is half of what it is in the waveform. Pictures of sounds are "
                "spectrograms: time from left to right, pitch from bottom to top."
            )
        case Videos(rate):
            frames, height, width = shape[:3]
            yield (
                f"Wherever this page says image it means a video of {frames} frames of "
                f"{width}x{height} pixels, {frames / rate:.3g} seconds. Pictures of videos show "
                "their frames in the order of reading."
            )


def _drawn(medium: Medium, one: np.ndarray) -> np.ndarray:
    match medium:
        case Sounds(rate):
            return sounds.spectrogram(one, rate)
        case Videos():
            return videos.sheet(one)
        case Texts():
            return texts.picture(medium.spell(one))
    return one


def _experienced(medium: Medium, one: np.ndarray, caption: str) -> Html:
    match medium:
        case Sounds(rate):
            return sounds.player(one, rate, caption)
        case Videos(rate):
            return videos.moving(one, rate, caption)
    return Html("")


def _in_range(one: np.ndarray) -> np.ndarray:
    """Return bytes as floats in [0, 1]; floats and ids as they are."""
    return one.astype(np.float32) / 255.0 if one.dtype == np.uint8 else one
