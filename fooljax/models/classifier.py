"""From a network to a classifier."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from fooljax.models.alexnet import AlexNet, CaffeNet
from fooljax.models.mobilenet import MobileNetV1, MobileNetV2
from fooljax.models.networks import MLP, LeNet, ResNet, SoftmaxRegression
from fooljax.models.residual import ImageNetResNet
from fooljax.models.squeezenet import SqueezeNet
from fooljax.models.vgg import VGG
from fooljax.types import Classifier, Images, Logits, Params, RandomKey

# For command lines; code says ``init_flax(key, LeNet(10), ...)``.
NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "softmax": SoftmaxRegression,
    "mlp": MLP,
    "lenet": LeNet,
    "resnet": ResNet,
    "alexnet": AlexNet,
    "caffenet": CaffeNet,
    "vgg16": VGG,
    "vgg19": partial(VGG, blocks=(2, 2, 4, 4, 4)),
    "resnet18": ImageNetResNet,
    "resnet50": partial(ImageNetResNet, blocks=(3, 4, 6, 3), bottleneck=True),
    "squeezenet1_1": SqueezeNet,
    "mobilenet_v1": MobileNetV1,
    "mobilenet_v2": MobileNetV2,
    "mobilenet_v2_torchvision": partial(MobileNetV2, origin="torchvision"),
}


def from_flax(
    module: nn.Module, params: Params, input_shape: tuple[int, ...], num_classes: int
) -> Classifier:
    """Wrap a Flax Linen network and its weights.

    Equal modules make classifiers whose static parts are equal, so a network
    that is built twice is compiled once.

    Args:
        module: maps images ``[b, h, w, c]`` in [0, 1] to logits ``[b, m]``.
        params: the module's ``params`` collection.
        input_shape: ``(h, w, c)`` in pixels.
        num_classes: number of real classes, at most ``m``.

    Raises:
        ValueError: if ``input_shape`` is not three positive numbers or
            ``num_classes`` is not positive.
    """
    shape = tuple(int(size) for size in input_shape)
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"input_shape must be (height, width, channels), got {input_shape}")
    if num_classes < 1:
        raise ValueError(f"num_classes must be positive, got {num_classes}")
    return Classifier(params, FlaxApply(module), shape, num_classes)


def init_flax(
    key: RandomKey, module: nn.Module, input_shape: tuple[int, ...], num_classes: int
) -> Classifier:
    """Draw fresh weights for a Flax Linen network and wrap both.

    Args:
        key: decides the weights.
        module: maps images ``[b, h, w, c]`` in [0, 1] to logits ``[b, m]``.
        input_shape: ``(h, w, c)`` in pixels.
        num_classes: number of real classes, at most ``m``.

    Raises:
        ValueError: as ``from_flax``, and if the network cannot take such images.
    """
    classifier = from_flax(module, None, input_shape, num_classes)
    params = _draw(key, module, classifier.input_shape)
    return from_flax(module, params, input_shape, num_classes)


def build(
    name: str,
    key: RandomKey,
    input_shape: tuple[int, ...],
    num_classes: int,
    rejecting: int = 0,
) -> Classifier:
    """Build a network with fresh weights by its name.

    Args:
        name: a key of ``NETWORKS``.
        key: decides the weights.
        input_shape: ``(h, w, c)`` in pixels.
        num_classes: number of real classes.
        rejecting: further logits, which mean "none of these" (a fooling class).

    Raises:
        ValueError: if the name is unknown, the network cannot take such images, or
            ``rejecting`` is negative.
    """
    if rejecting < 0:
        raise ValueError(f"rejecting must not be negative, got {rejecting}")
    if name not in NETWORKS:
        raise ValueError(f"unknown network {name!r}; known are {', '.join(NETWORKS)}")
    return init_flax(key, NETWORKS[name](num_classes + rejecting), input_shape, num_classes)


@dataclass(frozen=True)
class FlaxApply:
    """A module's forward pass, equal to every other of an equal module.

    The bound method ``module.apply`` compares by identity: as a static argument
    of ``jit`` it would compile anew for every module object.
    """

    module: nn.Module

    def __call__(self, params: Params, images: Images) -> Logits:
        """Return logits ``[b, m]``."""
        return cast(Logits, self.module.apply({"params": params}, images))


# Runs once: without optimization it compiles in a quarter of the time.
@partial(jax.jit, static_argnums=(1, 2), compiler_options={"xla_backend_optimization_level": 0})
def _draw(key: RandomKey, module: nn.Module, input_shape: tuple[int, ...]) -> Params:
    """Draw weights; the forward pass that finds their shapes is compiled away."""
    return module.init(key, jnp.zeros((1, *input_shape)))["params"]
