"""CLD3 against a second implementation, against published answers, and against the detector."""

import csv
import functools
import importlib.util
import random
import unicodedata
from pathlib import Path

import cld3_oracle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from lowering import assert_lowers

from fooljax import media, models
from fooljax.models import cld3, cld3_grams, cld3_spans, cld3_squeeze

encode = media.Texts().encode
ALPHABETS = {
    1: "abcdefghijklmnopqrstuvwxyzéß",
    2: "αβγδεζηθικλμ",
    3: "абвгдежзийкл",
    5: "אבגדהוזחטיכל",
    6: "ابةتثجحخدذرز",
    9: "अआइईउऊएऐकखगघ",
    19: "กขคงจฉชซฌญฎฏ",
    23: "აბგდევზთიკლმ",
    24: "中国人日本の和大学生",
    102: "가나다라마바사아자차",
}


@pytest.fixture(scope="module")
def network():
    """The detector with weights drawn at random."""
    module = cld3.CLD3(len(cld3.LANGUAGES))
    return models.init_flax(jax.random.key(1), module, (40,), len(cld3.LANGUAGES))


@pytest.fixture(scope="module")
def answer(network):
    return jax.jit(lambda ids: network(ids))


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    """The same weights under their published names."""
    path = tmp_path_factory.mktemp("cld3") / "weights.safetensors"
    models.save_weights(path, network)
    return safetensors.numpy.load_file(path)


@pytest.fixture(scope="module")
def published(request):
    folder = request.getfixturevalue("data_dir")
    return models.load_pretrained("cld3", Path(folder) / "models")


@functools.partial(jax.jit, static_argnums=1)
def squeezed(ids, most_bytes):
    return cld3_squeeze.squeeze(cld3_spans.letters(ids), most_bytes)


def ids_of(*texts, length=40):
    return jnp.asarray(np.stack([encode(text, length) for text in texts]))


@pytest.mark.parametrize(
    "text", ["", "a", "ab", "abc", "abcd", "éaß", "中文字", "😀x𐎀", "^a$", "нет"]
)
def test_hash_is_murmur_of_the_bytes(text):
    packed = cld3_grams.Packed((), jnp.int32(0))
    for character in text:
        packed = cld3_grams.join(packed, cld3_grams.utf8(jnp.int32(ord(character))))
    assert int(packed.length) == len(text.encode())
    assert int(cld3_grams.murmur(packed)) == cld3_oracle.murmur(text.encode())


def test_hash_of_known_values():
    """As other libraries print them; the seed is part of the definition."""
    assert cld3_oracle.murmur(b"", 0) == 0
    assert cld3_oracle.murmur(b"hello", 0) == 0xE56129CB
    assert cld3_oracle.murmur(b"hello world", 0) == 0x44A81419


@pytest.mark.parametrize("script", ALPHABETS)
def test_equal_to_the_slow_one(script, weights, answer):
    rng = random.Random(script)
    letters = ALPHABETS[script]
    texts = []
    for _ in range(20):
        words = (
            "".join(rng.choices(letters, k=rng.randint(1, 7))) for _ in range(rng.randint(1, 4))
        )
        texts.append(" ".join(words))
    expected = [cld3_oracle.logits(weights, f" {text} ", script) for text in texts]
    np.testing.assert_allclose(answer(ids_of(*texts)), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("text", "cleaned", "script"),
    [
        ("  Hello,  WORLD!1!", " hello world ", 1),
        ("a-b", " a b ", 1),
        ("e\u0301te", " e\u0301te ", 1),  # a mark belongs to its word
        ("ÀÉ ΑΒΓ", " àé  αβγ ", 1),  # two spans, a space of each between them
        ("abc где", " abc  где ", 1),
        ("abжc", " abжc ", 1),  # a single foreign letter is let pass
        ("abжжcd", " ab  жж  cd ", 1),
        ("abжжc", " ab  жжc ", 1),
        ("\u0301ab", " \u0301  ab ", 40),
        ("İx", " ix ", 1),
        ("中a文", " 中a文 ", 24),
        ("한국어 中", " 한국어 中 ", 102),
        ("韓中國 어", " 韓中國 어 ", 24),
        ("𐐀𐐁 x", " 𐐨𐐩  x ", 39),
        ("ab\x01cd", " ab ", 1),  # the text ends at what no text may hold
        ("ab\ud800cd", " ab ", 1),
        ("ab\uffffcd", " ab ", 1),
        ("a\U000e0101b", " a\U000e0101b ", 1),  # chooses a shape of the letter
        ("12 !?", "", 0),
        ("", "", 0),
    ],
)
def test_cleaning(text, cleaned, script, weights, answer):
    expected = cld3_oracle.logits(weights, cleaned, script)
    np.testing.assert_allclose(answer(ids_of(text))[0], expected, atol=2e-5)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a b c d e f g h i j k l m n", ""),  # too many spaces
        ("abcdefg" * 5, ""),  # and too much that was there before
        ("abc def ghi jkl mno pqr stu vwx yza bcd efgh", None),
    ],
)
def test_repetitions_are_dropped(text, left, weights, answer):
    cleaned = f" {text} " if left is None else left
    script = 1 if cleaned else 0
    expected = cld3_oracle.logits(weights, cleaned, script)
    np.testing.assert_allclose(answer(ids_of(text, length=48))[0], expected, atol=2e-5)


