"""The matcher against plain numpy; what it must not see, and what it must."""

import jax
import numpy as np
import pytest

from fooljax.analysis import build_matcher, by_matching, lay_out, resized
from fooljax.data import Passage, Vocabulary

VOCABULARY = Vocabulary(tuple("abcdefghij"), 4)
PASSAGES = [
    Passage("1", "t", "a b", ("a c d", "b e", "f a b"), (2,)),
    Passage("2", "t", "q c", ("c", "q r s c a"), (1,)),
    Passage("3", "t", "d", ("a b c d e f", "d", "d d", "e"), (1,)),
]


@pytest.fixture(scope="module", params=[True, False], ids=["given vectors", "learned"])
def classifier(request):
    vectors = np.random.default_rng(0).normal(size=(VOCABULARY.size, 6)).astype(np.float32)
    vectors[0] = 0.0
    return build_matcher(
        jax.random.key(1),
        VOCABULARY,
        4,
        length=6,
        vectors=vectors if request.param else None,
        width=6,
    )


def in_numpy(classifier, passage):
    """Say the logits of one passage, word by word."""
    params = jax.tree.map(np.float64, classifier.params)
    weights = params.get("params", params)
    table = params["vectors"]["table"] if "params" in params else weights["vectors"]
    dense = lambda name, x: x @ weights[name]["kernel"] + weights[name]["bias"]
    unit = lambda x: x / np.sqrt(x @ x + 1e-6)
    words = lambda text: [number for number in VOCABULARY.encode(text, 6) if number]
    question, count, logits = words(passage.question), len(passage.sentences), []
    for place, sentence in enumerate(passage.sentences):
        said = words(sentence)
        found, shares = [], []
        for word in question:
            q = table[word]
            near = [unit(dense("project", q)) @ unit(dense("project", table[one])) for one in said]
            same = [word == one for one in said]
            share = np.exp([10 * x + 5 * y for x, y in zip(near, same, strict=True)])
            seen = sum(x * table[one] for x, one in zip(share / share.sum(), said, strict=True))
            both = np.concatenate([q, seen, q * seen, [any(same), max(near)]])
            compared = np.maximum(dense("compare", both), 0)
            found.append(np.concatenate([[max(near), any(same)], compared]))
            shares.append(np.log1p(np.exp(dense("weight", q)))[0])
        total = np.array(shares) / (sum(shares) + 1e-6) @ np.array(found)
        marks = np.concatenate([np.eye(6)[place], np.eye(6)[count - 1 - place]])
        hidden = np.maximum(dense("fc1", np.concatenate([total, marks])), 0)
        logits.append(dense("fc2", hidden)[0])
    return np.array(logits)


def test_logits_are_those_of_plain_numpy(classifier):
    found = by_matching(classifier, VOCABULARY)(PASSAGES)
    for logits, passage in zip(found, PASSAGES, strict=True):
        np.testing.assert_allclose(logits, in_numpy(classifier, passage), atol=2e-5)


def test_sentences_that_are_not_there_are_never_chosen(classifier):
    logits = np.asarray(classifier(lay_out(PASSAGES, VOCABULARY, 6, 4)))
    for row, passage in zip(logits, PASSAGES, strict=True):
        assert (row[len(passage.sentences) :] == -1e9).all()
        assert (row[: len(passage.sentences)] > -1e3).all()


def test_a_longer_paragraph_is_no_other_network(classifier):
    longer = resized(classifier, 7)
    assert longer.num_classes == 7 and longer.input_shape == (8 * 6,)
    few = np.asarray(classifier(lay_out(PASSAGES, VOCABULARY, 6, 4)))
    many = np.asarray(longer(lay_out(PASSAGES, VOCABULARY, 6, 7)))
    np.testing.assert_allclose(few, many[:, :4], atol=1e-6)


def test_given_vectors_stay(key):
    vectors = np.ones((VOCABULARY.size, 3), np.float32)
    made = build_matcher(key, VOCABULARY, 4, length=6, vectors=vectors)
    np.testing.assert_array_equal(made.params["vectors"]["table"], vectors)
    assert "vectors" not in made.params["params"]


def test_too_long_paragraphs_and_other_networks_are_refused(classifier):
    with pytest.raises(ValueError, match="sentences must be at least 4, got 3"):
        lay_out(PASSAGES, VOCABULARY, 6, 3)
    from fooljax.models import MLP, init_flax

    with pytest.raises(ValueError, match="must be a Matcher"):
        by_matching(init_flax(jax.random.key(0), MLP(3), (4, 4, 1), 3), VOCABULARY)
