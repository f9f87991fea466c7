"""Questions about paragraphs, and the sentences that a paragraph consists of."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from jaxtyping import Float
from numpy import ndarray

# An end of a sentence: its mark, what closes after it, a space, and what can begin the next.
_END = re.compile(r"[.!?][\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]*[A-Z0-9\u00c0-\u00de])")
# Words that end in a full stop in the middle of sentences; single capitals are initials.
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\"'\u201c])(?:[A-Z]|(?:[A-Z]\.)+[A-Z]|Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Col|Lt|Sgt|Capt|Sen|"
    r"Gov|Pres|St|Mt|Ft|No|Nos|Vol|Fig|Jr|Sr|vs|etc|e\.g|i\.e|ca|c|cf|approx|Inc|Ltd|Co|Corp)\.$"
)


class Passage(NamedTuple):
    """A question, and a paragraph of which a sentence answers it.

    Attributes:
        name: of the question, the same whatever is added to its paragraph.
        topic: what the paragraph is about; passages of a topic share sentences.
        question: the question.
        sentences: the paragraph's, in order.
        right: places of those that hold an answer, ascending.
        added: place of the sentence that was put there to distract, or None.
    """

    name: str
    topic: str
    question: str
    sentences: tuple[str, ...]
    right: tuple[int, ...]
    added: int | None = None


#: A network that reads: logits of the sentences of each passage, the highest is its answer.
Reader: TypeAlias = Callable[[Sequence[Passage]], list[Float[ndarray, " s"]]]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Split a text into sentences, by rules that see no more than marks and capitals.

    A sentence ends at a full stop, exclamation or question mark, and whatever quotes or
    brackets close there, before a space and a capital, a digit or an opening quote. Initials
    and some abbreviations (Mr., St., U.S.) end none.

    Returns:
        Start and end of each sentence, without the spaces between them; none for a text
        of spaces.

    Example:
        >>> from fooljax import data
        >>> text = "Mr. Lark sings. A stone rests."
        >>> [text[a:b] for a, b in data.sentence_spans(text)]
        ['Mr. Lark sings.', 'A stone rests.']
    """
    cuts = [0]
    for found in _END.finditer(text):
        mark = found.start() + 1
        if text[found.start()] != "." or not _ABBREVIATED.search(text, cuts[-1], mark):
            cuts.append(found.end())
    spans = []
    for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
        inside = text[start:end]
        if inside.strip():
            front = len(inside) - len(inside.lstrip())
            spans.append((start + front, start + len(inside.rstrip())))
    return spans


def add_sentence(passage: Passage, sentence: str, place: int | None = None) -> Passage:
    """Put a sentence that does not answer the question into its paragraph.

    Args:
        passage: the passage.
        sentence: to add.
        place: before which sentence; after all unless given.

    Raises:
        ValueError: if something was added before, the sentence is empty, or there is no
            such place.

    Example:
        >>> from fooljax import data
        >>> passage = data.Passage("q1", "birds", "What sings?", ("A lark sings.",), right=(0,))
        >>> data.add_sentence(passage, "A stone rests.").sentences
        ('A lark sings.', 'A stone rests.')
    """
    count = len(passage.sentences)
    place = count if place is None else place
    if passage.added is not None:
        raise ValueError(f"passage {passage.name} already has an added sentence")
    if not sentence.strip():
        raise ValueError("sentence must have words in it, got an empty text")
    if not 0 <= place <= count:
        raise ValueError(f"place must be in [0, {count}], got {place}")
    sentences = (*passage.sentences[:place], sentence, *passage.sentences[place:])
    right = tuple(one + (one >= place) for one in passage.right)
    return passage._replace(sentences=sentences, right=right, added=place)


def move_sentence(passage: Passage, place: int) -> Passage:
    """Move the added sentence to another place in its paragraph.

    Raises:
        ValueError: if none was added, or there is no such place.

    Example:
        >>> from fooljax import data
        >>> passage = data.Passage("q1", "birds", "What sings?", ("A lark sings.",), right=(0,))
        >>> added = data.add_sentence(passage, "A stone rests.")
        >>> moved = data.move_sentence(added, 0)
        >>> moved.sentences, moved.right
        (('A stone rests.', 'A lark sings.'), (1,))
    """
    if passage.added is None:
        raise ValueError(f"passage {passage.name} has no added sentence to move")
    return add_sentence(remove_sentence(passage), passage.sentences[passage.added], place)


def remove_sentence(passage: Passage) -> Passage:
    """Take the added sentence out again, if there is one.

    Example:
        >>> from fooljax import data
        >>> passage = data.Passage("q1", "birds", "What sings?", ("A lark sings.",), right=(0,))
        >>> data.remove_sentence(data.add_sentence(passage, "A stone rests.")) == passage
        True
    """
    if passage.added is None:
        return passage
    at = passage.added
    sentences = (*passage.sentences[:at], *passage.sentences[at + 1 :])
    right = tuple(one - (one > at) for one in passage.right)
    return passage._replace(sentences=sentences, right=right, added=None)


def words_in(text: str) -> list[str]:
    """Return the words of a text in lower case, marks left out."""
    return re.findall(r"[^\W_]+(?:['\u2019][^\W_]+)*", text.lower())


def count_sentences(passages: Sequence[Passage]) -> int:
    """Return how many sentences the longest paragraph has.

    Example:
        >>> from fooljax import data
        >>> passage = data.Passage("q1", "birds", "What sings?", ("A lark sings.",), right=(0,))
        >>> data.count_sentences([passage])
        1
    """
    return max(len(passage.sentences) for passage in passages)