def test_a_stretch_in_the_middle_is_dropped_at_spaces():
    text = "the quick brown fox jumps over a lazy dog today " + "x y z " * 16 + "and ends with this"
    kept = squeezed(ids_of(text, length=200), 1000)
    left = "".join(chr(code) for code in np.asarray(kept.codes[0]) if code)
    assert left.startswith("thequickbrownfox") and left.endswith("endswiththis")
    assert "xyzxyz" not in left


def test_a_long_text_is_sampled():
    rng = random.Random(0)
    text = " ".join("".join(rng.choices("abcdefghijklmno", k=6)) for _ in range(150))
    ids = ids_of(text, length=1100)
    assert int((squeezed(ids, 10_000).codes > 0).sum()) == 900
    some = int((squeezed(ids, 700).codes > 0).sum())
    assert 580 <= some <= 610  # five samples of 140 bytes, a seventh of them spaces


@pytest.mark.parametrize("length", [1, 200])
def test_texts_of_any_length_and_hostile_ones_get_finite_answers(length, answer):
    rng = np.random.default_rng(length)
    ids = rng.integers(0, 0x110000, (4, length)).astype(np.int32)
    ids[0], ids[1] = 0, 0x301
    assert np.isfinite(answer(jnp.asarray(ids))).all()


@pytest.mark.usefixtures("accelerator")
def test_it_has_a_rule_for_everything_on_an_accelerator(network):
    ids = jax.ShapeDtypeStruct((2, 200), jnp.int32)
    assert_lowers(jax.jit(lambda classifier, ids: classifier(ids)), network, ids)


def test_an_answer_does_not_depend_on_the_batch_or_on_padding(answer):
    texts = ["abc", "где то", "x" * 40, "中"]
    together = answer(ids_of(*texts, length=64))
    for row, text in enumerate(texts):
        np.testing.assert_allclose(answer(ids_of(text))[0], together[row], atol=1e-6)


def test_letters_are_those_of_unicode():
    """All of the detector's letters are letters or marks of Unicode still, but for three."""
    scripts, lower = cld3_spans.tables()
    letters = np.flatnonzero(scripts)
    others = [code for code in letters if unicodedata.category(chr(code))[0] not in "LM"]
    assert len(letters) == 101_375 and others == [0x309B, 0x309C, 0x30A0]
    assert (scripts[letters + lower[letters]] > 0).all()
    assert [scripts[ord(one)] for one in "aжאक中가ひ"] == [1, 3, 5, 9, 24, 24, 24]


def test_languages_have_names():
    assert len(set(cld3.LANGUAGES)) == len(set(cld3.NAMES)) == 109
    assert dict(zip(cld3.LANGUAGES, cld3.NAMES, strict=True))["cy"] == "Welsh"


def test_size(network):
    assert sum(leaf.size for leaf in jax.tree.leaves(network.params)) == 218_149


def test_classes_are_in_the_published_order(data_dir):
    lines = (Path(data_dir) / "text/language_id/languages.txt").read_text().split()
    assert tuple(lines) == cld3.LANGUAGES


def test_published_answers_to_the_texts_of_its_authors(data_dir, published):
    with (Path(data_dir) / "text/language_id/samples.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    texts = [row["text"] for row in rows]
    ids = ids_of(*texts, length=max(map(len, texts)))
    found = np.asarray(jax.nn.softmax(jax.jit(lambda ids: published(ids))(ids)))
    assert [cld3.LANGUAGES[one] for one in found.argmax(axis=1)] == [
        row["published_prediction"] for row in rows
    ]
    expected = [float(row["published_probability"]) for row in rows]
    np.testing.assert_allclose(found.max(axis=1), expected, atol=1e-5)
    right = [row["language"] == row["published_prediction"] for row in rows]
    assert sum(right) == 88


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("gcld3") is None, reason="cld3-py is not installed")
def test_equal_to_the_detector(published):
    """Random letters of every script, several in a text or one, with and without repetitions."""
    import gcld3

    detector = gcld3.NNetLanguageIdentifier(0, 1000)
    rng = random.Random(0)
    scripts = cld3_spans.tables()[0]
    pools = {k: [chr(c) for c in np.flatnonzero(scripts == k)] for k in set(scripts[scripts > 0])}
    large = [k for k, pool in pools.items() if len(pool) >= 20]
    assert len(large) >= 90
    texts = []
    for count in (1, 2, 3):
        for _ in range(500):
            some = [rng.sample(pools[k], min(len(pools[k]), 12)) for k in rng.sample(large, count)]
            pool = sum(some, [" ", " ", "-", "1"])
            texts.append("".join(rng.choices(pool, k=rng.randint(0, 40))))
    texts += ["".join(rng.choices("abc ", k=40)) for _ in range(500)]
    found = np.asarray(jax.nn.softmax(jax.jit(lambda ids: published(ids))(ids_of(*texts))))
    for text, row in zip(texts, found, strict=True):
        said = detector.FindLanguage(text)
        assert cld3.LANGUAGES[row.argmax()] == said.language, text
        assert abs(row.max() - said.probability) < 1e-3, text
