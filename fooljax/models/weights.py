"""Weights as files: safetensors with the names and layouts of PyTorch and Caffe.

A tensor is called by its place in the network, ``conv1.weight``, ``conv1.bias``,
``bn1.running_mean``. Counters, random keys and Python numbers are not exchanged.
Convolutions are stored (out, in, height, width) and linear layers (out, in);
here they are (height, width, in, out) and (in, out). Tables of vectors are (count, size).
Nothing is unpickled but by PyTorch's own reader of bare tensors, which executes no code.
"""

import dataclasses
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from flax import traverse_util

from fooljax.models.leaves import is_weight
from fooljax.types import Classifier

_HINT = "give --weights a safetensors file made for this network"
_PROBLEMS_SHOWN = 8
_AVERAGES = "batch_stats"
_TABLE = "embedding"  # what Flax calls the weight of nn.Embed
_TORCH = (".pth", ".pt", ".bin")
_TORCH_STATES = ("state_dict", "model_state_dict", "model")
_MOST_WRAPPERS = 3  # as torch.compile around DataParallel


def load_weights(
    path: str | os.PathLike,
    classifier: Classifier,
    *,
    aliases: Mapping[str, str] = MappingProxyType({}),
    unused: tuple[str, ...] = (),
) -> Classifier:
    """Replace a classifier's weights by published ones.

    Args:
        path: a safetensors file, or a PyTorch state dictionary (``.pth``, ``.pt``),
            which needs ``fooljax[torch]``.
        classifier: says which weights are expected; its params are nested
            dictionaries of arrays (or of their shapes), as those of every Flax
            Linen network.
        aliases: beginnings of names in the file, and what they are called here. A
            layer that the file stores as a convolution over its whole input may be
            dense here.
        unused: names, by beginning or end, that the file may have and the network
            does not use.

    Returns:
        The same network with the file's weights, in the types that it had.

    Raises:
        ValueError: if the file cannot be read, if a tensor is missing,
            unexpected or of another shape, or if a value is NaN or infinite.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> trained = fj.models.build("mlp", jax.random.key(0), (8, 8, 1), 10)
        >>> fj.models.save_weights("mlp.safetensors", trained)
        >>> fresh = fj.models.build("mlp", jax.random.key(1), (8, 8, 1), 10)
        >>> same = fj.models.load_weights("mlp.safetensors", fresh)
        >>> image = jax.random.uniform(jax.random.key(2), (1, 8, 8, 1))
        >>> bool((same(image) == trained(image)).all())
        True
    """
    flat, places = _places(classifier)
    shapes = {name: _stored_shape(*both) for name, both in places.items()}
    tensors = _named(_read(Path(path)), places.keys(), aliases)
    tensors = {
        name: tensor
        for name, tensor in tensors.items()
        if not (unused and (name.startswith(unused) or name.endswith(unused)))
    }
    for name in tensors.keys() & shapes.keys():
        tensor, shape = tensors[name], shapes[name]
        if aliases and tensor.ndim == 4 and len(shape) == 2 and tensor.size == np.prod(shape):
            tensors[name] = tensor.reshape(shape)

    problems = [f"{name} is missing" for name in sorted(places.keys() - tensors.keys())]
    problems += [f"{name} is unexpected" for name in sorted(tensors.keys() - places.keys())]
    for name in sorted(places.keys() & tensors.keys()):
        tensor = tensors[name]
        if tensor.shape != shapes[name]:
            problems.append(f"{name} has shape {tensor.shape} instead of {shapes[name]}")
        elif not jnp.issubdtype(tensor.dtype, jnp.floating):
            problems.append(f"{name} holds {tensor.dtype} instead of floating point numbers")
        elif not np.all(np.isfinite(tensor)):
            problems.append(f"{name} holds NaN or infinity")
        elif not np.all(np.isfinite(_typed(tensor, places[name][1].dtype))):
            problems.append(f"{name} holds numbers beyond {places[name][1].dtype}")
    if problems:
        more = len(problems) - _PROBLEMS_SHOWN
        shown = problems[:_PROBLEMS_SHOWN] + [f"and {more} more"] * (more > 0)
        raise ValueError(f"{path} does not fit the network: {'; '.join(shown)}; {_HINT}")

    loaded = {
        place: jnp.asarray(_from_stored(place, _typed(tensors[name], array.dtype)))
        for name, (place, array) in places.items()
    }
    params = traverse_util.unflatten_dict({**flat, **loaded})
    return dataclasses.replace(classifier, params=params)


