"""Attacks on the same images compared: what all fool together, and what contradicts what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from fooljax import checks, metrics
from fooljax.attacks.entries import NORM_NAMES, Entry
from fooljax.attacks.findings import falling_success, free_wins
from fooljax.attacks.summary import within
from fooljax.models.findings import Finding, finding


class WorstCase(NamedTuple):
    """What several attacks fool together within an epsilon.

    Attributes:
        epsilon: the largest change that counts.
        fooled: share of the images that any attack fools, in [0, 1]; at most the rest is
            robust.
        low: lower limit of the share's exact 95 % interval.
        high: upper limit.
        noise: share that the controls fool, which know nothing of the network.
        strongest: what fools most alone; None if only controls ran.
    """

    epsilon: float
    fooled: float
    low: float
    high: float
    noise: float
    strongest: str | None


def worst_case(
    entries: Mapping[str, Entry],
    success: Mapping[str, Bool[np.ndarray, " n"]],
    distance: Mapping[str, Float[np.ndarray, " n"]],
    epsilon: float,
) -> WorstCase:
    """Take for each image whatever attack fooled it within an epsilon.

    Attacks that are aimed at a class do not count.

    Args:
        entries: the attacks by name, controls among them, all on the same images.
        success: of each.
        distance: of what each made from the originals, all in one norm.
        epsilon: in the units of the distances.

    Raises:
        ValueError: if no attack without a target is among them, or one has other images.

    Source:
        Croce and Hein, 2020, arXiv:2003.01690; Carlini et al., 2019, arXiv:1902.06705,
        section 5 (an image is robust only if it resists every attack).

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks
        >>> entries = {name: attacks.CATALOG[name] for name in ("pgd", "deepfool", "noise")}
        >>> success = {"pgd": [1, 0, 0], "deepfool": [1, 1, 1], "noise": [0, 0, 0]}
        >>> success = {name: np.array(one, bool) for name, one in success.items()}
        >>> distance = {name: np.array([0.1, 0.1, 0.2]) for name in entries}
        >>> found = attacks.worst_case(entries, success, distance, 0.1)
        >>> round(found.fooled, 2), found.noise, found.strongest
        (0.67, 0.0, 'deepfool')
    """
    fooled = {
        name: within(success[name], distance[name], epsilon)
        for name, entry in entries.items()
        if not entry.aimed
    }
    if len({one.shape for one in fooled.values()}) != 1:
        shapes = ", ".join(f"{name} {one.shape}" for name, one in fooled.items()) or "none"
        raise ValueError(f"success: untargeted attacks on the same images are needed, got {shapes}")
    nobody = np.zeros_like(next(iter(fooled.values())))
    control = {name: one for name, one in fooled.items() if entries[name].kind == "control"}
    tried = {name: one for name, one in fooled.items() if name not in control}
    every = np.any([nobody, *tried.values()], axis=0)
    share, low, high = metrics.clopper_pearson(int(every.sum()), len(every))
    noise = float(np.any([nobody, *control.values()], axis=0).mean())
    strongest = max(fooled, key=lambda name: fooled[name].sum()) if tried else None
    return WorstCase(epsilon, share, low, high, noise, strongest)


def accuracy_left(
    success: Bool[np.ndarray, " n"], distance: Float[np.ndarray, " n"], epsilons: ArrayLike
) -> Float[np.ndarray, " e"]:
    """Return the accuracy that the nearest wrong images leave, for every epsilon.

    An attack that looks for them is run once, and tells all epsilons.

    Args:
        success: whether it found one, of images that were right before.
        distance: how far that is, in any norm.
        epsilons: sizes of change, ``[e]``; an image on the surface of a ball is in it.

    Raises:
        ValueError: if the epsilons are no row of finite numbers.

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks
        >>> found, far = np.array([True, True, False]), np.array([0.1, 0.3, 0.0])
        >>> attacks.accuracy_left(found, far, [0.0, 0.2, 0.4]).round(2).tolist()
        [1.0, 0.67, 0.33]
    """
    sizes = np.asarray(checks.row("epsilons", epsilons))
    fooled = [within(success, distance, size).mean() for size in sizes]
    return 1.0 - np.asarray(fooled)


def contradictions(
    entries: Mapping[str, Entry],
    epsilons: Mapping[str, Sequence[float]],
    success: Mapping[str, Bool[np.ndarray, "e n"]],
    tabled: Mapping[str, int],
) -> Iterator[Finding]:
    """Compare attacks with each other, and yield reasons to distrust them.

    Success must not fall while epsilon rises, and what sees no gradient must not fool
    images that gradients do not.

    Args:
        entries: the attacks by name, all on the same images.
        epsilons: ``[e]`` of each, rising.
        success: ``[e, n]`` of each.
        tabled: for each the place of the epsilon at which attacks in the same norm are
            compared.

    Source:
        Carlini and others, 2019, arXiv:1902.06705, section 5.

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks
        >>> entries = {name: attacks.CATALOG[name] for name in ("pgd", "square")}
        >>> success = {"pgd": np.zeros((1, 50), bool), "square": np.ones((1, 50), bool)}
        >>> sizes, places = dict.fromkeys(entries, (0.1,)), dict.fromkeys(entries, 0)
        >>> [one.name for one in attacks.contradictions(entries, sizes, success, places)]
        ['square: gradient-free attack wins']
    """
    for name, entry in entries.items():
        rates = success[name].mean(axis=1)
        # one step that is too long may well miss what a shorter one finds
        if entry.curve and entry.kind == "ball" and name != "fgsm" and len(rates) > 1:
            count = success[name].shape[1]
            yield from _about(name, falling_success("epsilon", epsilons[name], rates, count))
    sized = ("ball", "control")
    balls = [name for name, one in entries.items() if one.kind in sized and not one.aimed]
    for norm in dict.fromkeys(entries[name].norm for name in balls):
        here = [name for name in balls if entries[name].norm == norm]
        at = {name: success[name][tabled[name]] for name in here}
        seeing = [at[name] for name in here if not entries[name].blind]
        for name in (name for name in here if entries[name].blind and seeing):
            yield from _about(name, free_wins(np.any(seeing, axis=0), at[name], name))


def strays(
    entries: Mapping[str, Entry],
    epsilons: Mapping[str, Sequence[float]],
    distance: Mapping[str, Float[np.ndarray, "e n"]],
    size: int,
) -> Iterator[Finding]:
    """Yield a finding for each attack that changes images by more than the epsilon it was given.

    Args:
        entries: the attacks by name; only those within a ball, and controls, are looked at.
        epsilons: ``[e]`` of each.
        distance: of what each made from the originals, ``[e, n]``, in its own norm, as in an
            `AttackResult`.
        size: numbers in an image; in L0 an epsilon counts them, and a distance is a share.

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks
        >>> entries = {"pgd": attacks.CATALOG["pgd"]}
        >>> far = {"pgd": np.array([[0.1, 0.3]])}
        >>> [(one.name, one.share) for one in attacks.strays(entries, {"pgd": [0.1]}, far, 784)]
        [('pgd: outside its ball', 0.5)]
    """
    for name, entry in entries.items():
        if entry.kind not in ("ball", "control"):
            continue
        unit = size if entry.norm == "l0" else 1
        for epsilon, far in zip(epsilons[name], unit * distance[name], strict=True):
            out = ~within(np.ones(far.shape, bool), far, epsilon)
            words = (
                f"{{}} of the images that it made are farther away than epsilon, which is "
                f"{epsilon:g}: up to {far.max():.3g} in {NORM_NAMES[entry.norm]}. What it fools "
                "out there does not count: clip what it changes to the ball."
            )
            found = finding("outside its ball", float(out.mean()), words)
            yield from _about(name, found)
            if found is not None:
                break  # one size is enough


def _about(name: str, found: Finding | None) -> Iterator[Finding]:
    if found is not None:
        yield found._replace(name=f"{name}: {found.name}")
