"""From a network to a classifier."""

from collections.abc import Callable, Mapping
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import unfreeze

from fooljax import checks
from fooljax.models.alexnet import AlexNet, CaffeNet
from fooljax.models.flax_apply import FlaxApply, explained, mode, tokens_of
from fooljax.models.foreign import check_kind
from fooljax.models.mobilenet import MobileNetV1, MobileNetV2
from fooljax.models.networks import MLP, LeNet, ResNet, SoftmaxRegression
from fooljax.models.ngram import CharacterNgrams
from fooljax.models.residual import ImageNetResNet
from fooljax.models.sound_cnn import SoundCNN
from fooljax.models.squeezenet import SqueezeNet
from fooljax.models.vgg import VGG
from fooljax.models.video_cnn import VideoCNN
from fooljax.spelling import meant
from fooljax.types import Classifier, Params, RandomKey

# For command lines; code says ``init_flax(key, LeNet(10), ...)``.
NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "softmax": SoftmaxRegression,
    "mlp": MLP,
    "lenet": LeNet,
    "resnet": ResNet,
    "video_cnn": VideoCNN,
    "ngram": CharacterNgrams,
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
    "sound_cnn": SoundCNN,
}


def from_flax(
    module: nn.Module, params: Params, input_shape: tuple[int, ...], num_classes: int
) -> Classifier:
    """Wrap a Flax Linen network and its weights.

    Equal modules make classifiers whose static parts are equal, so a network
    that is built twice is compiled once. It answers without dropout and by the running
    averages of BatchNorm: an argument ``train``, ``training``, ``is_training``,
    ``deterministic`` or ``use_running_average`` of the module's ``__call__`` is set so.
    ``training.fit`` sets it to training, and updates the other collections as Flax does.

    Args:
        module: maps images ``[b, h, w, c]`` in [0, 1] to logits ``[b, m]``.
        params: all variables as ``module.init`` returns them, or the ``params``
            collection alone if there is no other.
        input_shape: of one input: ``(h, w, c)`` of a picture, ``(t, 1)`` of a sound.
        num_classes: number of real classes, at most ``m``.

    Returns:
        A classifier whose ``params`` is the ``params`` collection, or all variables
        where there are others, ``{"params": ..., "batch_stats": ...}``.

    Raises:
        ValueError: if ``input_shape`` is not made of positive numbers,
            ``num_classes`` is not positive, the module's ``__call__`` needs more than
            images, or an attribute of it cannot be hashed.

    Example:
        >>> import flax.linen as nn
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> class Net(nn.Module):
        ...     @nn.compact
        ...     def __call__(self, images, train: bool):
        ...         x = nn.Conv(8, (3, 3), strides=2)(images)
        ...         x = nn.relu(nn.BatchNorm(use_running_average=not train)(x))
        ...         return nn.Dense(10)(x.reshape(len(x), -1))
        >>> variables = Net().init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)), train=False)
        >>> network = fj.models.from_flax(Net(), variables, (28, 28, 1), num_classes=10)
        >>> sorted(network.params)  # attacks see the running averages, `training.fit` moves them
        ['batch_stats', 'params']
        >>> network(jnp.zeros((2, 28, 28, 1))).shape
        (2, 10)
    """
    check_kind("from_flax", module)
    shape = checks.shape("input_shape", input_shape)
    num_classes = checks.count("num_classes", num_classes)
    try:
        hash(module)
    except TypeError as error:
        raise ValueError(
            f"{type(module).__name__} has an attribute that cannot be hashed; give tuples in "
            "place of lists, and numbers in place of arrays"
        ) from error
    mode(module, False)
    collections = False
    if isinstance(params, Mapping) and "params" in params:
        params = unfreeze(dict(params))
        collections = len(params) > 1
        params = params if collections else params["params"]
    apply = FlaxApply(module, collections)
    return Classifier(params, apply, shape, num_classes, tokens_of(module))


