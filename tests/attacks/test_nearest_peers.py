"""Other libraries' minimum-norm attacks as oracles, on the same weights and images; slow.

    python -m pip install torch foolbox adv-lib adversarial-robustness-toolbox
    FOOLJAX_DATA_DIR=... python -m pytest tests/attacks/test_nearest_peers.py -m slow -s

The numbers that it compares are printed.
"""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from fooljax.attacks import elastic_net, fmn, leave, reach, run

torch = pytest.importorskip("torch", reason="PyTorch runs the other libraries")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
KEY = jax.random.key(0)
COUNT, STEPS = 64, 30
NORMS = ("l0", "l1", "l2", "linf")


class Twin(torch.nn.Module):
    """Two layers, or LeNet, with the weights of a classifier; images are ``[b, c, h, w]``."""

    def __init__(self, params):
        super().__init__()
        self.weights = {
            name: {kind: torch.tensor(np.array(leaf)) for kind, leaf in layer.items()}
            for name, layer in params.items()
        }

    def dense(self, name, x):
        return x @ self.weights[name]["kernel"] + self.weights[name]["bias"]

    def pooled(self, name, x):
        kernel = self.weights[name]["kernel"].permute(3, 2, 0, 1)
        convolved = torch.nn.functional.conv2d(x, kernel, self.weights[name]["bias"])
        return torch.max_pool2d(convolved, 2)

    def forward(self, x):
        if "conv1" not in self.weights:
            hidden = torch.tanh(self.dense("first", x.permute(0, 2, 3, 1).flatten(1)))
            return self.dense("second", hidden)
        x = self.pooled("conv2", self.pooled("conv1", x * (255 / 256)))
        return self.dense("ip2", torch.relu(self.dense("ip1", x.flatten(1))))


def lenet():
    """The published LeNet, and test digits that it recognizes."""
    folder = Path(os.environ.get("FOOLJAX_DATA_DIR", "nowhere"))
    weights = folder / "models" / "caffe_lenet_mnist.safetensors"
    if not (weights.exists() and (folder / "mnist").exists()):
        pytest.skip("FOOLJAX_DATA_DIR holds no LeNet weights and MNIST test digits")
    classifier = fj.models.build("lenet", KEY, (28, 28, 1), 10)
    classifier = fj.models.load_weights(str(weights), classifier)
    digits = fj.data.load("mnist", str(folder)).test
    images = np.asarray(fj.data.as_float(digits.images[: 2 * COUNT]))
    right = np.argmax(classifier(images), axis=1) == np.asarray(digits.labels[: 2 * COUNT])
    return classifier, classifier.params, images[right][:COUNT]


def random_layers():
    """A small random network, and random images."""
    shape, keys = (8, 8, 1), jax.random.split(KEY, 3)
    layer = lambda key, n, m: {"kernel": jax.random.normal(key, (n, m)) / 4.0, "bias": jnp.zeros(m)}
    params = {"first": layer(keys[0], 64, 32), "second": layer(keys[1], 32, 5)}

    def apply(params, images):
        first, second = params["first"], params["second"]
        flat = images.reshape(len(images), -1)
        hidden = jnp.tanh(flat @ first["kernel"] + first["bias"][None])
        return hidden @ second["kernel"] + second["bias"][None]

    images = np.asarray(jax.random.uniform(keys[2], (COUNT, *shape)))
    return fj.types.Classifier(params, apply, shape, 5), params, images


@pytest.fixture(scope="module", params=[random_layers, lenet])
def victim(request):
    """A classifier, the same for PyTorch, images and what both say of them."""
    classifier, params, images = request.param()
    twin = Twin(params).eval()
    logits = np.asarray(classifier(images))
    np.testing.assert_allclose(twin(to_torch(images)), logits, atol=1e-3)
    return classifier, twin, images, logits.argmax(axis=1).astype(np.int32)


def to_torch(images):
    return torch.tensor(np.asarray(images).transpose(0, 3, 1, 2).copy())


def compared(name, norm, victim, goal, ours, theirs):
    """Say how far both went, failures infinitely far; return both medians."""
    _, twin, images, _ = victim
    said = twin(theirs).argmax(dim=1).numpy()
    labels = np.asarray(goal.labels)
    fooled = said == labels if goal.targeted else said != labels
    order = {"l0": 0, "l1": 1, "l2": 2, "linf": np.inf}[norm]
    medians = []
    for found, success in ((ours.images, ours.success), (to_images(theirs), fooled)):
        change = (np.asarray(found) - images).reshape(len(images), -1)
        far = np.linalg.norm(np.float64(change), ord=order, axis=1)
        medians.append(np.median(np.where(success, far, np.inf)))
    print(
        f"{name}: median {norm} {medians[0]:.4f} against {medians[1]:.4f}, "
        f"success {np.mean(ours.success):.3f} against {fooled.mean():.3f}"
    )
    assert np.mean(ours.success) >= fooled.mean()
    return medians


