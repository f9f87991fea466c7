"""Texts in languages: what is held out, and files as people have them."""

import jax
import numpy as np
import pytest

from fooljax import data, media, models, training
from fooljax.data import languages

spell = media.Texts().spell


@pytest.fixture(scope="module")
def splits():
    return data.load("languages")


def test_shape(splits):
    for half, count in zip(splits, (8000, 2000), strict=True):
        assert half.images.shape == (count, 40) and half.images.dtype == np.int32
        assert half.medium == media.Texts()
        np.testing.assert_array_equal(np.bincount(half.labels), count // 20)
    assert all(spell(row) == spell(row).strip() for row in np.asarray(splits.test.images[:100]))


def test_what_is_named_in_test_texts_is_named_in_no_other(splits):
    """By words that only English has, for names of two languages may be alike."""
    english = languages.CLASSES.index("English")
    words = []
    for half in splits:
        texts = np.asarray(half.images[np.asarray(half.labels) == english])
        # the last word may be cut
        words.append({word for row in texts for word in spell(row).split()[:-1]})
    both = words[0] & words[1]
    assert len(words[1]) > 40
    assert both <= {"and", "island", "islands", "st", "new", "south", "north", "french", "western"}


@pytest.mark.slow
def test_a_small_network_learns_it(splits):
    network = models.build("ngram", jax.random.key(0), (40,), 20)
    recipe = training.RECIPES["quick"](steps=300)
    network, _ = training.fit(jax.random.key(1), network, splits.train, **recipe._asdict())
    assert training.evaluate(network, splits.test) > 0.6


def test_the_network_offers_its_vectors(key):
    network = models.build("ngram", key, (12,), 3)
    ids = np.stack([media.Texts().encode(text, 12) for text in ("abc де", "", "中文 x")])
    tokens = network.tokens
    vectors = tokens.embed(network.params, ids)
    answers = jax.jit(lambda ids: network(ids))
    np.testing.assert_allclose(
        tokens.apply_embedded(network.params, vectors), answers(ids), atol=1e-6
    )
    longer = np.pad(ids, ((0, 0), (0, 5)))
    np.testing.assert_allclose(answers(longer), answers(ids), atol=1e-6)
    assert tokens.count == 0x110000 and vectors.shape == (3, 12, 32)


def test_neighbors_in_an_alphabet_have_vectors_of_their_own(key):
    network = models.build("ngram", key, (26,), 3)
    for first in (0x61, 0x3B1, 0x430, 0x5D0, 0x915):
        ids = np.arange(first, first + 26, dtype=np.int32)[None]
        vectors = np.asarray(network.tokens.embed(network.params, ids))[0]
        assert len(np.unique(vectors[:, 0])) == 26


HEAD, CODES = "language\ttext\n", "de\nen\n"


@pytest.mark.parametrize(
    ("samples", "codes", "said"),
    [
        (None, CODES, "samples.tsv is missing"),
        (HEAD + "de\teins\n", None, "languages.txt is missing"),
        ("a\tb\nde\teins\n", CODES, "must name the columns language and text"),
        (HEAD + "de eins\n", CODES, "line 2 has not 2 columns"),
        (HEAD, CODES, "it lacks lines of 2 columns"),
        (HEAD + "xx\teins\n", CODES, "xx is not in languages.txt"),
        (b"\xff\xfe\x00", CODES, "cannot be read as text in UTF-16"),
        (b"language\ttext\nde\t\x00\n", CODES, "holds zero bytes"),
    ],
)
def test_files_that_are_wrong(samples, codes, said, tmp_path):
    for name, content in zip(languages.SAMPLES, (samples, codes), strict=True):
        if content is not None:
            raw = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(raw)
    with pytest.raises(ValueError, match=said):
        languages.read_samples(tmp_path)


def test_a_file_in_another_encoding_is_read_with_a_warning(tmp_path):
    (tmp_path / "samples.tsv").write_bytes((HEAD + "de\tÜber Straßen\n").encode("cp1252"))
    (tmp_path / "languages.txt").write_text(CODES)
    with pytest.warns(UserWarning, match="is not in UTF-8; it is read as Windows-1252"):
        found = languages.read_samples(tmp_path)
    assert spell(np.asarray(found.test.images[0])) == "Über Straßen"


def test_samples_by_name(data_dir):
    found = data.load("language_samples", data_dir)
    assert found.test.images.shape[0] == 90 and found.test.num_classes == 109


def test_samples_are_not_downloaded(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"get it from google/cld3.*put samples.tsv"):
        data.load("language_samples", str(tmp_path))
