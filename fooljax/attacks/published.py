"""The four settings of gradient ascent behind the paper's Figure 13 and supplement."""

import math
from typing import Any

from fooljax.attacks.ascent import ascent
from fooljax.attacks.attack import Attack
from fooljax.attacks.regularization import Regularization

# No regularizer, decay, decay and blur, decay and blur and sparsity.
PUBLISHED: dict[str, dict[str, Any]] = {
    "none": {"steps": 500, "early": 0.02, "late": 0.1},
    "decay": {
        "steps": 1500,
        "early": 0.03,
        "late": 0.02,
        "regularization": Regularization(decay=0.01),
    },
    "blur": {
        "steps": 1000,
        "early": 0.03,
        "late": 0.05,
        "regularization": Regularization(decay=0.001, blur=0.4, blur_every=2),
    },
    "sparse": {
        "steps": 1500,
        "early": 0.03,
        "late": 0.05,
        "regularization": Regularization(
            decay=0.001, blur=0.3, blur_every=1, small_norm=20.0, small_influence=20.0
        ),
    },
}


def published(name: str, **changes: Any) -> Attack:
    """Return one of the ``PUBLISHED`` ascents, with changes.

    All of them limit the learning rate to 1e7 in units of grey levels.

    They were found on an ImageNet network. Under decay an ascent rests once the
    slope times the change from the center, both in log-odds, is
    ``late / (decay * p)``: 2 / p for ``decay``. Caffe's LeNet is close to linear on
    the way, so its log-odds rise by no more than that, and ``decay`` stops near
    even odds there (median confidence 0.47).

    Raises:
        ValueError: if the name is unknown.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, Figures 13 and S3 to S7; the
        numbers follow from the seeds in its published code.

    Example:
        >>> from fooljax import attacks
        >>> attacks.published("blur", steps=10).steps
        10
    """
    if not isinstance(name, str) or name not in PUBLISHED:
        raise ValueError(
            f"name: published ascents are {', '.join(PUBLISHED)}; give one of them, got {name!r}"
        )
    limits = {"max_gain": math.inf, "max_rate": 1e7 / 255.0**2}
    return ascent(**{**limits, **PUBLISHED[name], **changes})
