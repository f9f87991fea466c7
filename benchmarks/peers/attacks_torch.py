"""Attacks of PyTorch's libraries: torchattacks, AutoAttack, Adversarial-Library."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.peers.attack_sides import in_torch, judged, ours, passes
from benchmarks.peers.pairs import Numbers, Pair, Side, Victim

STEPS = 20
QUERIES = 200
_CASCADE_QUERIES = 1000
_FEW = 20  # images of what takes long


def _torchattacks(name: str, work: str, sides: Callable[[Victim], tuple[Side, Side]]) -> Pair:
    return Pair("attacks", f"torchattacks {name}", "torchattacks", "torchattacks", work, sides)


def _called(name: str, **settings: Any) -> Callable[[Any], Callable[..., Any]]:
    """Return what makes an attack of torchattacks; those that have a seed get the repeat's."""

    def make(network: Any) -> Callable[..., Any]:
        import torchattacks

        attack = getattr(torchattacks, name)(network, **settings)

        def call(images: Any, labels: Any, repeat: int) -> Any:
            if hasattr(attack, "seed"):
                attack.seed = repeat
            return attack(images, labels)

        return call

    return make


def _pgd(victim: Victim) -> tuple[Side, Side]:
    epsilon, step = victim.epsilon, victim.epsilon / 10
    mine = fj.attacks.pgd(epsilon, step, STEPS, random_start=True)
    theirs = _called("PGD", eps=epsilon, alpha=step, steps=STEPS, random_start=True)
    return ours(victim, mine, "ball"), in_torch(victim, theirs, "ball")


def _apgd(victim: Victim) -> tuple[Side, Side]:
    mine = fj.attacks.apgd(victim.epsilon, STEPS)
    theirs = _called("APGD", norm="Linf", eps=victim.epsilon, steps=STEPS, loss="ce")
    return ours(victim, mine, "ball"), in_torch(victim, theirs, "ball")


def _carlini_wagner(victim: Victim) -> tuple[Side, Side]:
    mine = fj.attacks.carlini_wagner(STEPS, rounds=1, step_size=0.05, first_c=1.0)
    theirs = _called("CW", c=1.0, steps=STEPS, lr=0.05)
    return ours(victim, mine, "l2"), in_torch(victim, theirs, "l2")


def _deepfool(victim: Victim) -> tuple[Side, Side]:
    theirs = _called("DeepFool", steps=50, overshoot=0.02)
    return ours(victim, fj.attacks.deepfool(50), "l2"), in_torch(victim, theirs, "l2")


def _square(victim: Victim) -> tuple[Side, Side]:
    mine = fj.attacks.square(victim.epsilon, QUERIES)
    theirs = _called("Square", norm="Linf", eps=victim.epsilon, n_queries=QUERIES)
    return ours(victim, mine, "ball"), in_torch(victim, theirs, "ball")


def _autoattack(victim: Victim) -> tuple[Side, Side]:
    def make(network: Any) -> Callable[..., Any]:
        from pyautoattack import AutoAttack

        def call(images: Any, labels: Any, repeat: int) -> Any:
            attack = AutoAttack(network, norm="Linf", eps=victim.epsilon, seed=repeat)
            attack.verbose = False
            attack.square.n_queries = _CASCADE_QUERIES
            return attack.run_standard_evaluation(images, labels)[0]

        return call

    victim = victim.some(_FEW)
    goal, key = fj.attacks.leave(jnp.asarray(victim.labels)), jax.random.key(3)
    images = jnp.asarray(victim.images)

    def work(repeat: int) -> Any:
        own = jax.random.fold_in(key, repeat)
        return fj.attacks.standard(
            own,
            victim.classifier,
            images,
            goal,
            victim.epsilon,
            version="autoattack",
            queries=_CASCADE_QUERIES,
        )

    def found(result: Any) -> Numbers:
        worst = result.result
        counts = passes(np.mean(worst.forwards), np.mean(worst.gradients))
        return judged(victim, np.asarray(worst.images), "ball") | counts

    return Side(work, found), in_torch(victim, make, "ball")


def _ddn(victim: Victim) -> tuple[Side, Side]:
    def make(network: Any) -> Callable[..., Any]:
        from adv_lib.attacks import ddn

        return lambda images, labels, repeat: ddn(
            network, images, labels, steps=STEPS, init_norm=1.0, levels=None
        )

    return ours(victim, fj.attacks.ddn(STEPS), "l2"), in_torch(victim, make, "l2")


def _torchattacks_fab(victim: Victim) -> tuple[Side, Side]:
    mine = fj.attacks.fab(_FAB_STEPS, norm="linf")
    theirs = _called("FAB", norm="Linf", eps=1.0, steps=_FAB_STEPS)  # an eps that refuses nothing
    return ours(victim, mine, "linf"), in_torch(victim, theirs, "linf")


def _adv_lib_fab(victim: Victim) -> tuple[Side, Side]:
    def make(network: Any) -> Callable[..., Any]:
        from adv_lib.attacks import fab

        return lambda images, labels, repeat: fab(
            network, images, labels, norm=float("inf"), n_iter=_FAB_STEPS
        )

    mine = fj.attacks.fab(_FAB_STEPS, norm="linf")
    return ours(victim, mine, "linf"), in_torch(victim, make, "linf")


def _fmn(victim: Victim) -> tuple[Side, Side]:
    def make(network: Any) -> Callable[..., Any]:
        from adv_lib.attacks import fmn

        return lambda images, labels, repeat: fmn(network, images, labels, norm=2, steps=STEPS)

    return ours(victim, fj.attacks.fmn(STEPS, norm="l2"), "l2"), in_torch(victim, make, "l2")


_BALL = "Linf ball"
_FAB_STEPS = 10

PAIRS = [
    _torchattacks("PGD", f"{_BALL}, {STEPS} steps, random start", _pgd),
    _torchattacks("APGD-CE", f"{_BALL}, {STEPS} steps, one start", _apgd),
    _torchattacks("CW", f"L2, {STEPS} steps of Adam, one weight", _carlini_wagner),
    _torchattacks("DeepFool", "L2, at most 50 steps, all classes", _deepfool),
    _torchattacks("Square", f"{_BALL}, {QUERIES} queries", _square),
    Pair(
        "attacks",
        "AutoAttack standard",
        "pyautoattack",
        "pyautoattack",
        f"{_BALL}, 100 steps, 9 targets, {_CASCADE_QUERIES} queries, {_FEW} images",
        _autoattack,
    ),
    Pair("attacks", "adv-lib DDN", "adv-lib", "adv_lib", f"L2, {STEPS} steps", _ddn),
    Pair("attacks", "adv-lib FMN", "adv-lib", "adv_lib", f"L2, {STEPS} steps", _fmn),
    _torchattacks("FAB", f"Linf, {_FAB_STEPS} steps, one start", _torchattacks_fab),
    Pair(
        "attacks",
        "adv-lib FAB",
        "adv-lib",
        "adv_lib",
        f"Linf, {_FAB_STEPS} steps, one start",
        _adv_lib_fab,
    ),
]
