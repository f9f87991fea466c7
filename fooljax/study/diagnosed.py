"""Whether to believe that a network is robust: what attacks.diagnose asks it, kept as cells."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from fooljax import attacks
from fooljax.attacks import Finding
from fooljax.study.cells import Results, compute, grid
from fooljax.study.run import Run, Runnable
from fooljax.types import Classifier, Images, RandomKey


def diagnose(
    run: Run[Runnable],
    classifier: Classifier,
    images: Images,
    goal: attacks.Goal,
    epsilons: Mapping[Literal["linf", "l2"], float],
    effort: attacks.Effort,
) -> Results:
    """Ask whether the network makes attacks fail without being robust, a cell for each norm.

    Args:
        run: keeps what was found.
        classifier: the network as it is attacked.
        images: originals, ``[b, *shape]`` in [0, 1]; some will do.
        goal: to leave their labels.
        epsilons: radius of the ball to attack in, by norm.
        effort: how much work an attack may do.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (4, 4, 4, 1))
        >>> goal = fj.attacks.leave(jnp.argmax(network(images), axis=1))
        >>> run = study.Run("mine", SimpleNamespace(run=study.RunFlags()), Path())
        >>> effort = fj.attacks.Effort(steps=4, queries=20)
        >>> results = study.diagnose(run, network, images, goal, {"l2": 0.5}, effort)
        >>> [cell for cell, _ in results.found], len(list(study.findings_of(results)))
        ([{'diagnosed': 'l2'}], 0)
    """

    def ask(key: RandomKey, diagnosed: Literal["linf", "l2"]) -> dict[str, Any]:
        epsilon, (steps, queries) = epsilons[diagnosed], effort
        amounts = {"steps": steps, "queries": queries}
        found = attacks.diagnose(key, classifier, images, goal, epsilon, norm=diagnosed, **amounts)
        name = attacks.NORM_NAMES[diagnosed]
        return {
            "name": np.array([f"{name}: {one.name}" for one in found], str),
            "message": np.array([one.message for one in found], str),
            "share": np.array([one.share for one in found], float),
        }

    return compute(run, grid(diagnosed=epsilons), ask, "asking whether to believe it")


def findings_of(results: Results) -> Iterator[Finding]:
    """Yield what gave reason for doubt; from `diagnose`, and nothing without it.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> cell = {"name": ["L2: flat"], "message": ["gradients are zero"], "share": [0.5]}
        >>> results = study.Results((({"diagnosed": "l2"}, cell), ({"attack": "pgd"}, {})))
        >>> [(one.name, one.share) for one in study.findings_of(results)]
        [('L2: flat', 0.5)]
    """
    for _, cell in (found for found in results.found if "diagnosed" in found[0]):
        for name, message, share in zip(cell["name"], cell["message"], cell["share"], strict=True):
            yield Finding(str(name), str(message), float(share))
