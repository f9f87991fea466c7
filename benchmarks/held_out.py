"""Attacks beside their peers on images on which nothing was chosen: not the first of the test set.

    Run:    FOOLJAX_DATA_DIR=... python -m benchmarks.held_out > held_out.json
    Cost:   some minutes on two CPU cores
    Expect: medians within two hundredths of the peers', or smaller

Needs ``pip install foolbox numba torch adv-lib torchattacks adversarial-robustness-toolbox``,
MNIST below the data folder and the published LeNet (``models/caffe_lenet_mnist.safetensors``).
The settings are those of ``tests/attacks/test_nearest_peers.py`` and
``tests/attacks/test_black_box_oracles.py``, which look at the first test images. Medians and means
count images that were not fooled as infinitely far. All are asked of the network in JAX, but FMN
and the elastic net of the peers, which get its twin in PyTorch.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.peers.networks import answers, as_images, as_tensor, twin
from benchmarks.timing import environment, launch, say, version
from fooljax.attacks import Attack

Question = Literal["fmn", "elastic net", "boundary", "spsa", "simba", "one pixel", "alone"]
AnyNorm = Literal["l0", "l1", "l2", "linf"]
Norm = Literal["linf", "l2"]
Rule = Literal["en", "l1"]
Basis = Literal["pixel", "dct"]
_ORDER = {"l0": 0, "l1": 1, "l2": 2, "linf": np.inf}
_BETA = 0.01  # of the elastic net
_KEY = jax.random.key(0)


@dataclass(frozen=True)
class Config:
    """What to measure.

    Attributes:
        only: questions; ``alone`` is what has no peer here.
        first: number of the first test image.
        images: from there on, of those that the network recognizes.
    """

    only: tuple[Question, ...] = (
        "fmn",
        "elastic net",
        "boundary",
        "spsa",
        "simba",
        "one pixel",
        "alone",
    )
    first: int = 5000
    images: int = 100


class Victim(NamedTuple):
    """A network, and images that it recognizes."""

    classifier: fj.types.Classifier
    images: np.ndarray
    labels: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """The first image that is of another class, for each."""
        return self.images[np.argmax(self.labels[None] != self.labels[:, None], axis=1)]


Found = tuple[str, Any, Any]  # what, here, there (None without a peer)


def measure(config: Config) -> dict[str, Any]:
    """Measure what is asked for; a JSON document of plain values."""
    document: dict[str, Any] = {"config": dataclasses.asdict(config), "environment": environment()}
    packages = ("torch", "foolbox", "adv-lib", "torchattacks", "adversarial-robustness-toolbox")
    document["environment"]["packages"] |= {name: version(name) for name in packages}
    victim, rows = _victim(config), {}
    for question in config.only:
        for name, here, there in _QUESTIONS[question](victim):
            rows[name] = {"fooljax": here, "peer": there}
            say(_line(name, rows[name]))
    return document | {"rows": rows}


def _victim(config: Config) -> Victim:
    folder = os.environ.get("FOOLJAX_DATA_DIR")
    if folder is None:
        raise ValueError("set FOOLJAX_DATA_DIR to the folder with the data sets")
    lenet = fj.models.build("lenet", _KEY, (28, 28, 1), 10)
    weights = Path(folder) / "models" / "caffe_lenet_mnist.safetensors"
    lenet = fj.models.load_weights(str(weights), lenet)
    test = fj.data.load("mnist", folder).test
    part = slice(config.first, config.first + 2 * config.images)
    images = np.asarray(fj.data.as_float(test.images[part]))
    labels = np.asarray(test.labels[part], np.int32)
    right = np.flatnonzero(answers(lenet, images) == labels)[: config.images]
    return Victim(lenet, images[right], labels[right])


def _judged(victim: Victim, found: np.ndarray, norm: str, fooled: np.ndarray) -> dict[str, float]:
    change = (found.astype(np.float64) - victim.images).reshape(len(found), -1)
    if norm == "elastic":
        far = _BETA * np.sum(np.abs(change), axis=1) + np.sum(np.square(change), axis=1)
    else:
        far = np.linalg.norm(change, ord=_ORDER[norm], axis=1)
    far = np.where(fooled, far, np.inf)
    middle = {f"median {norm}": float(np.median(far)), f"mean {norm}": float(np.mean(far))}
    return {"success": float(np.mean(fooled))} | middle


def _ours(victim: Victim, attack: Attack, norm: str, start: Any = None) -> dict[str, float]:
    goal = fj.attacks.leave(jnp.asarray(victim.labels))
    images = jnp.asarray(victim.images)
    found = fj.attacks.run(attack, _KEY, victim.classifier, images, goal, start=start)
    told = _judged(victim, np.asarray(found.images), norm, np.asarray(found.success))
    return told | {"queries": float(np.mean(found.forwards))}


def _theirs(victim: Victim, found: Any, norm: str) -> dict[str, float]:
    found = np.asarray(found, np.float32)
    return _judged(victim, found, norm, answers(victim.classifier, found) != victim.labels)


def _in_torch(victim: Victim, norm: str, attack: Callable[..., Any]) -> dict[str, float]:
    """Judge what an attack of PyTorch ``(network, images, labels)`` finds, by its own network."""
    import torch

    network = twin(victim.classifier)
    pictures, labels = as_tensor(victim.images), torch.from_numpy(np.int64(victim.labels))
    found = attack(network, pictures, labels)
    fooled = (network(found).argmax(1) != labels).numpy()
    return _judged(victim, as_images(found), norm, fooled)


def _foolbox(attack: Any) -> Callable[..., Any]:
    import foolbox

    return lambda network, images, labels: attack(
        foolbox.models.PyTorchModel(network, bounds=(0, 1)), images, labels, epsilons=None
    )[1]


def _fmn(victim: Victim) -> Iterator[Found]:
    import adv_lib.attacks
    import foolbox

    kinds: dict[AnyNorm, str] = {"l0": "L0", "l1": "L1", "l2": "L2", "linf": "LInf"}
    for norm, kind in kinds.items():
        for steps in (30, 100):
            mine = _ours(victim, fj.attacks.fmn(steps, norm=norm), norm)
            first = lambda network, images, labels, order=_ORDER[norm], steps=steps: (
                adv_lib.attacks.fmn(network, images, labels, order, steps=steps)
            )
            second = getattr(foolbox.attacks, f"{kind}FMNAttack")(steps=steps)
            peers = {
                "adv-lib": _in_torch(victim, norm, first),
                "Foolbox": _in_torch(victim, norm, _foolbox(second)),
            }
            yield f"FMN, {norm}, {steps} steps", mine, peers


def _elastic_net(victim: Victim) -> Iterator[Found]:
    import foolbox

    rules: dict[Rule, str] = {"en": "elastic", "l1": "l1"}
    for rule, far in rules.items():
        peer = foolbox.attacks.EADAttack(
            binary_search_steps=5,
            steps=50,
            initial_stepsize=0.05,
            initial_const=0.3,
            regularization=_BETA,
            decision_rule=rule.upper(),
            abort_early=False,
        )
        attack = fj.attacks.elastic_net(
            50, rounds=5, beta=_BETA, step_size=0.05, first_c=0.3, rule=rule
        )
        mine = _ours(victim, attack, far)
        yield f"EAD, by the {rule} rule", mine, _in_torch(victim, far, _foolbox(peer))


def _boundary(victim: Victim) -> Iterator[Found]:
    import foolbox

    model = foolbox.models.JAXModel(jax.jit(victim.classifier.__call__), bounds=(0, 1))
    given = (jnp.asarray(one) for one in (victim.images, victim.labels, victim.starts))
    images, labels, starts = given
    kinds: dict[Norm, str] = {"l2": "L2BrendelBethgeAttack", "linf": "LinfinityBrendelBethgeAttack"}
    for norm, kind in kinds.items():
        # its trust region grows with the number of images attacked together
        peer = getattr(foolbox.attacks, kind)(steps=99, lr_num_decay=10, lr=1e-3 / len(images))
        with jax.numpy_rank_promotion("allow"):
            found = peer.run(model, images, labels, starting_points=starts)
        mine = _ours(victim, fj.attacks.brendel_bethge(100, norm=norm), norm, starts)
        yield f"Brendel and Bethge, {norm}, same starts", mine, _theirs(victim, found, norm)


def _alone(victim: Victim) -> Iterator[Found]:
    make = fj.attacks
    norms: tuple[Norm, ...] = ("l2", "linf")
    for norm in norms:
        here = make.brendel_bethge(40, norm=norm, from_noise=False)
        yield f"Brendel and Bethge, {norm}, 40 from the image", _ours(victim, here, norm), None
        noise = make.brendel_bethge(80, norm=norm)
        yield f"Brendel and Bethge, {norm}, 80 from noise", _ours(victim, noise, norm), None
    yield "DDN, 80 steps", _ours(victim, make.ddn(80), "l2"), None
    slow = _ours(victim, make.spsa(0.2, 0.01, 15, pairs=16), "linf")
    yield "SPSA, Linf 0.2, a third of the rate", slow, None


def _by_torchattacks(victim: Victim, make: Callable[..., Any], norm: str) -> dict[str, float]:
    """Judge an attack of torchattacks, made of a module that asks the network in JAX."""
    import torch

    class View(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))  # torchattacks asks where it is

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(np.array(asked(as_images(images))))

    asked = jax.jit(victim.classifier.__call__)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  # the peer's own generator
    labels = torch.from_numpy(np.int64(victim.labels))
    found = make(View().eval())(as_tensor(victim.images), labels)
    return _theirs(victim, as_images(found), norm)


def _spsa(victim: Victim) -> Iterator[Found]:
    import torchattacks

    numbers = {"delta": 0.01, "lr": 0.03, "nb_iter": 15, "nb_sample": 16, "max_batch_size": 16}
    for epsilon in (0.15, 0.2):
        make = lambda view, epsilon=epsilon: torchattacks.SPSA(view, epsilon, **numbers)
        mine = _ours(victim, fj.attacks.spsa(epsilon, 0.03, 15, pairs=16), "linf")
        yield f"SPSA, Linf {epsilon}", mine, _by_torchattacks(victim, make, "linf")


def _one_pixel(victim: Victim) -> Iterator[Found]:
    import torchattacks

    make = lambda view: torchattacks.OnePixel(view, 5, 10, popsize=60, inf_batch=60)
    mine = _ours(victim, fj.attacks.one_pixel(5, steps=11, population=60), "l0")
    yield "five pixels", mine, _by_torchattacks(victim, make, "l0")


def _simba(victim: Victim) -> Iterator[Found]:
    from art.attacks.evasion import SimBA
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork

    network = jax.jit(lambda images: jax.nn.softmax(victim.classifier(images)))
    model = BlackBoxClassifierNeuralNetwork(
        lambda images: np.asarray(network(np.float32(images))),
        (28, 28, 1),
        10,
        channels_first=False,
        clip_values=(0.0, 1.0),
    )
    one_hot = np.eye(10, dtype=np.float32)[victim.labels]
    kinds: dict[Basis, str] = {"pixel": "px", "dct": "dct"}
    for basis, kind in kinds.items():
        np.random.seed(0)  # noqa: NPY002  # ART's own generator
        peer = SimBA(model, kind, max_iter=150, epsilon=0.5, freq_dim=4, stride=1, verbose=False)
        mine = _ours(victim, fj.attacks.simba(step_size=0.5, steps=300, basis=basis), "l2")
        yield f"SimBA, {basis}", mine, _theirs(victim, peer.generate(victim.images, one_hot), "l2")


_QUESTIONS: dict[str, Callable[[Victim], Iterator[Found]]] = {
    "fmn": _fmn,
    "elastic net": _elastic_net,
    "boundary": _boundary,
    "spsa": _spsa,
    "simba": _simba,
    "one pixel": _one_pixel,
    "alone": _alone,
}


def _line(name: str, row: dict[str, Any]) -> str:
    return f"{name}: {row['fooljax']} against {row['peer']}"


def summarize(document: dict[str, Any]) -> str:
    """Say the figures in lines for people."""
    return "\n".join(_line(name, row) for name, row in document["rows"].items())


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.held_out", description=__doc__)
