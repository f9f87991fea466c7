"""Images that nobody has made against a network, from flags: noise, and pictures of others."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import UInt8
from numpy.typing import ArrayLike

from fooljax import data
from fooljax.media import Medium, Sounds
from fooljax.runtime import inputs
from fooljax.study.cells import key_of
from fooljax.study.making import Maker
from fooljax.study.run import Run, Settings
from fooljax.study.unaimed import CONTROLS, gaussian, pictures, uniform
from fooljax.study.victim_data import blame


def noises(
    seed: int, shape: tuple[int, ...], count: int
) -> dict[str, UInt8[np.ndarray, "n h w c"]]:
    """Make uniform noise, and Gaussian noise around grey.

    Args:
        seed: of the run.
        shape: of an image.
        count: of images of each kind.

    Example:
        >>> from fooljax import study
        >>> found = study.noises(seed=0, shape=(8, 8, 1), count=5)
        >>> {name: (images.shape, str(images.dtype)) for name, images in found.items()}
        {'uniform noise': ((5, 8, 8, 1), 'uint8'), 'Gaussian noise': ((5, 8, 8, 1), 'uint8')}
    """
    draw = lambda name, kind: as_bytes(kind(key_of(seed, images=name), (count, *shape)))
    kinds = {"uniform noise": uniform, "Gaussian noise": gaussian}
    return {name: draw(name, kind) for name, kind in kinds.items()}


def load_others(
    run: Run[Settings], flag: str, names: Sequence[str], shape: tuple[int, ...], most: int
) -> dict[str, UInt8[np.ndarray, "n h w c"]]:
    """Load pictures of other things, in the size that a network takes.

    Args:
        run: remembers which pictures it was begun with.
        flag: that asked for them, with its dashes.
        names: as ``data.load_others`` takes them.
        shape: of an image.
        most: of images of each kind.

    Raises:
        ValueError, OSError: if they cannot be had, or are others than the run was begun
            with, naming the flag.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> settings = SimpleNamespace(victim=study.Victim(), run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> found = study.load_others(run, "--outliers", ("photographs",), (28, 28, 1), most=5)
        >>> found["photographs"].shape
        (5, 28, 28, 1)
    """
    with blame(flag):
        found = {
            name: data.load_others(name, shape, run.config.victim.data_dir, most) for name in names
        }
    inputs.same_images(run.folder, {f"{flag} {name}": one for name, one in found.items()})
    return found


def choose_outsiders(
    run: Run[Settings], flag: str, names: Iterable[str], shape: tuple[int, ...], most: int
) -> dict[str, Maker]:
    """Return ways to get images that nobody made against a network.

    Args:
        run: remembers which pictures it was begun with.
        flag: that asked for them, with its dashes.
        names: of `CONTROLS`, or as ``data.load_others`` takes them.
        shape: of an image.
        most: of pictures that are loaded, of each kind.

    Raises:
        ValueError, OSError: as `load_others`.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> settings = SimpleNamespace(victim=study.Victim(), run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> names = ("noise", "inverted")
        >>> found = study.choose_outsiders(run, "--outliers", names, (28, 28, 1), most=5)
        >>> list(found), found["inverted"].words
        (['noise', 'inverted'], 'real ones with black and white exchanged')
    """

    def find(name: str) -> Maker:
        if name in CONTROLS:
            return CONTROLS[name]
        images = data.as_float(load_others(run, flag, [name], shape, most)[name])
        return pictures(images, f"pictures of another kind ({name})")

    return {name: find(name) for name in names}


def as_stored(images: ArrayLike, medium: Medium) -> np.ndarray:
    """Round pictures and videos to bytes; samples of a sound keep every bit.

    At 8 bits a sound has a noise of its own, 50 dB below the loudest tone.
    """
    return np.asarray(images) if isinstance(medium, Sounds) else as_bytes(images)


def as_bytes(images: ArrayLike) -> UInt8[np.ndarray, "..."]:
    """Round images in [0, 1] as a picture file does.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> study.as_bytes(np.array([0.0, 0.5, 1.0])).tolist()
        [0, 128, 255]
    """
    return np.round(np.asarray(images) * 255.0).astype(np.uint8)
