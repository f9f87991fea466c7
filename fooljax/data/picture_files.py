"""Files of pictures: listing the classes of a folder, and decoding one picture."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_SHORTER = 256  # pixels that the shorter side is scaled to,
_CROP = 224  # of which this many remain


def list_classes(folder: Path) -> dict[str, list[str]]:
    """Return the file names in every class folder, both in alphabetical order.

    Raises:
        ValueError: if there is no class folder, or one without pictures.
    """
    classes = {
        home: [n for n in _visible(folder / home) if n.lower().endswith(SUFFIXES)]
        for home in _visible(folder)
        if (folder / home).is_dir()
    }
    if not classes:
        raise ValueError(f"{folder}: no folders in it; put the pictures of each class in its own")
    empty = [name for name, files in classes.items() if not files]
    if empty:
        raise ValueError(
            f"{folder}: no pictures in class folder {', '.join(empty)}; add some "
            f"({' '.join(SUFFIXES)}) or remove the folder"
        )
    return classes


def open_picture(path: Path) -> "Image":
    """Decode one picture: grey in mode L, everything else in mode RGB.

    It is turned as its camera says; 16 bits become 8; transparency is dropped.

    Raises:
        ValueError: if the file is broken, naming it.
        OSError: if there is no such file.
    """
    from PIL import Image, ImageOps

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such picture; restore it")
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode.startswith("I"):  # 16 bits, which Pillow would clip
                return Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype("u1"))
            if picture.mode in ("1", "L", "LA"):
                return picture.convert("L")
            return picture if picture.mode == "RGB" else picture.convert("RGBA").convert("RGB")
    except Exception as error:  # the decoders raise what they like
        raise ValueError(
            f"{path}: broken, it cannot be read as a picture; replace or remove it"
        ) from error


def center_crop(picture: "Image", size: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """Scale a picture without distorting it, and cut out its center, in color.

    The shorter side is scaled to 256 pixels (bilinear, antialiased) if the longer
    side of ``size`` is 224 to 256, and to 256/224 of that side otherwise.

    Args:
        picture: as from `open_picture`.
        size: ``(h, w)`` in pixels.

    Source:
        The evaluation of the networks that torchvision publishes; 224 of 256 is
        older, as in Krizhevsky et al., 2012 (ImageNet classification), section 5.
    """
    from PIL import Image

    height, width = size
    longer = max(size)
    shorter = _SHORTER if _CROP <= longer <= _SHORTER else round(longer * _SHORTER / _CROP)
    scaled = [shorter * side // min(picture.size) for side in picture.size]
    picture = picture.convert("RGB").resize((scaled[0], scaled[1]), Image.Resampling.BILINEAR)
    left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
    return np.asarray(picture.crop((left, top, left + width, top + height)))


def _visible(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))
