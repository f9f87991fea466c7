"""ImageNet networks by name: whose weights, and how to get them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp

from fooljax.models import hub
from fooljax.models.classifier import NETWORKS, from_flax
from fooljax.models.weights import load_weights
from fooljax.types import Classifier

CLASSES = 1000
_TIMM_VGG = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3"}
_TORCHVISION = "download.pytorch.org/models"


class Published(NamedTuple):
    """Where the weights of a network of ``NETWORKS`` come from.

    Attributes:
        pixels: height and width of its images unless others are asked for.
        origin: where its weights are from, in words.
        file: its place on the Hugging Face hub; None where they come as a file only.
        aliases: names in that file, by their beginnings, and what they are here.
        unused: beginnings or ends of names in published files that the network has no
            use for.
        files: beginnings of published files' names, other than its own.
    """

    pixels: int
    origin: str
    file: hub.File | None = None
    aliases: Mapping[str, str] = MappingProxyType({})
    unused: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


PUBLISHED: dict[str, Published] = {
    "alexnet": Published(224, f"torchvision: {_TORCHVISION}/alexnet-owt-7be5be79.pth"),
    "caffenet": Published(
        227,
        "Caffe: bvlc_reference_caffenet.caffemodel, to be converted",
        files=("bvlc_reference_caffenet",),
    ),
    "vgg16": Published(
        224,
        "torchvision, by way of timm",
        hub.File("timm/vgg16.tv_in1k", revision="3394518cba29aee1ea82a49d971be90d2dd1dab7"),
        _TIMM_VGG | {"head.fc": "classifier.6"},
    ),
    "vgg19": Published(
        224,
        "torchvision, by way of timm",
        hub.File(
            "timm/vgg19.tv_in1k",
            revision="128d4708565b3a414bcbb9bbad440b2fe37b9f18",
            sha256="11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669",
        ),
        _TIMM_VGG | {"head.fc": "classifier.6"},
    ),
    "resnet18": Published(
        224,
        "torchvision, by way of timm",
        hub.File(
            "timm/resnet18.tv_in1k",
            revision="590dfdd48494d2316a8385e1ca7fbec3b9359b35",
            sha256="694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
        ),
        unused=("num_batches_tracked",),
    ),
    "resnet50": Published(
        224,
        "torchvision (V1), by way of timm",
        hub.File(
            "timm/resnet50.tv_in1k",
            revision="aa6c2d36d56bc0209040c02b5a7b7d7bf11d57b8",
            sha256="5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
        ),
        unused=("num_batches_tracked",),
    ),
    "squeezenet1_1": Published(224, f"torchvision: {_TORCHVISION}/squeezenet1_1-b8a52dc0.pth"),
    "mobilenet_v1": Published(
        224,
        "TensorFlow Lite: mobilenet_v1_0.75_192_quant.tflite, dequantized",
        unused=("background",),
    ),
    "mobilenet_v2": Published(
        224,
        "TensorFlow Lite: mobilenet_v2_1.0_224_quant.tflite, dequantized",
        unused=("background",),
    ),
    "mobilenet_v2_torchvision": Published(
        224,
        f"torchvision: {_TORCHVISION}/mobilenet_v2-b0353104.pth",
        unused=("num_batches_tracked",),
        files=("mobilenet_v2-b0353104",),
    ),
}


def load_published(
    name: str, weights: str | os.PathLike | None = None, pixels: int | None = None
) -> Classifier:
    """Load an ImageNet network; nothing that it reads is ever executed.

    Args:
        name: a key of ``PUBLISHED``.
        weights: a ``.safetensors`` file; a PyTorch state dictionary (``.pth``), which
            needs ``fooljax[torch]``; a folder with a file that begins with the
            network's name; or ``hf:OWNER/REPOSITORY[/FILE][@REVISION]``. The network's
            own place on the Hugging Face hub unless given.
        pixels: height and width of the images; those of ``PUBLISHED`` unless given.

    Returns:
        A classifier of images ``[b, pixels, pixels, 3]`` into 1000 classes, its
        preprocessing inside.

    Raises:
        ValueError: if the name is unknown, the weights are damaged, unsafe or another
            network's, or the images are too small.
        OSError: if the weights are not there or cannot be downloaded.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> drawn = fj.models.build("squeezenet1_1", jax.random.key(0), (64, 64, 3), 1000)
        >>> fj.models.save_weights("squeezenet1_1.safetensors", drawn)  # stands for the published
        >>> network = fj.models.load_published("squeezenet1_1", "squeezenet1_1.safetensors")
        >>> network.input_shape, network.num_classes
        ((224, 224, 3), 1000)
        >>> try:  # where to get what cannot be fetched by name
        ...     fj.models.load_published("alexnet")
        ... except ValueError as error:
        ...     print("download.pytorch.org" in str(error))
        True
    """
    if not isinstance(name, str):
        raise ValueError(f"name must be that of a network, such as 'squeezenet1_1', got {name!r}")
    if name not in PUBLISHED:
        raise ValueError(f"unknown network {name!r}; name one of {', '.join(PUBLISHED)}")
    published = PUBLISHED[name]
    size = published.pixels if pixels is None else pixels
    path = _find(name, published, weights)
    shape = (size, size, 3)
    module = NETWORKS[name](CLASSES)
    blank = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    params = jax.eval_shape(module.init, jax.random.key(0), blank)["params"]
    template = from_flax(module, params, shape, CLASSES)
    return load_weights(path, template, aliases=published.aliases, unused=published.unused)


def _find(name: str, published: Published, weights: str | os.PathLike | None) -> Path:
    """Return where the weights lie, fetched if need be."""
    if weights is None:
        if published.file is None:
            raise ValueError(
                f"the weights of {name} cannot be fetched by name; they are from "
                f"{published.origin}; give --weights FILE"
            )
        return hub.fetch(published.file)
    if str(weights).startswith("hf:"):
        return hub.fetch(hub.parse(str(weights)))
    path = Path(weights).expanduser()
    if not path.is_dir():
        return path
    # mobilenet_v2_1.0_224.pth and vgg16-397923af.pth, not mobilenet_v2_torchvision or vgg16_bn
    names = "|".join(map(re.escape, (name, *published.files)))
    wanted = re.compile(rf"({names})([-.].*|_imagenet.*|_\d.*)?\.(safetensors|pth|pt)")
    found = sorted(file for file in path.iterdir() if wanted.fullmatch(file.name))
    others = [file for one in PUBLISHED.values() for file in one.files if one is not published]
    found = [file for file in found if not file.name.startswith((*others, "/"))]
    if len(found) != 1:
        what = "several files" if found else "no .safetensors or .pth file"
        raise ValueError(f"{path} has {what} whose name begins with {name}; give --weights FILE")
    return found[0]
