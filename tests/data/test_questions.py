import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest

from fooljax import data
from fooljax.data import shapes


@pytest.fixture(scope="module")
def made():
    return data.synthetic(300, 60, seed=1)


def facts_of(half, truth):
    """What each picture may show, by comparing every answer, one after another."""
    possible = {picture: set(range(len(truth))) for picture in range(len(half.images))}
    rows = zip(half.picture, half.question, half.answer, strict=True)
    for picture, question, answer in rows:
        possible[picture] &= {fact for fact in range(len(truth)) if truth[fact, question] == answer}
    return possible


def test_a_few_true_answers():
    answers = shapes.true_answers("circle", "red")
    assert answers["is there a red shape?"] == "yes" and answers["is there a circle?"] == "yes"
    assert (
        answers["is no circle present?"] == "no" and answers["is no teal shape present?"] == "yes"
    )
    assert answers["what color is the circle?"] == "red"
    assert answers["what is the red shape?"] == "circle"
    assert "what color is the triangle?" not in answers and "what is the blue shape?" not in answers
    assert len(answers) == 88 + 4 + 4  # yes or no, colors, shapes


def test_pictures_show_what_the_answers_say():
    """A circle fills pi / 4 of its frame, a triangle half of it, a rectangle all of it."""
    facts = np.arange(24)
    images = shapes.paint(np.random.default_rng(3), np.repeat(facts, 5)).astype(int)
    for picture, fact in zip(images, np.repeat(facts, 5), strict=True):
        shape, color = shapes.FACTS[fact]
        inked = np.all(picture == shapes.COLORS[color], axis=-1)
        ground = np.all((picture >= 230) & (picture <= 255), axis=-1)
        assert inked.sum() >= 20 and np.mean(inked | ground) > 0.95  # the rest is its edge
        rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
        frame = (np.ptp(rows) + 1.0) * (np.ptp(columns) + 1.0)
        filled = {"circle": np.pi / 4, "rectangle": 1.0, "triangle": 0.5}[shape]
        assert inked.sum() / frame == pytest.approx(filled, abs=0.14), (shape, color)


def test_questions_are_asked_as_often_as_said(made):
    truth = data.truth_table(made.questions, made.answers)
    asked, possible = Counter(), Counter()
    for half in (made.train, made.test):
        assert all(facts_of(half, truth).values())  # no picture contradicts itself
        asked.update(made.questions[q].split()[0] == "what" for q in half.question)
    for named in (True, False):
        which = np.array([q.split()[0] == "what" for q in made.questions]) == named
        possible[named] = 360 * np.mean([(truth[fact] >= 0)[which].sum() for fact in range(24)])
        often = asked[named] / possible[named]
        assert often == pytest.approx(1 / 3 if named else 1 / 12, rel=0.06)


def test_the_same_numbers_give_the_same_set(made):
    again = data.synthetic(300, 60, seed=1)
    assert np.array_equal(made.train.images, again.train.images)
    assert np.array_equal(made.test.answer, again.test.answer)
    assert not np.array_equal(made.train.images, data.synthetic(300, 60, seed=2).train.images)


def test_nobody_knows_the_answers_to_other_questions():
    assert data.truth_table(("is it raining?",), shapes.ANSWERS) is None
    assert data.truth_table(("is there a circle?",), ("yes", "no")) is None


def test_texts_become_numbers_and_texts_again(made):
    for text, ids in zip(made.questions, made.ids, strict=True):
        assert made.medium.spell(ids) == text.rstrip("?")
        assert np.array_equal(
            data.questions.encode(f"  {text.upper()} ", made.words, len(ids)), ids
        )
    assert made.words[:2] == ("", "<unknown>") and made.words[2:] == tuple(sorted(made.words[2:]))
    assert len(made.words) == 28 and made.ids.shape == (107, 9) and not np.any(made.ids == 1)


