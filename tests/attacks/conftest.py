"""The network and the images of every test of a contract."""

import jax
import pytest
from attack_cases import CLASSES, COUNT, SHAPE, make_params, two_layers

from fooljax.types import Classifier


@pytest.fixture(scope="session")
def classifier():
    return Classifier(make_params(1), two_layers, SHAPE, CLASSES)


@pytest.fixture(scope="session")
def images():
    images = jax.random.uniform(jax.random.key(2), (COUNT, *SHAPE))
    return images.at[:, -1, -1, 0].set(0.5)  # all are sound
