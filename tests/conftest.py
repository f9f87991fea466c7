"""Strict JAX for every test: rank promotion and key reuse raise, warnings are errors."""

import gc
import os
import tempfile
from pathlib import Path

from xla_flags import quick_to_compile

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "agg")
# Compiling is most of what the suite costs, and its arrays are tiny.
os.environ.setdefault("XLA_FLAGS", quick_to_compile())
# All workers share what takes long to compile, and leave the user's cache alone.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="fooljax-programs-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _cache.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"

import jax
import pytest

from fooljax import backend

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)
jax.config.update("jax_num_cpu_devices", 8)  # the first one works, the rest test sharding


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes long; leave out what holds on a CPU's side only, where it is not taken."""
    text = (Path(__file__).parent / "slow.txt").read_text(encoding="utf-8")
    slow = {line for line in text.splitlines() if not line.startswith("#")}
    for item in items:
        if slow & {item.nodeid, item.nodeid.partition("::")[0]}:
            item.add_marker(pytest.mark.slow)
    for item in items if backend.forced() else []:
        if mark := item.get_closest_marker("on_cpu"):
            item.add_marker(pytest.mark.skip(reason=f"on a CPU's side only: {mark.args[0]}"))


def pytest_collection_finish() -> None:
    """Collect garbage seldom, and not among what was imported: JAX makes much, most of it lasts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


@pytest.fixture
def accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the accelerator's side of every branch, in programs not compiled before."""
    monkeypatch.setattr(backend, "forced", lambda: True)


@pytest.fixture
def key() -> jax.Array:
    return jax.random.key(0)


@pytest.fixture(scope="session")
def data_dir() -> str:
    """The folder with real data sets, or skip."""
    folder = os.environ.get("FOOLJAX_DATA_DIR")
    if not folder or not os.path.isdir(folder):
        pytest.skip("FOOLJAX_DATA_DIR is not set to a folder with real data sets")
    return folder
