"""Every defense has a rule for each of its operations on an accelerator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from defense_cases import CASES, IMAGES, network
from lowering import assert_lowers

from fooljax.defenses.smoothing import _answers

pytestmark = pytest.mark.usefixtures("accelerator")


@jax.jit
def _slope(classifier, images):
    return jax.grad(lambda images: jnp.sum(classifier(images)))(images)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_defended_network_and_its_gradient(name):
    case = CASES[name]
    assert_lowers(_slope, case.defend(case.network(0)), case.images)


def test_the_votes_of_a_certificate(key):
    numbers = np.arange(len(IMAGES))
    assert_lowers(_answers, key, network(0), IMAGES, jnp.float32(0.1), numbers, numbers)
