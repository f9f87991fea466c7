"""Pictures on disk give what the same pictures in memory give, bit for bit, and stay there."""

import dataclasses
import itertools
import threading

import jax
import numpy as np
import optax
import pytest
from PIL import Image

from fooljax import data
from fooljax.attacks import pgd
from fooljax.data import picture_files, streams
from fooljax.data.photo_sets import open_streams
from fooljax.models import build
from fooljax.training import (
    adversarial_minibatches,
    evaluate,
    evaluate_classes,
    fit,
    minibatches,
    predict,
    samplers,
    with_fooling_class,
)

SIDE, COUNT, CLASSES = 6, 37, 3
ADAM = optax.adam(0.02)


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """Noise with a red, a green or a blue cast, in files that lose nothing."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for i in range(COUNT):
        pixels = random.integers(0, 200, (SIDE + 1, SIDE + 1, 3), np.uint8)
        pixels[..., i % CLASSES] += 55
        path = folder / "rgb"[i % CLASSES] / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    train, test = open_streams(folder, (SIDE, SIDE))
    labels = np.concatenate([train.labels, test.labels])
    files = (*train.files, *test.files)
    return dataclasses.replace(train, files=files, labels=labels)


@pytest.fixture(scope="module")
def held(stream):
    return data.subset(stream, COUNT)


@pytest.fixture(scope="module")
def network(stream):
    return build("softmax", jax.random.key(3), stream.input_shape, CLASSES)


@pytest.fixture(scope="module")
def rejecting(stream):
    return build("softmax", jax.random.key(3), stream.input_shape, CLASSES, rejecting=1)


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("batch_size", [1, 5, 37, None])
def test_answers_are_those_in_memory(stream, held, network, batch_size):
    truth = predict(network, held.images, batch_size)
    assert len(set(truth)) > 1
    np.testing.assert_array_equal(predict(network, stream, batch_size), truth)
    assert evaluate(network, stream, batch_size) == np.mean(truth == stream.labels)
    same(evaluate_classes(network, stream), evaluate_classes(network, held))
    assert evaluate(network, stream[[4, 0, 20]]) == np.mean((truth == stream.labels)[[4, 0, 20]])


def test_progress_counts_pictures(stream, network):
    sent = []
    evaluate(network, stream, 10, sent.append)
    assert sent == [10, 20, 30, 37]


SAMPLERS = {
    "minibatches": minibatches(5),
    "adversarial": adversarial_minibatches(5, pgd(0.1, 0.05, 1, random_start=True)),
}


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS.keys())
def test_training_takes_the_same_steps(key, stream, held, rejecting, sampler, monkeypatch):
    monkeypatch.setattr(samplers, "_STEPS_AT_ONCE", 4)
    how = {"optimizer": ADAM, "sampler": sampler, "steps": 7}
    from_memory, losses = fit(key, rejecting, held, **how, scan=False)
    from_disk, again = fit(key, rejecting, stream, **how, chunk=3)
    np.testing.assert_array_equal(losses, again)
    same(from_memory.params, from_disk.params)


def test_what_is_read_depends_on_the_key_and_the_step(key, stream, held, monkeypatch):
    """Against the sampler itself, which the compiled step asks when all is in memory."""
    monkeypatch.setattr(samplers, "_STEPS_AT_ONCE", 2)
    sampler = minibatches(4)
    made = list(samplers.read_ahead(key, sampler, stream, 5))
    for i, batch in enumerate(made):
        images, labels = sampler(jax.random.fold_in(key, i), None, held)
        np.testing.assert_array_equal(batch.images, np.round(images * 255))
        np.testing.assert_array_equal(batch.labels, labels)
    first = next(samplers.read_ahead(jax.random.key(8), sampler, stream, 5))
    assert (first.images != made[0].images).any()


def test_a_fooling_class_beside_pictures_on_disk(key, stream, held, rejecting):
    fooling = np.random.default_rng(5).uniform(size=(9, SIDE, SIDE, 3))
    mixed, truth = (with_fooling_class(one, fooling, 50) for one in (stream, held))
    assert len(mixed) == mixed.size == truth.size == COUNT + 9
    assert mixed.class_names == truth.class_names
    images, labels = data.take(mixed, range(len(mixed)))
    np.testing.assert_array_equal(images, truth.images[: len(mixed)])
    np.testing.assert_array_equal(labels, truth.labels[: len(mixed)])
    how = {"optimizer": ADAM, "sampler": minibatches(8), "steps": 6}
    one, losses = fit(key, rejecting, truth, **how, scan=False)
    other, again = fit(key, rejecting, mixed, **how)
    np.testing.assert_array_equal(losses, again)
    same(one.params, other.params)
    assert evaluate(other, mixed) == evaluate(one, truth)
    with pytest.raises(ValueError, match="begin with the original one"):
        with_fooling_class(mixed, fooling)
    with pytest.raises(ValueError, match="capacity must be at least 46"):
        with_fooling_class(stream, fooling, 45)


def test_few_pictures_are_held_at_once(key, stream, network, monkeypatch):
    """Of 4,000 that are asked for: those read ahead, and two batches."""
    alive, most, lock = set(), 0, threading.Lock()

    class Counted(np.ndarray):
        pass

    number = itertools.count()

    def counted(picture, size):
        nonlocal most
        image = picture_files.center_crop(picture, size).view(Counted)
        image.number = next(number)
        with lock:
            alive.add(image.number)
            most = max(most, len(alive))
        return image

    def gone(self):
        if hasattr(self, "number"):
            alive.discard(self.number)

    Counted.__del__ = gone
    monkeypatch.setattr(streams, "center_crop", counted)
    fit(key, network, stream, optimizer=ADAM, sampler=minibatches(8), steps=200)
    many = stream[np.arange(2400) % COUNT]
    evaluate(network, many, 8)
    assert next(number) == 4000
    assert 8 <= most <= 150


def test_what_cannot_be_is_refused(key, stream, network, tmp_path):
    how = {"optimizer": ADAM, "steps": 2}
    with pytest.raises(ValueError, match="a sampler that says which it draws, as minibatches"):
        fit(key, network, stream, sampler=lambda key, classifier, samples: None, **how)
    with pytest.raises(ValueError, match="cannot be read in a compiled loop; leave scan out"):
        fit(key, network, stream, sampler=minibatches(2), scan=True, **how)
    small = dataclasses.replace(stream, image_size=(5, 5))
    with pytest.raises(ValueError, match=r"\(6, 6, 3\), got \(37, 5, 5, 3\)"):
        fit(key, network, small, sampler=minibatches(2), **how)
    with pytest.raises(ValueError, match=r"\(6, 6, 3\), got \(37, 5, 5, 3\)"):
        evaluate(network, small)
    with pytest.raises(ValueError, match=r"at least one image, there are none in \(0, 6, 6, 3\)"):
        evaluate(network, stream[:0])
    (tmp_path / "x.png").write_bytes(b"no picture")
    broken = dataclasses.replace(stream[:3], folder=tmp_path, files=("x.png",) * 3)
    for use in (
        lambda: evaluate(network, broken),
        lambda: fit(key, network, broken, sampler=minibatches(2), **how),
    ):
        with pytest.raises(ValueError, match=r"x\.png: broken, it cannot be read .* remove it"):
            use()
