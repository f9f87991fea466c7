"""Attacks of libraries of many frameworks: Foolbox and ART, on the compiled JAX network.

ART's class for JAX lacks the gradients of single classes, so its universal perturbation runs
on PyTorch.
"""

import random
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import fooljax as fj
from benchmarks.peers.attack_sides import Aim, Counts, counted_twin, judged, ours
from benchmarks.peers.networks import answers
from benchmarks.peers.pairs import Numbers, Pair, Side, Victim

STEPS = 20
_PATIENT = 50  # steps in a round of Carlini and Wagner's attack
_FEW = 16  # images of attacks that take long
_LEARNED = 50  # images of which a universal perturbation is made


def _foolbox(victim: Victim, attack: Callable[[Any, Any, Any], Any], aim: Aim) -> Side:
    """Attack by Foolbox: ``(model, images, labels) -> images``."""
    import foolbox

    compiled, counts = jax.jit(victim.classifier.__call__), Counts()

    def network(images: Any) -> Any:
        counts.forwards += len(images)
        if isinstance(images, jax.core.Tracer):  # it is about to be differentiated
            counts.gradients += len(images)
        return compiled(images)

    model = foolbox.models.JAXModel(network, bounds=(0, 1))
    images, labels = jnp.asarray(victim.images), jnp.asarray(victim.labels)

    def work(repeat: int) -> Any:
        counts.reset()
        with jax.numpy_rank_promotion("allow"):
            return attack(model, images, labels)

    def found(result: Any) -> Numbers:
        spent = counts.of_each(len(images))
        return judged(victim, np.asarray(result), aim) | spent

    return Side(work, found)


def _pgd(victim: Victim) -> tuple[Side, Side]:
    import foolbox

    epsilon, step = victim.epsilon, victim.epsilon / 10
    peer = foolbox.attacks.LinfPGD(abs_stepsize=step, steps=STEPS, random_start=True)
    attack = lambda model, images, labels: peer(model, images, labels, epsilons=epsilon)[1]
    mine = fj.attacks.pgd(epsilon, step, STEPS, random_start=True)
    return ours(victim, mine, "ball"), _foolbox(victim, attack, "ball")


def _nearest(victim: Victim, mine: Any, peer: Any) -> tuple[Side, Side]:
    attack = lambda model, images, labels: peer(model, images, labels, epsilons=None)[1]
    return ours(victim, mine, "l2"), _foolbox(victim, attack, "l2")


def _deepfool(victim: Victim) -> tuple[Side, Side]:
    import foolbox

    return _nearest(victim, fj.attacks.deepfool(50), foolbox.attacks.L2DeepFoolAttack(steps=50))


def _ddn(victim: Victim) -> tuple[Side, Side]:
    import foolbox

    peer = foolbox.attacks.DDNAttack(init_epsilon=1.0, steps=STEPS, gamma=0.05)
    return _nearest(victim, fj.attacks.ddn(STEPS), peer)


def _carlini_wagner(victim: Victim) -> tuple[Side, Side]:
    import foolbox

    peer = foolbox.attacks.L2CarliniWagnerAttack(
        binary_search_steps=3, steps=_PATIENT, stepsize=0.2, initial_const=1.0, abort_early=False
    )

    def attack(model: Any, images: Any, labels: Any) -> Any:
        found = peer(model, images, labels, epsilons=None)[1]
        # where it finds nothing it returns a black image, which many a network takes for another
        nothing = jnp.max(found, axis=(1, 2, 3), keepdims=True) == 0.0
        return jnp.where(nothing, images, found)

    victim = victim.some(_FEW)
    mine = fj.attacks.carlini_wagner(_PATIENT, rounds=3, step_size=0.2, first_c=1.0)
    return ours(victim, mine, "l2"), _foolbox(victim, attack, "l2")


def _hop_skip_jump(victim: Victim) -> tuple[Side, Side]:
    import foolbox

    victim = victim.some(_FEW)
    # from the same starts: the first image that is of another class
    others = np.argmax(victim.labels[None] != victim.labels[:, None], axis=1)
    starts = jnp.asarray(victim.images[others])
    peer = foolbox.attacks.HopSkipJumpAttack(steps=4)
    attack = lambda model, images, labels: peer.run(model, images, labels, starting_points=starts)
    mine = fj.attacks.hop_skip_jump(5)  # its first step is the search for the boundary
    return ours(victim, mine, "l2", start=starts), _foolbox(victim, attack, "l2")


