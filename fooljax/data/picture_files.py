"""Files of pictures: decoding one, and what a folder of them must be asked before."""

import functools
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from fooljax.data import deep_pictures

if TYPE_CHECKING:
    from PIL.Image import Image

_SHORTER = 256  # pixels that the shorter side is scaled to,
_CROP = 224  # of which this many remain
# EPS is left out, which Ghostscript would run, and what other programs would have to read
_DECODED = """
AVIF BMP DDS DIB FITS GIF ICNS ICO JPEG JPEG2000 MPO PCX PNG PPM PSD QOI SGI TGA TIFF WEBP
"""
_UNUSUAL = (".apng", ".fit", ".fits", ".gif", ".pfm", ".tif", ".tiff", ".webp")
_OF_LAYERS = ("ICNS", "MPO", "PSD")  # and not of several pictures


def survey(folder: Path, files: Sequence[str]) -> float | None:
    """Find the white that pictures of 32 bits or of floating point numbers share.

    Only files whose suffix allows for such pictures are opened. Files that hold several
    pictures are warned of: the first of each is read.

    Args:
        folder: where they are.
        files: paths in the folder.

    Returns:
        The value that becomes 255 (see `deep_pictures`); None if none is needed.

    Raises:
        ValueError: if one holds values below zero or no numbers, naming it.
    """
    highest: list[float] = []
    whole, several = True, []
    for file in files:
        if not file.lower().endswith(_UNUSUAL):
            continue
        try:
            with _opened(folder / file) as picture:
                if picture.format not in _OF_LAYERS and getattr(picture, "is_animated", False):
                    several.append(file)
                if not deep_pictures.lacks_white(picture):
                    continue
                pixels = np.asarray(picture)
        except Exception:
            continue  # it is named when its turn has come
        try:
            highest.append(deep_pictures.highest(pixels))
        except ValueError as error:
            raise ValueError(f"{folder / file}: {error}") from error
        whole = whole and pixels.dtype.kind != "f"
    if several:
        warnings.warn(
            f"{folder}: files that hold several pictures, of which the first is read: "
            f"{len(several)}, as {several[0]}",
            stacklevel=3,
        )
    return deep_pictures.white_above(max(highest), whole) if highest else None


def open_picture(path: Path, white: float | None = None) -> "Image":
    """Decode one picture: grey in mode L, everything else in mode RGB.

    It is turned as its camera says; more than 8 bits become 8; transparency is dropped.

    Args:
        path: the file.
        white: what is white in pictures of 32 bits or of floating point numbers, from
            `survey`.

    Raises:
        ValueError: if the file is broken, naming it.
        OSError: if there is no such file.
    """
    from PIL import Image, ImageOps

    if not path.is_file():
        if path.exists():
            raise ValueError(f"{path}: a folder, pipe or device and no picture; remove it")
        raise FileNotFoundError(f"{path}: no such picture; restore it")
    try:
        with _opened(path) as file:
            undecided = deep_pictures.lacks_white(file)
            picture = ImageOps.exif_transpose(file)
            if undecided and white is None:
                raise ValueError("it has 32 bits, which its suffix hides; call it .tif")
            if deep_pictures.is_deep(picture):
                pixels = np.asarray(picture)
                return Image.fromarray(deep_pictures.to_bytes(pixels, white if undecided else None))
            if picture.mode in ("1", "L", "LA"):
                return picture.convert("L")
            return picture if picture.mode == "RGB" else picture.convert("RGBA").convert("RGB")
    except Exception as error:  # the decoders raise what they like
        raise ValueError(
            f"{path}: broken, it cannot be read as a picture ({_reason(error)}); replace or "
            "remove it"
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator["Image"]:
    from PIL import Image

    with Image.open(path, formats=_known_formats()) as file:
        yield file


@functools.cache
def _known_formats() -> tuple[str, ...]:
    """Return those of the formats that this Pillow reads; AVIF is not always among them."""
    from PIL import Image

    Image.init()
    return tuple(name for name in _DECODED.split() if name in Image.OPEN)


def _reason(error: Exception) -> str:
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return "nothing that Pillow decodes" if text.startswith("cannot identify") else text


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