def test_an_unknown_word_has_a_number_of_its_own(made):
    ids = data.questions.encode("is there a purple shape?", made.words, 9, strict=False)
    assert made.medium.spell(ids) == "is there a <unknown> shape" and ids[3] == 1
    for text in ("is there a purple shape?", "is there a <unknown> shape?"):
        with pytest.raises(ValueError, match=r"unknown word '(purple|unknown)'"):
            data.questions.encode(text, made.words, 9)


def test_marks_are_no_words():
    half = data.Asked(np.zeros((1, 8, 8, 3), np.uint8), *np.zeros((3, 1), np.int32))
    texts = ["Is it red, or green?", "what's that: (a circle)?"]
    found = data.from_asked(half, half, texts, ["yes", "no"])
    said = [found.medium.spell(ids) for ids in found.ids]
    assert said == ["is it red or green", "what's that a circle"]


def test_parts_of_texts():
    ids = np.array([[3, 1, 4, 1, 5], [9, 2, 0, 0, 0]], np.int32)
    assert data.questions.first_words(ids, 0.5).tolist() == [[3, 1, 0, 0, 0], [9, 0, 0, 0, 0]]
    assert data.questions.first_words(ids, 1.0).tolist() == ids.tolist()
    assert not data.questions.first_words(ids, 0.0).any()
    assert data.questions.first_words(ids, 0.5, up=True).tolist() == [
        [3, 1, 4, 0, 0],
        [9, 0, 0, 0, 0],
    ]
    assert data.questions.without(ids, ids == 1).tolist() == [[3, 4, 5, 0, 0], [9, 2, 0, 0, 0]]
    texts, sizes = data.questions.subsets(np.array([3, 1, 4, 0], np.int32))
    every = [part for size in (1, 2, 3) for part in itertools.combinations((3, 1, 4), size)]
    found = [tuple(word for word in text if word) for text in texts.tolist()]
    assert sorted(found) == sorted(every) and sizes.tolist() == [1, 1, 1, 2, 2, 2, 3]


def test_as_many_words_at_random_and_no_padding():
    ids = np.tile(np.array([3, 1, 4, 0, 0], np.int32), (2000, 1))
    drawn = data.questions.as_many(np.random.default_rng(0), ids, ids == 1)
    assert np.all(drawn.sum(axis=1) == 1) and not drawn[:, 3:].any()
    assert drawn[:, :3].mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.04)


def test_all_short_texts():
    texts = data.questions.short_texts(
        5, 3, most=20
    ).tolist()  # 3 of one word, 9 of two, 27 of three
    every = [(i,) for i in (2, 3, 4)] + list(itertools.product((2, 3, 4), repeat=2))
    assert [tuple(word for word in text if word) for text in texts] == every
    assert len(data.questions.short_texts(5, 3, most=39)) == 3 + 9 + 27
    assert (
        len(data.questions.short_texts(5, 1)) == 3
        and len(data.questions.short_texts(101, 9, most=1)) == 99
    )


def test_easy_vqa_is_what_was_published(data_dir):
    """Its counts; all 48,248 answers follow from one shape and one color a picture."""
    found = data.load_questions("easy_vqa", data_dir)
    assert found.input_shape == (64, 64, 3)
    assert (len(found.train.answer), len(found.test.answer)) == (38_575, 9_673)
    assert set(found.questions) == set(data.synthetic(1, 1).questions)
    truth = data.truth_table(found.questions, found.answers)
    assert all(all(facts_of(half, truth).values()) for half in (found.train, found.test))
    counts = defaultdict(Counter)
    for question, answer in zip(found.train.question, found.train.answer, strict=True):
        counts[question][answer] += 1
    commonest = {  # of several as common the first of the list of answers
        question: max(count, key=lambda answer, count=count: (count[answer], -answer))
        for question, count in counts.items()
    }
    test = zip(found.test.question, found.test.answer, strict=True)
    assert sum(commonest[question] == answer for question, answer in test) == 6_475  # 66.9 %


