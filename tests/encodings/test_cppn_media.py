"""CPPNs that paint sounds and videos, against the slow evaluator of the pictures' tests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cppn_oracle import acyclic, evaluate

from fooljax.attacks import spaces
from fooljax.encodings import cppn
from fooljax.encodings.cppn_inputs import inputs, number

SHAPES = {"sound": (600, 1), "video": (5, 8, 7, 3), "grey video": (4, 6, 6, 1)}


def seen_in_a_video(sizes, kind):
    """x, y, distance, 1 and the frame at every voxel, one after another."""
    frames, height, width = sizes
    rows = []
    for t in range(frames):
        for i in range(height):
            for j in range(width):
                x, y = 2.0 * j / (width - 1) - 1.0, 2.0 * i / (height - 1) - 1.0
                place = (j, i, t) if kind == "raw" else (x, y, 2.0 * t / (frames - 1) - 1.0)
                rows.append([*place[:2], np.hypot(x, y), 1.0, place[2]])
    return np.float64(np.float32(rows)).T


def seen_in_a_sound(samples, kind):
    """Time, distance from the middle, 1, bars, five tones of two phases, sample by sample."""
    rows = []
    for t in range(samples):
        unit = 2.0 * t / (samples - 1) - 1.0
        bars = 2.0 * (8.0 * t / samples % 1.0) - 1.0
        row = [t / 32 if kind == "raw" else unit, abs(unit), 1.0, bars]
        for period in (8, 16, 32, 64, 128):
            turn = 2.0 * np.pi * (t % period) / period
            row += [np.sin(turn), np.cos(turn)]
        rows.append(row)
    return np.float64(np.float32(rows)).T


def seen(shape, kind):
    return seen_in_a_sound(shape[0], kind) if len(shape) == 2 else seen_in_a_video(shape[:3], kind)


def grow(encoding, key, count, mutations):
    key_init, key_vary = jax.random.split(key)
    genomes = jax.vmap(encoding.init)(jax.random.split(key_init, count))

    def mutate(i, genomes):
        keys = jax.random.split(jax.random.fold_in(key_vary, i), count)
        return jax.vmap(encoding.vary, in_axes=(0, 0, 0, None))(keys, genomes, genomes, i)

    return jax.lax.fori_loop(0, mutations, mutate, genomes)


@pytest.mark.parametrize("kind", ["raw", "normalized"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_inputs(shape, kind):
    found = inputs(shape[:-1], kind)
    assert len(found) == number(shape)
    np.testing.assert_allclose(found, seen(shape, kind), rtol=1e-6, atol=1e-6)
    assert np.isfinite(inputs([1] * (len(shape) - 1), kind)).all()


@pytest.mark.parametrize("kind", ["raw", "normalized"])
@pytest.mark.parametrize("name", ["sound", "video"])
def test_values(name, kind, key):
    """Painted one by one, as on CPUs, and compared where the oracle vouches for itself."""
    shape = SHAPES[name]
    encoding = cppn(shape, coordinates=kind, color="rgb", levels=None)
    genomes = jax.jit(lambda key: grow(encoding, key, 12, 60))(key)
    painted = jax.jit(jax.vmap(encoding.express))(genomes)
    assert painted.shape == (12, *shape)
    assert painted.dtype == jnp.float32
    place = np.float64(inputs(shape[:-1], kind))
    for row in range(12):
        genome = jax.tree.map(lambda leaf: np.asarray(leaf[row]), genomes)  # noqa: B023
        assert acyclic(genome)
        value, bound = evaluate(genome, shape[-1], place, 2.0**-23)
        value = 0.5 + 0.5 * value if name == "sound" else np.abs(value)
        error = np.abs(np.asarray(painted[row], np.float64).reshape(-1, shape[-1]).T - value)
        sure = bound < 1e-2
        assert np.mean(sure) > 0.5
        assert np.all(error[sure] <= bound[sure] + 2.0**-22)


def test_a_sound_is_signed_and_a_video_keeps_its_levels(key):
    key_sound, key_video = jax.random.split(key)
    sound = cppn((600, 1), coordinates="normalized")
    heard = jax.vmap(sound.express)(grow(sound, key_sound, 20, 10))
    assert float(heard.min()) < 0.25 and float(heard.max()) > 0.75
    assert float(heard.min()) >= 0.0 and float(heard.max()) <= 1.0
    video = cppn(SHAPES["grey video"])
    shown = 255.0 * jax.vmap(video.express)(grow(video, key_video, 20, 10))
    np.testing.assert_allclose(shown, np.round(shown), atol=1e-3)


def test_frames_change(key):
    """The number of the frame reaches the pixels."""
    encoding = cppn(SHAPES["video"], coordinates="normalized", levels=None)
    videos = np.asarray(jax.vmap(encoding.express)(grow(encoding, key, 20, 10)))
    moving = np.abs(np.diff(videos, axis=1)).max(axis=(1, 2, 3, 4)) > 0.01
    assert np.mean(moving) > 0.5


@pytest.mark.parametrize("name", SHAPES)
def test_gradients_reach_the_weights(name, key):
    """The slope of a sum along a direction, against the difference in double precision."""
    key_start, key_along, key_blame = jax.random.split(key, 3)
    shape = SHAPES[name]
    space = spaces.cppn(shape, mutations=8, color="rgb")
    weight, fixed = jax.jit(lambda keys: space.start(keys, None))(jax.random.split(key_start, 3))
    assert space.paint(weight, fixed).shape == (3, *shape)
    along = jax.random.normal(key_along, weight.shape, jnp.float32)
    blame = jax.random.normal(key_blame, (3, *shape), jnp.float32)
    with jax.enable_x64(True):
        wide = lambda tree: jax.tree.map(
            lambda leaf: jnp.float64(leaf) if leaf.dtype == jnp.float32 else leaf, tree
        )
        weight, fixed, along, blame = map(wide, (weight, fixed, along, blame))
        score = jax.jit(lambda weight: jnp.sum(blame * space.paint(weight, fixed)))
        slope = float(jnp.sum(along * jax.grad(score)(weight)))
        step = 1e-7
        rise = (score(weight + step * along) - score(weight - step * along)) / (2.0 * step)
        assert slope == pytest.approx(float(rise), rel=1e-3, abs=1e-3)


def test_a_long_sound_in_pieces(key):
    """5,000 samples go through in three pieces; a sample does not know of its piece."""
    encoding = cppn((5000, 1), coordinates="raw")
    genome = encoding.init(key)
    place = inputs((5000,), "raw")
    value, bound = evaluate(jax.tree.map(np.asarray, genome), 1, np.float64(place), 2.0**-23)
    error = np.abs(np.asarray(jax.jit(encoding.express)(genome))[:, 0] - 0.5 - 0.5 * value[0])
    sure = bound[0] < 1e-2
    assert np.mean(sure) > 0.9 and np.all(error[sure] <= bound[0][sure] + 2.0**-22)


@pytest.mark.parametrize("shape", [(10,), (10, 2), (2, 3, 4, 5, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape must .* picture .*, a sound .* or a video"):
        cppn(shape)


def test_capacity_is_that_of_the_medium():
    with pytest.raises(ValueError, match="at least 15 nodes and 14 edges, got 14 and 128"):
        cppn((100, 1), nodes=14)
    with pytest.raises(ValueError, match="at least 8 nodes and 15 edges, got 64 and 14"):
        cppn((2, 4, 4, 3), edges=14)
    with pytest.raises(ValueError, match=r"must be \(height, width, 1 or 3\)"):
        cppn((2, 4, 4, 2))
