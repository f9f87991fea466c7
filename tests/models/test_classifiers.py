import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import defenses
from fooljax.models import (
    MLP,
    SoftmaxRegression,
    build,
    from_flax,
    in_bfloat16,
    init_flax,
    validate,
)
from fooljax.types import Classifier

SHAPE = (3, 2, 1)


def counted():
    """A jitted forward pass, and the list that grows with every compilation."""
    traces = []

    @jax.jit
    def forward(classifier, images):
        traces.append(None)
        return classifier(images)

    return forward, traces


def test_equal_networks_compile_once(key):
    forward, traces = counted()
    images = jnp.zeros((1, *SHAPE))
    key_a, key_b = jax.random.split(key)
    first, second = build("mlp", key_a, SHAPE, 3), build("mlp", key_b, SHAPE, 3)
    assert first.apply == second.apply and hash(first.apply) == hash(second.apply)
    forward(first, images)
    forward(second, images)
    forward(init_flax(key_a, MLP(3), list(SHAPE), 3), images)
    forward(from_flax(MLP(3), jax.tree.map(jnp.ones_like, first.params), SHAPE, 3), images)
    assert len(traces) == 1


def test_other_networks_compile_again(key):
    forward, traces = counted()
    for hidden in ((4,), (5,)):
        forward(init_flax(key, MLP(3, hidden), SHAPE, 3), jnp.zeros((1, *SHAPE)))
    assert len(traces) == 2


def test_the_key_decides_the_weights(key):
    first = build("softmax", key, SHAPE, 3)
    again = build("softmax", key, SHAPE, 3)
    other = build("softmax", jax.random.key(1), SHAPE, 3)
    jax.tree.map(np.testing.assert_array_equal, first.params, again.params)
    assert not np.allclose(first.params["fc"]["kernel"], other.params["fc"]["kernel"])


def test_more_columns_than_classes(key):
    classifier = init_flax(key, SoftmaxRegression(4), SHAPE, 3)
    validate(classifier)
    assert classifier.num_classes == 3
    assert classifier(jnp.zeros((2, *SHAPE))).shape == (2, 4)


def test_impossible_arguments(key):
    with pytest.raises(ValueError, match=r"unknown network 'alexnet9'; did you mean alexnet\?"):
        build("alexnet9", key, SHAPE, 3)
    for shape in ((28, 28), (0, 28, 1)):
        with pytest.raises(ValueError, match="input_shape must be"):
            build("softmax", key, shape, 3)
    with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
        build("softmax", key, SHAPE, 0)


def constant(logits):
    """A classifier that answers the same for every image."""
    logits = jnp.asarray(logits)

    def apply(params, images):
        return jnp.broadcast_to(logits, (images.shape[0], *logits.shape))

    return Classifier({"scale": jnp.ones(2)}, apply, SHAPE, 3)


def test_validate_accepts_what_fulfills_the_contract():
    for logits in ([1.0, 2.0, 3.0], jnp.ones(4, jnp.bfloat16)):
        with pytest.warns(UserWarning, match="same answer") as said:
            validate(constant(logits))
        assert len(said) == 1


@pytest.mark.parametrize(
    ("classifier", "sentence"),
    [
        (constant([1.0, 2.0]), r"logits \(images, 3 or more\), got \(1, 2\)"),
        (constant(1.0), r"got \(1,\)"),
        (constant([1, 2, 3]), "floating point logits, got int32"),
        (constant([1.0, jnp.nan, 3.0]), "mid-gray image hold NaN"),
        (
            dataclasses.replace(
                constant([1.0, 2.0, 3.0]), params={"a": {"b": jnp.array([jnp.inf])}}
            ),
            "weights a.b hold NaN or infinity",
        ),
        (
            dataclasses.replace(constant([1.0, 2.0, 3.0]), apply=lambda params, images: (images,)),
            "one array of logits, got a tuple of 1",
        ),
        (
            dataclasses.replace(
                constant([1.0, 2.0, 3.0]), apply=lambda params, images: images.reshape(7, 7)
            ),
            r"fails on images of shape \(1, 3, 2, 1\)",
        ),
    ],
)
def test_validate_says_what_is_wrong(classifier, sentence):
    with pytest.raises(ValueError, match=sentence):
        validate(classifier)


def test_a_classifier_is_a_function_for_every_transformation(key):
    classifier = build("softmax", key, SHAPE, 3)
    images = jnp.linspace(0.0, 1.0, 12, dtype=jnp.float32).reshape(2, *SHAPE)
    expected = classifier(images)
    first = lambda images: classifier(images)[0, 0]
    np.testing.assert_allclose(jax.jit(classifier)(images), expected, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(classifier)(images[:, None])[:, 0], expected, rtol=1e-6)
    slope = jax.grad(lambda images: jax.checkpoint(classifier)(images)[0, 0])(images)
    np.testing.assert_allclose(slope, jax.grad(first)(images), rtol=1e-6)
    assert jax.eval_shape(classifier, images).shape == (2, 3)
    assert len({classifier, classifier}) == 1


@pytest.mark.parametrize("legacy", [False, True])
def test_an_ensemble_is_built_by_one_vmap(legacy):
    draw = jax.random.PRNGKey if legacy else jax.random.key
    keys = lambda: jnp.stack([draw(seed) for seed in range(3)])
    made = lambda key: build("mlp", key, SHAPE, 3)
    for many in (jax.vmap(made)(keys()), jax.jit(jax.vmap(made))(keys())):
        for index in range(3):
            member, alone = jax.tree.map(lambda leaf, i=index: leaf[i], many), made(draw(index))
            assert member.apply == alone.apply
            same = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6)
            jax.tree.map(same, member.params, alone.params)
    assert jax.eval_shape(made, draw(0)).params["fc1"]["kernel"].shape == (6, 300)
    assert jax.eval_shape(lambda: made(draw(0))).params["fc1"]["kernel"].shape == (6, 300)
    members = [jax.tree.map(lambda leaf, i=i: leaf[i], many) for i in range(3)]
    images = jnp.full((1, *SHAPE), 0.5, jnp.float32)
    mean = jnp.mean(jnp.stack([one(images) for one in members]), axis=0)
    np.testing.assert_allclose(defenses.ensemble(members, "logits")(images), mean, rtol=1e-5)


def test_half_precision_leaves_python_numbers_alone():
    """As outside of ``jit`` they are none of JAX's."""
    apply = lambda params, images: params["scale"] * images.reshape(len(images), -1) @ params["w"]
    network = Classifier({"w": jnp.ones((4, 2)), "scale": 2.0}, apply, (2, 2, 1), 2)
    half = in_bfloat16(network)(jnp.ones((1, 2, 2, 1)))
    assert half.dtype == jnp.float32 and half.tolist() == [[8.0, 8.0]]
