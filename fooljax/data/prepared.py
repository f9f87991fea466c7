"""Image-classification sets of tensorflow-datasets, read without TensorFlow once prepared."""

import importlib.util
import logging
import re
from typing import Any

import numpy as np

from fooljax.data.dataset import Dataset, Splits, blame, from_arrays, hold_out_fifth
from fooljax.data.quiet import quiet
from fooljax.data.resize import resize, stack

_ABSL = logging.getLogger("absl")  # through which tensorflow-datasets talks


def read_prepared(
    builder: Any, name: str, data_dir: str | None, image_size: tuple[int, int] | None
) -> Splits:
    """Read a set of tensorflow-datasets; prepare it first where TensorFlow is installed.

    The whole set is held in memory. Its split "test" is the test set, or else
    "validation", or else a held-out fifth of "train".

    Args:
        builder: the set, from `find`.
        name: what it is called in an error.
        data_dir: where it is to be prepared; None is the default folder of
            tensorflow-datasets.
        image_size: ``(h, w)`` in pixels to resize to; None requires equal sizes.

    Raises:
        ValueError: if it is not made of images and labels, sizes differ, or it
            is prepared in a format that needs TensorFlow.
        OSError: if it is not prepared, and cannot be here.
    """
    with quiet(_ABSL):
        features = builder.info.features
        if not {"image", "label"} <= set(features or ()) or not hasattr(features["label"], "names"):
            raise ValueError(
                f"{name}: not an image-classification set, its features are "
                f"{', '.join(features or ['none'])}; choose one with image and label"
            )
        if not builder.is_prepared():
            _prepare(builder, name, data_dir)
        splits = builder.info.splits
        test = next((part for part in ("test", "validation") if part in splits), None)
        train = _read(builder, name, "train", image_size)
        if test is None:
            with blame(name):
                return hold_out_fifth(train)
        return Splits(train, _read(builder, name, test, image_size))


def find(name: str, data_dir: str | None) -> Any | None:
    """Return the tensorflow-datasets builder of a set, or None if there is no such set.

    Args:
        name: as in ``tfds.builder``, with an optional ``/config`` and ``:version``.
        data_dir: looked into first for a prepared set, then the default folder.

    Raises:
        ModuleNotFoundError: if the code of the set cannot run without TensorFlow.
    """
    import tensorflow_datasets as tfds

    if not re.split("[/:]", name)[0].isidentifier():
        return None
    builders = []
    with quiet(_ABSL):
        for folder in dict.fromkeys((data_dir, None)):
            try:
                builders.append(tfds.builder(name, data_dir=folder))
            except tfds.core.registered.DatasetNotFoundError:
                continue
            except ModuleNotFoundError as error:
                raise ModuleNotFoundError(
                    f"{name}: tensorflow-datasets needs another package even to describe this "
                    'set, most often TensorFlow; run pip install "fooljax[tfds]"'
                ) from error
        prepared = (builder for builder in builders if builder.is_prepared())
        return next(prepared, builders[0] if builders else None)


def known_sets() -> list[str]:
    """Return the names of all sets of tensorflow-datasets, of images or not."""
    import tensorflow_datasets as tfds

    with quiet(_ABSL):
        return tfds.list_builders(with_community_datasets=False)


def _has_tensorflow() -> bool:
    return importlib.util.find_spec("tensorflow") is not None


def _prepare(builder: Any, name: str, data_dir: str | None) -> None:
    """Download and prepare a set with TensorFlow, or tell how to."""
    if not _has_tensorflow():
        where = "" if data_dir is None else f", data_dir={data_dir!r}"
        raise FileNotFoundError(
            f"{name}: not prepared in {builder.data_path}, and preparing needs TensorFlow; "
            'run pip install "fooljax[tfds]" and load it again, or prepare it elsewhere with '
            "python -c 'import tensorflow_datasets as tfds; "
            f'tfds.builder("{name}"{where.replace(chr(39), chr(34))}, '
            'file_format="array_record").download_and_prepare()\' '
            "and name its folder with --data-dir"
        )
    builder.download_and_prepare(file_format="array_record")


def _read(builder: Any, name: str, split: str, size: tuple[int, int] | None) -> Dataset:
    """Decode one split into memory."""
    from rich.console import Console
    from rich.progress import track

    try:
        source = builder.as_data_source(split)
    except NotImplementedError as error:
        raise ValueError(
            f"{name}: prepared in {builder.data_path} in a format that needs TensorFlow; "
            'prepare it again with file_format="array_record"'
        ) from error
    title, console = f"{name} {split}", Console(stderr=True)
    images, labels = [], []
    for index in track(range(len(source)), title, console=console, transient=True):
        example = source[index]
        images.append(example["image"] if size is None else resize(example["image"], size))
        labels.append(example["label"])
    with blame(title):
        names = [f"picture {index}" for index in range(len(images))]
        return from_arrays(
            stack(images, names, size), np.array(labels), builder.info.features["label"].names
        )
