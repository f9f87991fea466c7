"""Results print as a few readable lines, wherever they are and whatever they hold."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import attacks, data, defenses, models
from fooljax.attacks import AttackResult, InTurn, StandardResult, UniversalResult, UniversalState


def result(shape, numpy=False):
    xp = np if numpy else jnp
    flags = (np.arange(int(np.prod(shape))) % 4 > 0).reshape(shape)
    numbers = xp.asarray(np.where(flags, 0.5, np.nan), xp.float32)
    counts = xp.asarray(np.full(shape, 3), xp.int32)
    images = xp.zeros((*shape, 28, 28, 1), xp.float32)
    return AttackResult(images, xp.asarray(flags), *[numbers] * 7, counts, counts, 0 * counts)


def short(text):
    return len(text) <= 400 and text.count("\n") <= 5


@pytest.mark.parametrize("numpy", [False, True])
def test_an_attack_says_shares_and_medians(numpy):
    text = repr(result((200,), numpy))
    assert "150 of 200 (75 %)" in text and "28 x 28 x 1" in text and "0.5" in text
    assert short(text)
    assert "0 of 0" in repr(result((0,), numpy))
    many = repr(result((3, 4), numpy)._replace(trace=np.zeros((3, 4, 0))))
    assert "by row: 75%, 75%, 75%" in many and short(many)


def test_findings_are_said():
    found = result((200,))
    found = found._replace(flat=found.gradients)
    assert "attack stood still (100% of the images)" in repr(found)


def test_inside_jit_and_as_a_tree_of_anything():
    seen = []
    jax.jit(lambda one: seen.append(repr(one)))(result((5,)))
    seen.append(repr(jax.tree.map(lambda leaf: None, result((5,)))))
    seen.append(repr(jax.eval_shape(lambda: result((5,)))))
    seen.append(repr(jax.tree.map(lambda leaf: "name", result((5,)))))
    assert all(text.startswith("AttackResult") and len(text) < 500 for text in seen)
    assert "success=bool[5]" in seen[0]


def test_networks_and_data_say_what_they_are():
    network = models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
    assert repr(network) == "Classifier(28 x 28 x 1 -> 10 classes, 7,850 weights)"
    splits = data.load("tones")
    assert repr(splits.test) == "Dataset(200 of 8 classes, sounds 4000 x 1, float32)"
    assert len(repr(splits)) < 200
    traced = []
    jax.jit(lambda one, two: traced.append(f"{one} {two}"))(network, splits.test)
    assert "Classifier" in traced[0] and "Dataset(8 classes, sounds)" in traced[0]


def test_the_others():
    stages = (attacks.Stage("clean", 9, 8, 9, 0), attacks.Stage("apgd", 8, 3, 80, 80))
    finding = attacks.Finding("no gradient", "a long message", 0.5)
    change = np.full((8, 8, 1), 0.2, np.float32)
    state = UniversalState(change, (np.zeros(9000),), 4)
    flags = np.array([True, False])
    turn = InTurn(change, flags, np.array([[1.0, -1.0]]), *[change] * 2, *[flags] * 2)
    certificate = defenses.Certificate(
        np.array([3, -1]), np.array([0.25, 0.0]), np.array([0.9, 0.0])
    )
    for record, words in (
        (StandardResult(result((9,)), stages, 8 / 9, 3 / 9, (finding,)), ("apgd 3", "no gradient")),
        (UniversalResult(change, np.zeros(4), state), ("Linf 0.2", "4 batches")),
        (state, ("float32[8, 8, 1]",)),
        (turn, ("1 of 2 (50 %)",)),
        (certificate, ("1 of 2 (50 %)", "0.25")),
        (defenses.Certificate(*[np.zeros(0, np.int32)] * 3), ("0 of 0",)),
    ):
        text = repr(record)
        assert all(word in text for word in words), text
        assert short(text), text
