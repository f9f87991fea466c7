import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cppn_oracle import ACTIVATIONS, coordinates, evaluate

from fooljax.encodings import color, cppn, cppn_render
from fooljax.encodings.cppn_genome import FUNCTIONS, Cppn
from fooljax.encodings.cppn_inputs import inputs
from fooljax.encodings.cppn_render import activate, render, sine

SHAPE = (16, 12, 3)
render_5x5 = jax.jit(lambda genome: render(genome, (5, 5, 1), "raw"))


def network(functions, edges, nodes=12, slots=16):
    """A genome from a list of node functions and ``(source, target, weight)`` edges."""
    function = np.full(nodes, -1, np.int32)
    function[: len(functions)] = functions
    source, target = np.full((2, slots), -1, np.int32)
    weight = np.zeros(slots, np.float32)
    for slot, (s, t, w) in enumerate(edges):
        source[slot], target[slot], weight[slot] = s, t, w
    return jax.tree.map(jnp.asarray, Cppn(function, source, target, weight, np.int32(0)))


def compare(genomes, images, kind, eps, rows, fold=lambda value: value):
    """Error in units of the oracle's bound, and the share of pixels it vouches for."""
    height, width, outputs = SHAPE
    pixels = coordinates(height, width, kind)
    worst, errors, vouched = 0.0, [], []
    for row in rows:
        genome = jax.tree.map(lambda leaf: leaf[row], genomes)  # noqa: B023
        value, bound = evaluate(genome, outputs, pixels, eps)
        error = np.abs(np.asarray(images[row], np.float64).reshape(-1, outputs).T - fold(value))
        sure = bound < 1e-2
        worst = max(worst, np.max(error[sure] / bound[sure], initial=0.0))
        errors.append(error)
        vouched.append(sure)
    return worst, np.array(errors), np.mean(vouched)


@pytest.fixture(scope="session")
def rendered(grown):
    return np.asarray(jax.jit(jax.vmap(lambda genome: render(genome, SHAPE, "raw")))(grown))


def test_networks_side_by_side(grown, rendered):
    """The path of accelerators."""
    worst, errors, vouched = compare(grown, rendered, "raw", 2.0**-23, range(len(rendered)))
    assert np.isfinite(rendered).all() and np.abs(rendered).max() <= 1.0
    assert worst <= 1.0
    assert vouched > 0.9
    assert np.median(errors) < 1e-6


def test_networks_one_by_one(grown):
    """The path of CPUs, in the other coordinates."""
    encoding = cppn(SHAPE, coordinates="normalized", color="rgb", levels=None)
    genomes = jax.tree.map(lambda leaf: leaf[::5], grown)
    images = jax.jit(jax.vmap(encoding.express))(jax.tree.map(jnp.asarray, genomes))
    worst, _, vouched = compare(genomes, images, "normalized", 2.0**-23, range(len(images)), np.abs)
    assert worst <= 1.0
    assert vouched > 0.9


def test_double_precision_agrees_tightly(grown):
    with jax.enable_x64(True):
        doubled = jax.tree.map(jnp.asarray, grown._replace(weight=np.float64(grown.weight)))
        some = jax.tree.map(lambda leaf: leaf[::5], doubled)
        images = jax.jit(jax.vmap(lambda genome: render(genome, SHAPE, "raw")))(some)
        assert images.dtype == jnp.float64
        images = np.asarray(images)
    some = jax.tree.map(np.asarray, some)
    worst, errors, vouched = compare(some, images, "raw", 2.0**-52, range(len(images)))
    assert worst <= 1.0
    assert vouched > 0.999
    assert np.mean(errors < 1e-6) > 0.999


def test_batching_changes_nothing(grown, pick):
    encoding = cppn(SHAPE)
    genomes = pick(grown, slice(0, 12))
    express = jax.jit(encoding.express)
    alone = np.stack([express(pick(grown, row)) for row in range(12)])
    np.testing.assert_array_equal(jax.jit(jax.vmap(encoding.express))(genomes), alone)
    nested = jax.tree.map(lambda leaf: leaf.reshape(3, 4, *leaf.shape[1:]), genomes)
    images = jax.jit(jax.vmap(jax.vmap(encoding.express)))(nested)
    np.testing.assert_array_equal(images, alone.reshape(3, 4, *SHAPE))
    partly = jax.vmap(lambda weight: encoding.express(pick(grown, 0)._replace(weight=weight)))
    weights = genomes.weight[:3].at[0].set(grown.weight[0])
    np.testing.assert_array_equal(jax.jit(partly)(weights)[0], alone[0])


