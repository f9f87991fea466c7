"""How sets of photographs lie in folders, and what is said when they do not."""

import numpy as np
import pytest
from PIL import Image

from fooljax.data import load, loading, stream
from fooljax.data.photo_sets import open_streams
from fooljax.data.picture_files import center_crop


def picture(path, size=(9, 8), color=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (color, 100, 200)).save(path)


def flat(folder, labels=range(10), wnids=None):
    """Write pictures whose red is their number, and their table."""
    rows = ["label,file,wnid"]
    for i, label in enumerate(labels):
        picture(folder / f"{i}.png", color=i)
        rows.append(f"{label},{i}.png,{wnids[label] if wnids else ''}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def reds(half):
    return [int(image[0, 0, 0]) for image in half.images]


def test_the_second_of_every_five_rows_is_tested_on(tmp_path):
    flat(tmp_path / "imagenet" / "samples", labels=[*range(10)], wnids=[f"n{i}" for i in range(12)])
    (tmp_path / "imagenet" / "classes.txt").write_text("".join(f"name {i}\n" for i in range(12)))
    (tmp_path / "imagenet" / "wnids.txt").write_text("".join(f"n{i}\n" for i in range(12)))
    train, test = load("imagenet", str(tmp_path), (8, 8))
    assert reds(test) == [1, 6]
    assert reds(train) == [0, 2, 3, 4, 5, 7, 8, 9]
    np.testing.assert_array_equal(train.labels, reds(train))
    assert train.num_classes == 12
    assert train.class_names[7] == "name 7"


def test_folders_of_training_and_validation(tmp_path):
    for part, names in (("train", "ca"), ("val", "a")):
        for name in names:
            for i in range(3):
                picture(tmp_path / part / name / f"{i}.JPEG")
    streams = open_streams(tmp_path)
    assert streams.train.files[2:4] == ("a/2.JPEG", "c/0.JPEG")
    np.testing.assert_array_equal(streams.train.labels, [0, 0, 0, 1, 1, 1])
    assert streams.test.files == ("a/0.JPEG", "a/1.JPEG", "a/2.JPEG")
    assert streams.test.class_names == ("a", "c")
    assert streams.test.input_shape == (224, 224, 3)
    (tmp_path / "wnids.txt").write_text("c\nb\na\n")
    streams = open_streams(tmp_path)
    np.testing.assert_array_equal(streams.train.labels, [2, 2, 2, 0, 0, 0])
    assert streams.test.class_names == ("c", "b", "a")


@pytest.mark.parametrize("part", ["", "val"])
def test_a_fifth_of_every_class_without_a_folder_to_test_on(part, tmp_path):
    for name, count in (("a", 7), ("b", 1), ("c", 2)):
        for i in range(count):
            picture(tmp_path / part / name / f"{i}.png")
    streams = open_streams(tmp_path)
    assert streams.test.files == ("a/1.png", "a/6.png", "c/1.png")
    assert len(streams.train.files) == 7


def test_a_folder_of_the_users_own_is_read_like_imagenet(tmp_path):
    for part in ("train", "val"):
        picture(tmp_path / part / "a" / "x.png", (60, 30))
    train, _ = load(str(tmp_path), image_size=(12, 10))
    assert train.images.shape == (1, 12, 10, 3)


def test_load_reads_a_bounded_number(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "MOST", 4)
    flat(tmp_path / "imagenet", labels=[0, 0, 0, 0, 0, 0, 1, 1, 2, 2])
    train, test = load("imagenet", str(tmp_path), (8, 8))
    np.testing.assert_array_equal(train.labels, [0, 0, 1, 2])
    assert reds(train) == [0, 2, 7, 8]
    np.testing.assert_array_equal(test.labels, [0, 1])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file\n0.png\n", "labels.csv: column label missing; the first line must name"),
        ("", "column file, label missing"),
        ("0.png,1\n1.png,0\n", "column file, label missing; .* file and label, got '0.png,1'"),
        ("file,label\n0.png,cat\n", "line 2: label must be a whole number from 0 on, got 'cat'"),
        (f"file,label\n0.png,{'9' * 5000}\n", "line 2: label must be a whole number from 0 on"),
        ("file,label\n0.png,0\n1.png,10\n", "line 3: label must be a .* below 10, got 10"),
        ("file,label\n0.png,-1\n", "line 2: label must be a whole number"),
        ("file,label\n0.png\n", "line 2: label must be a whole number from 0 on, got ''"),
        ("file,label\n0.png,0\nx.png,1\n", "line 3: no picture .*x.png; restore it or remove"),
        ("file,label,wnid\n0.png,3,n4\n", "label 3 is n3 in wnids.txt, but the row says n4"),
        ("file,label\n0.png,3\n0.png,3\n", "a picture has two rows; leave one"),
        ("file,label\n0.png,3\n", "too few pictures to leave some to test on"),
    ],
)
def test_names_what_is_wrong_with_a_table(table, message, tmp_path):
    flat(tmp_path)
    (tmp_path / "wnids.txt").write_text("".join(f"n{i}\n" for i in range(10)))
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(ValueError, match=message):
        open_streams(tmp_path)


