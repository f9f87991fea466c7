"""Pictures to train on, to fool with and to defend: known sets by name, or your own files."""

from fooljax.data.dataset import (
    Dataset,
    Splits,
    as_float,
    as_input,
    choose_rows,
    even_rows,
    from_arrays,
)
from fooljax.data.easy_vqa import load_questions
from fooljax.data.imagenet_names import imagenet_names
from fooljax.data.loading import MOST, NAMES, load, stays_on_disk, stream
from fooljax.data.others import PHOTOGRAPHS, load_others
from fooljax.data.questions import (
    Asked,
    QuestionSet,
    as_many,
    encode,
    first_words,
    from_asked,
    short_texts,
    spell,
    subsets,
    without,
)
from fooljax.data.shapes import synthetic, truth_table
from fooljax.data.streams import (
    Batch,
    Pictures,
    Stream,
    Streams,
    at_once,
    batches,
    in_turn,
    read,
    subset,
    take,
)

__all__ = [
    "MOST",
    "NAMES",
    "PHOTOGRAPHS",
    "Asked",
    "Batch",
    "Dataset",
    "Pictures",
    "QuestionSet",
    "Splits",
    "Stream",
    "Streams",
    "as_float",
    "as_input",
    "as_many",
    "at_once",
    "batches",
    "choose_rows",
    "encode",
    "even_rows",
    "first_words",
    "from_arrays",
    "from_asked",
    "imagenet_names",
    "in_turn",
    "load",
    "load_others",
    "load_questions",
    "read",
    "short_texts",
    "spell",
    "stays_on_disk",
    "stream",
    "subset",
    "subsets",
    "synthetic",
    "take",
    "truth_table",
    "without",
]
