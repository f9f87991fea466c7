"""How many children at a time keep to a limit, against trying all of them."""

import jax
import jax.numpy as jnp
import pytest

from fooljax import encodings, evolution
from fooljax.study import memory
from fooljax.types import Classifier

HELD = 300 * memory.MB


@pytest.fixture(autouse=True)
def small_program(monkeypatch):
    monkeypatch.setattr(memory, "held", lambda: HELD)
    monkeypatch.setattr(memory, "_SCRATCH", 1.0)


def linear(fixed, each):
    return lambda size: fixed + each * size


@pytest.mark.parametrize("limit", [0.41, 0.5, 0.7, 1.3, 2.0, 4.29])
def test_the_largest_that_fits(limit):
    need = linear(100_000_000, 10_000_000)
    found = memory.plan(limit, 400, need)
    room = limit * 1e9 - HELD
    pieces = next(pieces for pieces in range(1, 401) if need(-(-400 // pieces)) <= room)
    assert found.micro_batch == -(-400 // pieces)
    assert found.size == need(found.micro_batch) + HELD <= limit * 1e9


def test_all_at_once_if_they_fit():
    found = memory.plan(4.4, 400, linear(100_000_000, 10_000_000))
    assert found == (400, 4_400_000_000)
    assert found.describe() == "400 children at a time, about 4.40 GB"


def test_a_device_that_does_not_tell_is_taken_for_the_process(accelerator):
    """As a CPU does not, on an accelerator's side."""
    assert memory.peak() > 10 * memory.MB


@pytest.mark.on_cpu("an accelerator draws from memory of its own")
def test_finished_images_count_on_a_cpu():
    plain = memory.plan(1.3, 400, linear(100_000_000, 10_000_000))
    fewer = memory.plan(1.3, 400, linear(100_000_000, 10_000_000), numbers=100_000_000)
    assert fewer.micro_batch < plain.micro_batch
    assert fewer.size <= 1.3e9


def test_when_memory_does_not_grow_evenly():
    """The estimate is checked, and lowered until it holds."""
    need = lambda size: 500_000_000 if size > 7 else 1_000_000 * size
    found = memory.plan(0.4, 400, need)
    assert found.micro_batch <= 7
    assert found.size <= 400_000_000


def test_an_impossible_limit_is_refused_with_the_numbers():
    message = (
        r"--memory-limit 0.35: with one child at a time 0.41 GB are needed, and with 400 at a "
        r"time 4.40 GB, of which the program itself takes 0.30; raise the limit"
    )
    with pytest.raises(ValueError, match=message):
        memory.plan(0.35, 400, linear(100_000_000, 10_000_000))


def test_what_a_search_takes_grows_with_the_images_at_once():
    """A layer of 1,000 numbers for each pixel, of all children at once, counts."""

    def wide(params, images):
        layer = jnp.tanh(images.reshape(images.shape[0], -1, 1) * params["kernel"][None, None])
        return jnp.sum(jnp.tanh(layer[:, :, ::-1] * layer), axis=1)[:, :3]

    network = Classifier({"kernel": jnp.ones(1000)}, wide, (8, 8, 1), 3)
    encoding = encodings.direct((8, 8, 1))
    need = lambda size: evolution.memory_needed(
        jax.random.key(0), evolution.map_elites(encoding, 100, micro_batch=size), network
    )
    assert need(10) < need(None) / 3
    assert need(None) > 100 * 64 * 4  # the images alone


@pytest.mark.on_cpu("an accelerator's memory holds nothing but the search")
def test_the_peak_is_at_least_what_is_held(monkeypatch):
    monkeypatch.undo()
    assert memory.peak() + 300 * memory.MB >= 0.9 * memory.held() > 300 * memory.MB
