"""What every defense owes its user, over the whole table of defenses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from defense_cases import CASES, CLASSES, IMAGES, TRACES, network

import fooljax as fj
from fooljax import attacks

EPSILON = 0.3


def _slow_if_alike(name):
    return pytest.param(name, marks=pytest.mark.slow) if CASES[name].alike else name


@pytest.fixture(scope="module", params=[_slow_if_alike(name) for name in CASES])
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def defended(case):
    return case.defend(network(0))


_answer = jax.jit(lambda classifier, images: classifier(images))
_score = jax.jit(attacks.score)


def test_a_column_for_every_class_and_more_only_to_reject(defended):
    logits = _answer(defended, IMAGES)
    assert defended.num_classes == CLASSES
    assert logits.shape[0] == len(IMAGES) and logits.shape[1] >= CLASSES
    assert logits.dtype == jnp.float32 and not jnp.any(jnp.isnan(logits))


def test_an_answer_does_not_depend_on_the_batch(defended):
    together = np.asarray(_answer(defended, IMAGES))
    alone = np.asarray(_answer(defended, IMAGES[5:7]))
    np.testing.assert_allclose(alone, together[5:7], rtol=1e-4, atol=1e-5)


def test_new_weights_compile_nothing(case, defended):
    _answer(defended, IMAGES)
    other = case.defend(network(7))
    before = len(TRACES)
    _answer(other, IMAGES)
    assert len(TRACES) == before


def test_the_adversary_who_knows_it_is_not_blind_and_beats_the_one_who_does_not(case, defended):
    bare = network(0)
    labels = jnp.argmax(_answer(defended, IMAGES), axis=1)
    goal = attacks.leave(labels)
    climb = attacks.pgd(EPSILON, 0.1, 20, loss=attacks.margin)
    key = jax.random.key(3)
    naive = attacks.run(climb, key, bare, IMAGES, attacks.leave(labels % CLASSES)).images
    through = case.through(bare)
    adaptive = attacks.run(climb, key, through, IMAGES, goal).images
    hit = lambda images: np.asarray(_score(defended, IMAGES, goal, images).success)
    assert hit(adaptive).sum() >= hit(naive).sum()
    assert hit(adaptive).mean() > 0.5

    def lead(images):
        logits = through(images)
        return jnp.sum(fj.metrics.margins(logits)[jnp.arange(len(images)), labels])

    slopes = np.asarray(jax.jit(jax.grad(lead))(IMAGES)).reshape(len(IMAGES), -1)
    assert np.isfinite(slopes).all()
    assert (abs(slopes).max(axis=1) > 0.0).mean() > 0.5
