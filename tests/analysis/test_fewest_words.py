"""How few words are enough, on a network whose answer to any text is known."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import analysis, models
from fooljax.models import VQA

#: What each word adds to the logits of three answers; padding and the unknown word nothing.
WORDS = np.array(
    [[0, 0, 0], [0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 1, 0], [0, 2, 1.5]], np.float32
)
SHAPE, LENGTH = (8, 8, 3), 4


@pytest.fixture(scope="module")
def adding():
    """A network that adds its words up, and 0.5 to the first answer about a bright picture."""
    return VQA(
        params=jnp.asarray(WORDS),
        see=lambda params, images: images.mean(axis=(1, 2, 3))[:, None],
        embed=lambda params, ids: params[ids],
        read=lambda params, vectors: vectors.sum(axis=1),
        conclude=lambda params, seen, read: read + 0.5 * seen * jnp.array([[1.0, 0.0, 0.0]]),
        input_shape=SHAPE,
        length=LENGTH,
        words=len(WORDS),
        num_classes=3,
    )


@pytest.fixture(scope="module")
def images():
    return np.stack([np.zeros(SHAPE, np.uint8), np.full(SHAPE, 255, np.uint8)])


def odds(text, picture):
    logits = np.add(WORDS[list(text)].sum(axis=0, dtype=np.float64), [0.5 * picture, 0, 0])
    return np.exp(logits) / np.exp(logits).sum()


def test_nothing_shorter_and_nothing_surer_gets_the_answer(adding, images):
    texts = np.array([[2, 3, 4, 6], [3, 5, 2, 0], [6, 3, 0, 0], [3, 4, 0, 0]], np.int32)
    pairs = np.array([(picture, text) for picture in (0, 1) for text in range(len(texts))])
    found = analysis.shorten(np.random.default_rng(0), adding, images, texts, pairs)
    for row, (picture, text) in enumerate(pairs):
        whole = [word for word in texts[text] if word]
        answer = odds(whole, picture).argmax()
        for size in range(1, len(whole) + 1):
            left = [
                part
                for part in itertools.combinations(whole, size)
                if odds(part, picture).argmax() == answer
            ]
            if left:
                break
        assert (found.words[row], found.left[row]) == (len(whole), size)
        assert found.sure[row] == pytest.approx(odds(whole, picture)[answer], abs=1e-6)
        best = max(odds(part, picture)[answer] for part in left)
        assert found.sure_left[row] == pytest.approx(best, abs=1e-6)
        assert tuple(word for word in found.text[row] if word) in left
        assert found.nothing[row] == (answer == odds([0], picture).argmax())
        if len(left) == len(list(itertools.combinations(whole, size))):
            assert found.at_random[row]


def test_words_at_random_keep_the_answer_as_often_as_they_must(adding, images):
    """One word of three is left, and two of the three would do."""
    pairs = np.zeros((300, 2), int)
    texts = np.array([[2, 5, 6, 0]], np.int32)
    keep = [part for part in itertools.combinations((2, 5, 6), 1) if odds(part, 0).argmax() == 1]
    found = analysis.shorten(np.random.default_rng(0), adding, images, texts, pairs)
    assert odds((2, 5, 6), 0).argmax() == 1 and np.all(found.left == 1)
    assert found.at_random.mean() == pytest.approx(len(keep) / 3, abs=0.08)


def test_no_short_text_is_surer(adding, images):
    found = analysis.surest_texts(adding, images)
    every = [
        text
        for size in range(1, LENGTH + 1)
        for text in itertools.product(range(2, 7), repeat=size)
    ]
    assert found.longest == LENGTH and found.every.shape == (2, len(every))
    for picture in (0, 1):
        shares = np.array([odds(text, picture) for text in every])
        np.testing.assert_allclose(found.sure[picture], shares.max(axis=0), atol=1e-6)
        np.testing.assert_allclose(found.every[picture], shares.max(axis=1), atol=1e-6)
        for answer, text in enumerate(found.text[picture]):
            share = odds([word for word in text if word], picture)[answer]
            assert share == pytest.approx(found.sure[picture, answer], abs=1e-6)


def test_each_question_about_each_picture(adding, images):
    texts = np.array([[2, 3, 0, 0], [4, 0, 0, 0], [0, 0, 0, 0]], np.int32)
    found = models.answer_each(adding, images, texts)
    for picture, text in itertools.product((0, 1), range(3)):
        expected = WORDS[texts[text]].sum(axis=0) + np.array([0.5 * picture, 0, 0])
        np.testing.assert_allclose(found[picture, text], expected, atol=1e-6)
