"""Do gradients mislead? Networks that makers without gradients get far more past."""

from collections.abc import Mapping
from typing import NamedTuple

from fooljax.study.making import Makers

_FAR = 0.3  # by so much more of the images passes


class Misled(NamedTuple):
    """A network at which gradients mislead.

    Attributes:
        generator: the maker without gradients whose images pass most often.
        evolved: share of its images that passes, in [0, 1].
        by_gradient: the most that passes of any maker by gradient.
    """

    generator: str
    evolved: float
    by_gradient: float


def misled(passed: Mapping[str, float], makers: Makers) -> Misled | None:
    """Tell whether images made without gradients get far more past a network than the others.

    The search by gradient is then what fails, and what it does not get past the network is no
    evidence that nothing would.

    Args:
        passed: share of each maker's images that passes, made for this very network.
        makers: by name; controls do not count.

    Returns:
        None where gradients do not mislead, or where makers of either kind are missing.

    Source:
        Carlini et al., 2019, arXiv:1902.06705, section 4.
    """
    fooling = {name: share for name, share in passed.items() if makers[name].fools}
    blind = {name: share for name, share in fooling.items() if makers[name].blind}
    seeing = max((share for name, share in fooling.items() if name not in blind), default=1.0)
    best = max(blind, key=blind.__getitem__, default=None)
    if best is None or blind[best] <= seeing + _FAR:
        return None
    return Misled(best, blind[best], seeing)