def init_flax(
    key: RandomKey, module: nn.Module, input_shape: tuple[int, ...], num_classes: int
) -> Classifier:
    """Draw fresh weights for a Flax Linen network and wrap both.

    Works inside ``jit``, ``vmap`` and ``eval_shape`` too.

    Args:
        key: decides the weights.
        module: maps images ``[b, h, w, c]`` in [0, 1] to logits ``[b, m]``.
        input_shape: ``(h, w, c)`` in pixels.
        num_classes: number of real classes, at most ``m``.

    Raises:
        ValueError: as ``from_flax``, and if the network cannot take such images.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> digits = fj.data.load("digits")
        >>> module = fj.models.MLP(10, hidden=(32,))
        >>> network = fj.models.init_flax(jax.random.key(0), module, (28, 28, 1), num_classes=10)
        >>> recipe = fj.training.quick(steps=60)
        >>> key, train = jax.random.key(1), digits.train
        >>> network, losses = fj.training.fit(key, network, train, **recipe._asdict())
        >>> fj.training.evaluate(network, digits.test) > 0.8
        True
    """
    classifier = from_flax(module, None, input_shape, num_classes)
    try:
        variables = _draw(key, module, classifier.input_shape)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{type(module).__name__} cannot take images {classifier.input_shape}: {error}"
        ) from error
    return from_flax(module, variables, input_shape, num_classes)


def build(
    name: str,
    key: RandomKey,
    input_shape: tuple[int, ...],
    num_classes: int,
    rejecting: int = 0,
) -> Classifier:
    """Build a network with fresh weights by its name.

    Many members of an ensemble are built at once, and taken out one by one::

        members = jax.vmap(lambda key: build("lenet", key, (28, 28, 1), 10))(keys)
        first = jax.tree.map(lambda leaf: leaf[0], members)

    Args:
        name: a key of ``NETWORKS``.
        key: decides the weights.
        input_shape: ``(h, w, c)`` in pixels, or the shape of another medium's input.
        num_classes: number of real classes.
        rejecting: further logits, which mean "none of these" (a fooling class).

    Raises:
        ValueError: if the name is unknown, the network cannot take such images, or
            ``rejecting`` is negative.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("lenet", jax.random.key(0), (28, 28, 1), num_classes=10)
        >>> network
        Classifier(28 x 28 x 1 -> 10 classes, 431,080 weights)
    """
    key, rejecting = checks.key(key), checks.count("rejecting", rejecting, 0)
    num_classes = checks.count("num_classes", num_classes)
    if not isinstance(name, str):
        raise ValueError(f"name must be that of a network, such as 'lenet', got {name!r}")
    if name not in NETWORKS:
        hint = meant(name, NETWORKS)
        raise ValueError(f"unknown network {name!r}; {hint}Name one of {', '.join(NETWORKS)}")
    shape = checks.shape("input_shape", input_shape)
    if len(shape) == 2 and shape[1] != 1:
        raise ValueError(
            f"input_shape must be (height, width, channels), or (t, 1) of sounds, got {shape}"
        )
    return init_flax(key, NETWORKS[name](num_classes + rejecting), input_shape, num_classes)


def _draw(key: RandomKey, module: nn.Module, input_shape: tuple[int, ...]) -> Params:
    """Draw all variables, inside any transformation and outside of all."""
    if isinstance(key, jax.core.Tracer):
        return _drawn(key, module, input_shape)
    with jax.ensure_compile_time_eval():  # the options below exist at the top level only
        return _drawn_once(key, module, input_shape)


def _init(key: RandomKey, module: nn.Module, input_shape: tuple[int, ...]) -> Params:
    """Draw weights; the forward pass that finds their shapes is compiled away."""
    reads = tokens_of(module) is not None
    images = jnp.zeros((1, *input_shape), jnp.int32 if reads else jnp.float32)
    with explained(module):
        return module.init(key, images, **mode(module, False))


_drawn = jax.jit(_init, static_argnums=(1, 2))
# Runs once: without optimization it compiles in a quarter of the time.
_drawn_once = jax.jit(
    _init, static_argnums=(1, 2), compiler_options={"xla_backend_optimization_level": 0}
)
