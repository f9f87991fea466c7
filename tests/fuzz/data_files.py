"""Bad data: .npz files, folders of pictures, idx files, and what is no data at all."""

import gzip
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from calls import Call

SIDE, MANY = 8, 40
NAN, BIG = float("nan"), 10**6


def calls() -> list[Call]:
    """Return the same calls every time."""
    return [*_npz(), *_files(), *_folders(), *_idx(), *_flags()]


def _good() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    images = lambda count: draw.integers(0, 256, (count, SIDE, SIDE, 1), np.uint8)
    labels = lambda count: np.arange(count) % 4
    return {
        "images": images(MANY),
        "labels": labels(MANY),
        "test_images": images(MANY // 2),
        "test_labels": labels(MANY // 2),
    }


def _load(victim: dict[str, Any], steps: int = 1) -> None:
    from fooljax.study.prepared import prepare
    from fooljax.study.victim import Victim

    network = Victim(model="softmax", train_steps=steps, **victim)
    prepare(network, Path(), lambda shape, classes: None)


def _call(
    name: str, file: str, make: Callable[[Path], None], *given: str, harmless: bool = False, **more
) -> Call:
    """A call with a file that ``make`` writes."""

    def run(folder: Path) -> None:
        make(folder / file)
        _load({"dataset": str(folder / file), **more})

    flags = ["--dataset", file, *(f"--{flag.replace('_', '-')}" for flag in more)]
    return Call(f"data: {name}", run, flags, given or (file,), harmless)


def _npz() -> Iterator[Call]:
    """One array at a time is changed."""
    changes: dict[str, tuple[str, Callable[[np.ndarray], Any], tuple[str, ...], bool]] = {
        "no images": ("images", lambda x: x[:0], ("0", "no ", "none"), False),
        "no test images": ("test_images", lambda x: x[:0], ("0", "no ", "none"), False),
        "fewer labels": ("labels", lambda x: x[:-1], (str(MANY - 1),), False),
        "one label only": ("labels", lambda x: 0 * x, ("classes 1, 2, 3",), False),
        "negative labels": ("labels", lambda x: x - 7, ("-7",), False),
        "labels of a million": ("labels", lambda x: x * (BIG // 3), ("999", "1,000,000"), False),
        "a label of a billion": ("labels", lambda x: np.where(x == 3, 10**9, x), ("1", ), False),
        "fractional labels": ("labels", lambda x: x + 0.5, ("0.5", "float"), False),
        "NaN labels": ("labels", lambda x: np.where(x == 3, NAN, x), ("NaN", "float64"), False),
        "labels as text": ("labels", lambda x: x.astype("U"), ("U", "text"), True),
        "labels as pictures": ("labels", lambda x: np.zeros((MANY, 2, 2)), ("(40, 2, 2)",), False),
        "complex labels": ("labels", lambda x: x + 1j, ("complex",), False),
        "NaN images": ("images", lambda x: x / NAN, ("nan", "NaN"), False),
        "infinite images": ("images", lambda x: x * np.inf, ("inf", "nan", "NaN"), False),
        "float images above 1": ("images", lambda x: x * 1.0, ("255", "254", "float"), False),
        "negative images": ("images", lambda x: x / 255 - 0.5, ("-0.5",), False),
        "images of one number": ("images", lambda x: x[:, :1, :1], ("1, 1",), True),
        "images as vectors": ("images", lambda x: x.reshape(MANY, -1), ("(40, 64)",), False),
        "images of five axes": ("images", lambda x: x[..., None], ("8, 1, 1)",), False),
        "other test size": ("test_images", lambda x: x[:, :4], ("4",), False),
        "other test labels": ("test_labels", lambda x: x + 9, ("9", "12", "13", "more"), False),
        "images as text": ("images", lambda x: x.astype("U3"), ("U3", "text"), False),
        "complex images": ("images", lambda x: x + 1j, ("complex",), False),
        "int64 images": ("images", lambda x: x.astype(np.int64) * 1000, ("int64", "000"), False),
        "boolean images": ("images", lambda x: x > 9, ("bool",), True),
        "objects": ("images", lambda x: x.astype(object), ("object", "pickle"), False),
        "a scalar": ("images", lambda x: np.float32(3), ("()",), False),
        "two channels": ("images", lambda x: np.repeat(x, 2, -1), ("2",), False),
        "dates for labels": ("labels", lambda x: x.astype("M8[D]"), ("date", "M8"), False),
    }  # fmt: skip
    for name, (array, change, given, harmless) in changes.items():

        def make(path: Path, array=array, change=change) -> None:
            arrays = _good()
            np.savez(path, **{**arrays, array: np.asarray(change(arrays[array]))})

        yield _call(name, "mine.npz", make, *given, harmless=harmless)
    for missing in _good():
        keep = lambda path, missing=missing: np.savez(
            path, **{name: one for name, one in _good().items() if name != missing}
        )
        yield _call(f"{missing} missing", "mine.npz", keep, missing)


def _files() -> Iterator[Call]:
    """What is called .npz and is none."""

    def cut(path: Path) -> None:
        np.savez(path, **_good())
        path.write_bytes(path.read_bytes()[:-900])

    def flipped(path: Path) -> None:
        np.savez(path, **_good())
        text = bytearray(path.read_bytes())
        text[200:260] = bytes(60)
        path.write_bytes(text)

    def other_zip(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "hello")

    def lie(path: Path) -> None:  # a header that promises far more than there is
        head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999,), }"
        body = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head
        with zipfile.ZipFile(path, "w") as archive:
            for name in _good():
                archive.writestr(f"{name}.npy", body)

    yield _call("an empty file", "mine.npz", lambda path: path.write_bytes(b""))
    yield _call("text", "mine.npz", lambda path: path.write_text("images, labels\n1, 2\n"))
    yield _call("cut off", "mine.npz", cut)
    yield _call("bytes changed", "mine.npz", flipped)
    yield _call("another archive", "mine.npz", other_zip, "readme", "mine.npz")
    yield _call("a header that lies", "mine.npz", lie)
    yield _call("a named pipe", "mine.npz", os.mkfifo)
    yield _call("a link to nothing", "mine.npz", lambda path: path.symlink_to("absent"))
    yield _call("a link to itself", "mine.npz", lambda path: path.symlink_to(path.name))
    yield _call("a folder called .npz", "mine.npz", lambda path: path.mkdir())
    yield _call("nothing there", "mine.npz", lambda path: None)
    yield _call("a csv", "mine.csv", lambda path: path.write_text("0,1,2\n"))
    yield _call("one array", "mine.npy", lambda path: np.save(path, np.zeros((3, 8, 8))))


def _picture(path: Path, side: int = SIDE) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side), 99, np.uint8)).save(path)


