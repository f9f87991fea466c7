"""Foolbox as an oracle, on the same networks and the same images; skips without it.

    python -m pip install foolbox
    FOOLJAX_DATA_DIR=... python -m pytest tests/attacks/test_foolbox.py -m slow -s

The numbers that it compares are printed.
"""

import gzip
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import spread

import fooljax as fj
from fooljax.attacks import (
    carlini_wagner,
    cross_entropy,
    ddn,
    deepfool,
    fgsm,
    lbfgs,
    leave,
    pgd,
    run,
)

foolbox = pytest.importorskip("foolbox")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
COUNT = 128
KEY = jax.random.key(0)


@pytest.fixture(scope="module", autouse=True)
def lenient():
    """Foolbox relies on rank promotion."""
    with jax.numpy_rank_promotion("allow"):
        yield


def read_idx(path, offset):
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def published_lenet(folder):
    """The published LeNet, and test digits."""
    weights = folder / "models" / "caffe_lenet_mnist.safetensors"
    pixels = sorted((folder / "mnist").rglob("t10k-images*ubyte*"))
    labels = sorted((folder / "mnist").rglob("t10k-labels*ubyte*"))
    if not (weights.exists() and pixels and labels):
        pytest.skip("FOOLJAX_DATA_DIR holds no LeNet weights and MNIST test digits")
    classifier = fj.models.build("lenet", KEY, (28, 28, 1), 10)
    classifier = fj.models.load_weights(str(weights), classifier)
    images = read_idx(pixels[0], 16).reshape(-1, 28, 28, 1)[: 2 * COUNT] / np.float32(255.0)
    return classifier, images, read_idx(labels[0], 8)[: 2 * COUNT].astype(np.int32)


def trained_on_photographs(folder):
    """A LeNet trained here on CIFAR-10, and test photographs."""
    if not list((folder / "cifar10").glob("test*")):
        pytest.skip("FOOLJAX_DATA_DIR holds no CIFAR-10")
    try:
        splits = fj.data.load("cifar10", str(folder))
    except (OSError, ValueError) as error:
        pytest.skip(f"FOOLJAX_DATA_DIR holds no CIFAR-10 that can be read: {error}")
    classifier = fj.models.build("lenet", KEY, (32, 32, 3), 10)
    recipe = fj.training.quick(400)
    classifier, _ = fj.training.fit(KEY, classifier, splits.train, **recipe._asdict())
    images = np.asarray(fj.data.as_float(splits.test.images[: 4 * COUNT]))
    return classifier, images, np.asarray(splits.test.labels[: 4 * COUNT])


@pytest.fixture(scope="module", params=[published_lenet, trained_on_photographs])
def victim(request):
    """A network, the same for Foolbox, and images that it recognizes."""
    folder = Path(os.environ.get("FOOLJAX_DATA_DIR", "nowhere"))
    classifier, images, truth = request.param(folder)
    right = np.flatnonzero(np.asarray(jnp.argmax(classifier(images), axis=1)) == truth)[:COUNT]
    model = foolbox.models.JAXModel(jax.jit(classifier.__call__), bounds=(0, 1))
    return classifier, model, jnp.asarray(images[right]), jnp.asarray(truth[right])


def l2(one, other):
    return np.linalg.norm(np.float64(one - other).reshape(len(one), -1), axis=1)


@pytest.mark.parametrize("epsilon", [0.1, 0.3])
def test_fgsm_is_the_same(victim, epsilon):
    classifier, model, images, labels = victim
    theirs, _, _ = foolbox.attacks.FGSM()(model, images, labels, epsilons=epsilon)
    # the peer's loss; the default reads it from logits brought to one spread
    attack = spread(fgsm(epsilon, loss=cross_entropy), len(images))
    point, _, _ = attack.step(
        None,
        attack.budget,
        classifier,
        images,
        leave(labels),
        attack.init(None, attack.budget, images),
    )
    same = np.mean(abs(np.asarray(point.images - theirs)) < 1e-6)
    print(f"FGSM {epsilon}: {same:.6f} of all pixels equal")
    assert same > 0.9999  # gradients of 0 up to rounding have no sign


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 20])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_pgd_is_close_step_by_step(victim, norm, steps):
    classifier, model, images, labels = victim
    epsilon, size = {"linf": (0.3, 0.02), "l2": (2.0, 0.2)}[norm]
    peer = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm]
    theirs, _, fooled = peer(abs_stepsize=size, steps=steps, random_start=False)(
        model, images, labels, epsilons=epsilon
    )
    attack = spread(pgd(epsilon, size, steps, norm=norm, loss=cross_entropy), len(images))
    step = jax.jit(attack.step)
    point = attack.init(None, attack.budget, images)
    for _ in range(steps):
        point, _, _ = step(None, attack.budget, classifier, images, leave(labels), point)
    ours = run(attack, KEY, classifier, images, leave(labels))
    default = run(pgd(epsilon, size, steps, norm=norm), KEY, classifier, images, leave(labels))
    apart = l2(point.images, theirs)
    print(
        f"PGD {norm} after {steps} steps: last images {np.median(apart):.1e} apart in the median, "
        f"{apart.max():.1e} at most, of {np.median(l2(images, theirs)):.2f}; "
        f"success {np.mean(ours.success):.4f} against {np.mean(np.asarray(fooled)):.4f}; "
        f"with the default loss {np.mean(default.success):.4f}"
    )
    assert np.median(apart) < 1e-3 * np.median(l2(images, theirs))
    assert np.mean(ours.success) >= np.mean(np.asarray(fooled))


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_deepfool_finds_the_same_distances(victim, norm):
    classifier, model, images, labels = victim
    peer = {"l2": foolbox.attacks.L2DeepFoolAttack, "linf": foolbox.attacks.LinfDeepFoolAttack}
    theirs, _, fooled = peer[norm](steps=50)(model, images, labels, epsilons=None)
    ours = run(deepfool(50, norm=norm), KEY, classifier, images, leave(labels))
    change = np.float64(theirs - images).reshape(COUNT, -1)
    far = np.linalg.norm(change, ord=2 if norm == "l2" else np.inf, axis=1)
    mine = np.asarray(getattr(ours, norm), np.float64)
    apart = abs(mine - far) / far
    print(
        f"DeepFool {norm}: median {np.median(mine):.5f} against {np.median(far):.5f}, mean "
        f"{mine.mean():.5f} against {far.mean():.5f}; relative difference of a sample: median "
        f"{np.median(apart):.1e}, within 1e-3 {np.mean(apart < 1e-3):.3f}; success "
        f"{np.mean(ours.success):.4f} against {np.mean(np.asarray(fooled)):.4f}; "
        f"{np.mean(ours.gradients) / 9:.2f} steps"
    )
    assert jnp.all(ours.success)
    assert np.median(mine) <= 1.001 * np.median(far)
    # in Linf Foolbox goes 1e-4 beyond every boundary that it walks to
    beyond = 2e-4 if norm == "linf" else 0.0
    assert np.median(abs(mine - far) - beyond) < 5e-3 * np.median(far)


