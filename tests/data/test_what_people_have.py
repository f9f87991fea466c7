"""Deep, moving and oddly named pictures; text as Windows saves it; what is suspicious."""

import os
import warnings

import numpy as np
import pytest
from PIL import Image

from fooljax.data import load, stream, take
from fooljax.data.picture_files import open_picture
from fooljax.data.text_files import read_lines, read_text

RAMP = np.tile(np.linspace(0.0, 1.0, 16), (16, 1))


def write(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def rows(folder, **options):
    """The first row of every picture, by class and name."""
    train, test = load(str(folder), **options)
    images = np.concatenate([train.images, test.images])
    return images[:, 0, :, 0].astype(int)


@pytest.mark.parametrize(
    ("top", "dtype", "white"),
    [
        (1.0, np.float32, 1),
        (255.0, np.float32, 255),
        (100.0, np.float64, 127),
        (255, np.int32, 255),
        (4095, np.int32, 4095),
        (65535, np.int32, 65535),
        (2**31 - 1, np.int32, 2**31 - 1),
    ],
)
def test_deep_pictures_share_one_white(top, dtype, white, tmp_path):
    """Half as bright stays half as bright: no picture is stretched by itself."""
    for name, share in (("1", 1.0), ("2", 0.5), ("3", 1.0)):
        write(tmp_path / "a" / f"{name}.tif", (share * top * RAMP).astype(dtype))
    found = rows(tmp_path)  # the second is tested on, and so comes last
    truth = np.floor(top * RAMP[0]) if np.issubdtype(dtype, np.integer) else top * RAMP[0]
    np.testing.assert_allclose(found[0], 255 * truth / white, atol=0.51)
    np.testing.assert_allclose(found[2], 255 * truth / white / 2, atol=1.01)
    assert len(set(found[0])) == 16


def test_pictures_on_disk_share_the_white_of_both_halves(tmp_path):
    for part, share in (("train", 0.25), ("val", 1.0)):
        write(tmp_path / part / "a" / "x.tiff", np.full((9, 9), share * 1000, np.float32))
    train, test = stream(str(tmp_path), image_size=(16, 16))
    assert train.white == test.white == 1023
    assert np.all(take(test, [0]).images == round(255 * 1000 / 1023))
    assert np.all(take(train, [0]).images == round(255 * 250 / 1023))


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_refuses_a_picture_that_does_not_say_what_is_black(bad, tmp_path):
    write(tmp_path / "a" / "1.tif", RAMP.astype(np.float32))
    write(tmp_path / "a" / "2.tif", np.where(RAMP == 0, bad, RAMP).astype(np.float32))
    for read in (load, stream):
        with pytest.raises(ValueError, match=r"a/2.tif: holds values .* nothing says which is bl"):
            read(str(tmp_path))


def test_sixteen_bits_have_the_white_of_their_type(tmp_path):
    values = np.round(65535 * RAMP).astype(np.uint16)
    for name in ("1.png", "2.tif"):
        write(tmp_path / "a" / name, values)
    Image.fromarray(values.astype(np.int32)).save(tmp_path / "a" / "3.pgm")
    np.testing.assert_array_equal(rows(tmp_path), np.tile(values[0] >> 8, (3, 1)))


def test_twelve_bits_in_sixteen_are_warned_of(tmp_path):
    for name in "12":
        write(tmp_path / "a" / f"{name}.png", np.round(4095 * RAMP).astype(np.uint16))
    with pytest.warns(UserWarning, match="all images are nearly black, no value is above 15 wher"):
        load(str(tmp_path))


def test_a_deep_picture_with_another_suffix_is_named(tmp_path):
    Image.fromarray(RAMP.astype(np.float32)).save(tmp_path / "x.tif")
    (tmp_path / "x.tif").rename(tmp_path / "x.png")
    with pytest.raises(ValueError, match=r"x.png: broken.*32 bits, which its suffix hides"):
        open_picture(tmp_path / "x.png")


@pytest.mark.parametrize(
    "suffix", ["jfif", "JPE", "webp", "tga", "jp2", "pcx", "qoi", "bmp", "ico"]
)
def test_reads_what_pillow_reads(suffix, tmp_path):
    (tmp_path / "a").mkdir()
    kind = {"jfif": "JPEG", "jpe": "JPEG", "jp2": "JPEG2000"}.get(suffix.lower(), suffix)
    for name in "12":
        Image.new("RGB", (16, 16), (200, 10, 30)).save(tmp_path / "a" / f"{name}.{suffix}", kind)
    train, _ = load(str(tmp_path))
    np.testing.assert_allclose(train.images[0, 8, 8], [200, 10, 30], atol=6)


def test_moving_pictures_are_warned_of_and_the_first_is_read(tmp_path):
    frames = [Image.new("L", (8, 8), value) for value in (200, 50)]
    for name in ("1.gif", "2.gif", "3.tif"):
        (tmp_path / "a").mkdir(exist_ok=True)
        frames[0].save(tmp_path / "a" / name, save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="hold several pictures, of which the first is read: 3, a"):
        found = rows(tmp_path)
    assert np.all(found == 200)


def test_what_is_left_out_is_counted(tmp_path):
    for name in ("a/1.png", "a/2.png", "beside.png", "a/deeper/3.png"):
        write(tmp_path / name, np.uint8(255 * RAMP))
    for name in ("a/x.txt", "a/y.txt", "a/z.eps", "a/README"):
        (tmp_path / name).write_text("no picture")
    with pytest.warns(UserWarning, match="if they are pictures") as caught:
        load(str(tmp_path))
    message = str(caught[0].message)
    for part in ("2 .txt files", "1 pictures beside the class folders", "1 folders in class"):
        assert part in message


def test_postscript_is_run_by_nobody(tmp_path, monkeypatch):
    """Pillow would hand it to Ghostscript, whatever the file is called."""
    ran = tmp_path / "ran"
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    script = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / "x.png").write_text(script)
    with pytest.raises(ValueError, match=r"x.png: broken, .*nothing that Pillow decodes"):
        open_picture(tmp_path / "x.png")
    assert not ran.exists()