def _classes(root: Path, names: str = "ab", count: int = 8) -> None:
    for name in names:
        for number in range(count):
            _picture(root / name / f"{number}.png")


def _folders() -> Iterator[Call]:
    def after(change: Callable[[Path], object]) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            _classes(root)
            change(root)

        return make

    def damaged(root: Path) -> None:
        picture = root / "a" / "3.png"
        picture.write_bytes(picture.read_bytes()[:50])

    def replaced(root: Path, make: Callable[[Path], object]) -> None:
        (root / "a" / "3.png").unlink()
        make(root / "a" / "3.png")

    yield _call("an empty folder", "pictures", lambda root: root.mkdir(), image_size=(8, 8))
    yield _call(
        "one class",
        "pictures",
        lambda root: _classes(root, "a"),
        "one class",
        "a",
        image_size=(8, 8),
    )
    yield _call(
        "a picture each", "pictures", lambda root: _classes(root, count=1), image_size=(8, 8)
    )
    yield _call("no classes", "pictures", lambda root: _picture(root / "1.png"), image_size=(8, 8))
    yield _call("cut picture", "pictures", after(damaged), "3.png", image_size=(8, 8))
    yield _call(
        "text as picture",
        "pictures",
        after(lambda root: replaced(root, lambda p: p.write_text("x"))),
        "3.png",
        image_size=(8, 8),
    )
    yield _call(
        "pipe as picture",
        "pictures",
        after(lambda root: replaced(root, os.mkfifo)),
        "3.png",
        harmless=True,
        image_size=(8, 8),
    )
    yield _call(
        "link as picture",
        "pictures",
        after(lambda root: replaced(root, lambda p: p.symlink_to("no"))),
        "3.png",
        harmless=True,
        image_size=(8, 8),
    )
    yield _call(
        "folder as picture",
        "pictures",
        after(lambda root: replaced(root, Path.mkdir)),
        "3.png",
        harmless=True,
        image_size=(8, 8),
    )
    yield _call(
        "other sizes",
        "pictures",
        after(lambda root: _picture(root / "a" / "3.png", 9)),
        "9",
        "8",
        harmless=True,
    )
    yield _call(
        "empty class",
        "pictures",
        after(lambda root: (root / "c").mkdir()),
        "c",
        harmless=True,
        image_size=(8, 8),
    )
    yield _call(
        "a loop of links",
        "pictures",
        after(lambda root: (root / "a" / "z").symlink_to(root)),
        harmless=True,
        image_size=(8, 8),
    )
    yield _call(
        "pixels of a million",
        "pictures",
        _classes,
        "1000000",
        "1,000,000",
        image_size=(10**6, 10**6),
    )


