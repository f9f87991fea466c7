"""What networks learn from, are fooled with and are defended on: known sets, or your own files."""

from fooljax.data.clips import load_clips
from fooljax.data.dataset import (
    Dataset,
    Splits,
    as_float,
    as_input,
    at_once,
    choose_rows,
    even_rows,
    from_arrays,
    rename_classes,
)
from fooljax.data.easy_vqa import load_questions
from fooljax.data.facts import Facts, common_words, distracted, make_facts
from fooljax.data.imagenet_names import imagenet_names
from fooljax.data.loading import MOST, NAMES, load, stays_on_disk, stream
from fooljax.data.others import PHOTOGRAPHS, load_others
from fooljax.data.passages import (
    Passage,
    Reader,
    add_sentence,
    count_sentences,
    move_sentence,
    remove_sentence,
    sentence_spans,
)
from fooljax.data.questions import Asked, QuestionSet, as_rows, from_asked
from fooljax.data.sentences import Sentences, encode, encoded, seen, vocabulary, words_of
from fooljax.data.shapes import synthetic, truth_table
from fooljax.data.sounds import SoundLength, fit_sounds
from fooljax.data.squad import (
    AdversarialSquad,
    Pair,
    paragraphs_of_pairs,
    read_adversarial_squad,
    read_pairs,
)
from fooljax.data.sst2 import read_sst2_sentences
from fooljax.data.streams import (
    Batch,
    Pictures,
    Stream,
    Streams,
    batches,
    in_turn,
    read,
    subset,
    take,
)
from fooljax.data.vectors import holds_vectors, read_vectors, word_vectors
from fooljax.data.videos import Clips, cut, leave_out
from fooljax.data.word_numbers import (
    Vocabulary,
    by_frequency,
    commonest,
    table_of,
)

__all__ = [
    "MOST",
    "NAMES",
    "PHOTOGRAPHS",
    "AdversarialSquad",
    "Asked",
    "Batch",
    "Clips",
    "Dataset",
    "Facts",
    "Pair",
    "Passage",
    "Pictures",
    "QuestionSet",
    "Reader",
    "Sentences",
    "SoundLength",
    "Splits",
    "Stream",
    "Streams",
    "Vocabulary",
    "add_sentence",
    "as_float",
    "as_input",
    "as_rows",
    "at_once",
    "batches",
    "by_frequency",
    "choose_rows",
    "common_words",
    "commonest",
    "count_sentences",
    "cut",
    "distracted",
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
    "make_facts",
    "move_sentence",
    "paragraphs_of_pairs",
    "read",
    "read_adversarial_squad",
    "read_pairs",
    "read_sst2_sentences",
    "read_vectors",
    "remove_sentence",
    "rename_classes",
    "seen",
    "sentence_spans",
    "stays_on_disk",
    "stream",
    "subset",
    "synthetic",
    "table_of",
    "take",
    "truth_table",
    "vocabulary",
    "word_vectors",
    "words_of",
]
