"""Pictures to train on, to fool with and to defend: known sets by name, or your own files."""

from fooljax.data.dataset import Dataset, Splits, as_float, from_arrays
from fooljax.data.imagenet_names import imagenet_names
from fooljax.data.loading import NAMES, load
from fooljax.data.others import PHOTOGRAPHS, load_others

__all__ = [
    "NAMES",
    "PHOTOGRAPHS",
    "Dataset",
    "Splits",
    "as_float",
    "from_arrays",
    "imagenet_names",
    "load",
    "load_others",
]
