"""Attacks on the same images compared with each other: what contradicts what."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Bool

from fooljax.attacks.entries import Entry
from fooljax.attacks.findings import falling_success, free_wins
from fooljax.models.findings import Finding


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


def _about(name: str, found: Finding | None) -> Iterator[Finding]:
    if found is not None:
        yield found._replace(name=f"{name}: {found.name}")
