"""Sentences: their words and ids, generated ones against their rule, files of one's own."""

import numpy as np
import pytest

from fooljax import data, media
from fooljax.data import opinions
from fooljax.data.sentence_files import split


def sentences(*texts, labels=None):
    labels = np.arange(len(texts)) % 2 if labels is None else np.array(labels)
    return data.Sentences(texts, labels, ("no", "yes"))


def test_words_are_in_the_order_of_their_numbers():
    words = data.vocabulary(["b a b", "c b"], ["z", "a"], ["y"])
    assert words == ("", "<unknown>", "b", "a", "c", "z", "y")


def test_ids_spell_what_was_written():
    train, test = data.encoded(sentences("a b", "b b c"), sentences("c d", "a"), more=["x"])
    assert train.medium.words == ("", "<unknown>", "b", "a", "c", "x", "d")
    assert train.images.shape == (2, 8) and train.images.dtype == np.int32
    assert [train.medium.spell(row) for row in np.asarray(test.images)] == ["c d", "a"]
    np.testing.assert_array_equal(data.seen(train), [False, False, True, True, True, False, False])


def test_long_texts_are_cut():
    train, _ = data.encoded(sentences("a " * 300, "b"), sentences("a", "b"))
    assert train.images.shape == (2, 256)


def test_only_texts_of_words_have_words():
    pictures = data.load("digits").train
    with pytest.raises(ValueError, match="must be texts of words, got pictures; give sst2"):
        data.seen(pictures)


def rule(text):
    """The class of a generated sentence, from its words."""
    clause = text.split(" , ")[-1] if " , " in text else text
    denied = any(
        f" {word} " in f" {clause} " for word in ("not", "never", "hardly", "anything but")
    )
    good = [word in opinions._ADJECTIVES[1] for word in clause.split() if word in ADJECTIVES]
    return int(good[0] != denied)


ADJECTIVES = {word for some in opinions._ADJECTIVES for word in some}


def test_opinions_follow_their_rule():
    splits = data.load("opinions")
    texts = {}
    for name, part in zip(("train", "test"), splits, strict=True):
        texts[name] = [part.medium.spell(row) for row in np.asarray(part.images)]
        assert [rule(text) for text in texts[name]] == list(np.asarray(part.labels))
    assert len(texts["train"]) == 4000 and len(texts["test"]) == 1000
    assert not set(texts["train"]) & set(texts["test"])
    assert data.seen(splits.train)[2:].all()  # no word is only in the test


def test_no_single_word_tells_the_class_of_an_opinion():
    train = data.load("opinions").train
    ids, labels = np.asarray(train.images), np.asarray(train.labels)
    for word in range(2, len(train.medium.words)):
        has = (ids == word).any(axis=1)
        share = labels[has].mean()
        assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(has.sum())


def test_sst2(data_dir):
    train, test = data.load("sst2", data_dir)
    assert len(train.labels) == 60_614 + 6_735 and len(test.labels) == 872
    assert np.asarray(test.labels).mean() == pytest.approx(0.5092, abs=1e-4)
    first = train.medium.spell(np.asarray(test.images[0]))
    assert first == "it 's a charming and often affecting journey ."
    known = data.seen(train)
    assert {"www.star", "notoc"} <= {train.medium.words[i] for i in np.flatnonzero(~known)}


def test_vectors_of_words(tmp_path):
    (tmp_path / "glove.txt").write_text("a 1 2\nb 3 4.5\n")
    found = data.word_vectors(("", "b", "x"), tmp_path / "glove.txt")
    np.testing.assert_array_equal(found, [[0, 0], [3, 4.5], [0, 0]])
    (tmp_path / "words.txt").write_text("a\nb\n")
    np.savez(tmp_path / "v.npz", vectors=np.eye(2, dtype=np.float16))
    np.testing.assert_array_equal(data.word_vectors(("b",), tmp_path), [[0, 1]])


BROKEN_VECTORS = {
    "line 2 has 1 numbers, not 2": "a 1 2\nb 3\n",
    "line 1 is not a word and its numbers": "a x y\n",
    "holds no word": "\n",
    "a row of finite numbers": "a nan 1\n",
}


@pytest.mark.parametrize(("message", "text"), BROKEN_VECTORS.items(), ids=BROKEN_VECTORS.keys())
def test_broken_vectors(tmp_path, message, text):
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        data.read_vectors(tmp_path / "v.txt")


def test_words_of_a_text():
    assert split("It's  GREAT (well-made), isn't it?") == [
        *("it's", "great", "(", "well-made", ")", ",", "isn't", "it", "?"),
    ]


ROWS = ["Bad film!", "good FILM", "very bad", "so good", "bad", "good", "bad bad", "good good"]
MARKS = ["neg", "pos"] * 4


def spelled(splits):
    return [part.medium.spell(row) for part in splits for row in np.asarray(part.images)]


