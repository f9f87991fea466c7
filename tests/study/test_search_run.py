import dataclasses
import errno
import json
import shutil
import signal
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest

from fooljax.interrupts import Interrupted
from fooljax.runtime import checkpoints, files
from fooljax.study import history

GENERATIONS = 12


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs that would not run then, except ``finally``."""


def same(finished, uncut):
    jax.tree.map(np.testing.assert_array_equal, finished.state, uncut.state)
    assert finished.history.keys() == uncut.history.keys()
    for name, rows in uncut.history.items():
        np.testing.assert_array_equal(finished.history[name], rows)
    return finished.generation == uncut.generation == GENERATIONS


def recorded(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["generation"] for line in lines]


def until(generation, number=signal.SIGINT):
    """Send ourselves a signal at the end of the chunk that reaches a generation."""
    return lambda now, rows: signal.raise_signal(number) if now >= generation else None


def begin(evolve, folder, generation, chunk=2):
    with pytest.raises(Interrupted):
        evolve(folder, chunk, on_chunk=until(generation))
    return max(checkpoints.steps(folder / "checkpoints"))


@pytest.mark.parametrize("chunk", [pytest.param(1, marks=pytest.mark.slow), 5, 100, None])
def test_chunks_do_not_change_the_result(evolve, uncut, tmp_path, chunk):
    assert same(evolve(tmp_path, chunk), uncut)
    assert recorded(tmp_path) == list(range(GENERATIONS + 1))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("when", [0, GENERATIONS])
def test_a_signal_ends_the_chunk_and_saves_it(evolve, uncut, tmp_path, number, code, when):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=rf"after generation \d+ of {GENERATIONS}") as caught:
        evolve(tmp_path, 2, on_chunk=until(when, number))
    assert caught.value.exit_code == code
    assert signal.getsignal(number) is before
    assert checkpoints.steps(tmp_path / "checkpoints")[-1] == recorded(tmp_path)[-1] >= when
    assert same(evolve(tmp_path, 12), uncut)
    assert recorded(tmp_path) == list(range(GENERATIONS + 1))


def test_a_second_interrupt_does_not_wait(evolve, uncut, tmp_path):
    def twice(generation, rows):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as caught:
        evolve(tmp_path, 2, on_chunk=twice)
    assert not isinstance(caught.value, Interrupted)
    assert same(evolve(tmp_path, 12), uncut)


@pytest.mark.parametrize("place", ["write", "append_lines", "save", "ocp", "rmtree", "rename"])
@pytest.mark.parametrize("nth", [1, 4])
def test_killed_while_saving(evolve, uncut, tmp_path, monkeypatch, place, nth):
    owner, name = {
        "write": (files, "write"),
        "append_lines": (files, "append_lines"),
        "save": (checkpoints, "save"),
        "ocp": (checkpoints, "_fingerprint"),
        "rmtree": (shutil, "rmtree"),
        "rename": (Path, "rename"),
    }[place]
    original, calls = getattr(owner, name), []

    def fatal(*args, **kwargs):
        calls.append(name)
        if len(calls) == nth:
            raise Killed
        return original(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, name, fatal)
        evolve(tmp_path, 2)
    assert same(evolve(tmp_path, 12), uncut)
    assert recorded(tmp_path) == list(range(GENERATIONS + 1))


def test_killed_in_the_middle_of_a_line(evolve, uncut, tmp_path):
    begin(evolve, tmp_path, 4)
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write('{"generation": 5, "median_conf')
    assert same(evolve(tmp_path, 12), uncut)
    assert recorded(tmp_path) == list(range(GENERATIONS + 1))


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def largest(folder):
    return max(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda p: p.stat().st_size
    )


DAMAGE = {
    "truncated": lambda folder: truncate(largest(folder)),
    "flipped": lambda folder: flip(largest(folder)),
    "deleted": lambda folder: largest(folder).unlink(),
    "no tree": lambda folder: shutil.rmtree(folder / "tree"),
    "no note": lambda folder: (folder / "note.json").unlink(),
    "half a note": lambda folder: truncate(folder / "note.json"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_checkpoint_is_passed_over(evolve, uncut, tmp_path, damage):
    newest = begin(evolve, tmp_path, 6)
    damage(tmp_path / "checkpoints" / f"{newest:08d}")
    with pytest.warns(UserWarning, match=f"{newest:08d} is damaged.*using the checkpoint before"):
        finished = evolve(tmp_path, 12)
    assert same(finished, uncut)
    assert recorded(tmp_path) == list(range(GENERATIONS + 1))


def test_all_checkpoints_damaged(evolve, uncut, tmp_path):
    begin(evolve, tmp_path, 6)
    for path in (tmp_path / "checkpoints").iterdir():
        truncate(largest(path))
    for _ in range(2):  # the refusal must not remove anything
        with (
            pytest.warns(UserWarning, match="damaged"),
            pytest.raises(ValueError, match=r"no checkpoint in .* can be used; delete"),
        ):
            evolve(tmp_path, 2)
    shutil.rmtree(tmp_path / "checkpoints")
    assert same(evolve(tmp_path, 12), uncut)


@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
def test_damaged_records_of_the_newest_chunk(evolve, uncut, tmp_path, damage):
    newest = begin(evolve, tmp_path, 6)
    damage(tmp_path / "history" / f"{newest:08d}.npz")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        finished = evolve(tmp_path, 12)
    assert any("are lost; they are computed again" in str(item.message) for item in caught)
    assert same(finished, uncut)
    assert recorded(tmp_path) == list(range(GENERATIONS + 1))


@pytest.mark.parametrize("damage", [truncate, Path.unlink])
def test_damaged_records_of_an_early_chunk(evolve, uncut, tmp_path, damage):
    begin(evolve, tmp_path, 8)
    damage(tmp_path / "history" / "00000002.npz")
    with (
        pytest.warns(UserWarning, match=r"00000002.npz is damaged|lacks the file before"),
        pytest.raises(ValueError, match=r"after generation 1.*delete .*checkpoints"),
    ):
        evolve(tmp_path, 2)
    shutil.rmtree(tmp_path / "checkpoints")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert same(evolve(tmp_path, 12), uncut)


def test_no_space_left(evolve, uncut, tmp_path, monkeypatch):
    begin(evolve, tmp_path, 4)

    def full(path, records):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(files, "append_lines", full)
        evolve(tmp_path, 2)
    assert same(evolve(tmp_path, 12), uncut)
    assert recorded(tmp_path) == list(range(GENERATIONS + 1))


def test_a_finished_run_is_not_run_again(evolve, uncut, tmp_path):
    evolve(tmp_path, 4)
    files_before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert same(evolve(tmp_path, 4), uncut)
    assert files_before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


def test_another_network_is_refused(evolve, toy, tmp_path):
    begin(evolve, tmp_path, 4)
    other = dataclasses.replace(toy, params=toy.params + 1)
    with pytest.raises(ValueError, match="--resume: network: other weights than"):
        evolve(tmp_path, 2, classifier=other)


def test_another_function_of_the_same_weights_is_refused(evolve, toy, tmp_path):
    begin(evolve, tmp_path, 4)
    other = dataclasses.replace(toy, apply=lambda params, images: toy.apply(params, images**2))
    with pytest.raises(ValueError, match="--resume: network: other function"):
        evolve(tmp_path, 2, classifier=other)
    (tmp_path / "inputs.json").unlink()
    with pytest.raises(ValueError, match=r"inputs.json does not say which data and networks"):
        evolve(tmp_path, 2)


def test_changed_metrics_are_noticed(evolve, tmp_path):
    begin(evolve, tmp_path, 4)
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.warns(UserWarning, match="metrics.jsonl holds 0 of"):
        evolve(tmp_path, 2)


def test_milestones():
    kept = [generation for generation in range(201) if history.is_milestone(generation)]
    assert kept == [0, 1, 2, 5, 10, 20, 50, 100, 200]


def test_clock_leaves_out_the_compilation(uncut):
    clock = uncut.clock
    assert clock.steady_generations == GENERATIONS - 1
    assert 0 < clock.steady_seconds < clock.seconds
