"""Two networks, and their twins in PyTorch."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.peers.pairs import Victim
from benchmarks.timing import say
from fooljax.models.layers import flatten, max_pool
from fooljax.models.unpadded import Unpadded
from fooljax.types import Classifier, Images, Logits

if TYPE_CHECKING:
    import torch

SHAPE, CLASSES = (28, 28, 1), 10
KNOWN = 2000
EPSILON = {"lenet": 0.1, "adversarial": 0.3}  # some images resist, some do not
_CAFFE_SCALE = 255 / 256  # LeNet's, see models.networks


class SmallLeNet(nn.Module):
    """LeNet with fewer channels and units."""

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, 10]``."""
        x = images * _CAFFE_SCALE
        x = max_pool(Unpadded(8, 5, name="conv1")(x))
        x = max_pool(Unpadded(16, 5, name="conv2")(x))
        x = nn.relu(nn.Dense(64, name="ip1")(flatten(x)))
        return nn.Dense(CLASSES, name="ip2")(x)


def victims(
    names: tuple[str, ...], *, images: int, weights: str | None, data_dir: str | None, cache: Path
) -> dict[str, Callable[[], Victim]]:
    """Return for each network what builds it, with the images to attack.

    Args:
        names: of networks: ``lenet``, ``adversarial``.
        images: to attack; the first ones of the test set that the network recognizes.
        weights: safetensors file for LeNet; random weights unless given.
        data_dir: where MNIST is; scikit-learn's digits unless given.
        cache: folder in which the trained network is kept.
    """
    build = {
        "lenet": lambda splits: _lenet(weights),
        "adversarial": lambda splits: _adversarial(splits.train, data_dir, cache),
    }

    def victim(name: str) -> Victim:
        splits = fj.data.load("digits" if data_dir is None else "mnist", data_dir)
        classifier = build[name](splits)
        test = np.asarray(fj.data.as_float(splits.test.images))
        answers = fj.training.predict(classifier, jnp.asarray(test))
        # an untrained network is asked to leave what it says
        random = name == "lenet" and weights is None
        labels = answers if random else np.asarray(splits.test.labels, np.int32)
        right = np.flatnonzero(answers == labels)
        return Victim(
            name,
            classifier,
            test[right[:images]],
            labels[right[:images]],
            test[right[images : images + 500]],
            jax.tree.map(lambda leaf: leaf[:KNOWN], splits.train),
            EPSILON[name],
        )

    return {name: lambda name=name: victim(name) for name in names}  # type: ignore[misc]


def _lenet(weights: str | None) -> Classifier:
    classifier = fj.models.build("lenet", jax.random.key(0), SHAPE, CLASSES)
    return classifier if weights is None else fj.models.load_weights(weights, classifier)


def _adversarial(known: Any, data_dir: str | None, cache: Path) -> Classifier:
    """Train the small network against PGD, unless it has been."""
    key_build, key_fit = jax.random.split(jax.random.key(1))
    classifier = fj.models.init_flax(key_build, SmallLeNet(), SHAPE, CLASSES)
    path = cache / f"adversarial_{'digits' if data_dir is None else 'mnist'}.safetensors"
    if path.is_file():
        return fj.models.load_weights(path, classifier)
    say("training the small network adversarially ...")
    recipe = fj.training.adversarial(1500)
    classifier, _ = fj.training.fit(key_fit, classifier, known, **recipe._asdict())
    fj.models.save_weights(path, classifier)
    return classifier


def twin(classifier: Classifier) -> "torch.nn.Sequential":
    """Return a LeNet of any width in PyTorch, with the same weights.

    It takes images ``[b, 1, h, w]`` in [0, 1]. Its weights ask for no gradient, as those of a
    network that is attacked do not.

    Args:
        classifier: a LeNet in Flax: layers conv1, conv2, ip1 and ip2.
    """
    import torch

    layers: dict[str, torch.nn.Module] = {}
    for name in ("conv1", "conv2", "ip1", "ip2"):
        weights = {key: np.asarray(one) for key, one in classifier.params[name].items()}
        kernel, bias = weights["kernel"], weights["bias"]
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
            layers[name] = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2:])
        else:
            kernel = kernel.T
            layers[name] = torch.nn.Linear(kernel.shape[1], kernel.shape[0])
        layers[name].load_state_dict(
            {"weight": torch.tensor(kernel.copy()), "bias": torch.tensor(bias.copy())}
        )

    class Scale(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images * _CAFFE_SCALE

    pool = lambda: torch.nn.MaxPool2d(2)
    order = [Scale(), layers["conv1"], pool(), layers["conv2"], pool(), torch.nn.Flatten()]
    order += [layers["ip1"], torch.nn.ReLU(), layers["ip2"]]
    return torch.nn.Sequential(*order).eval().requires_grad_(False)


def as_tensor(images: np.ndarray) -> "torch.Tensor":
    """Return images ``[b, h, w, c]`` as PyTorch has them, ``[b, c, h, w]``."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def as_images(tensor: "torch.Tensor") -> np.ndarray:
    """Return PyTorch's images as they are here, ``[b, h, w, c]``."""
    return tensor.detach().numpy().transpose(0, 2, 3, 1)


_logits = jax.jit(lambda classifier, images: classifier(images))


def answers(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Return the network's answers to images ``[b, h, w, c]``."""
    return np.asarray(jnp.argmax(_logits(classifier, images), axis=1))
