"""Prepare the tiny tensorflow-datasets set that the tests read without TensorFlow.

Run once, where TensorFlow is installed, from the repository root:

    pip install "fooljax[tfds]"
    python tests/data/make_two_squares.py

writes ``tests/data/fixtures/two_squares.zip``, which holds ``two_squares/1.0.0``
in the array_record format: 16 training and 4 test pictures, 8x8, one channel,
of two classes (zipped, for array_record pads every file to 128 kB). The one in
the repository was made by tensorflow-datasets 4.9.10 and TensorFlow 2.21.
``picture`` is the truth that the tests compare with; it needs only numpy.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np

CLASS_NAMES = ("left", "right")
SIZES = {"train": 16, "test": 4}


def picture(split: str, index: int) -> tuple[np.ndarray, int]:
    """Return picture ``[8, 8, 1]`` and label of one example; no two are alike."""
    label = index % 2
    image = np.full((8, 8, 1), 10 * index + (5 if split == "test" else 0), np.uint8)
    image[2:6, 4 * label : 4 * label + 4] = 255 - index
    return image, label


def prepare(data_dir: str) -> None:
    """Prepare the set under ``data_dir``."""
    import tensorflow_datasets as tfds

    class TwoSquares(tfds.core.GeneratorBasedBuilder):
        """A bright square on the left or on the right."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self) -> tfds.core.DatasetInfo:
            features = {
                "image": tfds.features.Image(shape=(8, 8, 1)),
                "label": tfds.features.ClassLabel(names=CLASS_NAMES),
            }
            features = tfds.features.FeaturesDict(features)
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(split) for split in SIZES}

        def _generate_examples(self, split):
            for index in range(SIZES[split]):
                image, label = picture(split, index)
                yield index, {"image": image, "label": label}

    TwoSquares(data_dir=data_dir, file_format="array_record").download_and_prepare()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        target = Path(__file__).parent / "fixtures" / "two_squares"
        target.parent.mkdir(exist_ok=True)
        shutil.make_archive(str(target), "zip", folder, "two_squares")
