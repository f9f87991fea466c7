"""Pictures to train on, to fool with and to defend: known sets by name, or your own files."""

from fooljax.data.dataset import Dataset, Splits, as_float, from_arrays
from fooljax.data.loading import NAMES, load

__all__ = ["NAMES", "Dataset", "Splits", "as_float", "from_arrays", "load"]
