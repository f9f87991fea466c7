"""No experiment goes on with data, weights or functions that changed since it was begun."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from fooljax.data import load
from fooljax.runtime import settings
from fooljax.study import units
from fooljax.study.victim import Victim

FOLDER = Path(__file__).parents[2] / "experiments"
EXPERIMENTS = sorted(
    {path.stem for path in FOLDER.glob("[a-z]*.py")}
    | {path.parent.name for path in FOLDER.glob("*/__main__.py")}
)
#: These take questions, paragraphs, texts or videos, or choose their data themselves.
NO_PICTURES = {"ask", "nonsense", "distract", "harden_reader", "reduce", "motion", "senses"}
PICTURES = [name for name in EXPERIMENTS if name not in NO_PICTURES]
OWN = """
import jax.numpy as jnp
from fooljax.types import Classifier

def apply(params, images):
    return {scale} * images.reshape(len(images), -1) @ params

network = Classifier(jnp.eye(36, 10) + {shift}, apply, (6, 6, 1), 10)
"""


class Stopped(Exception):
    """In the place of a kill, when the data have been read and the networks trained."""


@pytest.fixture
def stopped(monkeypatch):
    def stop(folder, *_, **__):
        (folder / "units").mkdir(exist_ok=True)
        raise Stopped

    monkeypatch.setattr(units, "compute_all", stop)
    monkeypatch.setattr("fooljax.study.search_run._resume", stop)


def write(path, what="images", shift=0):
    train, test = load("digits", image_size=(6, 6))
    halves = {"": train, "test_": test}
    arrays = {f"{part}images": np.array(half.images) for part, half in halves.items()}
    arrays |= {f"{part}labels": np.array(half.labels) for part, half in halves.items()}
    if what == "images":
        arrays[what] = arrays[what] + np.uint8(shift)
    else:
        arrays[what] = (arrays[what] + shift) % 10
    np.savez(path, **arrays)


def begin(name, tmp_path, run="run", **changes):
    """Run an experiment until it would compute, and return how to go on."""
    module = importlib.import_module(f"experiments.{name}")
    start = module.PRESETS["smoke"]
    out = tmp_path / run
    fields = settings.flat(start)
    small = {"train_steps": 200 if "models" in fields else 2, "dataset": str(tmp_path / "x.npz")}
    small |= {} if "models" in fields else {"model": "softmax"}
    config = {"out": str(out), "victim": Victim(**small | changes)}
    config |= {"pixels": 4} if "pixels" in fields else {}
    config = settings.change(start, **config)
    with pytest.raises(Stopped):
        module.main(config)
    again = settings.change(config, out=None, resume=str(out))
    return lambda: module.main(again)


def refused(name, tmp_path, array, what):
    write(tmp_path / "x.npz")
    go_on = begin(name, tmp_path)
    with pytest.raises(Stopped):
        go_on()
    write(tmp_path / "x.npz", array, shift=1)
    with pytest.raises(ValueError, match=rf"--resume: .*x.npz, .*: other {what} than .*--out"):
        go_on()


@pytest.mark.slow
def test_evolution_of_other_data_is_refused(stopped, tmp_path):
    refused("evolve", tmp_path, "images", "training images")


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_other_labels_are_refused(name, stopped, tmp_path):
    refused(name, tmp_path, "test_labels", "test labels")


@pytest.mark.parametrize(
    ("edit", "said"),
    [({"scale": 1.5}, r"other function \(logits"), ({"shift": 1e-6}, "other weights than")],
)
def test_an_edited_network_is_refused(edit, said, stopped, tmp_path):
    write(tmp_path / "x.npz")
    file = tmp_path / "own.py"
    file.write_text(OWN.format(scale=1, shift=0))
    go_on = begin("evolve", tmp_path, model=f"{file}:network")
    file.write_text("# a comment changes nothing\n" + OWN.format(scale=1, shift=0))
    with pytest.raises(Stopped):
        go_on()
    file.write_text(OWN.format(**{"scale": 1, "shift": 0} | edit))
    with pytest.raises(ValueError, match=rf"--resume: .*own.py:network.*: {said}.*--out"):
        go_on()


def test_a_kept_network_knows_what_it_was_trained_on(stopped, tmp_path):
    write(tmp_path / "x.npz")
    begin("evolve", tmp_path, classifier=str(tmp_path / "kept"))
    write(tmp_path / "x.npz", "labels", shift=3)
    with pytest.raises(ValueError, match=r"kept holds a classifier of other .*digest of labels is"):
        begin("evolve", tmp_path, "another run", classifier=str(tmp_path / "kept"))
