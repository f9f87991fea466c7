"""One entry point to every data set."""

import os
from pathlib import Path

import numpy as np

from fooljax.data.class_folders import holds_sounds
from fooljax.data.dataset import Splits
from fooljax.data.embedded import EMBEDDED
from fooljax.data.known import PUBLISHED, read_published
from fooljax.data.npz import read_npz
from fooljax.data.photo_sets import is_photo_set, open_streams
from fooljax.data.pictures import read_pictures
from fooljax.data.prepared import find, known_sets, read_prepared
from fooljax.data.resize import resize_dataset
from fooljax.data.sentence_files import TABLES, holds_texts, read_sentences
from fooljax.data.sounds import SoundLength, fit_sounds, read_sounds
from fooljax.data.streams import Streams, subset
from fooljax.data.suspicions import warn_of_dark_images, warn_of_empty_classes
from fooljax.data.video_files import are_videos, read_videos
from fooljax.media import kind
from fooljax.spelling import meant

IMAGENET = "imagenet"
# a name with a part, as fsdd:george, is not listed beside the name
NAMES = tuple(sorted(name for name in (*EMBEDDED, IMAGENET, *PUBLISHED) if ":" not in name))
MOST = 2000  # photographs of each half that load reads


def load(
    name: str,
    data_dir: str | None = None,
    image_size: tuple[int, int] | None = None,
    sound_length: SoundLength | None = None,
) -> Splits:
    """Load a data set into memory, already split for training and testing.

    Of ``imagenet``, and of a folder laid out like it (see `stream`), at most `MOST`
    photographs of each half are read, as evenly over the classes as can be.

    Args:
        name: one of `NAMES`; or a path to a folder of class folders of pictures,
            sounds, videos or texts, or to an ``.npz``, ``.tsv`` or ``.csv`` file; or a set
            of tensorflow-datasets. A known name comes first, so write ``./mnist`` for a
            folder of that name.
        data_dir: where data sets are kept, one folder each; by default the
            environment variable FOOLJAX_DATA_DIR. A known set that is not there
            is downloaded into the user's cache.
        image_size: ``(h, w)`` in pixels to resize every image to, bicubic,
            without regard to the aspect ratio; None keeps the size they have.
            Photographs are scaled and cropped instead, to 224 x 224 unless given.

        sound_length: rate and length that every sound is brought to; None keeps those
            that a known set has, and makes a folder's a second at 16,000 samples.

    Returns:
        Training and test set. The same call gives the same images in the same
        order on every machine. Data of your own are warned of if a class has no training
        images, or all are nearly black.

    Raises:
        ValueError: if the name is unknown, or the data are damaged or unfit.
        OSError: if something is not there, or cannot be downloaded.

    Example:
        >>> from fooljax import data
        >>> train, test = data.load("digits")
        >>> train.images.shape[1:], len(test.class_names)
        ((28, 28, 1), 10)
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"name must be a name or a path, got {name!r}")
    data_dir = find_data_dir(data_dir)
    size = _checked_size(image_size)
    if stays_on_disk(name):
        return Splits(*(subset(half, MOST) for half in stream(name, data_dir, size)))
    if name in EMBEDDED:
        splits = EMBEDDED[name](size)
        _refuse_size(name, splits, size)
        return _of_length(name, splits, sound_length)
    if name in PUBLISHED:
        splits = read_published(name, data_dir)
        _refuse_size(name, splits, size)
        return _of_length(name, _resized(splits, size), sound_length)
    path = Path(name).expanduser()
    if path.exists():
        if path.is_dir() and holds_sounds(path):
            return _read_sounds(path, size, sound_length)
        return _of_length(name, _read_path(path, size), sound_length)
    if _names_path(name):
        raise FileNotFoundError(
            f"{name}: no such file or folder; give a folder of class folders of pictures, "
            "sounds, videos or texts, or an .npz, .tsv or .csv file"
        )
    builder = find(name, data_dir)
    if builder is None:
        raise ValueError(_unknown(name))
    return _of_length(name, read_prepared(builder, name, data_dir, size), sound_length)


def stream(
    name: str, data_dir: str | None = None, image_size: tuple[int, int] | None = None
) -> Streams:
    """List the pictures of a set of photographs, to be read when they are needed.

    Args:
        name: ``imagenet``, which lies in ``DATA_DIR/imagenet``, or a path to a folder. Both
            hold ``train`` and ``val`` with class folders of pictures, or pictures with a
            ``labels.csv`` (columns file and label), or class folders; `open_streams` has
            the details.
        data_dir: as for `load`.
        image_size: ``(h, w)`` in pixels that pictures are scaled and cropped to; 224 x 224
            unless given.

    Raises:
        ValueError: if files are missing or contradict each other.
        OSError: if there is no such folder.

    Example:
        >>> from fooljax import data
        >>> pictures = data.stream("photographs/", image_size=(128, 128))  # doctest: +SKIP
    """
    size = _checked_size(image_size)
    if name == IMAGENET:
        return open_streams(_imagenet(find_data_dir(data_dir)), size)
    streams = open_streams(Path(name).expanduser(), size)
    labels = np.concatenate([half.labels for half in streams])
    warn_of_empty_classes(name, labels, streams.train.class_names)
    return streams


def stays_on_disk(name: str) -> bool:
    """Tell whether `load` reads a part of a set only, and `stream` gives all of it.

    Example:
        >>> from fooljax import data
        >>> data.stays_on_disk("imagenet"), data.stays_on_disk("digits")
        (True, False)
    """
    if name in NAMES:
        return name == IMAGENET
    path = Path(name).expanduser()
    return path.is_dir() and is_photo_set(path)


def _imagenet(data_dir: str | None) -> Path:
    """Find ImageNet's folder, or say how to make it."""
    if data_dir is not None and not Path(data_dir).is_dir():
        raise FileNotFoundError(
            f"{data_dir}: no such folder; correct --data-dir (or FOOLJAX_DATA_DIR)"
        )
    folder = Path(data_dir or "DIR") / IMAGENET
    if data_dir is None or not folder.is_dir():
        raise FileNotFoundError(
            f"{IMAGENET}: cannot be downloaded without registering at image-net.org; put its "
            f"pictures into {folder}/train/WNID and {folder}/val/WNID, or pictures of your own "
            "with a labels.csv" + (" and pass --data-dir DIR" if data_dir is None else "")
        )
    return folder


