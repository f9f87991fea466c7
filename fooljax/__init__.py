"""What nonsense is a neural network certain of, and what stops it?

``import fooljax as fj`` is instant: subpackages load on first use, so that
command lines answer ``--help`` without waiting for JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fooljax import analysis as analysis
    from fooljax import attacks as attacks
    from fooljax import data as data
    from fooljax import defenses as defenses
    from fooljax import encodings as encodings
    from fooljax import evolution as evolution
    from fooljax import media as media
    from fooljax import metrics as metrics
    from fooljax import models as models
    from fooljax import reporting as reporting
    from fooljax import runtime as runtime
    from fooljax import study as study
    from fooljax import training as training
    from fooljax import types as types
    from fooljax.study.first_steps import fool as fool
    from fooljax.study.first_steps import load as load

__version__ = "0.1.0"

_SUBPACKAGES = (
    "analysis",
    "attacks",
    "data",
    "defenses",
    "encodings",
    "evolution",
    "media",
    "metrics",
    "models",
    "reporting",
    "runtime",
    "study",
    "training",
    "types",
)

_FUNCTIONS = ("fool", "load")

__all__ = ["__version__", *_SUBPACKAGES, *_FUNCTIONS]


def __getattr__(name: str) -> Any:
    """Import a subpackage, or one of the short ways in, on first use."""
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.study.first_steps"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
