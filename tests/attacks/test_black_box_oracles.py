"""Foolbox, ART and torchattacks as oracles of attacks without gradients; skips without them.

Brendel and Bethge's attack, which has some, stands beside HopSkipJump.

    python -m pip install foolbox numba adversarial-robustness-toolbox torchattacks
    FOOLJAX_DATA_DIR=... python -m pytest tests/attacks/test_black_box_oracles.py -m slow -s

The numbers that it compares are printed, with the processor time of both where it is told;
neither compiles in it.
"""

import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax.attacks import (
    brendel_bethge,
    hop_skip_jump,
    leave,
    one_pixel,
    run,
    simba,
    spsa,
    square,
)

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


def timed(task, warm=True):
    """Return what a task returns, and its processor seconds, the second time."""
    if warm:
        jax.block_until_ready(task())
    begun = time.process_time()
    found = jax.block_until_ready(task())
    return found, time.process_time() - begun


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


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_brendel_bethge_against_foolbox(digits, norm):
    """From the same starts, with as many gradients."""
    foolbox = pytest.importorskip("foolbox")
    pytest.importorskip("numba", reason="Foolbox solves its steps with it")
    lenet, images, labels = digits
    images, labels = images[:32], labels[:32]
    starts = images[jnp.argmax(labels[None] != labels[:, None], axis=1)]
    model = foolbox.models.JAXModel(jax.jit(lenet.__call__), bounds=(0, 1))
    kinds = {"l2": "L2BrendelBethgeAttack", "linf": "LinfinityBrendelBethgeAttack"}
    # its trust region grows with the number of images attacked together
    peer = getattr(foolbox.attacks, kinds[norm])
    attack = lambda steps: peer(steps=steps, lr_num_decay=10, lr=1e-3 / len(images))
    with jax.numpy_rank_promotion("allow"):
        attack(1).run(model, images, labels, starting_points=starts)
        theirs, their_time = timed(
            lambda: attack(99).run(model, images, labels, starting_points=starts), warm=False
        )
    ours, time_ = timed(
        lambda: run(brendel_bethge(100, norm=norm), KEY, lenet, images, leave(labels), start=starts)
    )
    order = {"l2": 2, "linf": np.inf}[norm]
    change = np.float64(theirs - images).reshape(len(images), -1)
    theirs, mine = np.linalg.norm(change, ord=order, axis=1), np.asarray(getattr(ours, norm))
    print(
        f"Brendel and Bethge {norm}, 99 gradients: median {np.median(mine):.4f} against "
        f"{np.median(theirs):.4f}, mean {mine.mean():.4f} against {theirs.mean():.4f}; nearer or "
        f"within 2 % in {np.mean(mine <= 1.02 * theirs):.3f} of all; processor "
        f"{time_:.1f} s against {their_time:.1f} s"
    )
    assert jnp.all(ours.success)
    assert np.median(mine) <= 1.02 * np.median(theirs)


def only_scores(lenet):
    """ART's view of a network that answers probabilities."""
    pytest.importorskip("art.attacks.evasion")
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork

    network = jax.jit(lambda x: jax.nn.softmax(lenet(x)))
    return BlackBoxClassifierNeuralNetwork(
        lambda x: np.asarray(network(np.float32(x))),
        (28, 28, 1),
        10,
        channels_first=False,
        clip_values=(0.0, 1.0),
    )


@pytest.mark.parametrize("basis", ["pixel", "dct"])
def test_simba_against_art(digits, basis):
    """With the same number of queries, of which it spends two on each direction."""
    lenet, images, labels = digits
    images, labels, tries = images[:32], labels[:32], 150
    model = only_scores(lenet)
    from art.attacks.evasion import SimBA

    np.random.seed(0)  # noqa: NPY002
    kind = {"pixel": "px", "dct": "dct"}[basis]
    peer = SimBA(model, kind, max_iter=tries, epsilon=0.5, freq_dim=4, stride=1, verbose=False)
    model.predict(np.asarray(images[:1]))
    theirs, their_time = timed(
        lambda: peer.generate(np.asarray(images), np.asarray(jax.nn.one_hot(labels, 10))),
        warm=False,
    )
    fooled = np.asarray(jnp.argmax(lenet(theirs), axis=1) != labels)
    attack = simba(step_size=0.5, steps=2 * tries, basis=basis)
    ours, time_ = timed(lambda: run(attack, KEY, lenet, images, leave(labels)))
    far = np.asarray(ours.l2)[np.asarray(ours.success)]
    print(
        f"SimBA {basis}, {2 * tries} queries: success {np.mean(ours.success):.4f} against "
        f"{np.mean(fooled):.4f}, median L2 of these {np.median(far):.3f} against "
        f"{np.median(l2(theirs, images)[fooled]):.3f}, {np.mean(ours.forwards):.1f} "
        f"forward passes; processor {time_:.1f} s against {their_time:.1f} s"
    )
    assert np.mean(ours.success) >= np.mean(fooled) - 0.05