def _idx() -> Iterator[Call]:
    """Files as MNIST's, in a folder of the data set's name."""
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    names += ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

    def call(name: str, place: int, change: Callable[[bytes], bytes | None], pack: bool = False):
        def run(folder: Path) -> None:
            arrays = _good()
            (folder / "mnist").mkdir()
            for index, (file, array) in enumerate(zip(names, arrays.values(), strict=True)):
                array = array.reshape(array.shape[:3]).astype(np.uint8)
                head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
                body = change(head + array.tobytes()) if index == place else head + array.tobytes()
                if body is not None and pack:
                    body = gzip.compress(body)[: -20 if index == place else None]
                if body is not None:
                    (folder / "mnist" / f"{file}{'.gz' * pack}").write_bytes(body)
            _load({"dataset": "mnist", "data_dir": str(folder)})

        return Call(
            f"idx: {name}", run, ("--dataset", "--data-dir"), (names[place], "idx", "mnist")
        )

    yield call("cut off", 0, lambda body: body[:-5])
    yield call("too long", 0, lambda body: body + b"more")
    yield call("another kind of number", 0, lambda body: body[:2] + b"\x0d" + body[3:])
    yield call("no head", 1, lambda body: body[8:])
    yield call("empty", 1, lambda body: b"")
    yield call("labels for images", 0, lambda body: body[:3] + b"\x01" + body[4:])
    yield call("a file missing", 3, lambda body: None)
    yield call("more images than labels", 1, lambda body: body[:7] + b"\x09" + body[8:17])
    yield call("a head that lies", 0, lambda body: body[:4] + b"\xff\xff\xff\xff" + body[8:])
    yield call("labels above nine", 1, lambda body: body[:-1] + b"\xff")
    yield call("damaged gzip", 0, lambda body: body, pack=True)


def _flags() -> Iterator[Call]:
    def call(name: str, flag: str, value: Any, **more: Any) -> Call:
        run = lambda folder: _load({flag: value, **more})
        return Call(
            f"data: {name}", run, (f"--{flag.replace('_', '-')}", "--dataset"), (str(value),)
        )

    yield call("unknown name", "dataset", "mnits")
    yield call("a device", "dataset", "/dev/zero")
    yield call("a folder without rights", "dataset", "/proc/1/root/x")
    yield call("name with a zero", "dataset", "a\0b")
    yield call("a long name", "dataset", "x" * 5000)
    yield call("data_dir is a file", "data_dir", "/etc/passwd", dataset="mnist")