def _typed(tensor: np.ndarray, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        return tensor.astype(dtype)


def save_weights(path: str | os.PathLike, classifier: Classifier) -> None:
    """Write a classifier's weights, for ``load_weights`` and for PyTorch.

    The file appears complete or not at all.

    Args:
        path: the file to write, replaced if it exists.
        classifier: its params are nested dictionaries of arrays.

    Example:
        >>> import jax
        >>> import safetensors.numpy
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 10)
        >>> fj.models.save_weights("softmax.safetensors", network)
        >>> for name, array in safetensors.numpy.load_file("softmax.safetensors").items():
        ...     print(name, array.shape)  # as PyTorch has them
        fc.bias (10,)
        fc.weight (10, 64)
    """
    path = Path(path)
    tensors = {
        name: np.ascontiguousarray(_to_stored(place, np.asarray(array)))
        for name, (place, array) in _places(classifier)[1].items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        safetensors.numpy.save_file(tensors, unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise ValueError(f"there is no file {path}; {_HINT}")
    if path.suffix in _TORCH:
        return _read_torch(path)
    try:
        return safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is truncated or not a safetensors file ({error}); {_HINT}"
        ) from error


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    """Read a state dictionary with PyTorch's reader of bare tensors."""
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            f'{path}: PyTorch files need pip install "fooljax[torch]"; or convert it once, where '
            "PyTorch is, to safetensors (docs/networks.md)"
        ) from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        # NumPy has no bfloat16, and takes no tensor that still asks for gradients
        plain = lambda tensor: tensor.float() if tensor.is_floating_point() else tensor
        for inside in _TORCH_STATES:  # a checkpoint of a training holds more beside it
            state = state[inside] if isinstance(state.get(inside), Mapping) else state
        return {name: plain(tensor.detach()).numpy() for name, tensor in state.items()}
    except Exception as error:  # PyTorch raises what it likes
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"{path} is damaged, or holds more than bare tensors, and is not opened ({reason}); "
            f"{_HINT}"
        ) from error


def _named(
    tensors: Mapping[str, np.ndarray], expected: Collection[str], aliases: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Call tensors what they are called here, without a beginning that a wrapper gave to all.

    ``torch.nn.DataParallel`` adds ``module.``, ``torch.compile`` ``_orig_mod.``.
    """
    best: dict[str, np.ndarray] = {}
    most = -1
    for _ in range(_MOST_WRAPPERS + 1):
        named = {_renamed(name, aliases): tensor for name, tensor in tensors.items()}
        if len(named.keys() & expected) > most:
            best, most = named, len(named.keys() & expected)
        beginnings = {name.partition(".")[0] for name in tensors}
        if len(beginnings) != 1 or not all("." in name for name in tensors):
            break
        tensors = {name.partition(".")[2]: tensor for name, tensor in tensors.items()}
    return best


def _renamed(name: str, aliases: Mapping[str, str]) -> str:
    """Call a tensor what it is called here."""
    for beginning, ours in aliases.items():
        if name.startswith(f"{beginning}."):
            return ours + name.removeprefix(beginning)
    return name


def _places(
    classifier: Classifier,
) -> tuple[dict[tuple[str, ...], Any], dict[str, tuple[tuple[str, ...], Any]]]:
    """Return all leaves by path, and by published name the path and the value of every weight."""
    if not isinstance(classifier.params, Mapping):
        raise ValueError(
            "weights can be exchanged only for networks whose params are nested dictionaries, "
            f"got {type(classifier.params).__name__}"
        )
    flat = traverse_util.flatten_dict(classifier.params, keep_empty_nodes=True)
    collections = "params" in classifier.params
    places: dict[str, tuple[tuple[str, ...], Any]] = {}
    for place, leaf in flat.items():
        if is_weight(leaf):
            name = _published_name(place[1:] if collections else place, place[0] == _AVERAGES)
            if name in places:
                raise ValueError(
                    f"weights cannot be exchanged: {'.'.join(places[name][0])} and "
                    f"{'.'.join(place)} would both be called {name}"
                )
            places[name] = (place, leaf)
    return flat, places


def _published_name(place: tuple[str, ...], average: bool) -> str:
    """Name a weight as PyTorch does: ``("conv1", "kernel")`` is ``conv1.weight``."""
    *layers, leaf = place
    theirs = (
        {"mean": "running_mean", "var": "running_var"}
        if average
        else {"kernel": "weight", "scale": "weight", _TABLE: "weight"}
    )
    return ".".join([*layers, theirs.get(leaf, leaf)])


def _stored_shape(place: tuple[str, ...], array: Any) -> tuple[int, ...]:
    """Return the shape that an array has in a file."""
    shape = tuple(array.shape)
    if place[-1] == _TABLE:
        return shape
    return (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape[::-1]


def _to_stored(place: tuple[str, ...], array: np.ndarray) -> np.ndarray:
    """Reorder HWIO to OIHW and (in, out) to (out, in)."""
    if place[-1] == _TABLE:
        return array
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T


def _from_stored(place: tuple[str, ...], array: np.ndarray) -> np.ndarray:
    """Reorder OIHW to HWIO and (out, in) to (in, out)."""
    if place[-1] == _TABLE:
        return array
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
