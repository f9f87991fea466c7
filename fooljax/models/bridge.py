"""Networks that run outside XLA: their answers, and their gradients where they have any."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax.experimental.buffer_callback import buffer_callback

from fooljax.models.foreign import Preprocess
from fooljax.types import Images, Logits, Params

#: ``(context, out, *buffers)``: reads the buffers, writes ``out``, returns nothing.
Callback: TypeAlias = Callable[..., None]


@dataclass(frozen=True, eq=False)
class Outside:
    """A network that XLA calls and cannot look into. Compares by identity.

    Images arrive with all axes before an image's own folded into one, so that an attack on
    many images is one call of the network.

    Attributes:
        columns: logits of an image.
        forward: writes logits ``[..., m]`` of images ``[..., *shape]``.
        backward: writes the images' gradient, given images and the logits' cotangent; None
            where there is none.
        about: what it is, for messages.
        follow: does as ``forward`` where a gradient may be asked for next, and may keep what
            that needs; the same as ``forward`` unless given.
    """

    columns: int
    forward: Callback
    backward: Callback | None
    about: str
    follow: Callback | None = None


def apply(network: Outside, preprocess: Preprocess, params: Params, images: Images) -> Logits:
    """Return logits ``[b, m]``, as a `Classifier` does once both are bound."""
    del params
    return _answer(network, preprocess(images))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _answer(network: Outside, images: Images) -> Logits:
    return _call(network.forward, (len(images), network.columns), images)


def _remember(network: Outside, images: Images) -> tuple[Logits, Images]:
    follow = network.follow or network.forward
    return _call(follow, (len(images), network.columns), images), images


def _pull(network: Outside, images: Images, cotangent: Logits) -> tuple[Images]:
    if network.backward is None:
        raise ValueError(
            f"{network.about} only answers, it has no gradient; use what asks for none: evolution, "
            "or attacks.square, hop_skip_jump and others that the catalog calls blind"
        )
    return (_call(network.backward, images.shape, images, cotangent),)


_answer.defvjp(_remember, _pull)


def _call(function: Callback, shape: tuple[int, ...], *arrays: Any) -> Any:
    # a callback that returns arrays (jax.pure_callback) can hang on a single core
    result = jax.ShapeDtypeStruct(shape, jnp.float32)
    return buffer_callback(function, result, vmap_method="broadcast_all")(*arrays)
