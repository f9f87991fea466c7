"""What a user's own file may name as a network, and what is said of everything else."""

import pytest

from fooljax.study import Victim, own_network, prepared

FILE = """
import flax.linen as nn
import jax
from flax import nnx
from fooljax.types import Classifier

class Small(nnx.Module):
    def __init__(self):
        self.out = nnx.Linear(4, 3, rngs=nnx.Rngs(0))
    def __call__(self, images):
        return self.out(images.reshape(len(images), -1))

class Asking(nnx.Module):
    def __init__(self, rngs):
        self.out = nnx.Linear(4, 3, rngs=rngs)

linen = nn.Dense(3)

def answers(images):
    return images.reshape(len(images), -1)

def linear():
    apply = lambda params, images: images.reshape(len(images), -1) @ params
    return Classifier(jax.random.normal(jax.random.key(5), (784, 10)), apply, (28, 28, 1), 10)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "networks.py"
    path.write_text(FILE)
    return path


def test_a_class_that_needs_nothing_is_a_function_that_returns_a_network(file):
    network = own_network.load(f"{file}:Small", (2, 2, 1), 3)
    assert network.input_shape == (2, 2, 1) and network.num_classes == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Asking", r"Asking\(\) fails with TypeError: .*'rngs'; it is called without arguments"),
        ("answers", r"answers\(\) fails with .*is one by fooljax\.models\.from_function\)$"),
        (
            "linen",
            r"Dense does not say its weights; return fooljax\.models\.from_flax\(...\) of it$",
        ),
    ],
)
def test_what_is_no_network_is_told_how_to_become_one(file, name, message):
    with pytest.raises(ValueError, match=message):
        own_network.load(f"{file}:{name}", (2, 2, 1), 3)


def test_a_file_without_a_name_is_asked_for_one(file, tmp_path):
    with pytest.raises(ValueError, match=r"networks\.py: which .* Give .*networks\.py:NAME"):
        prepared.prepare(Victim(model=str(file)), tmp_path)


@pytest.mark.parametrize(
    "changes", [{"recipe": "adversarial"}, {"recipe": "adversarial", "train_epsilon": 0.1}]
)
def test_what_comes_with_its_weights_is_not_said_to_be_trained_by_a_recipe(file, tmp_path, changes):
    with pytest.raises(ValueError, match=r"--recipe adversarial: .*:linear comes with its weights"):
        prepared.prepare(Victim(model=f"{file}:linear", **changes), tmp_path)
    # that of presets, and what is as usual, says nothing about the network
    victim = Victim(model=f"{file}:linear", recipe="caffe_lenet", train_steps=5)
    assert prepared.prepare(victim, tmp_path).origin.startswith("your own network")
