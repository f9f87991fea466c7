"""Texts as genomes: what is drawn, what edits do, and what is refused."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import encodings, evolution, media
from fooljax.encodings import edits

spell = media.Texts().spell
NOTHING = edits.Chances(0.0, 0.0, 0.0, 0.0, 0.0)


def texts_of(encoding, key, count=200):
    genomes = jax.vmap(encoding.init)(jax.random.split(key, count))
    return genomes, [spell(ids) for ids in np.asarray(jax.vmap(encoding.express)(genomes))]


def test_letters_and_spaces_are_drawn_as_often_as_asked(key):
    encoding = encodings.characters(40, "latin", space=0.15)
    genomes, texts = texts_of(encoding, key, 500)
    assert set("".join(texts)) <= set("abcdefghijklmnopqrstuvwxyz ")
    ranks = np.bincount(np.asarray(genomes).ravel(), minlength=27) / genomes.size
    assert abs(ranks[0] - 0.15) < 0.01
    np.testing.assert_allclose(ranks[1:], 0.85 / 26, atol=0.006)


def test_runs_of_spaces_are_one_and_none_is_at_the_ends(key):
    genomes, texts = texts_of(encodings.characters(40, "ab "), key)
    for ranks, text in zip(np.asarray(genomes), texts, strict=True):
        raw = "".join(" ab"[rank] for rank in ranks)
        assert text == " ".join(raw.split())


@pytest.mark.parametrize("genome", [[0, 0, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 0, 0]])
def test_spaces_at_the_edges(genome):
    express = encodings.characters(3, "a ").express
    expected = " ".join("".join(" a"[rank] for rank in genome).split())
    np.testing.assert_array_equal(
        express(jnp.array(genome, jnp.int32)), media.Texts().encode(expected, 3)
    )


def test_a_text_begins_in_one_script(key):
    scripts = encodings.ALPHABETS["all"]
    _, texts = texts_of(encodings.characters(20, "all"), key, 300)
    homes = []
    for text in texts:
        letters = set(text) - {" "}
        home = [i for i, script in enumerate(scripts) if letters <= set(script)]
        assert len(home) == 1
        homes += home
    assert len(collections.Counter(homes)) == len(scripts) == 23


def test_a_child_stays_in_the_script_of_its_parent(key):
    encoding = encodings.characters(20, "all", substitute=0.5, cross=0.0)
    key_parent, key_vary = jax.random.split(key)
    parent = encoding.init(key_parent)
    children = jax.vmap(lambda key: encoding.vary(key, parent, parent, jnp.int32(1)))(
        jax.random.split(key_vary, 50)
    )
    home = [
        set(one) for one in encodings.ALPHABETS["all"] if spell(encoding.express(parent))[0] in one
    ]
    for ids in np.asarray(jax.vmap(encoding.express)(children)):
        assert set(spell(ids)) - {" "} <= home[0]


def edited(key, parent, mate, **chances):
    draw = lambda key, text: jnp.full(len(text), 9, jnp.int32)
    arrays = [jnp.asarray(one, jnp.int32) for one in (parent, mate)]
    return tuple(int(n) for n in edits.edit(key, *arrays, draw, NOTHING._replace(**chances)))


def outcomes(key, **chances):
    parent, mate = (1, 2, 3, 4), (5, 6, 7, 8)
    return {edited(one, parent, mate, **chances) for one in jax.random.split(key, 40)}


def test_each_edit_does_what_it_says(key):
    keys = jax.random.split(key, 6)
    assert outcomes(keys[0]) == {(1, 2, 3, 4)}
    assert outcomes(keys[1], insert=1.0) == {(9, 1, 2, 3), (1, 9, 2, 3), (1, 2, 9, 3), (1, 2, 3, 9)}
    assert outcomes(keys[2], delete=1.0) == {(2, 3, 4, 9), (1, 3, 4, 9), (1, 2, 4, 9), (1, 2, 3, 9)}
    assert outcomes(keys[3], swap=1.0) == {(2, 1, 3, 4), (1, 3, 2, 4), (1, 2, 4, 3)}
    crossed = {(1, 2, 3, 4)[:at] + (5, 6, 7, 8)[at:] for at in range(4)}
    assert outcomes(keys[4], cross=1.0) == crossed
    assert outcomes(keys[5], substitute=1.0) == {(9, 9, 9, 9)}


def test_a_text_of_one_character_can_be_edited(key):
    key_all, key_swap = jax.random.split(key)
    chances = {"insert": 1.0, "delete": 1.0, "swap": 1.0, "cross": 1.0}
    assert edited(key_all, [1], [2], **chances) == (9,)
    assert edited(key_swap, [1], [2], swap=1.0) == (1,)


def test_words_are_neither_padding_nor_unknown(key):
    encoding = encodings.tokens(30, 12)
    genomes = jax.vmap(encoding.init)(jax.random.split(key, 50))
    assert set(np.unique(genomes)) == set(range(2, 12))
    some = encodings.tokens(30, 12, among=(3, 7))
    key_parent, key_vary = jax.random.split(jax.random.fold_in(key, 1))
    child = some.vary(key_vary, some.init(key_parent), genomes[0], jnp.int32(0))
    assert some.express(child).dtype == jnp.int32


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: encodings.characters(0), "length must be at least 1, got 0"),
        (lambda: encodings.characters(-3), "length must be at least 1, got -3"),
        (lambda: encodings.characters(2.5), "length must be a whole number .* got 2.5"),
        (lambda: encodings.characters(10**6), "length must be at most 10,000, got 1,000,000"),
        (lambda: encodings.characters(5, ""), "must hold a character other than the space, got ''"),
        (lambda: encodings.characters(5, "   "), "must hold a character other than the space"),
        (lambda: encodings.characters(5, "abca"), "alphabet holds 'a' more than once"),
        (lambda: encodings.characters(5, "a\0b"), r"holds U\+0000, which cannot stand in a text"),
        (lambda: encodings.characters(5, "a\ud800"), r"holds U\+D800, which cannot stand"),
        (lambda: encodings.characters(5, "a\n"), r"holds U\+000A, which cannot stand"),
        (lambda: encodings.characters(5, 7), "alphabet must be latin, all or a text, got 7"),
        (lambda: encodings.characters(5, None), "alphabet must be latin, all or a text"),
        (lambda: encodings.characters(5, cross=1.5), r"cross must be in \[0, 1\], got 1.5"),
        (lambda: encodings.characters(5, space=-0.1), r"space must be in \[0, 1\]"),
        (lambda: encodings.tokens(0, 9), "length must be at least 1, got 0"),
        (lambda: encodings.tokens(5, 2), "count must be at least 3, got 2"),
        (lambda: encodings.tokens(5, 9, (1, 4)), "among must be ids of words, from 2 to 8"),
        (lambda: encodings.tokens(5, 9, ()), "among must be ids of words, from 2 to 8"),
    ],
)
def test_what_is_impossible_is_said(made, said):
    with pytest.raises(ValueError, match=said):
        made()


@pytest.mark.parametrize(
    ("name", "medium", "said"),
    [
        ("characters", media.Texts(("", "?", "cat")), "reads words, not characters; give tokens"),
        ("tokens", media.Texts(), "reads characters, not words; give characters"),
    ],
)
def test_letters_and_words_are_not_mixed_up(name, medium, said):
    with pytest.raises(ValueError, match=said):
        encodings.CATALOG[name].build((9,), medium)


def test_the_catalog_makes_what_networks_read(key):
    words = media.Texts(("", "?", "the", "cat"))
    for name, medium in (("characters", media.Texts()), ("tokens", words)):
        encoding = encodings.CATALOG[name].build((9,), medium)
        ids = encoding.express(encoding.init(key if name == "tokens" else jax.random.key(3)))
        assert ids.shape == (9,) and ids.dtype == jnp.int32


def test_champions_are_ids_and_empty_niches_padding(key):
    encoding = encodings.characters(5, "ab ")
    genome = jax.vmap(encoding.init)(jax.random.split(key, 2))
    archive = evolution.Archive(
        genomes=genome,
        fitness=jnp.array([0.5, -jnp.inf], jnp.float32),
        confidence=jnp.array([0.5, 0.0], jnp.float32),
        born=jnp.array([3, -1], jnp.int32),
        parent=jnp.array([-1, -1], jnp.int32),
    )
    found = evolution.express_elites(encoding, archive)
    assert found.dtype == jnp.int32 and (found[1] == 0).all()
    np.testing.assert_array_equal(found[0], encoding.express(genome[0]))
