"""What the last layer of each network reads, as scores of features need it."""

import jax
import numpy as np
import pytest

from fooljax import models

SLOW = pytest.mark.slow
answer = jax.jit(lambda classifier, images: classifier(images))


@pytest.mark.parametrize(
    "name",
    ["softmax", "lenet", pytest.param("mlp", marks=SLOW), pytest.param("resnet", marks=SLOW)],
)
def test_features_are_what_the_last_layer_reads(name, key):
    classifier = models.build(name, key, (16, 16, 1), 3)
    features = models.penultimate(classifier)
    images = jax.random.uniform(key, (2, 16, 16, 1))
    logits, seen = jax.jit(features)(classifier.params, images)
    np.testing.assert_allclose(logits, answer(classifier, images), rtol=1e-4, atol=1e-4)
    last = classifier.params["ip2" if name == "lenet" else "fc3" if name == "mlp" else "fc"]
    by_hand = np.asarray(seen) @ np.asarray(last["kernel"]) + np.asarray(last["bias"])
    np.testing.assert_allclose(by_hand, logits, rtol=1e-4, atol=1e-4)
    again = models.penultimate(models.build(name, key, (16, 16, 1), 3))
    assert again == features and hash(again) == hash(features)