def test_pipes_are_refused_and_not_waited_for(tmp_path):
    write(tmp_path / "a" / "1.png", np.uint8(255 * RAMP))
    os.mkfifo(tmp_path / "a" / "2.png")
    with pytest.raises(ValueError, match=r"a/2.png: a folder, pipe or device and no picture"):
        load(str(tmp_path))
    os.mkfifo(tmp_path / "x.npz")
    with pytest.raises(ValueError, match=r"x.npz: a pipe or device; save the data to a file"):
        load(str(tmp_path / "x.npz"))
    (tmp_path / "cifar10").mkdir()
    os.mkfifo(tmp_path / "cifar10" / "test_batch.bin")
    (tmp_path / "cifar10" / "data_batch_1.bin").write_bytes(b"")
    with pytest.raises(ValueError, match=r"data_batch_2\.bin.*test_batch\.bin missing"):
        load("cifar10", str(tmp_path))


NAMES = ("Grün, hell", "Straße", "x\u2028y")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_text_in_any_encoding_with_a_mark(encoding, newline, tmp_path):
    text = newline.join((*NAMES, "", "  "))
    (tmp_path / "x").write_bytes(text.encode(encoding))
    assert read_lines(tmp_path / "x") == NAMES


def test_text_without_a_mark(tmp_path):
    (tmp_path / "x").write_bytes("Grün… hell".encode("cp1252"))
    with pytest.warns(UserWarning, match="x is not in UTF-8; it is read as Windows-1252"):
        assert read_text(tmp_path / "x") == "Grün… hell"
    for raw in ("Grün".encode("utf-16-le"), b"\x81\xff", b"\xff\xfea"):
        (tmp_path / "x").write_bytes(raw)
        with pytest.raises(ValueError, match=r"x: .*; save it as UTF-8"):
            read_text(tmp_path / "x")


@pytest.mark.parametrize(
    "table",
    [
        'Label , FILE\r\n0,"a, b.png"\r\n1,c.png\r\n',
        '"file";"label";"more"\n"a, b.png";0;x\nc.png;1;y\n',
        "file\tlabel\na, b.png\t0\n\nc.png\t1\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_tables_as_spreadsheets_save_them(table, encoding, tmp_path):
    for name in ("a, b.png", "c.png"):
        write(tmp_path / name, np.uint8(255 * RAMP))
    (tmp_path / "labels.csv").write_bytes(table.encode(encoding))
    train, test = stream(str(tmp_path))
    assert (train.files, test.files) == (("a, b.png",), ("c.png",))
    assert (list(train.labels), list(test.labels)) == ([0], [1])


def test_paths_of_windows_in_a_table(tmp_path):
    for name in "12":
        write(tmp_path / "part" / f"{name}.png", np.uint8(255 * RAMP))
    (tmp_path / "labels.csv").write_text("file,label\npart\\1.png,0\npart\\2.png,1\n")
    assert stream(str(tmp_path)).train.files == ("part/1.png",)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, 1, 2, 2], "x.npz: class 0 has no training images; labels begin at 0; if these beg"),
        ([0, 0, 3, 3], "x.npz: classes 1, 2 have no training images; add some, or number"),
        ([9, 9, 9, 9], "classes 0, 1, 2, 3, 4 and 4 more have no training images"),
    ],
)
def test_classes_without_images_are_warned_of(labels, said, tmp_path):
    images = np.random.default_rng(0).random((4, 3, 3, 1), np.float32)
    np.savez(tmp_path / "x.npz", images=images, labels=labels)
    with pytest.warns(UserWarning, match=said):
        load(str(tmp_path / "x.npz"))


@pytest.mark.parametrize("images", [np.ones((4, 3, 3, 1), np.uint8), np.full((4, 3, 3, 1), 1e-3)])
def test_nearly_black_images_are_warned_of(images, tmp_path):
    np.savez(tmp_path / "x.npz", images=images, labels=[0, 0, 1, 1])
    with pytest.warns(UserWarning, match=r"x.npz: all images are nearly black"):
        load(str(tmp_path / "x.npz"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.savez(tmp_path / "x.npz", images=images * 100, labels=[0, 0, 1, 1])
        load(str(tmp_path / "x.npz"))


def test_names_of_classes_may_be_bytes(tmp_path):
    names = np.array(["Grün".encode(), b"red"])
    np.savez(
        tmp_path / "x.NPZ",
        images=np.full((4, 2, 2, 1), 0.5),
        labels=[0, 0, 1, 1],
        class_names=names,
    )
    (tmp_path / "x.NPZ.npz").rename(tmp_path / "x.NPZ")
    assert load(str(tmp_path / "x.NPZ")).train.class_names == ("Grün", "red")
