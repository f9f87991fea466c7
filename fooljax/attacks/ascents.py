"""All ascents from nothing by name, with what they are: add yours here."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fooljax.attacks import spaces
from fooljax.attacks.ascent import ascent
from fooljax.attacks.attack import Attack
from fooljax.attacks.published import published
from fooljax.attacks.regularization import Regularization


class AscentEntry(NamedTuple):
    """A way to climb toward a class that can be asked for by name.

    Attributes:
        build: ``(shape, steps, total_variation) -> attack``; the usual number of steps for
            None; what an ascent does not need it ignores.
        title: what it is, in few words.
        words: what is changed, and what holds it back.
        published: whether its numbers are those of Nguyen et al., 2015, arXiv:1412.1897.
    """

    build: Callable[[tuple[int, ...], int | None, float], Attack]
    title: str
    words: str
    published: bool = False


def _published(name: str) -> Callable[[tuple[int, ...], int | None, float], Attack]:
    return lambda shape, steps, total_variation: published(name, **_steps(steps))


def _smooth(shape: tuple[int, ...], steps: int | None, total_variation: float) -> Attack:
    cost = Regularization(total_variation=total_variation)
    return ascent(regularization=cost, **_steps(steps))


def _inside(
    space: Callable[[tuple[int, int, int]], spaces.Space],
) -> Callable[[tuple[int, ...], int | None, float], Attack]:
    def build(shape: tuple[int, ...], steps: int | None, total_variation: float) -> Attack:
        height, width, channels = shape
        return ascent(space=space((height, width, channels)), **_steps(steps))

    return build


def _steps(steps: int | None) -> Mapping[str, Any]:
    return {} if steps is None else {"steps": steps}


ASCENTS: dict[str, AscentEntry] = {
    "none": AscentEntry(_published("none"), "no regularizer", "Pixels, no regularizer", True),
    "decay": AscentEntry(_published("decay"), "decay", "Pixels, decay", True),
    "blur": AscentEntry(_published("blur"), "decay and blur", "Pixels, decay and blur", True),
    "sparse": AscentEntry(
        _published("sparse"),
        "decay, blur, sparsity",
        "Pixels, decay, blur and sparsity",
        True,
    ),
    "tv": AscentEntry(_smooth, "total variation", "Pixels, paying for total variation"),
    "fourier": AscentEntry(_inside(spaces.fourier), "Fourier", "Fourier coefficients"),
    "cppn": AscentEntry(
        _inside(spaces.cppn),
        "CPPN weights",
        "Weights of CPPNs, from the best of some random ones",
    ),
}
