"""Networks of other libraries: which adapter takes an object, and how images are handed over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from fooljax import checks
from fooljax.types import Classifier, Images

#: Modules whose classes are networks, and the adapter that takes them; the first that fits.
ADAPTERS = {
    "torch.nn": "from_torch",
    "flax.nnx": "from_nnx",
    "flax.linen": "from_flax",
    "equinox": "from_equinox",
    "keras": "from_keras",
}
_SIGNATURES = {
    "from_flax": "from_flax(module, variables, input_shape, num_classes)",
    "from_function": "from_function(function, input_shape, num_classes)",
}


@dataclass(frozen=True)
class Preprocess:
    """What a network wants done to images in [0, 1] before it sees them, said once.

    Applied in this order: scale, mean and std, then the order of the axes.

    Attributes:
        scale: factor of all pixels; 255 for a network that was trained on 0 to 255.
        mean: subtracted from each channel, in the units of the scaled pixels.
        std: each channel is divided by it then.
        channels_first: hand over ``[b, c, h, w]`` in place of ``[b, h, w, c]``.

    Raises:
        ValueError: if a number is not finite, or ``std`` or ``scale`` is 0.
    """

    scale: float = 1.0
    mean: Sequence[float] | float = 0.0
    std: Sequence[float] | float = 1.0
    channels_first: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", checks.real("scale", self.scale))
        for name in ("mean", "std"):
            given = getattr(self, name)
            values = (given,) if isinstance(given, float | int) else tuple(given)
            values = tuple(checks.real(name, value) for value in values)
            object.__setattr__(self, name, values)
        if self.scale == 0.0 or 0.0 in self.std:  # type: ignore[operator]
            raise ValueError("scale and std must not be 0: all images would look the same")

    def __call__(self, images: Images) -> Images:
        """Return what the network sees of images ``[b, ...]`` in [0, 1]."""
        images = images * self.scale
        if (self.mean, self.std) != ((0.0,), (1.0,)):
            axes = (*range(images.ndim - 1),)
            mean, std = (jnp.expand_dims(jnp.array(one), axes) for one in (self.mean, self.std))
            images = (images - mean) / std
        return jnp.moveaxis(images, -1, 1) if self.channels_first else images


AS_IS = Preprocess()
CHANNELS_FIRST = Preprocess(channels_first=True)
#: Channels and images as PyTorch's published ImageNet networks want them.
IMAGENET = Preprocess(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), channels_first=True)


def adapter_of(network: Any) -> str | None:
    """Return the name of the adapter for an object, None if it is no network that is known.

    No library is imported for it: an object of one has the library loaded. A class is none:
    what is made of it is.
    """
    if isinstance(network, type):
        return None
    for kind in type(network).__mro__:
        for module, adapter in ADAPTERS.items():
            if kind.__module__ == module or kind.__module__.startswith(f"{module}."):
                return adapter
    return None


def check_kind(adapter: str, network: Any) -> None:
    """Refuse an object that another adapter takes.

    Raises:
        ValueError: that names the right one.
    """
    if isinstance(network, Classifier):
        raise ValueError(f"{adapter} takes a network, got a Classifier; use it as it is")
    if isinstance(network, type):
        raise ValueError(
            f"{adapter} takes a network, got the class {network.__name__}; make one of it, "
            f"{network.__name__}(...)"
        )
    right = adapter_of(network)
    if right == adapter:
        return
    if right is None and adapter == "from_function" and callable(network):
        return
    if right is None:
        right = "from_function" if callable(network) else None
    what = f"{adapter} does not take {type(network).__module__}.{type(network).__qualname__}"
    if right is None:
        raise ValueError(f"{what}; give a network of that library, not its weights or its name")
    use = _SIGNATURES.get(right, f"{right}(module, input_shape, num_classes)")
    raise ValueError(f"{what}; use fooljax.models.{use}")