def _art_pgd(victim: Victim) -> tuple[Side, Side]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks.evasion import ProjectedGradientDescentNumpy
        from art.experimental.estimators.classification import JaxClassifier

    counts, classifier = Counts(), victim.classifier

    @jax.jit
    def loss(params: Any, images: Any, one_hot: Any) -> Any:
        return optax.softmax_cross_entropy(classifier.apply(params, images), one_hot).sum()

    compiled = jax.jit(classifier.apply)

    def predict(params: Any, images: Any) -> Any:
        counts.forwards += len(images)
        return compiled(params, images)

    def counted_loss(params: Any, images: Any, one_hot: Any) -> Any:
        counts.forwards += len(images)
        counts.gradients += len(images)
        return loss(params, images, one_hot)

    network = JaxClassifier(
        model=classifier.params,
        predict_func=predict,
        loss_func=counted_loss,
        update_func=None,
        input_shape=classifier.input_shape,
        nb_classes=classifier.num_classes,
        clip_values=(0.0, 1.0),
    )
    peer = ProjectedGradientDescentNumpy(
        network,
        eps=victim.epsilon,
        eps_step=victim.epsilon / 10,
        max_iter=STEPS,
        num_random_init=1,
        batch_size=len(victim.images),
        verbose=False,
    )
    one_hot = np.eye(classifier.num_classes, dtype=np.float32)[victim.labels]

    def work(repeat: int) -> Any:
        np.random.seed(repeat)  # noqa: NPY002  # ART's own generator
        counts.reset()
        return peer.generate(victim.images, one_hot)

    def found(result: Any) -> Numbers:
        spent = counts.of_each(len(result))
        return judged(victim, result, "ball") | spent

    mine = fj.attacks.pgd(victim.epsilon, victim.epsilon / 10, STEPS, random_start=True)
    return ours(victim, mine, "ball"), Side(work, found)


def _art_universal(victim: Victim) -> tuple[Side, Side]:
    """One perturbation for all images: the share of unseen images that it fools."""
    import torch

    victim = victim.some(_LEARNED)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks.evasion import UniversalPerturbation
        from art.estimators.classification import PyTorchClassifier

    module, counts = counted_twin(victim)
    network = PyTorchClassifier(
        module, torch.nn.CrossEntropyLoss(), (1, 28, 28), 10, clip_values=(0.0, 1.0)
    )
    attacker = {"max_iter": 5, "verbose": False}
    images = np.ascontiguousarray(victim.images.transpose(0, 3, 1, 2))

    def theirs(repeat: int) -> Any:
        random.seed(repeat)  # by which ART orders the images
        torch.manual_seed(repeat)
        counts.reset()
        peer = UniversalPerturbation(
            network,
            attacker="deepfool",
            attacker_params=dict(attacker),
            delta=0.0,
            max_iter=1,
            eps=victim.epsilon,
            batch_size=len(images),
            verbose=False,
        )
        peer.generate(images)
        return peer.noise.reshape(victim.images.shape[1:])

    method, key = fj.attacks.universal_deepfool(victim.epsilon), jax.random.key(4)
    array, goal = jnp.asarray(victim.images), fj.attacks.leave(jnp.asarray(victim.labels))

    def mine(repeat: int) -> Any:
        own = jax.random.fold_in(key, repeat)
        return fj.attacks.run_universal(  # one image after another, as there
            method, own, victim.classifier, array, goal, steps=_LEARNED, batch_size=1
        ).perturbation

    before = answers(victim.classifier, victim.unseen)

    def found(perturbation: Any) -> Numbers:
        change = np.clip(np.asarray(perturbation), -victim.epsilon, victim.epsilon)
        seen = np.clip(victim.unseen + np.float32(change), 0.0, 1.0)
        return {
            "success on unseen images": float(np.mean(answers(victim.classifier, seen) != before))
        }

    def found_and_counted(perturbation: Any) -> Numbers:
        spent = counts.of_each(len(images))
        return found(perturbation) | spent

    return Side(mine, found), Side(theirs, found_and_counted)


def _of_foolbox(name: str, work: str, sides: Callable[[Victim], tuple[Side, Side]]) -> Pair:
    return Pair("attacks", f"Foolbox {name}", "foolbox", "foolbox", work, sides)


def _of_art(name: str, work: str, sides: Callable[[Victim], tuple[Side, Side]]) -> Pair:
    return Pair("attacks", f"ART {name}", "adversarial-robustness-toolbox", "art", work, sides)


_BALL = "Linf ball"

PAIRS = [
    _of_foolbox("PGD", f"{_BALL}, {STEPS} steps, random start", _pgd),
    _of_foolbox("DeepFool", "L2, at most 50 steps, all classes", _deepfool),
    _of_foolbox("DDN", f"L2, {STEPS} steps", _ddn),
    _of_foolbox(
        "CW", f"L2, 3 weights, {_PATIENT} steps of Adam each, {_FEW} images", _carlini_wagner
    ),
    _of_foolbox("HopSkipJump", f"L2, 4 iterations, same starts, {_FEW} images", _hop_skip_jump),
    _of_art("PGD", f"{_BALL}, {STEPS} steps, random start", _art_pgd),
    _of_art("universal", f"{_BALL}, by DeepFool, each of {_LEARNED} images once", _art_universal),
]
