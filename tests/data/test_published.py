"""Known sets from files made on the spot, and the real MNIST."""

import gzip
import hashlib
import io
import struct
import tarfile

import numpy as np
import pytest

from fooljax.data import NAMES, load
from fooljax.data.classes import CIFAR10, CIFAR100, FASHION_MNIST
from fooljax.data.idx import FILES

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.integers(0, 256, (2, 20, 6, 5), np.uint8)
TRAIN_LABELS, TEST_LABELS = RNG.integers(0, 10, (2, 20), np.uint8)


def idx(array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder ``mnist`` with the four compressed files of a small set."""
    home = tmp_path / "mnist"
    home.mkdir()
    for name, array in zip(FILES, (TRAIN, TRAIN_LABELS, TEST, TEST_LABELS), strict=True):
        (home / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    return home


def cifar_records(count, num_labels, seed):
    """Images ``[n, 32, 32, 3]``, labels, and the bytes that publish them."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
    labels = rng.integers(0, num_labels, count, np.uint8)
    raw = b""
    for image, label in zip(images, labels, strict=True):
        coarse = bytes([label // 5]) if num_labels == 100 else b""
        planes = b"".join(image[:, :, channel].tobytes() for channel in range(3))
        raw += coarse + bytes([label]) + planes
    return images, labels, raw


def agrees(part, images, labels):
    np.testing.assert_array_equal(part.images, images)
    np.testing.assert_array_equal(part.labels, labels)


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "plain"])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_reads_idx(name, packed, mnist, tmp_path):
    if not packed:
        for path in list(mnist.iterdir()):
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    mnist.rename(tmp_path / name)
    train, test = load(name, str(tmp_path))
    agrees(train, TRAIN[..., None], TRAIN_LABELS)
    agrees(test, TEST[..., None], TEST_LABELS)
    assert len(train.class_names) == 10


def test_data_dir_comes_from_the_environment(mnist, monkeypatch):
    monkeypatch.setenv("FOOLJAX_DATA_DIR", str(mnist.parent))
    agrees(load("mnist").test, TEST[..., None], TEST_LABELS)
    monkeypatch.setenv("HOME", str(mnist.parent.parent))
    agrees(load("mnist", f"~/{mnist.parent.name}").test, TEST[..., None], TEST_LABELS)


def test_resizes_on_request(mnist):
    train, test = load("mnist", str(mnist.parent), image_size=(12, 10))
    assert train.input_shape == test.input_shape == (12, 10, 1)


def overwrite(home, name, raw):
    (home / f"{name}.gz").write_bytes(gzip.compress(raw))


DAMAGE = {
    "missing": (lambda home: (home / f"{FILES[3]}.gz").unlink(), f"{FILES[3]}.gz missing"),
    "truncated gzip": (
        lambda home: (home / f"{FILES[0]}.gz").write_bytes(gzip.compress(idx(TRAIN))[:-100]),
        f"{FILES[0]}.gz: compressed data end too early",
    ),
    "not gzip": (
        lambda home: (home / f"{FILES[0]}.gz").write_bytes(b"<html>"),
        f"{FILES[0]}.gz: not a sound gzip file",
    ),
    "damaged gzip": (
        lambda home: (home / f"{FILES[0]}.gz").write_bytes(
            gzip.compress(idx(TRAIN))[:40] + bytes(40) + gzip.compress(idx(TRAIN))[80:]
        ),
        f"{FILES[0]}.gz: not a sound gzip file",
    ),
    "magic": (
        lambda home: overwrite(home, FILES[2], idx(TEST_LABELS)),
        f"{FILES[2]}.gz: magic number is 00000801, not 00000803",
    ),
    "short header": (
        lambda home: overwrite(home, FILES[2], idx(TEST)[:9]),
        f"{FILES[2]}.gz: ends inside its header",
    ),
    "short data": (
        lambda home: overwrite(home, FILES[2], idx(TEST)[:-1]),
        f"{FILES[2]}.gz: holds 599 bytes of data, but its header states 600",
    ),
    "long data": (
        lambda home: overwrite(home, FILES[2], idx(TEST) + b"x"),
        f"{FILES[2]}.gz: holds 601 bytes of data, but its header states 600",
    ),
    "counts": (
        lambda home: overwrite(home, FILES[1], idx(TRAIN_LABELS[:-1])),
        f"{FILES[0]}.gz: holds 20 images, but {FILES[1]}.gz holds 19 labels",
    ),
    "label range": (
        lambda home: overwrite(home, FILES[1], idx(np.full(20, 10, np.uint8))),
        rf"{FILES[1]}.gz: labels must be in \[0, 10\), got 10 at index 0",
    ),
    "empty": (
        lambda home: [
            overwrite(home, FILES[i], idx(a[:0])) for i, a in ((2, TEST), (3, TEST_LABELS))
        ],
        f"{FILES[3]}.gz: there must be at least one image",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE.keys())
def test_names_the_damaged_idx_file_and_the_flag(damage, message, mnist):
    damage(mnist)
    with pytest.raises(ValueError, match=f"{message}.*; replace it there, or correct --data-dir$"):
        load("mnist", str(mnist.parent))


def test_missing_data_dir(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder; correct --data-dir"):
        load("mnist", str(tmp_path / "nowhere"))


@pytest.mark.parametrize("layout", ["loose", "sub-folder", "archive"])
def test_reads_cifar10(layout, tmp_path):
    home = tmp_path / "cifar10"
    inner = home if layout == "loose" else home / "cifar-10-batches-bin"
    inner.mkdir(parents=True)
    batches = [cifar_records(3, 10, seed) for seed in range(6)]
    for i, (_, _, raw) in enumerate(batches[:5]):
        (inner / f"data_batch_{i + 1}.bin").write_bytes(raw)
    (inner / "test_batch.bin").write_bytes(batches[5][2])
    if layout == "archive":
        with tarfile.open(home / "cifar-10-binary.tar.gz", "w:gz") as tar:
            tar.add(inner, inner.name)
        for path in inner.iterdir():
            path.unlink()
    train, test = load("cifar10", str(tmp_path))
    agrees(
        train,
        np.concatenate([images for images, _, _ in batches[:5]]),
        np.concatenate([labels for _, labels, _ in batches[:5]]),
    )
    agrees(test, *batches[5][:2])
    assert train.class_names == CIFAR10


def test_reads_the_fine_labels_of_cifar100(tmp_path):
    home = tmp_path / "cifar100"
    home.mkdir()
    train, test = cifar_records(4, 100, 0), cifar_records(2, 100, 1)
    (home / "train.bin").write_bytes(train[2])
    (home / "test.bin").write_bytes(test[2])
    splits = load("cifar100", str(tmp_path))
    agrees(splits.train, *train[:2])
    agrees(splits.test, *test[:2])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (bytes(3072), r"test.bin: holds 3072 bytes, not a whole number of records of 3074 bytes"),
        (b"", "test.bin: holds 0 bytes"),
        (b"\x00\x64" + bytes(3072), r"test.bin: labels must be in \[0, 100\), got 100"),
        (None, r"cifar100: test.bin missing"),
    ],
)
def test_names_the_damaged_cifar_file(raw, message, tmp_path):
    home = tmp_path / "cifar100"
    home.mkdir()
    (home / "train.bin").write_bytes(bytes(3074))
    if raw is not None:
        (home / "test.bin").write_bytes(raw)
    with pytest.raises(ValueError, match=f"{message}.*--data-dir"):
        load("cifar100", str(tmp_path))


def test_names_the_damaged_cifar_archive(tmp_path):
    home = tmp_path / "cifar10"
    home.mkdir()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        raw = cifar_records(3, 10, 0)[2]
        info.size = len(raw)
        tar.addfile(info, io.BytesIO(raw))
    archive = home / "cifar-10-binary.tar.gz"
    archive.write_bytes(packed.getvalue()[:-2000])
    with pytest.raises(ValueError, match=r"binary.tar.gz: not a sound tar.gz archive.*--data-dir"):
        load("cifar10", str(tmp_path))
    archive.write_bytes(packed.getvalue())
    with pytest.raises(ValueError, match=r"tar.gz: data_batch_2.bin, .*test_batch.bin missing"):
        load("cifar10", str(tmp_path))


def test_reads_a_pair_of_npz(tmp_path):
    home = tmp_path / "cifar10"
    home.mkdir()
    train, test = cifar_records(4, 10, 0), cifar_records(2, 10, 1)
    np.savez(home / "train.npz", images=train[0], labels=train[1])
    with pytest.raises(ValueError, match=r"cifar10: test.npz missing; .*--data-dir"):
        load("cifar10", str(tmp_path))
    np.savez(home / "test.npz", images=test[0], labels=test[1])
    splits = load("cifar10", str(tmp_path))
    agrees(splits.train, *train[:2])
    agrees(splits.test, *test[:2])
    assert splits.test.class_names == CIFAR10
    np.savez(home / "test.npz", images=test[0], labels=test[1] + 10)
    with pytest.raises(ValueError, match=r"test.npz: labels must be in \[0, 10\).*--data-dir"):
        load("cifar10", str(tmp_path))


def test_names():
    pictures = {"cifar10", "cifar100", "digits", "fashion_mnist", "imagenet", "kmnist", "mnist"}
    assert pictures <= set(NAMES) and list(NAMES) == sorted(NAMES)
    assert len(set(CIFAR100)) == 100
    assert list(CIFAR100) == sorted(CIFAR100)
    assert (FASHION_MNIST[0], FASHION_MNIST[9]) == ("T-shirt/top", "Ankle boot")


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    scans = load_digits()
    train, test = load("digits", image_size=(10, 10))  # the scans and their margin, unresized
    found = np.concatenate([train.images, test.images])[:, 1:-1, 1:-1, 0] * (16 / 255)
    order = np.lexsort(np.round(found).reshape(1797, -1).T)
    truth = np.lexsort(scans.images.reshape(1797, -1).T)
    np.testing.assert_allclose(found[order], scans.images[truth], atol=0.04)
    labels = np.concatenate([train.labels, test.labels])
    np.testing.assert_array_equal(labels[order], scans.target[truth])


def test_digits_look_like_mnist():
    train, test = load("digits")
    assert train.images.shape == (1435, 28, 28, 1)
    assert test.images.shape == (362, 28, 28, 1)
    expected = -(-(np.bincount(train.labels) + np.bincount(test.labels) - 1) // 5)
    np.testing.assert_array_equal(np.bincount(test.labels), expected)
    border = np.concatenate([train.images[:, 0], train.images[:, -1]])
    assert border.max() < 32
    assert train.images.max() == 255


def test_real_mnist(data_dir):
    """Checksums of the published files, decompressed; label counts as published."""
    train, test = load("mnist", data_dir)
    digest = lambda array: hashlib.sha256(idx(np.asarray(array))).hexdigest()
    assert digest(test.images[..., 0]).startswith("0fa7898d509279e482958e8ce81c8e77")
    assert digest(test.labels.astype(np.uint8)).startswith("ff7bcfd416de33731a308c3f266cc351")
    assert digest(train.labels.astype(np.uint8)).startswith("65a50cbbf4e906d70832878ad85ccda5")
    md5 = hashlib.md5(idx(np.asarray(train.images[..., 0])), usedforsecurity=False)
    assert md5.hexdigest() == "6bbc9ace898e44ae57da46a324031adb"
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    np.testing.assert_array_equal(np.bincount(train.labels), counts)
