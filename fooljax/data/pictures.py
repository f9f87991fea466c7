"""Folders of pictures, one sub-folder for each class."""

from pathlib import Path

import numpy as np

from fooljax.data.dataset import Dataset, Splits, blame, from_arrays, hold_out_fifth
from fooljax.data.resize import stack

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def read_pictures(folder: Path, image_size: tuple[int, int] | None) -> Splits:
    """Read a folder of class folders of pictures.

    Folders ``train`` and ``test``, when both exist, are the split; otherwise a
    fifth is held out (`hold_out_fifth`). Pictures keep one channel if all are
    grey, and get three otherwise; transparency is dropped.

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
    divided = (folder / "train").is_dir() and (folder / "test").is_dir()
    parts = [_list(folder / "train"), _list(folder / "test")] if divided else [_list(folder)]
    names = tuple(parts[0])
    unknown = [name for name in parts[-1] if name not in names]
    if unknown:
        raise ValueError(f"{folder / 'test'}: class {', '.join(unknown)} has no folder in train")
    files = [(path, name) for part in parts for name in part for path in part[name]]
    pictures = [_open(path) for path, _ in files]
    if any(picture.shape[-1] == 3 for picture in pictures):
        pictures = [np.broadcast_to(p, (*p.shape[:2], 3)) for p in pictures]
    images = stack(pictures, [str(path) for path, _ in files], image_size)
    labels = np.array([names.index(name) for _, name in files])
    with blame(folder):
        if not divided:
            return hold_out_fifth(from_arrays(images, labels, names))
        cut = sum(len(paths) for paths in parts[0].values())
        halves: list[Dataset] = [
            from_arrays(images[:cut], labels[:cut], names),
            from_arrays(images[cut:], labels[cut:], names),
        ]
        return Splits(*halves)


def _list(folder: Path) -> dict[str, list[Path]]:
    """Return the pictures of every class folder, both in alphabetical order."""
    visible = lambda paths: sorted(path for path in paths if not path.name.startswith("."))
    classes = {
        home.name: [p for p in visible(home.iterdir()) if p.suffix.lower() in SUFFIXES]
        for home in visible(folder.iterdir())
        if home.is_dir()
    }
    if not classes:
        raise ValueError(f"{folder}: no folders in it; put the pictures of each class in its own")
    empty = [name for name, paths in classes.items() if not paths]
    if empty:
        raise ValueError(
            f"{folder}: no pictures in class folder {', '.join(empty)}; add some "
            f"({' '.join(SUFFIXES)}) or remove the folder"
        )
    return classes


def _open(path: Path) -> np.ndarray:
    """Decode one picture, uint8 ``[h, w, 1]`` if it is grey, otherwise ``[h, w, 3]``."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode.startswith("I"):  # 16 bits, which Pillow would clip
                return (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)[..., None]
            if picture.mode in ("1", "L", "LA"):
                return np.asarray(picture.convert("L"))[..., None]
            return np.asarray(picture.convert("RGBA").convert("RGB"))
    except Exception as error:  # the decoders raise what they like
        raise ValueError(
            f"{path}: broken, it cannot be read as a picture; replace or remove it"
        ) from error