def test_a_table_of_ones_own(tmp_path):
    lines = [f"{text}\t{label}" for text, label in zip(ROWS, MARKS, strict=True)]
    (tmp_path / "own.tsv").write_text("\n".join(["sentence\tlabel", *lines]))
    splits = data.load(str(tmp_path / "own.tsv"))
    assert splits.train.class_names == ("neg", "pos")
    assert sorted(spelled(splits)) == sorted(" ".join(split(text)) for text in ROWS)
    assert isinstance(splits.train.medium, media.Texts) and len(splits.test.labels) == 2
    quoted = [f'{label},"{text}, he said"' for text, label in zip(ROWS, MARKS, strict=True)]
    (tmp_path / "own.csv").write_text("\n".join(["Sentiment,Review", *quoted]))
    assert "bad film ! , he said" in spelled(data.load(str(tmp_path / "own.csv")))


def test_numbers_as_labels_are_names(tmp_path):
    lines = [f"{text}\t{5 * (label == 'pos') - 1}" for text, label in zip(ROWS, MARKS, strict=True)]
    (tmp_path / "own.tsv").write_text("\n".join(["text\tclass", *lines]))
    assert data.load(str(tmp_path / "own.tsv")).train.class_names == ("-1", "4")


@pytest.mark.parametrize("divided", [False, True])
def test_a_folder_of_ones_own(tmp_path, divided):
    for part in ("train", "test") if divided else (".",):
        for label in ("neg", "pos"):
            home = tmp_path / part / label
            home.mkdir(parents=True)
            for i in range(3):
                (home / f"{i}.txt").write_text(f"{label} text\n{part[-2:]} {i}")
    splits = data.load(str(tmp_path))
    assert splits.train.class_names == ("neg", "pos")
    assert len(splits.test.labels) == (6 if divided else 2)
    assert spelled(splits)[0].startswith("neg text")


BAD = {
    "must name a column sentence .*, got a, label": ("a\tlabel\nx\t1\n", ".tsv"),
    "must name a column label .*, got sentence": ("sentence\nx\n", ".tsv"),
    "must name a column sentence .*, got nothing": ("", ".csv"),
    "line 3 has 1 columns, the first line 2": ("sentence\tlabel\nx\t1\ny\n", ".tsv"),
    "all texts are of one class, 1; add texts of another": (
        "sentence\tlabel\nx\t1\ny\t1\n",
        ".tsv",
    ),
    "holds no sentence": ("sentence\tlabel\n \t1\n", ".tsv"),
    "the label of 2. sentence is empty": ("sentence\tlabel\nx\t1\ny\t\n", ".tsv"),
    "no class has two texts": ("sentence\tlabel\nx\t0\ny\t1\n", ".tsv"),
}


@pytest.mark.filterwarnings("ignore:.*left out 1 texts without a word")
@pytest.mark.parametrize(("message", "given"), BAD.items(), ids=BAD.keys())
def test_bad_files(tmp_path, message, given):
    text, ending = given
    path = tmp_path / f"own{ending}"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        data.load(str(path))
    assert str(path) in str(raised.value)


def test_empty_sentences_are_left_out_with_a_warning(tmp_path):
    lines = [
        f"{text}\t{label}"
        for text, label in zip([*ROWS, " ", ""], [*MARKS, "pos", "neg"], strict=True)
    ]
    (tmp_path / "own.tsv").write_text("\n".join(["sentence\tlabel", *lines]))
    with pytest.warns(UserWarning, match=r"own.tsv: left out 2 texts without a word"):
        assert len(spelled(data.load(str(tmp_path / "own.tsv")))) == len(ROWS)


def test_files_that_are_not_in_utf8(tmp_path):
    lines = [f"{text} café\t{label}" for text, label in zip(ROWS, MARKS, strict=True)]
    path = tmp_path / "own.tsv"
    path.write_bytes("\n".join(["sentence\tlabel", *lines]).encode("cp1252"))
    with pytest.warns(UserWarning, match="not in UTF-8; it is read as Windows-1252"):
        assert "good café" in spelled(data.load(str(path)))
    path.write_bytes(b"sentence\tlabel\nx\0y\t1\n")
    with pytest.raises(ValueError, match="zero bytes"):
        data.load(str(path))


def test_sst2_that_is_broken(tmp_path):
    home = tmp_path / "text" / "sst2"
    home.mkdir(parents=True)
    (home / "train.tsv").write_text("sentence\tlabel\ngood\t1\nbad\t0\n")
    with pytest.raises(ValueError, match=r"test.tsv is missing"):
        data.load("sst2", str(tmp_path))
    (home / "test.tsv").write_text("sentence\tlabel\ngood\tyes\n")
    with pytest.raises(ValueError, match=r"labels must be 0 \(negative\) or 1 .*, got 'yes'"):
        data.load("sst2", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"get it from gluebenchmark\.com"):
        data.load("sst2", str(tmp_path / "text"))


def test_texts_have_no_image_size():
    with pytest.raises(ValueError, match=r"--image-size"):
        data.load("opinions", image_size=(8, 8))
