"""Pictures read from disk in the order asked for, whatever the threads."""

import dataclasses
import itertools
import threading

import numpy as np
import pytest
from PIL import Image

from fooljax.data import Batch, batches, in_turn, read, stream, subset, take
from fooljax.data.photo_sets import open_streams
from fooljax.data.streams import Stream, even_rows

COUNT = 23


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Pictures whose red is their number."""
    folder = tmp_path_factory.mktemp("numbered")
    for i in range(COUNT):
        Image.new("RGB", (8, 8), (i, 0, 0)).save(folder / f"{i}.png")
    labels = np.arange(COUNT, dtype=np.int32) // 5
    return Stream(folder, tuple(f"{i}.png" for i in range(COUNT)), labels, tuple("abcde"), (7, 7))


def numbers(made):
    return [[int(number) for number in batch.images[:, 0, 0, 0]] for batch in made]


def test_reads_in_order(numbered):
    made = list(batches(numbered, 10))
    assert numbers(made) == [[*range(10)], [*range(10, 20)], [20, 21, 22]]
    assert made[0].images.dtype == np.uint8
    assert made[0].images.shape == (10, 7, 7, 3)
    np.testing.assert_array_equal(np.concatenate([b.labels for b in made]), numbered.labels)
    assert made[0].labels.dtype == np.int32


def test_every_epoch_has_every_picture_in_another_order(numbered):
    order = list(itertools.chain(*numbers(batches(numbered, 4, seed=3, epochs=3))))
    epochs = [tuple(order[i : i + COUNT]) for i in range(0, 3 * COUNT, COUNT)]
    assert all(sorted(epoch) == [*range(COUNT)] for epoch in epochs)
    assert len({tuple(range(COUNT)), *epochs}) == 4


def test_threads_do_not_change_batches(numbered):
    made = [numbers(batches(numbered, 4, seed=1, epochs=2, threads=n)) for n in (1, 2, 7)]
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("start", [0, 1, 5, 11, 12])
def test_goes_on_where_it_was_cut(numbered, start):
    whole = numbers(batches(numbered, 4, seed=1, epochs=2))
    assert len(whole) == 12
    assert numbers(batches(numbered, 4, seed=1, epochs=2, start=start)) == whole[start:]


def test_reads_chosen_rows(numbered):
    assert numbers(read(numbered, [5, 3, 5, 22], 3)) == [[5, 3, 5], [22]]
    chosen = take(numbered, np.array([22, 0]))
    assert numbers([chosen]) == [[22, 0]]
    np.testing.assert_array_equal(chosen.labels, [4, 0])


def test_a_part_is_a_stream_again(numbered):
    for rows in (slice(3, 9), [5, 0, 5], np.arange(COUNT) % 7 == 3):
        part = numbered[rows]
        truth = np.arange(COUNT)[rows]
        assert len(part) == part.size == len(truth)
        assert numbers(batches(part, COUNT)) == [list(truth)]
        np.testing.assert_array_equal(part.labels, numbered.labels[truth])
    assert numbers(batches(numbered[4:][[1, 2]], 2)) == [[5, 6]]


def test_images_may_stand_among_files(numbered):
    image = np.full((7, 7, 3), 200, np.uint8)
    files = (numbered.files[3], image, numbered.files[4])
    mixed = dataclasses.replace(numbered, files=files, labels=np.array([0, 4, 1], np.int32))
    assert numbers(batches(mixed[[2, 1, 0, 1]], 3)) == [[4, 200, 3], [200]]


@pytest.mark.parametrize("size", [1, 4, 23, 100])
def test_goes_through_in_batches_of_one_size(numbered, size):
    """As the same images in memory, of which every one is seen."""
    held = subset(numbered, COUNT).images
    seen = []
    for (start, one, place), (begin, other, there) in zip(
        in_turn(numbered, size), in_turn(held, size), strict=True
    ):
        width = min(size, COUNT)
        assert start == begin
        batch = one[place : place + width]
        np.testing.assert_array_equal(batch, other[there : there + width])
        assert numbers([Batch(batch, None)]) == [[*range(start, start + width)]]
        seen += range(start, start + width)
    assert sorted(set(seen)) == [*range(COUNT)]


def test_takes_evenly_over_the_classes(numbered):
    assert list(even_rows(numbered.labels, 7)) == [0, 1, 5, 6, 10, 15, 20]
    assert list(even_rows(numbered.labels, 100)) == [*range(COUNT)]
    some = even_rows(numbered.labels, 12, seed=4)
    assert sorted(np.bincount(numbered.labels[some])) == [2, 2, 2, 3, 3]
    assert (
        list(some)
        == list(even_rows(numbered.labels, 12, seed=4))
        != list(even_rows(numbered.labels, 12, seed=5))
    )
    sent = []
    held = subset(numbered, 7, on_batch=sent.append)
    assert sent == [7]
    assert numbers([held]) == [[0, 1, 5, 6, 10, 15, 20]]
    assert held.class_names == tuple("abcde")


def test_a_broken_picture_is_one_sentence(numbered, tmp_path):
    for i in range(12):
        Image.new("RGB", (40, 40), (i, 9, 9)).save(tmp_path / f"{i}.jpg")
    whole = (tmp_path / "7.jpg").read_bytes()
    (tmp_path / "7.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "9.jpg").unlink()
    files = tuple(f"{i}.jpg" for i in range(12))
    broken = Stream(tmp_path, files, np.zeros(12, np.int32), ("a",), (8, 8))
    made = batches(broken, 3, threads=4)
    assert len(next(made).labels) == 3
    next(made)
    with pytest.raises(ValueError, match=r"7\.jpg: broken, it cannot be read as a picture \("):
        next(made)
    with pytest.raises(FileNotFoundError, match=r"9\.jpg: no such picture; restore it"):
        take(broken, [9])


def test_every_kind_of_picture_becomes_color(tmp_path):
    red = Image.new("RGB", (30, 20), (200, 10, 30))
    kinds = {
        "grey.png": Image.new("L", (9, 12), 77),
        "grey16.png": Image.fromarray(np.full((9, 12), 77 << 8, np.uint16)),
        "clear.png": red.convert("RGBA"),
        "print.jpg": Image.new("CMYK", (12, 9), (0, 255, 255, 0)),
        "palette.png": red.convert("P", palette=Image.Palette.ADAPTIVE),
        "one bit.png": Image.new("1", (300, 9), 1),
    }
    for name, image in kinds.items():
        image.save(tmp_path / name)
    labels = np.zeros(len(kinds), np.int32)
    images, _ = take(Stream(tmp_path, tuple(kinds), labels, ("a",), (8, 8)), range(len(kinds)))
    assert images.shape == (6, 8, 8, 3)
    truth = [(77,) * 3, (77,) * 3, (200, 10, 30), (254, 0, 0), (200, 10, 30), (255,) * 3]
    np.testing.assert_allclose(images[:, 4, 4].astype(int), truth, atol=2)


def test_threads_end_with_the_reading(numbered):
    made = batches(numbered, 2, threads=3)
    next(made)
    made.close()
    for thread in threading.enumerate():
        if thread.name.startswith("grain-prefetch"):
            thread.join(5.0)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size must be positive, got 0"),
        ({"epochs": 0}, "epochs must be positive and start not negative, got 0, 0"),
        ({"start": -1}, "start not negative, got 1, -1"),
        ({"threads": 0}, "threads must be positive, got 0"),
        ({"seed": -1}, r"seed must be in \[0, 2\^32\), got -1"),
    ],
)
def test_refuses_impossible_numbers_at_once(numbered, change, message):
    with pytest.raises(ValueError, match=message):
        batches(numbered, **({"batch_size": 2} | change))


def test_refuses_impossible_rows(numbered):
    for rows in ([COUNT], [-1], [[1, 2]], []):
        with pytest.raises(ValueError, match="rows must be at least one number in"):
            take(numbered, rows)
    with pytest.raises(ValueError, match="count must be positive, got 0"):
        subset(numbered, 0)


def test_the_sample_of_imagenet(data_dir):
    try:
        train, test = stream("imagenet", data_dir)
    except FileNotFoundError:
        pytest.skip("no imagenet there")
    assert train.num_classes == test.num_classes == 1000
    assert not set(train.files) & set(test.files)
    images, labels = take(test, [0, 1])
    with Image.open(test.folder / test.files[1]) as file:
        if file.size == (256, 256):
            np.testing.assert_array_equal(
                images[1], np.asarray(file.convert("RGB"))[16:240, 16:240]
            )
    np.testing.assert_array_equal(labels, test.labels[:2])
    assert open_streams(test.folder, (256, 256)).test.input_shape == (256, 256, 3)
