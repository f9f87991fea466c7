"""Paragraphs and their sentences; adversarial SQuAD; pairs; made-up facts; words as numbers."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from fooljax import data
from fooljax.data import Passage, Vocabulary, facts, squad

PASSAGE = Passage("a", "t", "Who?", ("One.", "Two.", "Three."), (1,))


@pytest.mark.parametrize(
    "sentences",
    [
        ["It rained.", "Nobody came!", "Why?", "2016 was wet."],
        ["Mr. Smith met J. R. Ewing in St. Louis.", "They left the U.S. Army together."],
        ['She said "Never."', '"Yes," he said.', "(It was late.)", "End"],
        ["About 3.5 million came to www.example.org and e.g. Bonn stayed.", "Él se fue."],
        ["No end and no capital. so this is one sentence."],
    ],
)
def test_sentences_are_found_again(sentences):
    text = " ".join(sentences)
    assert [text[start:end] for start, end in data.sentence_spans(text)] == sentences


def test_spans_cover_all_but_spaces():
    text = '  One two.  Three!   4 five?\n"Six" seven.  '
    spans = data.sentence_spans(text)
    inside = "".join(text[start:end] for start, end in spans)
    assert inside.replace(" ", "") == "".join(text.split())
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert data.sentence_spans(" \n ") == []


@pytest.mark.parametrize("place", [0, 1, 2, 3, None])
def test_what_is_added_can_be_moved_and_taken_out(place):
    longer = data.add_sentence(PASSAGE, "New.", place)
    assert longer.sentences[longer.added] == "New."
    assert [longer.sentences[at] for at in longer.right] == ["Two."]
    assert data.remove_sentence(longer) == PASSAGE
    for other in range(4):
        there = data.move_sentence(longer, other)
        assert there.added == other and there.sentences[other] == "New."
        assert [there.sentences[at] for at in there.right] == ["Two."]


def test_wrong_additions_are_refused():
    with pytest.raises(ValueError, match=r"place must be in \[0, 3\], got 4"):
        data.add_sentence(PASSAGE, "New.", 4)
    with pytest.raises(ValueError, match="empty text"):
        data.add_sentence(PASSAGE, "  ")
    with pytest.raises(ValueError, match="already has an added sentence"):
        data.add_sentence(data.add_sentence(PASSAGE, "New."), "Newer.")
    with pytest.raises(ValueError, match="no added sentence to move"):
        data.move_sentence(PASSAGE, 0)


def write_squad(folder, questions):
    """Write one article with one paragraph for each question ``(id, context, answer)``."""
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": name,
                    "question": "Who? ",
                    "answers": [{"text": answer, "answer_start": context.index(answer)}],
                }
            ],
        }
        for name, context, answer in questions
    ]
    place = folder / squad.ADVERSARIAL
    place.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"version": "1.1", "data": [{"title": "T", "paragraphs": paragraphs}]})
    for name in (squad.ADDSENT, squad.ADDONESENT):
        (place / name).write_text(text)
    return place


def test_what_was_added_to_a_paragraph_is_one_sentence(tmp_path):
    """Whatever marks it has inside, and however the paragraph before it ends."""
    context = "It rained. Ada came"
    more = f"{context} Mr. X. came. Not Ada."
    write_squad(tmp_path, [("q", context, "Ada"), ("q-high-conf-turk0", more, "Ada")])
    found = data.read_adversarial_squad(tmp_path)
    (one,) = found.originals
    assert one == Passage("q", "T", "Who?", ("It rained.", "Ada came"), (1,))
    assert found.addsent == found.addonesent == (data.add_sentence(one, "Mr. X. came. Not Ada."),)


def test_broken_files_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"there is no .*put addsent.*--data-dir"):
        data.read_adversarial_squad(tmp_path)
    place = write_squad(tmp_path, [("q-high-conf-turk0", "Ada came. No.", "Ada")])
    with pytest.raises(ValueError, match="does not continue the paragraph of q"):
        data.read_adversarial_squad(tmp_path)
    (place / squad.ADDSENT).write_text("{")
    with pytest.raises(ValueError, match=r"not a file of SQuAD v1\.1"):
        data.read_adversarial_squad(tmp_path)
    with pytest.raises(ValueError, match=r"there is no .*pairs\.tsv"):
        data.read_pairs(tmp_path)
    (tmp_path / squad.PAIRS).mkdir(parents=True)
    (tmp_path / squad.PAIRS / "pairs.tsv").write_text("sentence\tquestion\na\tb\nc\n")
    with pytest.raises(ValueError, match="line 3 does not have two columns"):
        data.read_pairs(tmp_path)


def test_the_published_files(data_dir):
    """Counts of the paper's files; all answers lie where the files say."""
    found = data.read_adversarial_squad(data_dir)
    assert list(map(len, found)) == [1000, 2560, 787]
    names = {one.name for one in found.originals}
    assert {one.name for one in found.addsent} == {one.name for one in found.addonesent}
    assert {one.name for one in found.addsent} < names
    lengths = [len(one.sentences) for one in found.originals]
    assert 4.8 < np.mean(lengths) < 5.3 and all(one.right for one in found.originals)
    assert len({one.topic for one in found.originals}) == 48
    assert all(one.added == len(one.sentences) - 1 for one in found.addsent)


