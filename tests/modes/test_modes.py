"""What JAX and Python are told to check or to widen changes nothing but the time it takes."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import attacks, data, defenses, encodings, evolution, training
from fooljax.types import Classifier

SCRIPT = Path(__file__).parent / "everything.py"
SHAPE = (3, 3, 1)


def linear(params, images):
    return images.reshape(len(images), -1) @ params["weights"]


def _small_calls(wide):
    """A random attack, DeepFool, a search, training and votes, each with draws of its own."""
    images = np.linspace(0.0, 0.8, 36, dtype=np.float32).reshape(4, *SHAPE)
    labels = np.arange(4, dtype=np.int32) % 3
    weights = np.sin(np.arange(27, dtype=np.float32)).reshape(9, 3)
    net = Classifier({"weights": jnp.asarray(weights)}, linear, SHAPE, 3)
    wider = net
    if wide:
        wider = Classifier({"weights": jnp.asarray(weights, jnp.float64)}, linear, SHAPE, 3)
        images = images.astype(np.float64)
    key, goal = jax.random.key(0), attacks.leave(labels)
    yield attacks.run(attacks.pgd(0.1, steps=2, random_start=True), key, wider, images, goal)
    yield attacks.run(attacks.deepfool(2), key, wider, images, goal)
    search = evolution.map_elites(encodings.direct(SHAPE), 4)
    state, _ = evolution.start(key, search, wider)
    yield evolution.advance(key, search, wider, state, 1)
    dataset = data.from_arrays(np.float32(images), labels)
    yield training.fit(key, net, dataset, **training.quick(1, 4)._asdict())
    yield defenses.count_votes(key, wider, images, 0.1, 3)


def _leaves(found):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(found)]


@pytest.mark.slow
def test_sixty_four_bits_change_no_type_and_no_number():
    plain = [_leaves(found) for found in _small_calls(wide=False)]
    with jax.enable_x64(True):
        wide = [_leaves(found) for found in _small_calls(wide=True)]
    for before, after in zip(plain, wide, strict=True):
        for one, other in zip(before, after, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def _results(folder, name, flags=(), arguments=(), **environment):
    path = folder / f"{name}.npz"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "", **environment}
    command = [sys.executable, *flags, str(SCRIPT), str(path), *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert not ran.stdout, ran.stdout  # a line for each call that failed
    return dict(np.load(path))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return _results(tmp_path_factory.mktemp("plain"), "plain")


MODES = {
    "x64": ((), (), {"JAX_ENABLE_X64": "1"}),
    "x64, float64 weights and images": ((), ("float64",), {"JAX_ENABLE_X64": "1"}),
    "debug_nans": ((), (), {"JAX_DEBUG_NANS": "1"}),
    "disable_jit": ((), (), {"JAX_DISABLE_JIT": "1"}),
    "-OO": (("-OO",), (), {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_everything_is_the_same_in_every_mode(mode, plain, tmp_path):
    flags, arguments, environment = MODES[mode]
    found = _results(tmp_path, "found", flags, arguments, **environment)
    assert found.keys() == plain.keys()
    types = {name: (str(found[name].dtype), str(plain[name].dtype)) for name in plain}
    assert {name: pair for name, pair in types.items() if pair[0] != pair[1]} == {}
    assert [name for name in plain if found[name].shape != plain[name].shape] == []
    # other rounding may turn the sign of a slope, or which of two children is better
    close = [
        np.mean(np.isclose(found[name], plain[name], rtol=1e-3, atol=1e-3, equal_nan=True))
        for name in plain
        if plain[name].size
    ]
    assert np.mean(close) > 0.99