WORDS = ("", "<unknown>", "is", "there", "a", "circle")
TEXTS = {
    r"must have a word at least, got ' \?'; ask something": " ?",
    r"unknown word 'cirle' in 'is there a cirle\?'; did you mean circle\?": "is there a cirle?",
    "unknown word 'xyzzy' in 'xyzzy'; There are is, there, a, circle": "xyzzy",
    "may have 4 words, got 5 in 'is is is is is'; leave some out": "is is is is is",
}


@pytest.mark.parametrize(("message", "text"), TEXTS.items(), ids=TEXTS.keys())
def test_bad_questions_are_refused(message, text):
    with pytest.raises(ValueError, match=message):
        data.questions.encode(text, WORDS, 4)


def half(**changes):
    arrays = {"images": np.zeros((2, 8, 8, 3), np.uint8), "picture": [0, 1], "question": [0, 0]}
    return data.Asked(**{**arrays, "answer": [0, 1], **changes})


HALVES = {
    r"test answer must be in \[0, 2\), got 2; mend the row": {"answer": [0, 2]},
    r"test picture must be in \[0, 2\), got -1": {"picture": [0, -1]},
    r"test question must be in \[0, 1\), got 1": {"question": [0, 1]},
    r"test answer must be whole numbers within int32, got 0\.5": {"answer": [0, 0.5]},
    r"test rows must be equally long, got .*'answer': 3": {"answer": [0, 1, 1]},
    r"test picture must be \[s\] with at least one, got \(0,\)": {"picture": np.zeros(0, int)},
    r"test pictures are \(9, 9, 3\) but those to learn from \(8, 8, 3\); resize them": {
        "images": np.zeros((2, 9, 9, 3), np.uint8)
    },
    r"test pictures must be bytes \(uint8\) .* got float64": {"images": np.zeros((2, 8, 8, 3))},
}


@pytest.mark.parametrize(("message", "changes"), HALVES.items(), ids=HALVES.keys())
def test_what_does_not_fit_together_is_refused(message, changes):
    with pytest.raises(ValueError, match=message):
        data.from_asked(half(), half(**changes), ["is it?"], ["yes", "no"])


def test_a_set_needs_two_answers_and_words():
    with pytest.raises(ValueError, match="two answers at least, got 1"):
        data.from_asked(half(), half(), ["is it?"], ["yes"])
    with pytest.raises(ValueError, match="must have a word at least"):
        data.from_asked(half(), half(), ["is it?", "?"], ["yes", "no"])


def test_bad_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("FOOLJAX_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match=r"unknown 'nope'; There are synthetic, easy_vqa"):
        data.load_questions("nope")
    with pytest.raises(ValueError, match=r"put it into DIR/vqa and pass --data-dir DIR"):
        data.load_questions("easy_vqa")
    with pytest.raises(ValueError, match=r"vqa/easy_vqa\.npz: there is no such file"):
        data.load_questions("easy_vqa", str(tmp_path))
    (tmp_path / "torn.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"torn\.npz: not an \.npz file"):
        data.load_questions(str(tmp_path / "torn.npz"))
    np.savez(tmp_path / "few.npz", train_images=np.zeros(1), answers=["yes", "no"])
    with pytest.raises(ValueError, match=r"array train_image, .* missing \(it holds answers, "):
        data.load_questions(str(tmp_path / "few.npz"))


def test_a_file_of_ones_own(tmp_path):
    own = half()
    arrays = {
        f"{part}_{name}": array
        for part in ("train", "test")
        for name, array in zip(("images", "image", "question", "answer"), own, strict=True)
    }
    path = tmp_path / "own.npz"
    np.savez(path, questions=["is it raining?"], answers=["yes", "no"], **arrays)
    found = data.load_questions(str(path))
    assert found.words[2:] == ("is", "it", "raining") and found.ids.tolist() == [[2, 3, 4]]
    arrays["test_answer"] = [0, 7]
    np.savez(path, questions=["is it raining?"], answers=["yes", "no"], **arrays)
    with pytest.raises(ValueError, match=r"own\.npz: test answer must be in \[0, 2\), got 7"):
        data.load_questions(str(path))
