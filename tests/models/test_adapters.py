"""Networks of other libraries answer, and are attacked, as in their own library and in JAX."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx

from fooljax import attacks, data, evolution, models, training
from fooljax.encodings import direct
from fooljax.types import Classifier

SHAPE, HIDDEN, CLASSES = (4, 5, 3), 7, 3
IMAGES = np.random.default_rng(0).uniform(0.2, 0.8, size=(6, *SHAPE)).astype(np.float32)
PREPROCESS = models.Preprocess(scale=2.0, mean=(0.4, 0.6, 0.5), std=(0.5, 2.0, 1.0))
PREPROCESS_FIRST = models.Preprocess(2.0, (0.4, 0.6, 0.5), (0.5, 2.0, 1.0), channels_first=True)
FIT = {"optimizer": optax.sgd(0.1), "sampler": training.minibatches(6), "steps": 2}


def weights():
    draw = np.random.default_rng(1).normal
    shapes = ((np.prod(SHAPE), HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,))
    return [draw(scale=0.3, size=shape).astype(np.float32) for shape in shapes]


def plain():
    """The network that all others are: images as they are laid out here, in plain JAX."""

    def apply(params, images):
        w1, b1, w2, b2 = params
        mean, std = (jnp.array([[[one]]]) for one in ([0.4, 0.6, 0.5], [0.5, 2.0, 1.0]))
        seen = (images * 2.0 - mean) / std
        return jnp.tanh(seen.reshape(len(images), -1) @ w1 + b1[None]) @ w2 + b2[None]

    return Classifier(weights(), apply, SHAPE, CLASSES)


def first_axis_last(matrix):
    """The weights of the first layer for images whose channels come first."""
    h, w, c = SHAPE
    return matrix.reshape(h, w, c, HIDDEN).transpose(2, 0, 1, 3).reshape(-1, HIDDEN)


def of_torch():
    torch = pytest.importorskip("torch")
    w1, b1, w2, b2 = weights()
    tensor = torch.from_numpy
    net = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(*w1.shape),
        torch.nn.Dropout(0.5),
        torch.nn.Tanh(),
        torch.nn.Linear(*w2.shape),
    )
    named = {"1.weight": first_axis_last(w1).T.copy(), "1.bias": b1, "4.weight": w2.T.copy()}
    net.load_state_dict({name: tensor(value) for name, value in (named | {"4.bias": b2}).items()})
    return net


def from_torch():
    return models.from_torch(of_torch(), SHAPE, CLASSES, PREPROCESS_FIRST)


class Two(nnx.Module):
    def __init__(self, rngs):
        w1, b1, w2, b2 = weights()
        self.first = nnx.Linear(*w1.shape, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.last = nnx.Linear(*w2.shape, rngs=rngs)
        self.average = nnx.BatchStat(jnp.zeros(3))
        for layer, (kernel, bias) in ((self.first, (w1, b1)), (self.last, (w2, b2))):
            layer.kernel.set_value(jnp.asarray(kernel))
            layer.bias.set_value(jnp.asarray(bias))

    def __call__(self, images):
        hidden = nnx.tanh(self.drop(self.first(images.reshape(len(images), -1))))
        return self.last(hidden) + self.average


def from_nnx():
    return models.from_nnx(Two(nnx.Rngs(0)), SHAPE, CLASSES, PREPROCESS)


def of_equinox():
    eqx = pytest.importorskip("equinox")
    w1, b1, w2, b2 = map(jnp.asarray, weights())
    first, last = (eqx.nn.Linear(*one.shape, key=jax.random.key(0)) for one in (w1, w2))
    set_to = lambda layer, w, b: eqx.tree_at(lambda one: (one.weight, one.bias), layer, (w.T, b))
    return eqx.nn.Sequential(
        [
            eqx.nn.Lambda(jnp.ravel),
            set_to(first, first_axis_last(w1), b1),
            eqx.nn.Dropout(0.5),
            eqx.nn.Lambda(jnp.tanh),
            set_to(last, w2, b2),
        ]
    )


def from_equinox():
    return models.from_equinox(of_equinox(), SHAPE, CLASSES, PREPROCESS_FIRST)


def from_keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input(SHAPE),
            layers.Flatten(),
            layers.Dense(HIDDEN, "tanh"),
            layers.Dropout(0.5),
            layers.Dense(CLASSES),
        ]
    )
    model.set_weights(weights())
    return models.from_keras(model, SHAPE, CLASSES, PREPROCESS)


ADAPTERS = {
    "torch": from_torch,
    "nnx": from_nnx,
    "equinox": from_equinox,
    "keras": from_keras,
}


@pytest.fixture(autouse=True)
def as_other_libraries_add():
    """They add a bias [m] to [b, m] as numpy would."""
    with jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture(params=ADAPTERS, scope="module")
def adapted(request):
    return ADAPTERS[request.param]()


def test_answers_and_gradients_are_those_of_the_same_weights(adapted):
    np.testing.assert_allclose(adapted(IMAGES), plain()(IMAGES), atol=1e-5)
    slope = jax.grad(lambda images, network: network(images)[:, 1].sum())
    np.testing.assert_allclose(slope(IMAGES, adapted), slope(IMAGES, plain()), atol=1e-5)
    one_by_one = jax.vmap(lambda image: adapted(image[None])[0])(IMAGES)
    np.testing.assert_allclose(one_by_one, adapted(IMAGES), atol=1e-5)
    assert models.look(adapted) == () and models.validate(adapted) == ()


@pytest.mark.parametrize("name", ["pgd", "deepfool"])
def test_attacks_find_the_same(adapted, name):
    attack = {"pgd": attacks.pgd(0.05, steps=5), "deepfool": attacks.deepfool()}[name]
    goal = attacks.leave(np.asarray(plain()(IMAGES)).argmax(axis=1))
    found, known = (
        attacks.run(attack, jax.random.key(0), one, IMAGES, goal) for one in (adapted, plain())
    )
    np.testing.assert_array_equal(found.success, known.success)
    far = 1e-5 if name == "pgd" else 2e-4  # its steps divide by small numbers
    np.testing.assert_allclose(found.images, known.images, atol=far)


def test_evolution_finds_the_same(adapted):
    search = evolution.map_elites(direct(SHAPE), 8)
    fitness = []
    for network in (adapted, plain()):
        state, _ = evolution.start(jax.random.key(3), search, network)
        state, _ = evolution.advance(jax.random.key(3), search, network, state, 3)
        fitness.append(state.archive.fitness)
    np.testing.assert_allclose(*fitness, atol=1e-5)


def test_training_changes_weights_and_nothing_else():
    before = from_nnx()
    dataset = data.from_arrays(IMAGES, np.arange(6) % CLASSES)
    after, _ = training.fit(jax.random.key(2), before, dataset, **FIT)
    moved = jax.tree.map(lambda old, new: np.any(old != new), before.params, after.params)
    assert all(jax.tree.leaves(moved["params"])) and not any(jax.tree.leaves(moved["kept"]))


def of_linen():
    return linen.Dense(CLASSES)


@pytest.mark.parametrize(
    ("wrong", "network", "right"),
    [
        (models.from_flax, lambda: Two(nnx.Rngs(0)), "from_nnx"),
        (models.from_nnx, of_linen, "from_flax"),
        (models.from_torch, lambda: Two(nnx.Rngs(0)), "from_nnx"),
        (models.from_keras, lambda: len, "from_function"),
        (models.from_function, of_torch, "from_torch"),
        (models.from_nnx, of_equinox, "from_equinox"),
    ],
)
def test_the_wrong_adapter_names_the_right_one(wrong, network, right):
    given = (network(), {}) if wrong is models.from_flax else (network(),)
    with pytest.raises(ValueError, match=rf"use fooljax\.models\.{right}\("):
        wrong(*given, SHAPE, CLASSES)


def test_what_is_no_network_is_refused():
    with pytest.raises(ValueError, match="give a network of that library"):
        models.from_torch("net.pth", SHAPE, CLASSES)
    with pytest.raises(ValueError, match="got a Classifier; use it as it is"):
        models.from_nnx(plain(), SHAPE, CLASSES)


def test_a_function_is_searched_and_asked_but_not_differentiated():
    asked = []

    def function(images):
        asked.append(len(images))
        assert images.dtype == np.float32 and not images.flags.writeable
        return np.asarray(images.reshape(len(images), -1)[:, :3], np.float64)

    network = models.from_function(function, SHAPE, CLASSES)
    np.testing.assert_array_equal(network(IMAGES), IMAGES.reshape(6, -1)[:, :3])
    goal = attacks.leave(np.asarray(network(IMAGES)).argmax(axis=1))
    found = attacks.run(attacks.square(0.6, 200), jax.random.key(0), network, IMAGES, goal)
    assert found.success.all() and max(asked) >= 6
    with pytest.raises(ValueError, match="only answers, it has no gradient"):
        attacks.run(attacks.pgd(0.1), jax.random.key(0), network, IMAGES, goal)
    with pytest.raises(ValueError, match=r"must answer logits \[b, m\], got float64\[2\]"):
        models.from_function(lambda images: np.zeros(len(images)), SHAPE, CLASSES)


def test_a_torch_network_is_copied_and_not_trained():
    module = of_torch().train()
    network = models.from_torch(module, SHAPE, CLASSES)
    before = np.asarray(network(IMAGES))
    assert module.training and module[1].weight.requires_grad
    module[1].weight.data.zero_()
    np.testing.assert_array_equal(network(IMAGES), before)
    dataset = data.from_arrays(IMAGES, np.arange(6) % CLASSES)
    with pytest.raises(ValueError, match="no weights that training could change"):
        training.fit(jax.random.key(2), network, dataset, **FIT)
    with pytest.raises(ValueError, match="has 3 logits, got 4 classes"):
        models.from_torch(module, SHAPE, 4)
    with pytest.raises(ValueError, match=r"handed to it as \(1, 3, 9, 5\)"):
        models.from_torch(module, (9, 5, 3), CLASSES)


@pytest.mark.parametrize("std", [0.0, (1.0, 0.0)])
def test_impossible_preprocessing(std):
    with pytest.raises(ValueError, match="scale and std must not be 0"):
        models.Preprocess(std=std)


NETWORK = """
import torch