def test_class_tables_must_agree(tmp_path):
    flat(tmp_path, labels=range(3))
    (tmp_path / "wnids.txt").write_text("a\nb\nc\n")
    (tmp_path / "classes.txt").write_text("A\nB\n")
    with pytest.raises(ValueError, match=r"wnids.txt has 3 lines but classes.txt has 2"):
        open_streams(tmp_path)
    (tmp_path / "labels.csv").unlink()
    picture(tmp_path / "train" / "d" / "x.png")
    with pytest.raises(ValueError, match=r"class folder d is not in .*wnids.txt; add it there"):
        open_streams(tmp_path)
    (tmp_path / "wnids.txt").unlink()
    with pytest.raises(ValueError, match=r"classes.txt: 2 names for 1 classes"):
        open_streams(tmp_path)
    picture(tmp_path / "val" / "e" / "x.png")
    with pytest.raises(ValueError, match=r"val: class folder e is not in .*train; add it there"):
        open_streams(tmp_path)


def test_missing_folders(tmp_path, monkeypatch):
    monkeypatch.delenv("FOOLJAX_DATA_DIR", raising=False)
    with pytest.raises(FileNotFoundError, match=r"put its pictures into .*imagenet/train/WNID"):
        load("imagenet", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"with a labels.csv and pass --data-dir DIR"):
        load("imagenet")
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such folder; correct --data-dir"):
        load("imagenet", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        stream(str(tmp_path / "nowhere"))
    (tmp_path / "imagenet" / "val").mkdir(parents=True)
    with pytest.raises(ValueError, match="val: no folders in it; put the pictures of each class"):
        load("imagenet", str(tmp_path))


@pytest.mark.parametrize(
    ("size", "wanted", "scaled", "corner"),
    [
        ((256, 256), (224, 224), (256, 256), (16, 16)),
        ((500, 375), (224, 224), (341, 256), (16, 58)),
        ((300, 400), (256, 256), (256, 341), (42, 0)),
        ((90, 90), (56, 28), (64, 64), (4, 18)),
        ((640, 480), (299, 299), (456, 342), (22, 78)),
    ],
)
def test_crops_the_center_of_the_scaled_picture(size, wanted, scaled, corner):
    """As published, by Pillow's own resize and numpy's slices."""
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    picture = Image.fromarray(pixels)
    whole = np.asarray(picture.resize(scaled, Image.Resampling.BILINEAR))
    top, left = corner
    truth = whole[top : top + wanted[0], left : left + wanted[1]]
    np.testing.assert_array_equal(center_crop(picture, wanted), truth)
    if size == (256, 256):
        np.testing.assert_array_equal(truth, pixels[16:240, 16:240])


def test_extreme_shapes_have_the_size_asked_for():
    for size in ((3, 1000), (1000, 3), (1, 1)):
        assert center_crop(Image.new("L", size), (224, 200)).shape == (224, 200, 3)
