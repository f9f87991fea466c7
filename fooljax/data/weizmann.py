"""Silhouettes of nine filmed people in ten actions."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from fooljax.data.dataset import Splits
from fooljax.data.npz import open_arrays, require
from fooljax.data.videos import Clips, gather, leave_out

FILE = "weizmann_silhouettes.npz"
LEFT_OUT = "daria"
ACTIONS = ("bend", "jack", "jump", "pjump", "run", "side", "skip", "walk", "wave1", "wave2")
PEOPLE = ("daria", "denis", "eli", "ido", "ira", "lena", "lyova", "moshe", "shahar")
RATE = 25.0
_SIZE = 96  # pixels of the square around a person
_AREA = 3  # pixels of a side that are averaged into one
_ARRAYS = ("bits", "offsets", "labels", "persons", "actions", "people", "shape")


def holds_weizmann(folder: Path) -> bool:
    """Tell whether the folder holds the silhouettes."""
    return (folder / FILE).is_file()


def read_weizmann(folder: Path, person: str = LEFT_OUT) -> Splits:
    """Return windows of 16 frames, one person left out of training and tested on.

    Args:
        folder: holds ``weizmann_silhouettes.npz``.
        person: who is left out, one of `PEOPLE`.

    Returns:
        uint8 videos ``[n, 16, 32, 32, 1]``, the person white.

    Raises:
        ValueError: if the file is missing or damaged, or nobody has that name.
    """
    if person not in PEOPLE:
        raise ValueError(f"nobody is called {person!r} in it; leave out one of {', '.join(PEOPLE)}")
    return leave_out(read_weizmann_clips(folder), person)


def read_weizmann_clips(folder: Path) -> Clips:
    """Return all windows, by sequence and person.

    Every frame is cut to 96x96 pixels around the silhouette's centroid, so that a network
    sees how a person moves and not where to, and averaged to 32x32.

    Raises:
        ValueError: if the file is missing or damaged.

    Source:
        Gorelick et al., 2007, Actions as Space-Time Shapes, PAMI 29(12); its protocol is to
        leave one person out.
    """
    path = folder / FILE
    if not path.is_file():
        raise ValueError(f"{folder}: {FILE} is missing")
    arrays = open_arrays(path)
    require(path, arrays, _ARRAYS)
    height, width = (int(side) for side in arrays["shape"])
    bits = np.unpackbits(arrays["bits"], axis=1)[:, : height * width]
    if bits.size != len(bits) * height * width or arrays["offsets"][-1] != len(bits):
        raise ValueError(f"{path}: its frames are not what shape and offsets say")
    frames = np.stack([_crop(frame) for frame in bits.reshape(-1, height, width)])
    clips = gather(
        np.split(frames, arrays["offsets"][1:-1]),
        arrays["labels"].tolist(),
        arrays["persons"].tolist(),
        tuple(str(name) for name in arrays["actions"]),
        tuple(str(name) for name in arrays["people"]),
        RATE,
    )
    return clips._replace(binary=True)


def _crop(frame: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "32 32 1"]:
    """Cut a square around the person, and make it smaller; black where the frame ends."""
    half, small = _SIZE // 2, _SIZE // _AREA
    places = np.nonzero(frame)
    row, column = (
        round(float(one.mean())) if one.size else side // 2
        for one, side in zip(places, frame.shape, strict=True)
    )
    square = np.pad(frame, half)[row : row + _SIZE, column : column + _SIZE]
    means = square.reshape(small, _AREA, small, _AREA).mean(axis=(1, 3))
    return np.round(255.0 * means).astype(np.uint8)[..., None]