def make():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are set on Linux")
def test_a_torch_network_from_a_file_on_one_core(tmp_path):
    """What calls Python from XLA by ``pure_callback`` can wait for itself on one core."""
    pytest.importorskip("torch")
    (tmp_path / "net.py").write_text(NETWORK)
    one_core = "import os, runpy; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    run = "runpy.run_module('experiments.perturb', run_name='__main__', alter_sys=True)"
    flags = ["--preset", "smoke", "--model", f"{tmp_path}/net.py:make", "--out", f"{tmp_path}/run"]
    command = [sys.executable, "-c", one_core + run, *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").exists()


def test_pytorch_computes_once_for_a_gradient():
    torch = pytest.importorskip("torch")
    passes = []

    class Counted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = of_torch()

        def forward(self, images):
            passes.append(len(images))
            return self.net(images)

    counting = models.from_torch(Counted(), SHAPE, CLASSES, PREPROCESS_FIRST)
    images = jax.random.uniform(jax.random.key(0), (3, *SHAPE))
    passes.clear()
    jax.block_until_ready(jax.grad(lambda x: counting(x).sum())(images))
    assert passes == [3]


def test_passes_between_an_answer_and_its_gradient_change_nothing():
    pytest.importorskip("torch")
    network, same = from_torch(), plain()
    first, second = (jax.random.uniform(jax.random.key(i), (3, *SHAPE)) for i in range(2))
    one = jnp.ones((3, CLASSES))
    _, pull_first = jax.vjp(network, first)
    _, pull_second = jax.vjp(network, second)
    for pull, images in ((pull_first, first), (pull_second, second), (pull_first, first)):
        expected = jax.vjp(same, images)[1](one)[0]
        np.testing.assert_allclose(pull(one)[0], expected, atol=1e-5)
