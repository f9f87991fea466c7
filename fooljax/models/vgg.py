"""VGG: sixteen or nineteen layers of 3x3 convolutions and dense ones."""

from flax import linen as nn

from fooljax.models.layers import average_to, convolution, flatten, max_pool, require, standardize
from fooljax.types import Images, Logits

_WIDTHS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """Five stages of convolutions, halving after each, and three dense layers.

    Attributes:
        outputs: number of logits.
        blocks: convolutions in each stage: (2, 2, 3, 3, 3) for VGG-16,
            (2, 2, 4, 4, 4) for VGG-19.

    Source:
        Simonyan and Zisserman, 2015, arXiv:1409.1556, table 1, columns D and E, with
        the names of torchvision.
    """

    outputs: int
    blocks: tuple[int, int, int, int, int] = (2, 2, 3, 3, 3)

    @nn.compact
    def __call__(self, images: Images) -> Logits:
        """Return logits ``[b, outputs]``; images of 224x224 pixels, at least 32x32."""
        require(images, 32, "VGG")
        x, layer = standardize(images), 0
        for width, count in zip(_WIDTHS, self.blocks, strict=True):
            for _ in range(count):
                x = nn.relu(convolution(width, 3, padding=1, name=f"features.{layer}")(x))
                layer += 2
            height, breadth = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
            x = max_pool(x[:, :height, :breadth])  # PyTorch leaves an odd row out
            layer += 1
        x = flatten(average_to(x, 7))
        x = nn.relu(nn.Dense(4096, name="classifier.0")(x))
        x = nn.relu(nn.Dense(4096, name="classifier.3")(x))
        return nn.Dense(self.outputs, name="classifier.6")(x)
