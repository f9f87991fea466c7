import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from fooljax.models import build
from fooljax.runtime import checkpoints
from fooljax.study import classifier_store

SETTINGS = {"dataset": "digits", "steps": 500, "shape": (3, 3, 1)}


@pytest.fixture(scope="module")
def classifier():
    return build("softmax", jax.random.key(1), (3, 3, 1), 2)


@pytest.fixture(scope="module")
def template():
    return build("softmax", jax.random.key(2), (3, 3, 1), 2)


@pytest.fixture
def folder(tmp_path, classifier):
    folder = tmp_path / "deep" / "er" / "classifier"
    classifier_store.save(folder, classifier, SETTINGS, accuracy=0.75)
    return folder


def test_what_was_saved_comes_back(folder, classifier, template):
    loaded = classifier_store.load(folder, template, SETTINGS)
    jax.tree.map(np.testing.assert_array_equal, loaded.params, classifier.params)
    assert jax.tree.structure(loaded) == jax.tree.structure(template)
    assert classifier_store.describe(folder)["accuracy"] == 0.75
    assert classifier_store.describe(folder)["settings"]["steps"] == 500


def test_nothing_else_is_left_behind(folder):
    assert [path.name for path in folder.parent.iterdir()] == ["classifier"]
    assert sorted(path.name for path in folder.iterdir()) == ["note.json", "tree"]


def test_nothing_there(tmp_path, template):
    assert classifier_store.load(tmp_path / "absent", template, SETTINGS) is None
    assert classifier_store.load(tmp_path, template, SETTINGS) is None


def test_the_same_settings_replace(folder, template):
    classifier_store.save(folder, template, SETTINGS, accuracy=0.5)
    loaded = classifier_store.load(folder, template, SETTINGS)
    jax.tree.map(np.testing.assert_array_equal, loaded.params, template.params)
    assert [path.name for path in folder.parent.iterdir()] == ["classifier"]


@pytest.mark.parametrize("accident", ["_fingerprint", "rename"])
def test_a_failed_save_keeps_what_was_there(folder, classifier, template, monkeypatch, accident):
    rename = Path.rename

    def rename_fails(path, target):
        return 1 / 0 if path.name == "new" else rename(path, target)

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        if accident == "rename":
            patch.setattr(Path, "rename", rename_fails)
        else:
            patch.setattr(checkpoints, accident, lambda _: 1 / 0)
        classifier_store.save(folder, template, SETTINGS, accuracy=0.5)
    assert [path.name for path in folder.parent.iterdir()] == ["classifier"]
    loaded = classifier_store.load(folder, template, SETTINGS)
    jax.tree.map(np.testing.assert_array_equal, loaded.params, classifier.params)


def test_other_settings_are_named(folder, classifier, template):
    other = {"dataset": "digits", "steps": 1000, "seed": 3, "shape": (3, 3, 1)}
    for attempt in (
        lambda: classifier_store.load(folder, template, other),
        lambda: classifier_store.save(folder, classifier, other, accuracy=1.0),
    ):
        with pytest.raises(ValueError, match="--classifier") as caught:
            attempt()
        assert "seed is 'absent' there and 3 here, steps is 500 there and 1000 here" in str(
            caught.value
        )
        assert "dataset" not in str(caught.value) and "shape" not in str(caught.value)


def test_settings_that_json_cannot_hold(tmp_path, classifier):
    for attempt in (
        lambda: classifier_store.load(tmp_path, classifier, {"folder": tmp_path}),
        lambda: classifier_store.save(tmp_path, classifier, {"folder": tmp_path}, accuracy=1.0),
    ):
        with pytest.raises(ValueError, match="settings must be plain values"):
            attempt()


def test_another_network(folder):
    wider = build("softmax", jax.random.key(0), (3, 3, 1), 3)
    with pytest.raises(ValueError, match=r"another network.*\(9, 2\).*\(9, 3\)"):
        classifier_store.load(folder, wider, SETTINGS)


