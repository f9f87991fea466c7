"""Foolbox and ART as oracles of attacks without gradients; skips without them.

    python -m pip install foolbox adversarial-robustness-toolbox
    FOOLJAX_DATA_DIR=... python -m pytest tests/attacks/test_black_box_oracles.py -m slow -s

The numbers that it compares are printed.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax.attacks import hop_skip_jump, leave, run, square

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def digits(data_dir):
    """The published LeNet, and test digits that it recognizes."""
    weights = Path(data_dir) / "models" / "caffe_lenet_mnist.safetensors"
    if not weights.exists() or not (Path(data_dir) / "mnist").is_dir():
        pytest.skip("FOOLJAX_DATA_DIR holds no LeNet weights and MNIST")
    lenet = fj.models.build("lenet", KEY, (28, 28, 1), 10)
    lenet = fj.models.load_weights(str(weights), lenet)
    test = fj.data.load("mnist", data_dir).test
    images, labels = fj.data.as_float(test.images[:80]), test.labels[:80]
    right = np.flatnonzero(np.asarray(jnp.argmax(lenet(images), axis=1) == labels))[:64]
    return lenet, images[right], labels[right]


def l2(one, other):
    return np.linalg.norm(np.float64(one - other).reshape(len(one), -1), axis=1)


@pytest.mark.parametrize("together", [1, 32], ids=["one by one", "batch"])
def test_hop_skip_jump_against_foolbox(digits, together):
    """From the same starts, with the same iterations, and no more queries."""
    foolbox = pytest.importorskip("foolbox")
    lenet, images, labels = digits
    images, labels = images[:32], labels[:32]
    others = jnp.argmax(labels[None] != labels[:, None], axis=1)  # the first of another class
    starts = images[others]
    calls = []
    network = jax.jit(lenet.__call__)
    model = foolbox.models.JAXModel(lambda x: calls.append(0) or network(x), bounds=(0, 1))
    peer = foolbox.attacks.HopSkipJumpAttack(steps=4)
    theirs, queries = [], []
    with jax.numpy_rank_promotion("allow"):
        for first in range(0, len(images), together):
            part = slice(first, first + together)
            calls.clear()
            found = peer.run(model, images[part], labels[part], starting_points=starts[part])
            theirs.append(found)
            queries.append(len(calls))
    theirs = l2(jnp.concatenate(theirs), images)
    ours = run(hop_skip_jump(5), KEY, lenet, images, leave(labels), start=starts)
    print(
        f"HopSkipJump, 4 hops: median L2 {np.median(ours.l2):.4f} against {np.median(theirs):.4f}, "
        f"queries {np.mean(ours.forwards):.1f} against {np.mean(queries):.1f}; from "
        f"{np.median(l2(starts, images)):.2f}"
    )
    assert jnp.all(ours.success)
    assert np.mean(ours.forwards) <= np.mean(queries)
    assert np.median(ours.l2) <= 1.05 * np.median(theirs)


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.15), ("linf", 0.2), ("l2", 2.0)])
def test_square_against_art(digits, norm, epsilon):
    """With the same number of candidates."""
    art = pytest.importorskip("art.attacks.evasion")
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork

    lenet, images, labels = digits
    network, steps = jax.jit(lenet.__call__), 300
    model = BlackBoxClassifierNeuralNetwork(
        lambda x: np.asarray(network(np.float32(x))),
        (28, 28, 1),
        10,
        channels_first=False,
        clip_values=(0.0, 1.0),
    )
    np.random.seed(0)  # noqa: NPY002
    peer = art.SquareAttack(
        model,
        norm={"linf": np.inf, "l2": 2}[norm],
        max_iter=steps - 1,
        eps=epsilon,
        batch_size=64,
        verbose=False,
    )
    theirs = peer.generate(np.asarray(images), np.asarray(jax.nn.one_hot(labels, 10)))
    sound = np.isfinite(theirs).all(axis=(1, 2, 3))  # in L2 some of its images become NaN
    change = np.asarray(theirs - images).reshape(len(images), -1)
    far = np.linalg.norm(change[sound], ord={"linf": np.inf, "l2": 2}[norm], axis=1)
    assert far.max() <= epsilon * (1.0 + 1e-5)
    fooled = sound & np.asarray(jnp.argmax(lenet(theirs), axis=1) != labels)
    ours = run(square(epsilon, steps, norm=norm), KEY, lenet, images, leave(labels))
    print(
        f"Square {norm}, epsilon {epsilon}, {steps} candidates: "
        f"success {np.mean(ours.success):.4f} against {np.mean(fooled):.4f}; "
        f"where its image is no NaN ({np.sum(sound)} of {len(sound)}) "
        f"{np.mean(ours.success[sound]):.4f} against {np.mean(fooled[sound]):.4f}; "
        f"{np.mean(ours.forwards):.1f} forward passes"
    )
    assert np.mean(ours.success[sound]) >= np.mean(fooled[sound])