def test_paragraphs_of_pairs_say_nothing_by_their_order(data_dir):
    pairs = data.read_pairs(data_dir)
    passages = list(data.paragraphs_of_pairs(pairs))
    assert len(passages) == len(pairs) == 11_877
    for pair, one in zip(pairs, passages, strict=True):
        assert [one.sentences[at] for at in one.right] == [pair.sentence]
        assert len(set(one.sentences)) == 5
    places = np.bincount([one.right[0] for one in passages])
    assert places.max() - places.min() < 10
    with pytest.raises(ValueError, match=r"length must be in \[2"):
        next(data.paragraphs_of_pairs(pairs, 1))


def test_facts_have_one_answer_and_distractors_none():
    found = data.make_facts(3, 200)
    assert found == data.make_facts(3, 200)
    assert data.make_facts(3, 50).passages == found.passages[:50]  # whatever else is made
    for one, lures in zip(*found, strict=True):
        assert len(one.sentences) == 5 and len(one.right) == 1 and one.topic in one.question
        kinds = [[fact for fact in facts._FACTS if said(fact, text)] for text in one.sentences]
        assert all(len(fitting) == 1 for fitting in kinds)
        (asked,) = [fact for fact in facts._FACTS if one.question in asked_of(fact, one.topic)]
        assert [at for at in range(5) if kinds[at][0] == asked] == list(one.right)
        for lure in lures:
            assert one.topic not in lure
            assert any(fake in lure for fake in facts._FAKE.values())


def said(fact, text):
    """Tell whether a sentence states a fact, with whatever name and value."""
    fixed = [[part.strip(" .") for part in split(one)] for one in fact.said]
    return any(all(part.lower() in text.lower() for part in parts) for parts in fixed)


def split(template):
    return template.replace("{x}", "|").replace("{v}", "|").split("|")


def asked_of(fact, country):
    return [one.format(x=country) for one in fact.asked]


def test_all_distractors_or_one_of_each():
    found = data.make_facts(0, 7, distractors=2)
    every, first = data.distracted(found), data.distracted(found, 0)
    assert len(every) == 14 and first == every[::2]
    for arguments, words in (((0, 0), "count"), ((0, 1), "length"), ((0, 1), "distractors")):
        wrong = {"length": 11} if words == "length" else {"distractors": 0}
        with pytest.raises(ValueError, match=words):
            data.make_facts(*arguments, **({} if words == "count" else wrong))


def test_words_have_numbers_also_those_that_are_not_known():
    vocabulary = Vocabulary(("the", "cat", "."), 5)
    ids = vocabulary.encode("The cat, the Zyx.", 8)
    assert ids[[0, 1, 3, 5]].tolist() == [1, 2, 1, 3] and ids[6:].tolist() == [0, 0]
    assert ids[4] == vocabulary.encode("zyx", 1)[0] >= 4
    assert vocabulary.size == 9 == len(vocabulary.names) and ids.max() < 9
    assert vocabulary.encode("the cat", 1).tolist() == [1]
    with pytest.raises(ValueError, match="twice"):
        Vocabulary(("a", "a"))
    with pytest.raises(ValueError, match="at least 1, got 0"):
        Vocabulary(("a",), 0)


def test_words_by_how_common_they_are():
    assert data.by_frequency(["b a b", "A. c"]) == ("a", "b", ".", "c")
    assert data.commonest(["the", ",", "x", "a", "the", "of"], 3) == ("the", "a", "of")
    assert data.passages.words_in("What's O'Neil's no. 5?") == ["what's", "o'neil's", "no", "5"]
    table = data.table_of(Vocabulary(("a", "b"), 3), np.array([[1.0, 2.0], [3.0, -4.0]]))
    assert table.shape == (6, 2) and table[:3].tolist() == [[0, 0], [1, 2], [3, -4]]
    assert len(np.unique(table[3:])) == 6


def test_glove(data_dir):
    words, vectors = data.read_vectors(Path(data_dir) / "text" / "glove")
    assert vectors.shape == (30_000, 50) and words[:2] == ("the", ",")
    near = vectors[[words.index(word) for word in ("paris", "france", "banana")]]
    unit = near / np.linalg.norm(near, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > 0.7 > unit[0] @ unit[2]
