"""What ImageNet's thousand classes are called."""

import functools
from importlib import resources


@functools.cache
def imagenet_names() -> tuple[str, ...]:
    """Return a short name, without repetition, for each of the 1000 classes, in their usual order.

    Source:
        The ILSVRC-2012 classes in the order of torchvision and Caffe.

    Example:
        >>> from fooljax import data
        >>> names = data.imagenet_names()
        >>> len(names), names[0], names[779]
        (1000, 'tench', 'school bus')
    """
    text = resources.files("fooljax.data").joinpath("imagenet_names.txt").read_text("utf-8")
    return tuple(text.splitlines())
