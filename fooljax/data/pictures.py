"""Folders of pictures, one sub-folder for each class."""

from pathlib import Path

import numpy as np

from fooljax.data.class_folders import list_labelled
from fooljax.data.dataset import Dataset, Splits, blame, from_arrays, hold_out_fifth
from fooljax.data.picture_files import open_picture, survey
from fooljax.data.resize import stack


def read_pictures(folder: Path, image_size: tuple[int, int] | None) -> Splits:
    """Read a folder of class folders of pictures.

    Folders ``train`` and ``test``, when both exist, are the split; otherwise a
    fifth is held out (`hold_out_fifth`). Pictures keep one channel if all are
    grey, and get three otherwise; transparency is dropped. More than 8 bits become
    8, all pictures by one rule (`deep_pictures`).

    Args:
        folder: where the class folders are.
        image_size: ``(h, w)`` in pixels to resize to, without regard to the
            aspect ratio; None requires equal sizes.

    Returns:
        uint8 images; classes are the training folders in alphabetical order.

    Raises:
        ValueError: if there is no class, a class is empty, a picture is broken,
            sizes differ, or a test class is not among the training classes.
    """
    names, files, cut = list_labelled(folder)
    white = survey(folder, [str(path.relative_to(folder)) for path, _ in files])
    pictures = [_decode(path, white) for path, _ in files]
    if any(picture.shape[-1] == 3 for picture in pictures):
        pictures = [np.broadcast_to(p, (*p.shape[:2], 3)) for p in pictures]
    images = stack(pictures, [str(path) for path, _ in files], image_size)
    labels = np.array([names.index(name) for _, name in files])
    with blame(folder):
        if cut is None:
            return hold_out_fifth(from_arrays(images, labels, names))
        halves: list[Dataset] = [
            from_arrays(images[:cut], labels[:cut], names),
            from_arrays(images[cut:], labels[cut:], names),
        ]
        return Splits(*halves)


def _decode(path: Path, white: float | None) -> np.ndarray:
    """Decode one picture, uint8 ``[h, w, 1]`` if it is grey, otherwise ``[h, w, 3]``."""
    pixels = np.asarray(open_picture(path, white))
    return pixels[..., None] if pixels.ndim == 2 else pixels
