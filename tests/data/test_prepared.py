"""Sets prepared by tensorflow-datasets, read without TensorFlow."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from make_two_squares import CLASS_NAMES, SIZES, picture

from fooljax.data import load
from fooljax.data.prepared import find

PREPARED = Path(__file__).parent / "fixtures" / "two_squares.zip"


@pytest.fixture
def squares(tmp_path, monkeypatch):
    """A data folder that holds the prepared set, on a machine without TensorFlow."""
    monkeypatch.setattr("fooljax.data.prepared._has_tensorflow", lambda: False)
    with zipfile.ZipFile(PREPARED) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def in_order(images, labels):
    return sorted((np.asarray(i).tobytes(), int(n)) for i, n in zip(images, labels, strict=True))


def rewrite(path, change):
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def test_reads_a_prepared_set(squares):
    for part, split in zip(load("two_squares", str(squares)), SIZES, strict=True):
        truth = zip(*(picture(split, index) for index in range(SIZES[split])), strict=True)
        assert part.input_shape == (8, 8, 1)
        assert part.class_names == CLASS_NAMES
        assert in_order(part.images, part.labels) == in_order(*truth)


def test_resizes_on_request(squares):
    train, test = load("two_squares", str(squares), image_size=(4, 6))
    assert train.images.shape == (16, 4, 6, 1)
    assert test.images.shape == (4, 4, 6, 1)


def without_test(info):
    return {**info, "splits": [part for part in info["splits"] if part["name"] == "train"]}


def test_holds_out_a_fifth_where_there_is_no_test_split(squares):
    rewrite(squares / "two_squares" / "1.0.0" / "dataset_info.json", without_test)
    train, test = load("two_squares", str(squares))
    np.testing.assert_array_equal(np.bincount(train.labels), [6, 6])
    np.testing.assert_array_equal(np.bincount(test.labels), [2, 2])


def test_a_set_in_another_format_must_be_prepared_again(squares):
    info = squares / "two_squares" / "1.0.0" / "dataset_info.json"
    rewrite(info, lambda content: {**content, "fileFormat": "tfrecord"})
    with pytest.raises(ValueError, match=r"again with file_format=\"array_record\""):
        load("two_squares", str(squares))


def test_a_set_that_is_not_prepared_says_how_to(squares):
    with pytest.raises(FileNotFoundError) as caught:
        load("imagenette", str(squares))
    message = str(caught.value)
    assert message.startswith(f"imagenette: not prepared in {squares}/imagenette")
    assert 'pip install "fooljax[tfds]"' in message
    one_liner = message.split("python -c '")[1].split("'")[0]
    compile(one_liner, "message", "exec")
    assert f'tfds.builder("imagenette", data_dir="{squares}", file_format="array_record")' in (
        one_liner
    )
    with pytest.raises(FileNotFoundError, match="imagenette/160px-v2: not prepared in"):
        load("imagenette/160px-v2", str(squares))


def test_a_set_of_something_else_is_refused(squares):
    with pytest.raises(ValueError, match="not an image-classification set, its features are image"):
        load("binarized_mnist", str(squares))


def test_a_set_whose_code_needs_tensorflow_says_so(squares, monkeypatch):
    def builder(*_, **__):
        raise ModuleNotFoundError("No module named 'tensorflow'")

    monkeypatch.setattr("tensorflow_datasets.builder", builder)
    with pytest.raises(ModuleNotFoundError, match=r"coco: .*run pip install \"fooljax\[tfds\]\""):
        load("coco", str(squares))


def test_prepares_a_set_where_tensorflow_is_installed(squares, monkeypatch):
    """Only the call is checked here; making ``two_squares.zip`` is the real thing."""
    from tensorflow_datasets.core import DatasetBuilder

    asked = []
    monkeypatch.setattr("fooljax.data.prepared._has_tensorflow", lambda: True)
    monkeypatch.setattr(DatasetBuilder, "is_prepared", lambda builder: False)
    monkeypatch.setattr(
        DatasetBuilder, "download_and_prepare", lambda builder, **options: asked.append(options)
    )
    train, _ = load("two_squares", str(squares))
    assert asked == [{"file_format": "array_record"}]
    assert len(train.labels) == 16


def test_finds_nothing_under_other_names(squares):
    assert find("two_circles", str(squares)) is None
    assert find("two_squares", str(squares)).is_prepared()
