"""Folders of pictures, .npz files and names that are none."""

import numpy as np
import pytest
from PIL import Image

from fooljax.data import load

RNG = np.random.default_rng(0)


def picture(path, shape=(6, 5, 3)):
    """Write a random picture and return its pixels ``[h, w, c]``."""
    pixels = RNG.integers(0, 256, shape, np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if shape[-1] == 1 else pixels).save(path)
    return pixels


def test_holds_out_a_fifth_of_the_pictures(tmp_path):
    cats = [picture(tmp_path / "cat" / f"{i}.png") for i in range(7)]
    ants = [picture(tmp_path / "ant" / "one.PNG")]
    for name in (".hidden", "__MACOSX", "@eaDir"):
        (tmp_path / name).mkdir()
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._one.png"):
        (tmp_path / "ant" / name).write_text("of the system")
    train, test = load(str(tmp_path))
    assert train.class_names == test.class_names == ("ant", "cat")
    np.testing.assert_array_equal(train.images, [*ants, cats[0], *cats[2:6]])
    np.testing.assert_array_equal(train.labels, [0, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(test.images, [cats[1], cats[6]])
    np.testing.assert_array_equal(test.labels, [1, 1])


def test_train_and_test_folders_are_the_split(tmp_path):
    truth = {
        part: [picture(tmp_path / part / name / "x.png") for name in ("cat", "ant")]
        for part in ("train", "test")
    }
    picture(tmp_path / "train" / "dog" / "y.png")
    train, test = load(str(tmp_path))
    assert test.class_names == ("ant", "cat", "dog")
    np.testing.assert_array_equal(train.images[:2], truth["train"][::-1])
    np.testing.assert_array_equal(train.labels, [0, 1, 2])
    np.testing.assert_array_equal(test.images, truth["test"][::-1])
    np.testing.assert_array_equal(test.labels, [0, 1])


def test_all_grey_stays_grey(tmp_path):
    grey = [picture(tmp_path / "a" / f"{i}.png", (6, 5, 1)) for i in range(2)]
    train, test = load(str(tmp_path))
    np.testing.assert_array_equal([train.images[0], test.images[0]], grey)
    picture(tmp_path / "b" / "color.png")
    train, _ = load(str(tmp_path))
    np.testing.assert_array_equal(train.images[0], np.repeat(grey[0], 3, axis=-1))


def test_modes_of_pictures(tmp_path):
    home = tmp_path / "a"
    home.mkdir()
    red = Image.new("RGB", (4, 4), (200, 10, 30))
    red.convert("P", palette=Image.Palette.ADAPTIVE).save(home / "1.png")
    red.convert("RGBA").save(home / "2.png")
    red.save(home / "3.bmp")
    train, test = load(str(tmp_path))
    every = np.concatenate([train.images, test.images])
    np.testing.assert_array_equal(every, np.broadcast_to([200, 10, 30], (3, 4, 4, 3)))


def test_sixteen_bits_become_eight(tmp_path):
    values = np.linspace(0, 65535, 16).astype(np.uint16).reshape(4, 4)
    (tmp_path / "a").mkdir()
    Image.fromarray(values).save(tmp_path / "a" / "1.png")
    Image.fromarray(values).save(tmp_path / "a" / "2.png")
    train, _ = load(str(tmp_path))
    np.testing.assert_array_equal(train.images[0, ..., 0], values // 256)


def test_pictures_are_turned_as_their_camera_says(tmp_path):
    (tmp_path / "a").mkdir()
    pixels = RNG.integers(0, 256, (4, 6, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    for name in ("1.png", "2.png"):
        Image.fromarray(pixels).save(tmp_path / "a" / name, exif=exif)
    train, _ = load(str(tmp_path))
    np.testing.assert_array_equal(train.images[0], pixels[::-1, ::-1])


def test_sizes_must_agree_or_be_given(tmp_path):
    for i in range(3):
        picture(tmp_path / "a" / f"{i}.png")
    picture(tmp_path / "b" / "odd.png", (7, 5, 3))
    with pytest.raises(ValueError, match=r"b/odd.png: is 7x5 pixels while most are 6x5.*--image-s"):
        load(str(tmp_path))
    train, test = load(str(tmp_path), image_size=(8, 9))
    assert train.images.shape == (3, 8, 9, 3)
    assert test.images.shape == (1, 8, 9, 3)


def test_names_a_broken_picture(tmp_path):
    picture(tmp_path / "a" / "1.png", (40, 40, 3))
    whole = (tmp_path / "a" / "1.png").read_bytes()
    for broken in (whole[: len(whole) // 2], b"text", whole[:40] + bytes(40) + whole[80:]):
        (tmp_path / "a" / "2.png").write_bytes(broken)
        with pytest.raises(ValueError, match=r"a/2.png: broken, it cannot be read as a picture"):
            load(str(tmp_path))


def test_names_empty_classes(tmp_path):
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    with pytest.raises(ValueError, match="no pictures in class folder b, c; add some"):
        load(str(tmp_path))


def test_needs_class_folders(tmp_path):
    picture(tmp_path / "1.png")
    with pytest.raises(ValueError, match=f"{tmp_path}: no folders in it"):
        load(str(tmp_path))


def test_test_classes_must_be_trained_on(tmp_path):
    picture(tmp_path / "train" / "a" / "1.png")
    picture(tmp_path / "test" / "b" / "1.png")
    with pytest.raises(ValueError, match="test: class b has no folder in train"):
        load(str(tmp_path))


def test_a_lone_picture_cannot_be_tested_on(tmp_path):
    picture(tmp_path / "a" / "1.png")
    with pytest.raises(ValueError, match=f"{tmp_path}: no class has two images"):
        load(str(tmp_path))


IMAGES = RNG.integers(0, 256, (10, 4, 4, 1), np.uint8)
LABELS = np.arange(10) % 2


def test_reads_npz_and_holds_out_a_fifth(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, images=IMAGES, labels=LABELS, class_names=np.array(["even", "odd"]))
    train, test = load(str(path))
    np.testing.assert_array_equal(test.images, IMAGES[[2, 3]])
    np.testing.assert_array_equal(train.labels, np.delete(LABELS, [2, 3]))
    assert train.class_names == ("even", "odd")


def test_reads_npz_with_its_own_test_set(tmp_path):
    path = tmp_path / "x.npz"
    floats = (IMAGES / 255).astype(np.float32)
    np.savez(path, images=floats, labels=LABELS, test_images=floats[:3], test_labels=[2, 0, 1])
    with pytest.warns(UserWarning, match="x.npz: class 2 has no training images; add some"):
        train, test = load(str(path))
    np.testing.assert_array_equal(train.images, floats)
    np.testing.assert_array_equal(test.images, floats[:3])
    assert train.class_names == test.class_names == tuple("012")
    np.savez(path, images=floats, labels=LABELS)
    train, _ = load(str(path), image_size=(6, 7))
    assert train.images.shape == (8, 6, 7, 1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": IMAGES}, r"array images, labels missing \(it holds x\); save it with"),
        ({}, r"array images, labels missing \(it holds nothing\)"),
        (
            dict.fromkeys(("x_train", "y_train", "x_test", "y_test"), IMAGES),
            "images=x_train, labels=y_train, test_images=x_test, test_labels=y_test",
        ),
        ({"images": IMAGES, "labels": [*range(9), 10**6]}, "x.npz: there may be 100,000 classes"),
        (
            {"images": IMAGES, "labels": LABELS, "test_images": IMAGES},
            "array test_labels missing",
        ),
        ({"images": IMAGES[..., 0], "labels": LABELS}, "x.npz: images must have four axes"),
        ({"images": IMAGES, "labels": LABELS, "class_names": ["one"]}, r"labels must be in \[0, 1"),
        (
            {"images": IMAGES, "labels": LABELS, "test_images": IMAGES, "test_labels": LABELS[1:]},
            "test_images and test_labels: got 10 images but 9 labels",
        ),
        (
            {"images": IMAGES, "labels": LABELS.astype(object)},
            "cannot be read as plain arrays .*allow_pickle=False",
        ),
    ],
)
def test_names_what_is_wrong_with_an_npz(arrays, message, tmp_path):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        load(str(tmp_path / "x.npz"))


def test_refuses_what_is_no_npz(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"x.npz: not an .npz file, or a truncated one"):
        load(str(path))
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(
        ValueError, match=r"x.txt: neither a folder .* nor an .npz, .tsv or .csv file"
    ):
        load(str(tmp_path / "x.txt"))


@pytest.mark.parametrize("name", ["nowhere.npz", "./nowhere", "no/where"])
def test_missing_path(name):
    with pytest.raises(FileNotFoundError, match=f"{name}: no such file or folder"):
        load(name)


def test_a_known_name_comes_before_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i in range(2):
        picture(tmp_path / "digits" / "a" / f"{i}.png")
    assert load("digits").train.num_classes == 10
    assert load("./digits").train.class_names == ("a",)


@pytest.mark.parametrize("size", [(28,), (0, 28), (28.0, 28), (-1, 2)])
def test_image_size_must_be_two_numbers(size):
    with pytest.raises(ValueError, match=r"image_size \(--image-size\) must be two positive"):
        load("digits", image_size=size)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fashon_mnist", "no data set is called 'fashon_mnist'; did you mean fashion_mnist"),
        ("imagenete", "did you mean imagenette"),
        (
            "qqqqqqqq",
            "is called 'qqqqqqqq'; Known names are cifar10, cifar100, digits, ",
        ),
        ("what is this?", "no data set is called 'what is this"),
    ],
)
def test_unknown_names_list_the_known(name, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        load(name, str(tmp_path))
