"""Many epsilons at once: one curve, one compilation."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import checks
from fooljax.attacks.attack import Attack, sample_keys
from fooljax.attacks.goals import Goal
from fooljax.attacks.result import AttackResult
from fooljax.attacks.run import checked, run_checked
from fooljax.types import Classifier, Images, RandomKey


def sweep(
    make: Callable[[float], Attack],
    epsilons: Sequence[float],
    key: RandomKey,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    *,
    batch_size: int | None = None,
    restarts: int = 1,
    on_step: Callable[[int], None] | None = None,
) -> AttackResult:
    """Attack every image with every epsilon, as that many runs would.

    The epsilons become samples of one run. An image draws the same random numbers
    for each of them, so row ``i`` is that of ``run(make(epsilons[i]), key, ...)``.
    Taking a factory instead of an attack lets whatever depends on epsilon, such as
    the step size of ``pgd``, follow it::

        sweep(pgd, (0.05, 0.1, 0.2), key, classifier, images, leave(labels))
        sweep(lambda epsilon: pgd(epsilon, norm="l2"), ...)

    Args:
        make: ``epsilon -> attack``; the attacks may differ in their numbers only.
            The number need not be a radius.
        epsilons: what it is called with, in any order.
        key: as for ``run``; one key, or one for each image.
        classifier: the network.
        images: ``[n, h, w, c]`` in [0, 1].
        goal: of every image.
        batch_size: attack at most so many samples (image and epsilon) at a time;
            all unless given. With it, other epsilons, however many, compile
            nothing new, and memory beyond the result's own is bounded.
        restarts: as for ``run``.
        on_step: as for ``run``.

    Returns:
        A result whose leaves are ``[e, n, ...]``.

    Raises:
        ValueError: if there are no epsilons, ``make`` is an attack or makes attacks
            that differ in more than numbers, and whatever ``make`` and ``run`` raise.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> make = lambda epsilon: fj.attacks.pgd(epsilon, steps=10)
        >>> found = fj.attacks.sweep(make, [0.1, 0.2], jax.random.key(2), network, images, goal)
        >>> found.success.shape
        (2, 5)
    """
    if isinstance(make, Attack):
        raise ValueError("make must be a function epsilon -> attack, such as pgd, got an attack")
    checks.function("make", make, "epsilon -> attack, such as pgd")
    numbers = [float(one) for one in checks.row("epsilons", epsilons)]
    attacks = [checks.kind("what make returns", make(one), Attack) for one in numbers]
    if len({(attack.steps, jax.tree.structure(attack)) for attack in attacks}) > 1:
        raise ValueError(
            "the attacks of a sweep must differ in the numbers of their budget only; "
            "run those of other steps or functions one by one"
        )
    classifier, images, goal = checked(classifier, images, goal)
    count = len(images)
    which, rows = np.divmod(np.arange(len(attacks) * count), count)
    budgets = [attack.budget for attack in attacks]
    budget = jax.tree.map(lambda *ones: jnp.asarray(ones, jnp.float32)[which], *budgets)
    result = run_checked(
        dataclasses.replace(attacks[0], budget=budget),
        sample_keys(checks.keys(key, count), count)[rows],
        classifier,
        images[rows],
        jax.tree.map(lambda leaf: leaf[rows], goal),
        batch_size=batch_size,
        restarts=restarts,
        on_step=on_step,
    )
    return jax.tree.map(lambda leaf: leaf.reshape(len(attacks), count, *leaf.shape[1:]), result)
