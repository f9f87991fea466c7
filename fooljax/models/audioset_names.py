"""What the kinds of sound that YAMNet knows are called."""

import functools
from importlib import resources


@functools.cache
def audioset_names() -> tuple[str, ...]:
    """Return the names of YAMNet's 521 classes, without repetition, in the order of its logits.

    Source:
        ``yamnet_class_map.csv`` of tensorflow/models (research/audioset/yamnet, Apache-2.0);
        the classes are those of Gemmeke et al., 2017, "Audio Set".

    Example:
        >>> from fooljax import models
        >>> names = models.audioset_names()
        >>> len(names), names[0], names[-1]
        (521, 'Speech', 'Field recording')
        >>> names.index("Dog")  # its column of the logits
        69
    """
    text = resources.files("fooljax.models").joinpath("audioset_names.txt").read_text("utf-8")
    return tuple(text.splitlines())