@pytest.mark.parametrize("epsilon", [4.0, 8.0, 12.0])
@pytest.mark.parametrize("random_start", [False, True])
def test_l1_pgd_succeeds_as_often(victim, epsilon, random_start):
    classifier, model, images, labels = victim
    size, steps = 0.1 * epsilon, 40
    peer = foolbox.attacks.SparseL1DescentAttack(
        quantile=0.99, abs_stepsize=size, steps=steps, random_start=random_start
    )
    theirs, _, fooled = peer(model, images, labels, epsilons=epsilon)
    attack = pgd(epsilon, size, steps, norm="l1", sparsity=0.99, random_start=random_start)
    ours = run(attack, KEY, classifier, images, leave(labels))
    far = abs(np.float64(theirs - images)).reshape(len(images), -1).sum(axis=1)
    fooled = np.asarray(fooled)
    allowed = fooled & (far <= 1.0001 * epsilon)  # its projection leaves the ball by up to 1 %
    print(
        f"L1 PGD {epsilon}, random start {random_start}: success {np.mean(ours.success):.4f} "
        f"against {np.mean(allowed):.4f} inside the ball and {np.mean(fooled):.4f} anywhere; "
        f"largest L1 norm {ours.l1.max():.4f} against {far.max():.4f}"
    )
    assert np.mean(ours.success) >= np.mean(allowed)


def compare_distances(name, ours, theirs, fooled, images):
    far, mine = l2(theirs, images), np.asarray(ours.l2, np.float64)
    print(
        f"{name}: median {np.median(mine):.5f} against {np.median(far):.5f}, mean "
        f"{mine.mean():.5f} against {far.mean():.5f}; nearer or within 2 % in "
        f"{np.mean(mine <= 1.02 * far):.3f} of all; success {np.mean(ours.success):.4f} against "
        f"{np.mean(np.asarray(fooled)):.4f}"
    )
    assert np.mean(ours.success) >= np.mean(np.asarray(fooled))
    assert np.median(mine) <= 1.02 * np.median(far)


@pytest.mark.parametrize("steps", [50, 100])
def test_ddn_is_as_near(victim, steps):
    classifier, model, images, labels = victim
    peer = foolbox.attacks.DDNAttack(init_epsilon=1.0, steps=steps, gamma=0.05)
    theirs, _, fooled = peer(model, images, labels, epsilons=None)
    ours = run(ddn(steps), KEY, classifier, images, leave(labels))
    compare_distances(f"DDN {steps}", ours, theirs, fooled, images)


def test_carlini_wagner_and_lbfgs_are_as_near(victim):
    """The same rounds, steps and weights; L-BFGS with as many gradients against the same peer."""
    classifier, model, images, labels = victim
    images, labels = images[:64], labels[:64]
    peer = foolbox.attacks.L2CarliniWagnerAttack(
        binary_search_steps=6, steps=100, stepsize=0.05, initial_const=0.1, abort_early=False
    )
    theirs, _, fooled = peer(model, images, labels, epsilons=None)
    attack = carlini_wagner(100, rounds=6, step_size=0.05, first_c=0.1)
    ours = run(attack, KEY, classifier, images, leave(labels))
    compare_distances("Carlini and Wagner", ours, theirs, fooled, images)
    newton = run(lbfgs(20, rounds=30), KEY, classifier, images, leave(labels))
    compare_distances("L-BFGS against Carlini and Wagner", newton, theirs, fooled, images)
