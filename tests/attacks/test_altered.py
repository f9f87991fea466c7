"""Changes of one strength against SciPy and brute force along the line, and against Foolbox."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from attack_cases import SHAPE, make_affine

import fooljax as fj
from fooljax.attacks import leave, run
from fooljax.attacks.altered import _blur, _salt

FAMILIES = {
    "contrast": lambda strength, image: image + strength * (0.5 - image),
    "brightness": lambda strength, image: np.clip(image + strength, 0.0, 1.0),
    "blur": lambda strength, image: scipy.ndimage.gaussian_filter(
        image, (strength * 6, strength * 6, 0)
    ),
}


@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.0, 3.3, 12.0])
@pytest.mark.parametrize("shape", [(12, 7, 3)])
def test_the_blur_is_that_of_scipy(sigma, shape):
    image = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    ours = jax.jit(_blur)(None, jnp.float32(sigma / 12), image)
    np.testing.assert_allclose(
        ours, scipy.ndimage.gaussian_filter(image, (sigma, sigma, 0)), atol=2e-5
    )


def test_salt_and_pepper_are_as_many_as_asked_for_and_alike_in_all_channels():
    image = jnp.full((100, 100, 3), 0.4)
    found = np.asarray(_salt(jax.random.key(0), jnp.float32(0.3), image))
    assert np.all((found == 0.0) | (found == 1.0) | (found == np.float32(0.4)))
    assert np.all(found == found[..., :1])
    for value in (0.0, 1.0):
        assert np.mean(found[..., 0] == value) == pytest.approx(0.15, abs=0.015)


@pytest.mark.parametrize(
    "name",
    [
        "contrast",
        pytest.param("brightness", marks=pytest.mark.slow),
        pytest.param("blur", marks=pytest.mark.slow),
    ],
)
def test_the_smallest_strength_of_a_fine_line_is_found(name):
    """Brute force in numpy over a thousand strengths, whose first that fools lies as near."""
    network = make_affine(6)
    images = np.asarray(jax.random.uniform(jax.random.key(8), (12, *SHAPE)))
    labels = np.asarray(network(images)).argmax(axis=1)
    attack = getattr(fj.attacks, name)(50, 10)
    found = run(attack, jax.random.key(0), network, images, leave(labels))
    signs = (1, -1) if name == "brightness" else (1,)
    reached = []
    for image, label, success, far in zip(images, labels, found.success, found.l2, strict=True):
        lengths = []
        for sign in signs:
            tried = np.stack([FAMILIES[name](sign * k / 1000, image) for k in range(1, 1001)])
            wrong = np.flatnonzero(np.asarray(network(tried)).argmax(axis=1) != label)
            if len(wrong):
                lengths.append(
                    [np.linalg.norm(tried[max(wrong[0] - k, 0)] - image) for k in (1, 0)]
                )
        assert bool(success) == bool(lengths)
        reached += [bool(lengths)]
        if lengths:
            low, high = min(lengths, key=lambda ends: ends[1])
            low = 0.0 if low == high else low
            assert 0.999 * low <= float(far) <= 1.02 * high
    assert sum(reached) > 0


def test_an_image_that_is_wrong_already_stays_as_it_is():
    network = make_affine(6)
    images = jax.random.uniform(jax.random.key(8), (12, *SHAPE))
    wrong = (np.asarray(network(images)).argmax(axis=1) + 1) % 4
    found = run(fj.attacks.contrast(5, 2), jax.random.key(0), network, images, leave(wrong))
    assert np.all(found.success) and np.all(found.l2 == 0.0)


@pytest.mark.slow
def test_more_draws_of_salt_and_pepper_need_fewer_pixels(key):
    network = make_affine(6)
    images = jax.random.uniform(jax.random.key(8), (12, *SHAPE))
    goal = leave(np.asarray(network(images)).argmax(axis=1))
    few, many = (
        run(fj.attacks.salt_and_pepper(20, draws), key, network, images, goal) for draws in (0, 150)
    )
    assert np.all(many.success >= few.success)
    both = np.asarray(few.success)
    assert both.sum() > 3 and np.all(many.l2[both] <= few.l2[both])
    assert np.median(many.l2[both]) < 0.9 * np.median(few.l2[both])


@pytest.mark.parametrize(
    ("message", "make"),
    {
        "line must be at least 1, got 0": lambda: fj.attacks.contrast(0),
        "halvings must be at least 0, got -1": lambda: fj.attacks.blur(3, -1),
        "draws must be at least 0, got -1": lambda: fj.attacks.salt_and_pepper(3, -1),
    }.items(),
)
def test_impossible_numbers_are_refused(message, make):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.fixture(scope="module")
def victim():
    """The published LeNet, the same for Foolbox, and digits that it reads correctly."""
    foolbox = pytest.importorskip("foolbox", reason="the peer to compare with")
    folder = Path(os.environ.get("FOOLJAX_DATA_DIR", "nowhere"))
    weights = folder / "models" / "caffe_lenet_mnist.safetensors"
    if not weights.exists():
        pytest.skip("FOOLJAX_DATA_DIR holds no LeNet weights and MNIST test digits")
    network = fj.models.build("lenet", jax.random.key(0), (28, 28, 1), 10)
    network = fj.models.load_weights(str(weights), network)
    test = fj.data.load("mnist", str(folder)).test
    images, labels = fj.data.as_float(test.images[:130]), np.asarray(test.labels[:130])
    right = np.flatnonzero(np.asarray(jnp.argmax(network(images), axis=1)) == labels)[:100]
    model = foolbox.models.JAXModel(
        jax.jit(network.__call__), bounds=(0, 1), data_format="channels_last"
    )
    with jax.numpy_rank_promotion("allow"):  # which Foolbox relies on
        yield foolbox, network, model, jnp.asarray(images)[right], jnp.asarray(labels[right])


def compare(name, ours, theirs, fooled, images):
    far = np.linalg.norm(np.float64(theirs - images).reshape(len(images), -1), axis=1)
    fooled, success = np.asarray(fooled), np.asarray(ours.success)
    both = fooled & success
    mine, peer = (np.median(np.asarray(one, np.float64)[both]) for one in (ours.l2, far))
    print(
        f"{name}: success {success.mean():.3f} against {fooled.mean():.3f}; median L2 of those "
        f"that both fool {mine:.4f} against {peer:.4f}"
    )
    assert success.mean() >= fooled.mean() - 0.01
    assert mine <= 1.02 * peer
    return mine / peer


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["contrast", "blur", "salt_and_pepper"])
def test_foolbox_needs_as_much(victim, name, key):
    foolbox, network, model, images, labels = victim
    peer = {
        "contrast": foolbox.attacks.BinarySearchContrastReductionAttack,
        "blur": lambda: foolbox.attacks.GaussianBlurAttack(steps=280, channel_axis=3),
        "salt_and_pepper": lambda: foolbox.attacks.SaltAndPepperNoiseAttack(1000, channel_axis=3),
    }[name]()
    theirs, _, fooled = peer(model, images, labels, epsilons=None)
    attack = {
        "contrast": fj.attacks.contrast(),
        "blur": fj.attacks.blur(280, 0),  # the same line
        "salt_and_pepper": fj.attacks.salt_and_pepper(100, 900),
    }[name]
    ours = run(attack, key, network, images, leave(labels))
    ratio = compare(name, ours, theirs, fooled, images)
    assert name == "salt_and_pepper" or ratio > 0.98
