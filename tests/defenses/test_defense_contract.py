"""What every defense owes its user, over the whole table of defenses."""

import dataclasses
import gc
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from defense_cases import CASES, CLASSES, SHAPE, TRACES, network, two_layers

import fooljax as fj
from fooljax import attacks, defenses, models

EPSILON = 0.3
CLIMB = attacks.pgd(EPSILON, 0.1, 20, loss=attacks.margin)


def _slow_if_alike(name):
    return pytest.param(name, marks=pytest.mark.slow) if CASES[name].alike else name


@pytest.fixture(scope="module", params=[_slow_if_alike(name) for name in CASES])
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def defended(case):
    return case.defend(case.network(0))


@pytest.fixture(scope="module")
def labels(case, defended):
    return _said(defended, case.images)


@pytest.fixture(scope="module")
def naive(case, labels):
    """The images of the adversary who does not know the defense."""
    goal = attacks.leave(labels % CLASSES)
    return _attack(CLIMB, jax.random.key(3), case.network(0), case.images, goal).images


@jax.jit
def _look(classifier, images, labels):
    """The logits, and the slope of the label's lead: one program for all that is asked."""

    def lead(images):
        logits = classifier(images)
        return jnp.sum(fj.metrics.margins(logits)[jnp.arange(len(images)), labels]), logits

    slopes, logits = jax.grad(lead, has_aux=True)(images)
    return logits, slopes


_attack = jax.jit(lambda attack, *arguments: attack(*arguments))


def _answer(classifier, images):
    return np.asarray(_look(classifier, images, np.zeros(len(images), np.int32))[0])


def _said(classifier, images):
    return np.argmax(_answer(classifier, images), axis=1).astype(np.int32)


def test_a_column_for_every_class_and_more_only_to_reject(case, defended):
    logits = _answer(defended, case.images)
    assert defended.num_classes == CLASSES
    assert logits.shape[0] == len(case.images) and logits.shape[1] >= CLASSES
    assert logits.dtype == jnp.float32 and not np.any(np.isnan(logits))


def test_an_answer_does_not_depend_on_the_batch(case, defended):
    together = _answer(defended, case.images)
    alone = np.asarray(
        jax.jit(lambda classifier, images: classifier(images))(defended, case.images[5:7])
    )
    np.testing.assert_allclose(alone, together[5:7], rtol=1e-4, atol=1e-5)


def test_new_weights_compile_nothing(case, defended):
    _answer(defended, case.images)
    other = case.defend(case.network(7))
    before = len(TRACES)
    _answer(other, case.images)
    assert len(TRACES) == before


def test_the_adversary_who_knows_it_is_not_blind_and_beats_the_one_who_does_not(
    case, defended, labels, naive
):
    through, images = case.through(case.network(0)), case.images
    adaptive = _attack(CLIMB, jax.random.key(3), through, images, attacks.leave(labels)).images

    def hit(images):
        said = _said(defended, images)
        return (said != labels) & (said < CLASSES)

    assert hit(adaptive).sum() >= hit(naive).sum()
    assert hit(adaptive).mean() > 0.5
    slopes = np.asarray(_look(through, images, labels)[1]).reshape(len(images), -1)
    assert np.isfinite(slopes).all()
    assert (abs(slopes).max(axis=1) > 0.0).mean() > 0.5


@pytest.mark.parametrize(
    ("defend", "shape"),
    [
        *((one.defend, one.shape) for name, one in CASES.items() if not name.startswith("reject")),
        (lambda network: defenses.reject(network, defenses.energy(), 0.0), SHAPE),
        (lambda network: defenses.with_gradient_of(network, two_layers), SHAPE),
        (models.in_bfloat16, SHAPE),
        (lambda network: models.ten_crop(network, 9), SHAPE),
    ],
)
def test_networks_are_let_go_when_nobody_holds_them(defend, shape):
    def own(params, images):
        return two_layers(params, images)

    plain, watched = network(0, shape), weakref.ref(own)
    defended = defend(dataclasses.replace(plain, apply=own))
    del own, defended
    gc.collect()
    assert watched() is None
