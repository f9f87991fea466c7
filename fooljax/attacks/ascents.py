"""All ascents from nothing by name, with what they are: add yours here."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fooljax.attacks import spaces
from fooljax.attacks.ascent import ascent
from fooljax.attacks.attack import Attack
from fooljax.attacks.pgd import pgd
from fooljax.attacks.published import published
from fooljax.attacks.regularization import Regularization

_SIGN = 1.0 / 255.0  # a level of a picture
_SIGN_OF_SOUND = 0.0005  # 0.001 of the waveform, whose scale is twice as long
_MANY_SIGNS = 50
# Steps of one size go to and fro about what they want; what is kept of earlier gradients stops
# that. The share is that of APGD: Croce and Hein, 2020, arXiv:2003.01690.
_SIGN_MOMENTUM = 0.75
_PICTURES = ("pictures",)


class AscentEntry(NamedTuple):
    """A way to climb toward a class that can be asked for by name.

    Attributes:
        build: ``(shape, steps, total_variation) -> attack``; the usual number of steps for
            None; what an ascent does not need it ignores.
        title: what it is, in few words.
        words: what is changed, and what holds it back.
        published: whether its numbers are those of Nguyen et al., 2015, arXiv:1412.1897.
        takes: kinds of media that it is for.
    """

    build: Callable[[tuple[int, ...], int | None, float], Attack]
    title: str
    words: str
    published: bool = False
    takes: tuple[str, ...] = ("pictures", "sounds", "videos")


def _published(name: str) -> Callable[[tuple[int, ...], int | None, float], Attack]:
    return lambda shape, steps, total_variation: published(name, **_steps(steps))


def _smooth(shape: tuple[int, ...], steps: int | None, total_variation: float) -> Attack:
    cost = Regularization(total_variation=total_variation)
    return ascent(regularization=cost, **_steps(steps))


def _inside(
    space: Callable[[tuple[int, ...]], spaces.Space],
) -> Callable[[tuple[int, ...], int | None, float], Attack]:
    def build(shape: tuple[int, ...], steps: int | None, total_variation: float) -> Attack:
        return ascent(space=space(shape), **_steps(steps))

    return build


def _signs(shape: tuple[int, ...], steps: int | None, total_variation: float) -> Attack:
    size = _SIGN_OF_SOUND if len(shape) == 2 else _SIGN
    return pgd(1.0, size, momentum=_SIGN_MOMENTUM, **{"steps": _MANY_SIGNS, **_steps(steps)})


def _steps(steps: int | None) -> Mapping[str, Any]:
    return {} if steps is None else {"steps": steps}


ASCENTS: dict[str, AscentEntry] = {
    "none": AscentEntry(_published("none"), "no regularizer", "Pixels, no regularizer", True),
    "decay": AscentEntry(_published("decay"), "decay", "Pixels, decay", True),
    "blur": AscentEntry(
        _published("blur"), "decay and blur", "Pixels, decay and blur", True, _PICTURES
    ),
    "sparse": AscentEntry(
        _published("sparse"),
        "decay, blur, sparsity",
        "Pixels, decay, blur and sparsity",
        True,
        _PICTURES,
    ),
    "tv": AscentEntry(
        _smooth, "total variation", "Pixels, paying for total variation", takes=_PICTURES
    ),
    "fourier": AscentEntry(
        _inside(spaces.fourier), "Fourier", "Fourier coefficients", takes=_PICTURES
    ),
    "signs": AscentEntry(
        _signs,
        "signs",
        "Pixels, each up or down by the same small step, by the sign of the gradients so far",
    ),
    "cppn": AscentEntry(
        _inside(spaces.cppn),
        "CPPN weights",
        "Weights of CPPNs, from the best of some random ones",
    ),
}
