"""Images where one works: below the cell of a notebook, or in a figure of one's own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from fooljax.reporting.overlays import in_color


def show(
    images: ArrayLike,
    captions: Sequence[str] | None = None,
    *,
    columns: int = 10,
    side: float = 1.1,
) -> None:
    """Draw images side by side in a new matplotlib figure, every pixel as it is.

    A notebook shows it below the cell; elsewhere ``matplotlib.pyplot.show()`` does, or
    ``savefig`` keeps it.

    Args:
        images: ``[n, h, w, c]`` in [0, 1], ``c`` 1 or 3.
        captions: a line or more for each image, below it.
        columns: images in a row, at most.
        side: of an image, in inches.

    Raises:
        ValueError: if the images are no pictures, or captions are not one for each.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> reporting.show(np.zeros((2, 8, 8, 1)), ["one", "two"])
    """
    import matplotlib.pyplot as plt

    pixels = np.asarray(images, np.float32)
    if pixels.ndim != 4 or pixels.shape[-1] not in (1, 3) or not len(pixels):
        raise ValueError(
            f"images must be [n, h, w, c], c 1 or 3, got {pixels.shape}; "
            "of one image give image[None]"
        )
    if captions is not None and len(captions) != len(pixels):
        raise ValueError(
            f"captions must be one for each of {len(pixels)} images, got {len(captions)}"
        )
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    columns = min(columns, len(pixels))
    rows = -(-len(pixels) // columns)
    lines = 0 if captions is None else max(str(one).count("\n") + 1 for one in captions)
    height = rows * (side + 0.2 * lines)
    figure, axes = plt.subplots(rows, columns, figsize=(columns * side, height), squeeze=False)
    for place, axis in enumerate(axes.flat):
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(visible=place < len(pixels), color="0.6", linewidth=0.5)
        if place < len(pixels):
            axis.imshow(in_color(pixels[place]).clip(0.0, 1.0), interpolation="nearest")
            if captions is not None:
                axis.set_title(str(captions[place]), fontsize=8, y=0, va="top", pad=-3)
    figure.tight_layout(pad=0.3)