def test_pixels_in_pieces(grown, pick, monkeypatch):
    """49 x 47 pixels are two pieces and one pixel of padding; the network is the same."""
    shape, genome = (49, 47, 3), pick(grown, 3)
    in_pieces = jax.jit(lambda genome: render(genome, shape, "normalized"))(genome)
    monkeypatch.setattr(cppn_render, "_PIXELS_AT_ONCE", 10_000)
    at_once = jax.jit(lambda genome: render(genome, shape, "normalized"))(genome)
    monkeypatch.setattr(cppn_render, "_PIXELS_AT_ONCE", 100)
    small = jax.jit(lambda genome: render(genome, shape, "normalized"))(genome)
    np.testing.assert_allclose(in_pieces, at_once, atol=1e-5)
    np.testing.assert_allclose(small, at_once, atol=1e-5)


@pytest.mark.parametrize("kind", ["raw", "normalized"])
@pytest.mark.parametrize("size", [(16, 12), (28, 28)])
def test_inputs(size, kind):
    np.testing.assert_allclose(inputs(size, kind), coordinates(*size, kind), rtol=1e-7)
    assert np.isfinite(inputs((1, 1), kind)).all()


@pytest.mark.parametrize("function", range(4), ids=FUNCTIONS)
def test_activations(function):
    sums = np.linspace(-40.0, 40.0, 4001).astype(np.float32)
    found = np.asarray(activate(jnp.int32(function), sums))
    np.testing.assert_allclose(found, ACTIVATIONS[function][0](np.float64(sums)), atol=3e-7)
    assert np.abs(found).max() <= 1.0


def test_sine_of_large_numbers():
    numbers = np.random.default_rng(0).uniform(-25_000, 25_000, 100_000).astype(np.float32)
    crests = ((np.arange(8000) - 4000 + 0.5) * np.pi).astype(np.float32)
    numbers = np.concatenate([numbers, crests, [0.0]]).astype(np.float32)
    found = np.asarray(jax.jit(sine)(numbers))
    np.testing.assert_allclose(found, np.sin(np.float64(numbers)), atol=2e-7, rtol=0)
    assert np.abs(found).max() <= 1.0


def test_a_network_by_hand():
    """Two routes to a Gaussian output, one of them twice; a dead node; order of slots reversed."""
    genome = network(
        [0, 0, 0, 0, 2, 0, 3, 1],
        [(6, 4, 0.5), (6, 4, -2.0), (5, 4, 1.0), (5, 6, 3.0), (2, 5, 2.0), (3, 5, -0.5), (0, 7, 9)],
    )
    image = render_5x5(genome)
    distance = np.hypot(*np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 5)))
    wave = np.sin(2.0 * distance - 0.5)
    total = -1.5 * np.clip(3.0 * wave, -3, 3) / 3 + wave
    np.testing.assert_allclose(image[..., 0], np.exp(-(total**2)), atol=1e-6)


@pytest.mark.parametrize("function, value", [(0, 0.0), (1, 0.0), (2, 1.0), (3, 0.0)])
def test_outputs_without_edges(function, value):
    """Disconnected, or fed only by a node that nothing feeds."""
    nothing = network([0, 0, 0, 0, function], [])
    np.testing.assert_array_equal(render_5x5(nothing), np.full((5, 5, 1), value))
    fed = network([0, 0, 0, 0, function, 2], [(5, 4, 0.25)])
    expected = ACTIVATIONS[function][0](np.array(0.25))
    np.testing.assert_allclose(render_5x5(fed), expected, atol=1e-6)


def test_a_genome_of_zeros_is_an_image():
    """Not a network (its inputs feed themselves), but painting it must end."""
    zeros = jax.tree.map(jnp.zeros_like, network([], []))
    np.testing.assert_array_equal(render_5x5(zeros), np.zeros((5, 5, 1)))


@pytest.mark.parametrize("space", ["hls", "hsv", "rgb"])
def test_colours(grown, rendered, pick, space):
    encoding = cppn(SHAPE, color=space)
    images = np.asarray(jax.jit(jax.vmap(encoding.express))(pick(grown, slice(0, 20))))
    expected = jax.vmap(lambda row: color.paint(jnp.abs(row), space, 256))(rendered[:20])
    assert images.min() >= 0.0 and images.max() <= 1.0
    assert np.mean(np.abs(images - expected) < 1.5 / 255) > 0.99


def test_impossible_arguments():
    with pytest.raises(ValueError, match="at least 7 nodes and 12 edges, got 64 and 11"):
        cppn((4, 4, 3), edges=11)
    with pytest.raises(ValueError, match="at least 5 nodes and 4 edges, got 4 and 128"):
        cppn((4, 4, 1), nodes=4)
    with pytest.raises(ValueError, match="coordinates must be raw or normalized, got 'polar'"):
        cppn((4, 4, 1), coordinates="polar")
