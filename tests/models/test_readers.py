"""Networks that read words: published logits, and windows as a loop in numpy."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import data, media, models, training

COUNT, LENGTH = 20, 9


@pytest.fixture(scope="module")
def reader():
    return models.text_cnn(jax.random.key(0), COUNT, LENGTH, 3)


@pytest.fixture(scope="module")
def ids():
    drawn = np.random.default_rng(0).integers(1, COUNT, (4, LENGTH))
    return jnp.asarray(np.where(np.arange(LENGTH) < np.array([[9], [1], [4], [0]]), drawn, 0))


def test_windows_as_a_loop(reader, ids):
    """Every window of three, four and five words, those over the edges too."""
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), reader.params)
    expected = []
    for text in np.asarray(ids):
        vectors = params["embedding"]["embedding"][text] * (text != 0)[:, None]
        found = []
        for width in (3, 4, 5):
            layer = params[f"window{width}"]
            edge = np.zeros((width - 1, vectors.shape[1]))
            padded = np.concatenate([edge, vectors, edge])
            windows = [padded[i : i + width].ravel() for i in range(len(padded) - width + 1)]
            answers = np.maximum(windows @ layer["kernel"] + layer["bias"], 0.0)
            found.append(answers.max(axis=0))
        last = params["classifier"]
        expected.append(np.concatenate(found) @ last["kernel"] + last["bias"])
    np.testing.assert_allclose(reader(ids), expected, atol=1e-5)


def test_what_gradients_are_offered(reader, ids):
    tokens = reader.tokens
    vectors = tokens.embed(reader.params, ids)
    np.testing.assert_allclose(
        tokens.apply_embedded(reader.params, vectors), reader(ids), atol=1e-6
    )
    table = tokens.table(reader.params)
    assert tokens.count == COUNT and table.shape == (COUNT, 50) and not table[0].any()
    np.testing.assert_array_equal(vectors, table[ids])


def test_begins_with_given_vectors():
    vectors = np.zeros((COUNT, 8), np.float32)
    vectors[3:6] = np.random.default_rng(0).normal(size=(3, 8))
    made = models.text_cnn(jax.random.key(0), COUNT, LENGTH, 2, vectors=vectors)
    table = np.asarray(made.tokens.table(made.params))
    np.testing.assert_array_equal(table[3:6], vectors[3:6])
    assert np.abs(table[6:]).max() <= 0.25 and table[6:].any(axis=1).all()


def test_weights_there_and_back(reader, ids, tmp_path):
    models.save_weights(tmp_path / "w.safetensors", reader)
    other = models.text_cnn(jax.random.key(5), COUNT, LENGTH, 3)
    again = models.load_weights(tmp_path / "w.safetensors", other)
    np.testing.assert_array_equal(again(ids), reader(ids))


def test_learns_by_the_ordinary_loop(key):
    """Whether a word is there, in sentences of random length."""
    drawn = np.random.default_rng(0)
    rows = drawn.integers(2, COUNT, (400, LENGTH))
    labels = (rows[:, :3] == 7).any(axis=1).astype(int)
    rows[:, 3:][rows[:, 3:] == 7] = 8
    medium = media.Texts(tuple(map(str, range(COUNT))))
    dataset = data.from_arrays(rows, labels, ("no", "yes"), medium)
    assert dataset.images.dtype == jnp.int32
    key_init, key_fit = jax.random.split(key)
    start = models.text_cnn(key_init, COUNT, LENGTH, 2)
    made, losses = training.fit(key_fit, start, dataset, **training.quick(150)._asdict())
    assert training.evaluate(made, dataset) >= 0.95 and losses[-1] < losses[0]
    assert not made.tokens.table(made.params)[0].any()


WRONG = {
    "count must be at least 3, got 2": {"count": 2},
    "length must be at least 1, got 0": {"length": 0},
    "a row of finite numbers for each of 20 words, got \\(3, 5\\)": {"vectors": np.ones((3, 5))},
}


@pytest.mark.parametrize(("message", "changes"), WRONG.items(), ids=WRONG.keys())
def test_impossible_networks(message, changes, key):
    with pytest.raises(ValueError, match=message):
        models.text_cnn(key, **{"count": 20, "length": 9, "num_classes": 2, **changes})


@pytest.fixture(scope="module")
def published(data_dir):
    return f"{data_dir}/models/movie_review_sentiment.safetensors"


@pytest.mark.parametrize("length", [64, 255])
def test_movie_review_is_the_published_network(data_dir, published, length):
    medium = models.movie_review_words(published)
    _, test = data.read_sst2_sentences(Path(data_dir) / "text" / "sst2")
    words = tuple(models.split_review(text) for text in test.texts)
    dataset = data.encode(test._replace(texts=words), medium, length)
    logits = models.movie_review(published, length)(dataset.images)
    reference = np.load(f"{data_dir}/models/reference_text.npz")["movie_review_logits_sst2_test"]
    np.testing.assert_allclose(logits, reference, atol=1e-3)
    assert np.mean(logits.argmax(axis=1) == dataset.labels) == pytest.approx(0.763, abs=0.005)


def test_movie_review_offers_gradients(published):
    network = models.movie_review(published, 30)
    ids = jnp.asarray(np.random.default_rng(0).integers(0, 9000, (3, 30)))
    tokens = network.tokens
    vectors = tokens.embed(network.params, ids)
    np.testing.assert_allclose(
        tokens.apply_embedded(network.params, vectors), network(ids), atol=1e-6
    )
    np.testing.assert_array_equal(vectors, tokens.table(network.params)[ids])


def test_movie_review_does_not_see_the_order_of_words(published):
    network = models.movie_review(published, 20)
    ids = np.random.default_rng(0).integers(3, 9000, (2, 20))
    np.testing.assert_allclose(network(ids), network(ids[:, ::-1]), atol=1e-5)


def test_movie_review_needs_its_words(tmp_path):
    with pytest.raises(ValueError, match=r"w_vocabulary\.txt: no such file; it holds the words"):
        models.movie_review(tmp_path / "w.safetensors")
    (tmp_path / "w_vocabulary.txt").write_text("a\nb\n")
    with pytest.raises(ValueError, match="must begin with <PAD>, <START>, <UNKNOWN>"):
        models.movie_review(tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="length must be at most 255 words, got 256"):
        models.movie_review(tmp_path / "w.safetensors", 256)
