import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from fooljax.models import MLP, NETWORKS, PUBLISHED, LeNet, ResNet, build, init_flax, max_pool
from fooljax.models.unpadded import Unpadded


def assert_close(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), ours, theirs)


def convolve(x, kernel, bias):
    """Slide one window at a time: what a valid cross-correlation means."""
    size = kernel.shape[0]
    height, width = x.shape[0] - size + 1, x.shape[1] - size + 1
    out = np.zeros((height, width, kernel.shape[3]))
    for i in range(height):
        for j in range(width):
            out[i, j] = np.tensordot(x[i : i + size, j : j + size], kernel, 3) + bias
    return out


def pool(x):
    rows, columns = range(0, x.shape[0], 2), range(0, x.shape[1], 2)
    return np.array([[x[i : i + 2, j : j + 2].max((0, 1)) for j in columns] for i in rows])


def lenet(params, image):
    p = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    x = image * 255 / 256
    x = pool(convolve(x, p["conv1"]["kernel"], p["conv1"]["bias"]))
    x = pool(convolve(x, p["conv2"]["kernel"], p["conv2"]["bias"]))
    x = x.transpose(2, 0, 1).ravel()
    x = np.maximum(x @ p["ip1"]["kernel"] + p["ip1"]["bias"], 0)
    return x @ p["ip2"]["kernel"] + p["ip2"]["bias"]


@pytest.mark.parametrize("shape", [(28, 28, 1), (13, 15, 3)])
def test_lenet_equals_a_slow_obvious_one(key, shape):
    key_init, key_bias, key_images = jax.random.split(key, 3)
    classifier = init_flax(key_init, LeNet(10), shape, 10)
    bias = jax.random.normal(key_bias, (50,))  # biases start at zero, which would hide them
    params = {**classifier.params, "conv2": {**classifier.params["conv2"], "bias": bias}}
    images = jax.random.uniform(key_images, (2, *shape))
    logits = jax.jit(classifier.apply)(params, images)
    expected = [lenet(params, image) for image in np.asarray(images, np.float64)]
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_lenet_has_caffes_size_and_start(key):
    params = build("lenet", key, (28, 28, 1), 10).params
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 431_080
    for layer, fan_in in {"conv1": 25, "conv2": 500, "ip1": 800, "ip2": 500}.items():
        kernel, bound = params[layer]["kernel"], np.sqrt(3 / fan_in)
        assert 0.9 * bound < jnp.max(jnp.abs(kernel)) <= bound
        assert jnp.all(params[layer]["bias"] == 0)


@pytest.mark.parametrize(
    "shape", [pytest.param((3, 9, 8, 2), marks=pytest.mark.slow), (2, 5, 5, 1)]
)
def test_unpadded_has_the_derivatives_of_a_convolution(key, shape):
    """Each way in which it can be differentiated, and the weights that it starts with."""
    key_images, key_start = jax.random.split(key)
    x = jax.random.normal(key_images, shape)
    ours = Unpadded(4, 5)
    variables = ours.init(key_start, x)
    oracle = nn.Conv(4, (5, 5), padding="VALID", kernel_init=ours.kernel_init)
    assert_close(variables, oracle.init(key_start, x))
    ways = jax.tree.map(jnp.cos, (variables, x))

    def derivatives(layer, variables, x):
        def energy(variables, x):
            return jnp.sum(jnp.sin(layer.apply(variables, x)) * jnp.arange(4.0)[None, None, None])

        both = jax.grad(energy, argnums=(0, 1))
        return (
            layer.apply(variables, x),
            jax.jvp(layer.apply, (variables, x), ways)[1],
            both(variables, x),
            jax.vmap(both, in_axes=(None, 0))(variables, jnp.stack([x, x + 1])),
            jax.jvp(both, (variables, x), ways)[1],  # twice: forward over reverse
            jax.grad(lambda v: jnp.sum(jax.grad(energy, 1)(v, x) ** 2))(variables),
        )

    for f in (derivatives, jax.jit(derivatives, static_argnums=0)):
        assert_close(f(ours, variables, x), derivatives(oracle, variables, x))


