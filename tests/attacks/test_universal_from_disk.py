"""One perturbation for pictures on disk: as for the same pictures in memory, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from fooljax import attacks, data
from fooljax.attacks import fooling_rate, perturbed_answers, run_universal
from fooljax.data.streams import Stream
from fooljax.types import Classifier

SHAPE, COUNT = (6, 6, 3), 23
METHODS = {
    "sgd": attacks.universal_sgd(0.1),
    "deepfool": attacks.universal_deepfool(0.1, steps=1, candidates=2),
}


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for i in range(COUNT):
        pixels = random.integers(90, 160, (7, 7, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    files = tuple(f"{i}.png" for i in range(COUNT))
    return Stream(folder, files, np.arange(COUNT, dtype=np.int32) % 3, tuple("abc"), SHAPE[:2])


@pytest.fixture(scope="module")
def held(stream):
    return data.subset(stream, COUNT).images


@pytest.fixture(scope="module")
def linear():
    def apply(params, images):
        return (images.reshape(len(images), -1) - 0.49) @ params

    return Classifier(jax.random.normal(jax.random.key(2), (108, 3)), apply, SHAPE, 3)


@pytest.mark.parametrize(
    ("method", "target"), [("sgd", 1), pytest.param("deepfool", None, marks=pytest.mark.slow)]
)
def test_learns_the_same(key, stream, held, linear, method, target):
    goal = None if target is None else attacks.reach(np.full(COUNT, target, np.int32))
    run = lambda images, **how: run_universal(
        METHODS[method], key, linear, images, goal, batch_size=5, **how
    )
    truth = run(held, steps=9)  # two passes of four, and one batch of the third
    assert np.abs(truth.perturbation).max() > 0.0
    part = run(stream, steps=6)
    whole = run(stream, steps=9, start=run(stream, steps=6, start=part.state).state)
    np.testing.assert_array_equal(whole.perturbation, truth.perturbation)
    np.testing.assert_array_equal([*part.fooled, *whole.fooled], truth.fooled)


def test_answers_the_same(stream, held, linear, key):
    change = attacks.random_perturbation(key, SHAPE, 0.05, "linf")
    for size in (7, 500):
        for perturbation in (None, change):
            truth = perturbed_answers(linear, held, perturbation, size)
            assert len(set(truth)) > 1
            np.testing.assert_array_equal(
                perturbed_answers(linear, stream, perturbation, size), truth
            )
        for goal in (None, attacks.leave(jnp.asarray(stream.labels))):
            rates = [
                fooling_rate(linear, images, change, goal, batch_size=size)
                for images in (held, stream)
            ]
            assert rates[0] == rates[1] > 0.0


def test_reads_only_what_it_learns_from(key, stream, linear, tmp_path):
    """A second folder lacks the pictures that three batches of five do not show."""
    shown = np.asarray(jax.random.permutation(jax.random.fold_in(key, 0), COUNT))[:15]
    for i in shown:
        (tmp_path / f"{i}.png").symlink_to(stream.folder / f"{i}.png")
    fewer = Stream(tmp_path, stream.files, stream.labels, stream.class_names, SHAPE[:2])
    way = METHODS["deepfool"]
    run = lambda steps: run_universal(way, key, linear, fewer, steps=steps, batch_size=5)
    assert run(3).fooled.shape == (3,)
    with pytest.raises(FileNotFoundError, match=r"\.png: no such picture; restore it"):
        run(4)


def test_sizes_must_agree(key, stream, linear):
    small = Stream(stream.folder, stream.files, stream.labels, stream.class_names, (5, 5))
    with pytest.raises(ValueError, match=r"\(6, 6, 3\), got \(23, 5, 5, 3\)"):
        perturbed_answers(linear, small)
    with pytest.raises(ValueError, match="a label for each of 23 images"):
        run_universal(METHODS["sgd"], key, linear, stream, attacks.leave(jnp.zeros(3)), steps=1)
