"""Pictures to train on, to fool with and to defend: known sets by name, or your own files."""

from fooljax.data.clips import load_clips
from fooljax.data.dataset import (
    Dataset,
    Splits,
    as_float,
    as_input,
    choose_rows,
    even_rows,
    from_arrays,
    rename_classes,
)
from fooljax.data.easy_vqa import load_questions
from fooljax.data.imagenet_names import imagenet_names
from fooljax.data.loading import MOST, NAMES, load, stays_on_disk, stream
from fooljax.data.others import PHOTOGRAPHS, load_others
from fooljax.data.questions import Asked, QuestionSet, from_asked
from fooljax.data.sentences import Sentences, encode, encoded, seen, vocabulary, words_of
from fooljax.data.shapes import synthetic, truth_table
from fooljax.data.sounds import SoundLength, fit_sounds
from fooljax.data.sst2 import read_sst2_sentences
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
from fooljax.data.vectors import holds_vectors, read_vectors, word_vectors
from fooljax.data.videos import Clips, cut, leave_out

__all__ = [
    "MOST",
    "NAMES",
    "PHOTOGRAPHS",
    "Asked",
    "Batch",
    "Clips",
    "Dataset",
    "Pictures",
    "QuestionSet",
    "Sentences",
    "SoundLength",
    "Splits",
    "Stream",
    "Streams",
    "as_float",
    "as_input",
    "at_once",
    "batches",
    "choose_rows",
    "cut",
    "encode",
    "encoded",
    "even_rows",
    "fit_sounds",
    "from_arrays",
    "from_asked",
    "holds_vectors",
    "imagenet_names",
    "in_turn",
    "leave_out",
    "load",
    "load_clips",
    "load_others",
    "load_questions",
    "read",
    "read_sst2_sentences",
    "read_vectors",
    "rename_classes",
    "seen",
    "stays_on_disk",
    "stream",
    "subset",
    "synthetic",
    "take",
    "truth_table",
    "vocabulary",
    "word_vectors",
    "words_of",
]
