"""Pictures to train on, to fool with and to defend: known sets by name, or your own files."""

from fooljax.data.dataset import Dataset, Splits, as_float, from_arrays
from fooljax.data.imagenet_names import imagenet_names
from fooljax.data.loading import MOST, NAMES, load, stream
from fooljax.data.others import PHOTOGRAPHS, load_others
from fooljax.data.streams import Batch, Stream, Streams, batches, read, subset, take

__all__ = [
    "MOST",
    "NAMES",
    "PHOTOGRAPHS",
    "Batch",
    "Dataset",
    "Splits",
    "Stream",
    "Streams",
    "as_float",
    "batches",
    "from_arrays",
    "imagenet_names",
    "load",
    "load_others",
    "read",
    "stream",
    "subset",
    "take",
]