def torch_view(lenet):
    """A module of PyTorch that answers as the network, and counts its questions."""
    torch = pytest.importorskip("torch")
    network = jax.jit(lenet.__call__)

    class View(torch.nn.Module):
        asked = 0

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))  # torchattacks asks where it is

        def forward(self, images):
            View.asked += len(images)
            said = network(np.ascontiguousarray(images.numpy().transpose(0, 2, 3, 1)))
            return torch.from_numpy(np.array(said))

    return View().eval()


def by_torchattacks(attack, lenet, images, labels, count):
    """Return whom an attack of torchattacks fools, what it made, and what it cost."""
    torch = pytest.importorskip("torch")
    pictures = torch.from_numpy(np.array(images).transpose(0, 3, 1, 2))
    given = pictures, torch.from_numpy(np.int64(labels))
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    attack(*(one[:1] for one in given))
    before = count()
    found, seconds = timed(lambda: attack(*given).numpy(), warm=False)
    found = found.transpose(0, 2, 3, 1)
    fooled = np.asarray(jnp.argmax(lenet(found), axis=1) != labels)
    return fooled, found, (count() - before) / len(images), seconds


@pytest.mark.parametrize("epsilon", [0.15, 0.2])
def test_spsa_against_torchattacks(digits, epsilon):
    """The same estimates, steps and learning rate; it goes on where ours stops."""
    torchattacks = pytest.importorskip("torchattacks")
    lenet, images, labels = digits
    images, labels = images[:32], labels[:32]
    view, pairs, steps = torch_view(lenet), 16, 15
    peer = torchattacks.SPSA(
        view, epsilon, delta=0.01, lr=0.03, nb_iter=steps, nb_sample=pairs, max_batch_size=pairs
    )
    fooled, _, queries, their_time = by_torchattacks(
        peer, lenet, images, labels, lambda: view.asked
    )
    attack = spsa(epsilon, 0.03, steps, pairs=pairs)
    ours, time_ = timed(lambda: run(attack, KEY, lenet, images, leave(labels)))
    print(
        f"SPSA, epsilon {epsilon}, {steps} steps of {pairs} pairs: success "
        f"{np.mean(ours.success):.4f} against {np.mean(fooled):.4f}, "
        f"{np.mean(ours.forwards):.1f} forward passes against {queries:.1f}; processor "
        f"{time_:.1f} s against {their_time:.1f} s"
    )
    assert np.mean(ours.success) >= np.mean(fooled) - 0.05


@pytest.mark.parametrize("pixels", [1, 5])
def test_one_pixel_against_torchattacks(digits, pixels):
    """With as many generations of as many; its children are of the best of all."""
    torchattacks = pytest.importorskip("torchattacks")
    lenet, images, labels = digits
    images, labels = images[:32], labels[:32]
    view, count, steps = torch_view(lenet), 60, 10
    peer = torchattacks.OnePixel(view, pixels, steps, popsize=count, inf_batch=count)
    fooled, found, queries, their_time = by_torchattacks(
        peer, lenet, images, labels, lambda: view.asked
    )
    assert np.max(np.sum(found != np.asarray(images), axis=(1, 2, 3))) <= pixels
    attack = one_pixel(pixels, steps=steps + 1, population=count)
    ours, time_ = timed(lambda: run(attack, KEY, lenet, images, leave(labels)))
    print(
        f"{pixels} pixels: success {np.mean(ours.success):.4f} against {np.mean(fooled):.4f}, "
        f"{np.mean(ours.forwards):.1f} forward passes against {queries:.1f}; processor "
        f"{time_:.1f} s against {their_time:.1f} s"
    )
    assert np.mean(ours.success) >= np.mean(fooled) - 0.05
