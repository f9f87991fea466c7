"""What papers print of attacks on MNIST, to lay beside a run of one's own.

Source: Goodfellow et al., 2015, arXiv:1412.6572, section 4; Moosavi-Dezfooli et al., 2016,
        arXiv:1511.04599, table 1; Szegedy et al., 2014, arXiv:1312.6199, table 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from fooljax.attacks.summary import mean_of
from fooljax.reporting import Html, percent, table
from fooljax.study.attacked import Outcome

_GOODFELLOW = 0.25  # the epsilon that FGSM was published with
_MOST = 0.9  # of the images, that DeepFool's authors let FGSM fool
#: Epsilons that FGSM is to be run with: the published one, and a fine grid to find the
#: smallest that fools 90 %.
FGSM_EPSILONS = (_GOODFELLOW, *np.round(np.arange(0.02, 1.001, 0.02), 2).tolist())
_ERROR = {"softmax regression": 0.999, "maxout": 0.894}
_CONFIDENCE = {"softmax regression": 0.793, "maxout": 0.976}
#: Length of the change over that of the image, by attack.
_RELATIVE = {
    "fgsm": {"LeNet": 1.0, "FC500-150-10": 0.39},
    "deepfool": {"LeNet": 0.20, "FC500-150-10": 0.11},
    "lbfgs": {"LeNet": 0.25, "FC500-150-10": 0.12},
}
_DISTORTION = {
    "FC100-100-10": 0.058,
    "FC200-200-10": 0.065,
    "softmax regression (FC10, 1e-4)": 0.062,
}
_NAMES = {"deepfool": "DeepFool", "lbfgs": "L-BFGS"}
_AIMED = {"lbfgs": "L-BFGS", "lbfgs-targeted": "L-BFGS, toward a random class"}


class Printed(NamedTuple):
    """A number that papers print too.

    Attributes:
        quantity: what it is, in words.
        here: of this run; None if not reached.
        there: on MNIST, by network.
        share: whether it is a share in [0, 1].
    """

    quantity: str
    here: float | None
    there: Mapping[str, float]
    share: bool


def beside_papers(
    outcomes: Mapping[str, Outcome], images: Float[np.ndarray, "n h w c"]
) -> Iterator[Printed]:
    """Yield the numbers that papers print too, of whichever of their attacks ran.

    Args:
        outcomes: by attack, FGSM's with `FGSM_EPSILONS` among its epsilons.
        images: the originals, pictures in [0, 1].

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> nearest = {"success": np.ones((1, 2), bool), "l2": np.array([[0.5, 1.5]])}
        >>> outcome = study.Outcome(study.Radii((1.0,), 0), nearest, np.zeros((0, 2, 2, 1)), 0.1)
        >>> (one,) = study.beside_papers({"deepfool": outcome}, np.ones((2, 2, 2, 1)))
        >>> one.quantity, float(one.here), one.there["LeNet"]  # of images that are 2 long
        ('DeepFool: relative length of the change', 0.5, 0.2)
    """
    pixels = np.asarray(images).reshape(len(images), -1)
    lengths = np.maximum(np.linalg.norm(pixels, axis=1), 1e-12)
    change = "relative length of the change"

    def relative(name: str, at: int) -> float | None:
        measured = outcomes[name].measured
        return mean_of(measured["l2"][at] / lengths, measured["success"][at])

    if (fgsm := outcomes.get("fgsm")) is not None:
        epsilons, success = fgsm.radii.epsilons, fgsm.measured["success"]
        rates, at = success.mean(axis=1), epsilons.index(_GOODFELLOW)
        sure = mean_of(fgsm.measured["confidence"][at], success[at])
        yield Printed("FGSM, Linf 0.25: error", float(rates[at]), _ERROR, True)
        yield Printed("FGSM, Linf 0.25: mean confidence in the error", sure, _CONFIDENCE, True)
        enough = [place for place, rate in enumerate(rates) if rate >= _MOST][:1]
        here = "".join(f" (here Linf {epsilons[place]:g})" for place in enough)
        rho = relative("fgsm", enough[0]) if enough else None
        yield Printed(f"FGSM that fools 90 %{here}: {change}", rho, _RELATIVE["fgsm"], False)
    for name in (name for name in _NAMES if name in outcomes):
        yield Printed(f"{_NAMES[name]}: {change}", relative(name, 0), _RELATIVE[name], False)
    for name in (name for name in _AIMED if name in outcomes):
        length = mean_of(outcomes[name].tabled("l2"), outcomes[name].tabled("success"))
        root = None if length is None else length / float(np.sqrt(pixels.shape[1]))
        quantity = f"{_AIMED[name]}: distortion (root of the mean squared change)"
        yield Printed(quantity, root, _DISTORTION, False)


def table_of_printed(found: Sequence[Printed]) -> Html:
    """Write numbers beside those that papers print.

    Example:
        >>> from fooljax import study
        >>> one = study.Printed("DeepFool: length", 0.123, {"LeNet": 0.2}, share=False)
        >>> "0.2 (LeNet)" in study.table_of_printed([one]).markup
        True
    """
    rows = []
    for one in found:
        show = percent if one.share else "{:.3g}".format
        there = "; ".join(f"{show(value)} ({network})" for network, value in one.there.items())
        rows.append((one.quantity, "not reached" if one.here is None else show(one.here), there))
    return table(("Quantity", "Here", "Published (network), all on MNIST"), rows)