@pytest.mark.slow
def test_unpadded_is_differentiated_on_each_device_alone(key):
    """With ``shard_map``, which checks what differs between devices."""
    classifier = build("lenet", key, (13, 13, 1), 10)
    images = jax.random.uniform(key, (4, 13, 13, 1))
    mesh = jax.make_mesh((2,), ("x",), axis_types=(AxisType.Auto,))

    def slope(images):
        return jax.grad(lambda images: jnp.sum(classifier(images)[:, 0]))(images)

    alone = jax.jit(jax.shard_map(slope, mesh=mesh, in_specs=P("x"), out_specs=P("x")))
    np.testing.assert_allclose(alone(images), slope(images), rtol=1e-5, atol=1e-7)


def test_lenet_refuses_small_images(key):
    with pytest.raises(ValueError, match="at least 13x13 pixels, got 28x12"):
        build("lenet", key, (28, 12, 1), 10)


@pytest.mark.parametrize("shape", [(2, 4, 6, 3), (1, 5, 7, 2)])
def test_max_pool_equals_a_slow_obvious_one(key, shape):
    x = jax.random.normal(key, shape) - 3.0  # negative: padding must not win
    np.testing.assert_array_equal(max_pool(x), [pool(image) for image in np.asarray(x)])


def test_max_pool_gradient_goes_to_the_maximum():
    x = jnp.array([[1.0, 2.0, 5.0], [4.0, 3.0, 6.0], [7.0, 7.0, 8.0]]).reshape(1, 3, 3, 1)
    gradient = jax.grad(lambda x: jnp.sum(max_pool(x)))(x)
    expected = [[0, 0, 0], [1, 0, 1], [0.5, 0.5, 1]]
    np.testing.assert_array_equal(gradient[0, :, :, 0], expected)


def test_mlp_by_hand(key):
    classifier = init_flax(key, MLP(2, hidden=(3,)), (2, 1, 2), 2)
    image = jnp.arange(4.0).reshape(1, 2, 1, 2)
    flat = np.array([0.0, 2.0, 1.0, 3.0])  # channel by channel
    first, second = classifier.params["fc1"], classifier.params["fc2"]
    hidden = np.maximum(flat @ first["kernel"] + first["bias"], 0)
    np.testing.assert_allclose(
        classifier(image)[0], hidden @ second["kernel"] + second["bias"], rtol=1e-5
    )


@pytest.mark.parametrize(
    "name", sorted(NETWORKS.keys() - PUBLISHED.keys() - {"sound_cnn", "video_cnn", "ngram"})
)
def test_no_image_depends_on_its_batch(name, key):
    key_init, key_images = jax.random.split(key)
    classifier = build(name, key_init, (13, 15, 3), 10)
    images = jax.random.uniform(key_images, (2, 13, 15, 3))
    apply = jax.jit(classifier.apply)
    logits = apply(classifier.params, images)
    assert logits.shape == (2, 10) and logits.dtype == jnp.float32
    other = apply(classifier.params, images.at[1].set(1.0))
    np.testing.assert_allclose(other[0], logits[0], rtol=1e-5, atol=1e-5)
    assert not np.allclose(other[1], logits[1])


def test_resnet_has_the_published_depth(key):
    for blocks in (1, 3):
        images = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
        params = jax.eval_shape(ResNet(10, blocks=blocks).init, key, images)["params"]
        flat = jax.tree_util.tree_leaves_with_path(params)
        kernels = [jax.tree_util.keystr(path) for path, leaf in flat if leaf.ndim in (2, 4)]
        assert sum("downsample" not in name for name in kernels) == 6 * blocks + 2
        assert sum("downsample" in name for name in kernels) == 2
