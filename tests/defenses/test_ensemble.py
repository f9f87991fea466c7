import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from fooljax.defenses import ensemble
from fooljax.types import Classifier

SHAPE = (2, 2, 1)


def linear(params, images):
    return images.reshape(len(images), -1) @ params


def squared(params, images):
    return linear(params, images) ** 2


def member(seed, apply=linear, classes=3, columns=None):
    params = 5.0 * jax.random.normal(jax.random.key(seed), (4, columns or classes))
    return Classifier(params, apply, SHAPE, classes)


MEMBERS = (member(0), member(1, squared), member(2))
IMAGES = jax.random.uniform(jax.random.key(3), (6, *SHAPE))


@jax.jit
def look(classifier, images):
    """The slope of class 0, and the logits."""

    def total(images):
        logits = classifier(images)
        return jnp.sum(logits[:, 0]), logits

    return jax.grad(total, has_aux=True)(images)


def by_hand(combine):
    seen = np.asarray(IMAGES, np.float64).reshape(6, -1)
    logits = np.stack([seen @ np.asarray(one.params, np.float64) for one in MEMBERS])
    logits[1] **= 2
    if combine == "logits":
        return logits.mean(axis=0)
    if combine == "margins":
        others = np.stack([np.delete(logits, k, axis=2).max(axis=2) for k in range(3)], axis=2)
        return (logits - others).mean(axis=0)
    if combine == "log_probabilities":
        return scipy.special.log_softmax(logits, axis=2).mean(axis=0)
    return np.log(scipy.special.softmax(logits, axis=2).mean(axis=0))


@pytest.mark.parametrize("combine", ["probabilities", "logits", "log_probabilities", "margins"])
def test_is_the_mean_of_what_each_says(combine):
    slope, logits = look(ensemble(MEMBERS, combine), IMAGES)
    np.testing.assert_allclose(logits, by_hand(combine), rtol=1e-4, atol=1e-5)
    assert np.all(np.isfinite(slope)) and np.any(np.asarray(slope) != 0.0)


def test_new_weights_are_no_other_program():
    one, other = ensemble(MEMBERS), ensemble((member(5), member(6, squared), member(7)))
    assert jax.tree.structure(one) == jax.tree.structure(other)


WRONG = {
    "none": ((), "probabilities", "at least one"),
    "a name": (MEMBERS, "votes", "combine must be probabilities, logits"),
    "classes": ((member(0), member(1, classes=4)), "logits", "member 1 has 4 classes"),
    "columns": ((member(0), member(1, columns=4)), "logits", "3 classes in 4 logits"),
    "shape": (
        (member(0), Classifier(jnp.zeros((9, 3)), linear, (3, 3, 1), 3)),
        "logits",
        r"images \(3, 3, 1\)",
    ),
}


@pytest.mark.parametrize(("members", "combine", "message"), WRONG.values(), ids=WRONG.keys())
def test_says_what_does_not_fit(members, combine, message):
    with pytest.raises(ValueError, match=message):
        ensemble(members, combine)