def find_data_dir(data_dir: str | None) -> str | None:
    """Return the folder with data sets: the one given, or that of FOOLJAX_DATA_DIR, if any."""
    return os.path.expanduser(data_dir or os.environ.get("FOOLJAX_DATA_DIR", "")) or None


def _read_path(path: Path, size: tuple[int, int] | None) -> Splits:
    """Read data of the user's own."""
    if path.suffix.lower() in TABLES or (path.is_dir() and holds_texts(path)):
        splits = read_sentences(path)
        _refuse_size(str(path), splits, size)
        return splits
    if path.is_dir():
        read = read_videos if are_videos(path) else read_pictures
        return _looked_at(path, read(path, size))
    if not path.is_file():
        raise ValueError(f"{path}: a pipe or device; save the data to a file first")
    if path.suffix.lower() != ".npz":
        raise ValueError(
            f"{path}: neither a folder of class folders of pictures, sounds, videos or texts nor "
            "an .npz, .tsv or .csv file; give one of these"
        )
    return _looked_at(path, _resized(_alike(path, read_npz(path)), size))


def _read_sounds(path: Path, size: tuple[int, int] | None, length: SoundLength | None) -> Splits:
    """Read sounds of the user's own."""
    if size is not None:
        raise ValueError(
            f"image_size (--image-size) is of pictures, and {path} holds sounds; leave it out"
        )
    splits = read_sounds(path, length or SoundLength())
    train = splits.train
    warn_of_empty_classes(str(path), np.asarray(train.labels), train.class_names)
    return splits


def _of_length(name: str, splits: Splits, length: SoundLength | None) -> Splits:
    """Bring sounds to a length; refuse one for anything else.

    Raises:
        ValueError: naming the flag.
    """
    if length is None or length == SoundLength():
        return splits
    if (what := kind(splits.train.medium)) != "sounds":
        flags = {"--sample-rate": length.rate, "--seconds": length.seconds}
        given = ", ".join(f"{flag} {one:.9g}" for flag, one in flags.items() if one is not None)
        raise ValueError(f"{given} is of sounds, and {name} holds {what}; leave it out")
    return Splits(*(fit_sounds(part, length) for part in splits))


def _alike(path: Path, splits: Splits) -> Splits:
    """Return training and test images of one shape.

    Raises:
        ValueError: if they are of two.
    """
    train, test = splits.train.input_shape, splits.test.input_shape
    if train != test:
        raise ValueError(
            f"{path}: training images are {train} but test images {test}; make them the same"
        )
    return splits


def _looked_at(path: Path, splits: Splits) -> Splits:
    """Return data of the user's own; what is suspicious about them is warned of."""
    train = splits.train
    warn_of_empty_classes(str(path), np.asarray(train.labels), train.class_names)
    warn_of_dark_images(str(path), train.images)
    return splits


def _resized(splits: Splits, size: tuple[int, int] | None) -> Splits:
    if size is None:
        return splits
    return Splits(*(resize_dataset(part, size) for part in splits))


def _refuse_size(name: str, splits: Splits, size: tuple[int, int] | None) -> None:
    """Refuse to resize what is no picture.

    Raises:
        ValueError: naming the flag.
    """
    what = kind(splits.train.medium)
    if size is not None and what != "pictures":
        raise ValueError(
            f"image_size (--image-size) is of pictures, and {name} holds {what}; leave it out"
        )


def _names_path(name: str) -> bool:
    """Tell a path from a name; ``imagenette/160px-v2`` is a name with a configuration."""
    first, *rest = name.replace(os.sep, "/").split("/")
    return name.lower().endswith((".npz", *TABLES)) or (bool(rest) and first not in known_sets())


def _checked_size(image_size: tuple[int, int] | None) -> tuple[int, int] | None:
    if image_size is None:
        return None
    two = isinstance(image_size, tuple | list) and len(image_size) == 2
    if not two or not all(isinstance(n, int) and n > 0 for n in image_size):
        raise ValueError(
            f"image_size (--image-size) must be two positive whole numbers, height and width, "
            f"got {image_size}"
        )
    height, width = image_size
    return height, width


def _unknown(name: str) -> str:
    """Say what there is instead, and what was probably meant."""
    hint = meant(name, [*NAMES, *known_sets()])
    return (
        f"no data set is called {name!r}; {hint}Known names are {', '.join(NAMES)}, "
        "the image-classification sets of tensorflow-datasets, and paths to a folder of class "
        "folders of pictures or to an .npz file"
    )
