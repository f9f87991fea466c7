"""Turned and shifted pictures against SciPy, brute force over the grid, and the peers."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

import fooljax as fj
from fooljax.attacks import leave, margin, run
from fooljax.attacks.spatial import moved

SHAPE = (9, 7, 2)


def in_scipy(image, degrees, down, right):
    """Turn counterclockwise about the center, then shift, linearly; black from outside."""
    radians = np.deg2rad(degrees)
    # a picture's rows count downwards: counterclockwise to the eye
    turn = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
    center = (np.array(image.shape[:2]) - 1) / 2
    offset = center - turn @ (center + np.array([down, right]))
    return np.stack(
        [
            scipy.ndimage.affine_transform(
                image[..., c], turn, offset, order=1, mode="grid-constant"
            )
            for c in range(image.shape[2])
        ],
        axis=-1,
    )


@pytest.fixture(scope="module")
def network():
    return fj.models.build("softmax", jax.random.key(1), SHAPE, 4)


@pytest.fixture(scope="module")
def images():
    return np.asarray(jax.random.uniform(jax.random.key(3), (6, *SHAPE)))


def test_a_quarter_turn_and_whole_pixels_are_exact():
    image = np.random.default_rng(0).uniform(size=(5, 5, 1)).astype(np.float32)
    turn = moved(jnp.array([1.0, 0.0, 0.0]), 90.0, 0.0, image)
    np.testing.assert_allclose(turn, np.rot90(image), atol=1e-5)  # counterclockwise, as numpy's
    shifted = np.asarray(moved(jnp.array([0.0, 1.0, -0.5]), 90.0, 0.4, image))
    np.testing.assert_allclose(shifted[2:, :4], image[:3, 1:], atol=1e-5)
    assert np.all(shifted[:2] == 0.0) and np.all(shifted[:, 4:] == 0.0)


def test_poses_are_those_of_scipy(images):
    for pose in np.random.default_rng(1).uniform(-1, 1, (4, 3)):
        ours = moved(jnp.float32(pose), 30.0, 0.2, images[0])
        expected = in_scipy(images[0], 30 * pose[0], 0.2 * 9 * pose[1], 0.2 * 7 * pose[2])
        np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_the_worst_of_the_grid_is_found(network, images):
    labels = np.asarray(network(images)).argmax(axis=1)
    attack = fj.attacks.spatial(40.0, 0.25, grid=3)
    found = run(attack, jax.random.key(0), network, images, leave(labels))
    worst = [margin(leave(labels), network(images), 4)]
    for angle, down, right in itertools.product((-1, 0, 1), repeat=3):
        made = [in_scipy(one, 40 * angle, 0.25 * 9 * down, 0.25 * 7 * right) for one in images]
        worst.append(margin(leave(labels), network(jnp.float32(np.stack(made))), 4))
    np.testing.assert_allclose(found.margin, np.max(worst, axis=0), atol=1e-4)
    assert np.all(found.forwards == 27 + 2)


@pytest.mark.slow
def test_random_poses_are_others_for_each_image_and_repeat(network, images, key):
    same = np.repeat(images[:1], 4, axis=0)
    goal = leave(np.asarray(network(same)).argmax(axis=1))
    attack = fj.attacks.spatial(draws=10)
    found, again = (run(attack, key, network, same, goal) for _ in range(2))
    np.testing.assert_array_equal(found.images, again.images)
    assert len(np.unique(np.asarray(found.margin))) == 4


IMPOSSIBLE = {
    r"degrees must be in \[0, 180\], got 200": {"degrees": 200},
    r"shift must be in \[0, 1\], got 2": {"shift": 2},
    "grid must be at least 1, got 0": {"grid": 0},
    "draws must be at least 1, got 0": {"draws": 0},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items())
def test_impossible_numbers_are_refused(message, changes):
    with pytest.raises(ValueError, match=message):
        fj.attacks.spatial(**changes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_foolbox_and_art_fool_no_more(key):
    """Foolbox on the same grid, for each image; ART with one pose for all images."""
    torch = pytest.importorskip("torch", reason="Foolbox turns pictures in PyTorch")
    foolbox = pytest.importorskip("foolbox", reason="the peer to compare with")
    splits = fj.data.load("digits")
    network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
    network, _ = fj.training.fit(
        jax.random.key(1), network, splits.train, **fj.training.quick(300)._asdict()
    )
    images = np.asarray(fj.data.as_float(splits.test.images[:200]))
    labels = np.asarray(splits.test.labels[:200])
    right = np.flatnonzero(np.asarray(network(images)).argmax(axis=1) == labels)[:100]
    images, labels = images[right], labels[right]
    layer = torch.nn.Linear(784, 10)
    (weights,) = network.params.values()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.array(weights["kernel"]).T.copy()))
        layer.bias.copy_(torch.from_numpy(np.array(weights["bias"])))
    module = torch.nn.Sequential(torch.nn.Flatten(), layer).eval()
    model = foolbox.PyTorchModel(module, bounds=(0, 1), device="cpu")
    peer = foolbox.attacks.SpatialAttack(
        max_translation=1, max_rotation=10, num_translations=5, num_rotations=5
    )
    given = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    _, _, fooled = peer(model, given, torch.from_numpy(np.int64(labels)))
    attack = fj.attacks.spatial(10.0, 1 / 28, grid=5)
    found = run(attack, key, network, images, leave(labels))
    share = float(fooled.float().mean())
    print(f"spatial: {np.mean(found.success):.3f} fooled against {share:.3f} by Foolbox")
    assert 0.2 < share < 0.9 and abs(np.mean(found.success) - share) <= 0.03
    art = pytest.importorskip("art.estimators.classification", reason="the other peer")
    evasion = pytest.importorskip("art.attacks.evasion", reason="the other peer")
    classifier = art.PyTorchClassifier(
        module, torch.nn.CrossEntropyLoss(), (1, 28, 28), 10, clip_values=(0, 1)
    )
    one_pose = evasion.SpatialTransformation(
        classifier,
        max_translation=100 * 1 / 28,
        num_translations=5,
        max_rotation=10,
        num_rotations=5,
        verbose=False,
    )
    theirs = one_pose.generate(given.numpy())
    rate = np.mean(classifier.predict(theirs).argmax(axis=1) != labels)
    print(f"spatial: ART, one pose for all images: {rate:.3f}")
    assert 0.0 < rate <= np.mean(found.success)
