import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parents[2]
OWN_NETWORK = """
import jax
from fooljax.types import Classifier

def net():
    apply = lambda params, images: images.reshape(len(images), -1) @ params
    return Classifier(jax.random.normal(jax.random.key(5), (64, 3)), apply, (8, 8, 1), 3)
"""


@pytest.fixture(autouse=True)
def quietly_elsewhere(tmp_path, monkeypatch):
    """Runs without ``out`` go to a temporary folder; what they cache ends with them."""
    monkeypatch.chdir(tmp_path)
    settings = ("min_compile_time_secs", "min_entry_size_bytes")
    before = {name: getattr(jax.config, f"jax_persistent_cache_{name}") for name in settings}
    yield
    for name, value in before.items():
        jax.config.update(f"jax_persistent_cache_{name}", value)


@pytest.fixture(scope="session")
def command_line(tmp_path_factory):
    """Start ``python -m experiments.evolve`` with flags; programs are compiled once for all."""
    cache = tmp_path_factory.mktemp("cache")
    places = {"PYTHONPATH": str(ROOT), "JAX_COMPILATION_CACHE_DIR": str(cache)}
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", **places}

    def start(*flags, variables=None, **options):
        return subprocess.Popen(
            [sys.executable, "-m", "experiments.evolve", *map(str, flags)],
            env=environment | (variables or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def shell(words, **variables):
        return subprocess.run(
            f"'{sys.executable}' {words}",
            env=environment | variables,
            shell=True,
            text=True,
            errors="replace",
            capture_output=True,
            timeout=300,
        )

    start.shell = shell
    return start


@pytest.fixture(scope="session")
def own_network(tmp_path_factory):
    """``FILE.py:NAME`` of a linear network for images of 8 x 8 pixels."""
    path = tmp_path_factory.mktemp("own") / "mine.py"
    path.write_text(OWN_NETWORK)
    return f"{path}:net"