def to_images(theirs):
    return theirs.numpy().transpose(0, 2, 3, 1)


def goal_of(victim, targeted):
    classifier, _, _, labels = victim
    return reach((labels + 1) % classifier.num_classes) if targeted else leave(labels)


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("norm", NORMS)
def test_fmn_is_as_near_as_that_of_adv_lib(victim, norm, targeted):
    peer = pytest.importorskip(
        "adv_lib.attacks", reason="adv-lib is the peer", exc_type=ImportError
    )
    classifier, twin, images, _ = victim
    goal = goal_of(victim, targeted)
    ours = run(fmn(STEPS, norm=norm), KEY, classifier, images, goal)
    labels = torch.tensor(np.asarray(goal.labels)).long()
    order = {"l0": 0, "l1": 1, "l2": 2, "linf": float("inf")}[norm]
    theirs = peer.fmn(twin, to_torch(images), labels, order, targeted=targeted, steps=STEPS)
    mine, other = compared("FMN of adv-lib", norm, victim, goal, ours, theirs)
    assert mine <= 1.02 * other


@pytest.mark.parametrize("norm", NORMS)
def test_fmn_is_as_near_as_that_of_foolbox(victim, norm):
    foolbox = pytest.importorskip("foolbox", reason="Foolbox is the peer", exc_type=ImportError)
    classifier, twin, images, labels = victim
    name = {"l0": "L0", "l1": "L1", "l2": "L2", "linf": "LInf"}[norm]
    peer = getattr(foolbox.attacks, f"{name}FMNAttack")(steps=STEPS)
    model = foolbox.models.PyTorchModel(twin, bounds=(0, 1))
    goal = leave(labels)
    ours = run(fmn(STEPS, norm=norm), KEY, classifier, images, goal)
    theirs, _, _ = peer(model, to_torch(images), torch.tensor(labels).long(), epsilons=None)
    mine, other = compared("FMN of Foolbox", norm, victim, goal, ours, theirs)
    assert mine <= 1.02 * other


#: The same rounds, steps and weights for all.
EAD = {"steps": 30, "rounds": 4, "beta": 0.01, "step_size": 0.05, "first_c": 0.3}


@pytest.mark.parametrize("rule", ["en", "l1"])
def test_the_elastic_net_is_as_near_as_that_of_foolbox(victim, rule):
    foolbox = pytest.importorskip("foolbox", reason="Foolbox is the peer", exc_type=ImportError)
    classifier, twin, images, labels = victim
    peer = foolbox.attacks.EADAttack(
        binary_search_steps=EAD["rounds"],
        steps=EAD["steps"],
        initial_stepsize=EAD["step_size"],
        initial_const=EAD["first_c"],
        regularization=EAD["beta"],
        decision_rule=rule.upper(),
        abort_early=False,
    )
    model = foolbox.models.PyTorchModel(twin, bounds=(0, 1))
    ours = run(elastic_net(**EAD, rule=rule), KEY, classifier, images, leave(labels))
    theirs, _, _ = peer(model, to_torch(images), torch.tensor(labels).long(), epsilons=None)
    mine, other = compared(f"EAD of Foolbox, {rule}", "l1", victim, leave(labels), ours, theirs)
    assert mine <= 1.02 * other


def test_the_elastic_net_is_as_near_as_that_of_art(victim):
    """By the distance that both minimize; ART does not pull back what reaches the goal."""
    evasion = pytest.importorskip("art.attacks.evasion", reason="ART is the peer")
    from art.estimators.classification import PyTorchClassifier

    classifier, twin, images, labels = victim
    shape = to_torch(images).shape[1:]
    model = PyTorchClassifier(
        twin, torch.nn.CrossEntropyLoss(), tuple(shape), classifier.num_classes,
        clip_values=(0.0, 1.0),
    )  # fmt: skip
    peer = evasion.ElasticNet(
        model,
        learning_rate=EAD["step_size"],
        binary_search_steps=EAD["rounds"],
        max_iter=EAD["steps"],
        beta=EAD["beta"],
        initial_const=EAD["first_c"],
        batch_size=len(images),
        decision_rule="EN",
        verbose=False,
    )
    ours = run(elastic_net(**EAD), KEY, classifier, images, leave(labels))
    theirs = torch.tensor(peer.generate(to_torch(images).numpy(), labels))
    goal = leave(labels)
    one, another = (
        compared("EAD of ART", norm, victim, goal, ours, theirs) for norm in ("l1", "l2")
    )
    mine, other = (EAD["beta"] * l1 + l2**2 for l1, l2 in zip(one, another, strict=True))
    print(f"elastic net's distance of the medians: {mine:.4f} against {other:.4f}")
    assert mine <= 1.02 * other
