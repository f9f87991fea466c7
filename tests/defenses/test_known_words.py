"""A limit of words: unknown ones masked or refused, and attacks that know it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import attacks, defenses, models

COUNT, LENGTH = 12, 6
KNOWN = np.arange(COUNT) < 7


@pytest.fixture(scope="module")
def reader():
    return models.text_cnn(jax.random.key(0), COUNT, LENGTH, 2)


@pytest.fixture(scope="module")
def ids():
    return jnp.array([[2, 3, 4, 0, 0, 0], [2, 8, 4, 5, 11, 0], [9, 0, 0, 0, 0, 0]])


def test_masks_unknown_words(reader, ids):
    limited = defenses.known_words(reader, KNOWN)
    masked = jnp.array([[2, 3, 4, 0, 0, 0], [2, 1, 4, 5, 1, 0], [1, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(limited(ids), reader(masked))


def test_refuses_texts_with_unknown_words(reader, ids):
    limited = defenses.known_words(reader, KNOWN, "refuse")
    logits = np.asarray(limited(ids))
    np.testing.assert_array_equal(logits[:, :2], reader(ids))
    np.testing.assert_array_equal(logits.argmax(axis=1) == 2, [False, True, True])


@pytest.mark.parametrize("rule", ["mask", "refuse"])
def test_offers_the_gradients_of_what_it_is(reader, ids, rule):
    limited = defenses.known_words(reader, KNOWN, rule)
    tokens = limited.tokens
    vectors = tokens.embed(limited.params, ids)
    np.testing.assert_allclose(
        tokens.apply_embedded(limited.params, vectors), limited(ids), atol=1e-5
    )
    np.testing.assert_array_equal(vectors, tokens.table(limited.params)[ids])


def test_attacks_keep_to_known_words_where_others_are_refused(reader, key):
    """They see that an unknown word is refused, and succeed without one or not at all."""
    limited = defenses.known_words(reader, KNOWN, "refuse")
    ids = jnp.full((4, LENGTH), 2, jnp.int32)
    goal = attacks.reach(jnp.array([0, 1, 0, 1]))
    found = attacks.run(attacks.coordinate(6, draws=32), key, limited, ids, goal)
    success = np.asarray(found.success)
    assert success.any() and KNOWN[np.asarray(found.images)[success]].all()


def test_what_it_cannot_limit(reader):
    with pytest.raises(ValueError, match="a row of 12 truth values"):
        defenses.known_words(reader, KNOWN[:3])
    with pytest.raises(ValueError, match="rule must be mask or refuse, got 'drop'"):
        defenses.known_words(reader, KNOWN, "drop")
    pictures = models.build("softmax", jax.random.key(0), (2, 2, 1), 2)
    with pytest.raises(ValueError, match="a network that reads words"):
        defenses.known_words(pictures, KNOWN)
