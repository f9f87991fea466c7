"""Small networks that JAX and PyTorch calculate from the same weights."""

import tempfile
from pathlib import Path
from typing import Any

import flax.linen as nn
import numpy as np

import fooljax as fj
from fooljax.models.layers import flatten, max_pool
from fooljax.models.unpadded import Unpadded
from fooljax.types import Classifier, Images


class Narrow(nn.Module):
    """The layers of LeNet with 8, 16 and 64 units."""

    outputs: int

    @nn.compact
    def __call__(self, images: Images) -> Any:
        """Return logits ``[b, outputs]``."""
        images = images * (255 / 256)
        for name, width in (("conv1", 8), ("conv2", 16)):
            images = max_pool(Unpadded(width, 5, name=name)(images))
        hidden = nn.relu(nn.Dense(64, name="ip1")(flatten(images)))
        return nn.Dense(self.outputs, name="ip2")(hidden)


def twin(classifier: Classifier) -> Any:
    """Return a LeNet of PyTorch with the weights of one of ours."""
    import torch
    from safetensors.numpy import load_file

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        fj.models.save_weights(file, classifier)
        weights = {name: torch.from_numpy(leaf.copy()) for name, leaf in load_file(file).items()}

    class LeNet(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            operation = torch.nn.functional
            layer = lambda name: (weights[f"{name}.weight"], weights[f"{name}.bias"])
            x = x * (255 / 256)
            for name in ("conv1", "conv2"):
                x = operation.max_pool2d(operation.conv2d(x, *layer(name)), 2)
            x = operation.relu(operation.linear(x.flatten(1), *layer("ip1")))
            return operation.linear(x, *layer("ip2"))

    return LeNet()


def as_torch(images: Images) -> Any:
    """Return images as PyTorch wants them, ``[b, c, h, w]``."""
    import torch

    return torch.from_numpy(np.asarray(images).transpose(0, 3, 1, 2).copy())
