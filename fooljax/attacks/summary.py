"""What an attack did to many images, in a few numbers."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from fooljax import checks, metrics
from fooljax.attacks.shapes import Norm

#: Norms in which every result is measured.
LENGTHS: tuple[Norm, ...] = ("l0", "l1", "l2", "linf")
_ROUNDING = 1.0 + 1e-5  # an image on the surface of a ball is in it
_QUARTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75}


def within(
    success: Bool[np.ndarray, "*n"], distance: Float[np.ndarray, "*n"], epsilon: ArrayLike
) -> Bool[np.ndarray, "*n"]:
    """Tell which successes are no farther than epsilon, but for rounding.

    Args:
        success: of an attack.
        distance: of what it made from the originals, in any norm.
        epsilon: in the units of the distances; one, or one for each distance.
    """
    return np.asarray(success, bool) & (np.asarray(distance) <= np.asarray(epsilon) * _ROUNDING)


def summarize(
    found: Mapping[str, ArrayLike], norm: Norm, epsilon: float, size: int
) -> dict[str, float | None]:
    """Say how often an attack succeeds, how sure the network is then, and how far it went.

    Args:
        found: ``success``, ``confidence`` and the four distances of every image, ``[n]``
            each, by the names of an `AttackResult`, whose ``_asdict()`` will do.
        norm: of the attack.
        epsilon: how near a success must be to count as within it; in L0 a count.
        size: numbers that an image has.

    Returns:
        Of all images ``images`` (how many), ``success`` with its exact 95 % interval
        (``success_low``, ``success_high``) and ``success_within_epsilon``; of the
        successes alone, and None without any, the mean ``confidence`` and ``q25``,
        ``median`` and ``q75`` of distances, as in ``l2_median``: ``l0`` (a share), ``l1``,
        ``l2``, ``linf``, and ``distance`` in the attack's own norm (in L0 a count).

    Raises:
        ValueError: if there are no images, or not as many everywhere.

    Example:
        >>> import numpy as np
        >>> from fooljax import attacks
        >>> found = dict.fromkeys(("confidence", "l0", "l1", "l2", "linf"), np.array([0.5, 0.9]))
        >>> numbers = attacks.summarize(found | {"success": [True, False]}, "l2", 0.6, 64)
        >>> numbers["success"], numbers["success_within_epsilon"], numbers["l2_median"]
        (0.5, 0.5, 0.5)
    """
    success = np.asarray(found["success"], bool)
    own = {name: np.asarray(found[name]) for name in ("confidence", *LENGTHS)}
    if not success.size or any(one.shape != success.shape for one in own.values()):
        shapes = ", ".join(f"{name} {one.shape}" for name, one in own.items())
        raise ValueError(
            "found: success, confidence and distances must be [n] each, of at least one image, "
            f"got success {success.shape}, {shapes}"
        )
    far = own[checks.choice("norm", norm, LENGTHS)] * (size if norm == "l0" else 1)
    rate = metrics.clopper_pearson(int(success.sum()), len(success))
    distances = {"distance": far} | {name: own[name] for name in LENGTHS}
    quartiles = {
        f"{name}_{part}": float(np.quantile(lengths[success], at)) if success.any() else None
        for name, lengths in distances.items()
        for part, at in _QUARTILES.items()
    }
    return {
        "images": len(success),
        "success": rate.mean,
        "success_low": rate.low,
        "success_high": rate.high,
        "success_within_epsilon": float(within(success, far, epsilon).mean()),
        "confidence": mean_of(own["confidence"], success),
        **quartiles,
    }


def mean_of(values: Float[np.ndarray, " n"], success: Bool[np.ndarray, " n"]) -> float | None:
    """Average over the successes; None without any."""
    return float(np.mean(values[success])) if success.any() else None