def test_damaged_weights(folder, template):
    for path in [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]:
        if path.name == "note.json":
            continue
        intact = path.read_bytes()
        damaged = bytearray(intact)
        damaged[len(damaged) // 2] ^= 1
        for content in (b"", intact[: len(intact) // 2], bytes(damaged)):
            path.write_bytes(content)
            with pytest.raises(ValueError, match=r"damaged.*--classifier"):
                classifier_store.load(folder, template, SETTINGS)
        path.unlink()
        with pytest.raises(ValueError, match=r"damaged.*--classifier"):
            classifier_store.load(folder, template, SETTINGS)
        path.write_bytes(intact)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"settings": 1})])
def test_damaged_config(folder, template, content):
    (folder / "note.json").write_text(content)
    with pytest.raises(ValueError, match=r"no classifier that can be read.*--classifier"):
        classifier_store.load(folder, template, SETTINGS)


def test_never_overwrites_what_is_not_a_classifier(tmp_path, classifier):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("more work")
    for place in (tmp_path, tmp_path / "file"):
        with pytest.raises(ValueError, match="no classifier"):
            classifier_store.save(place, classifier, SETTINGS, accuracy=1.0)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert (tmp_path / "file").read_text() == "more work"


def test_is_silent(folder, template, capfd, caplog):
    with caplog.at_level(logging.INFO):
        classifier_store.load(folder, template, SETTINGS)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def workshop(folder, pid, host=None):
    place = folder.parent / f".{folder.name}.saving-{host or socket.gethostname()}-{pid}-ab1_"
    (place / "new").mkdir(parents=True)
    return place


@pytest.mark.parametrize("again", ["save", "load"])
def test_what_a_killed_save_left_is_removed(folder, classifier, dead_pid, again):
    workshop(folder, dead_pid)
    if again == "save":
        classifier_store.save(folder, classifier, SETTINGS, accuracy=0.5)
    else:
        classifier_store.load(folder, classifier, SETTINGS)
    assert [path.name for path in folder.parent.iterdir()] == ["classifier"]


def test_what_a_killed_save_was_replacing_is_put_back(folder, classifier, template, dead_pid):
    folder.rename(workshop(folder, dead_pid) / "old")
    loaded = classifier_store.load(folder, template, SETTINGS)
    jax.tree.map(np.testing.assert_array_equal, loaded.params, classifier.params)
    assert [path.name for path in folder.parent.iterdir()] == ["classifier"]


def test_somebody_else_may_be_saving_at_this_moment(folder, classifier):
    others = {workshop(folder, os.getppid()), workshop(folder, 1, host="another")}
    others.add(folder.parent / ".classifier.of.mine")
    (folder.parent / ".classifier.of.mine").mkdir()
    classifier_store.load(folder, classifier, SETTINGS)
    assert others <= set(folder.parent.iterdir())


def test_arrays_that_were_not_written_are_not_believed(tmp_path, classifier, template, monkeypatch):
    """What a full disk kept from being written is read as zeros by Orbax's storage."""
    checkpoints.save_step(tmp_path, 1, classifier.params, {})
    with monkeypatch.context() as patch:
        blank = lambda tree: jax.tree.map(np.zeros_like, tree)
        patch.setattr(checkpoints.devices, "everywhere", blank)
        checkpoints.save_step(tmp_path, 2, classifier.params, {})
    with pytest.raises(checkpoints.Damaged, match="not those that were saved"):
        checkpoints.load(tmp_path / "00000002", template.params)
    with pytest.warns(UserWarning, match="using the checkpoint before it"):
        step, params, _ = checkpoints.load_newest(tmp_path, template.params)
    assert step == 1 and checkpoints.steps(tmp_path) == [1]
    jax.tree.map(np.testing.assert_array_equal, params, classifier.params)
