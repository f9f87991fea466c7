"""Experiments on sets too large for memory: the numbers of the same set in memory."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from experiments import evolve, retrain, universal
from fooljax import data
from fooljax.runtime import command
from fooljax.study import Evolving, RunFlags, change
from fooljax.study.cells import file_name
from fooljax.study.prepared import prepare
from fooljax.study.victim import Victim

SIDE, TRAIN, TEST, FEW = 8, 18, 9, 8


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Noise with a cast of the color of its class, in files that lose nothing."""
    folder = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(0)
    for part, count in (("train", TRAIN), ("val", TEST)):
        for i in range(count):
            pixels = random.integers(0, 156, (9, 9, 3), np.uint8)
            pixels[..., i % 3] += 100
            path = folder / part / "rgb"[i % 3] / f"{i:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return folder


@pytest.fixture
def victim(photographs):
    return Victim(dataset=str(photographs), image_size=(SIDE, SIDE), model="softmax", train_steps=4)


def both(main, config, monkeypatch, tmp_path):
    """Run with all pictures in memory, then with few; return the folder of the second run."""
    summaries = []
    for place, most in (("all", data.MOST), ("few", FEW)):
        monkeypatch.setattr(data, "MOST", most)
        main(change(config, out=str(tmp_path / place)))
        summaries.append(json.loads((tmp_path / place / "summary.json").read_text()))
        summaries[-1].pop("seconds")
    assert summaries[0] == summaries[1]
    return tmp_path / "few", summaries[1]


def same_arrays(one, other):
    one, other = np.load(one), np.load(other)
    assert one.files == other.files
    for name in one.files:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.slow
def test_universal(victim, monkeypatch, tmp_path):
    config = universal.Config(
        victim=dataclasses.replace(victim, model=Victim().model),
        models=("softmax",),
        methods=("sgd",),
        norms=("linf",),
        sizes=(0.2, 1.0),
        steps=5,
        batch_size=5,
        repeats=1,
    )
    folder, streamed = both(universal.main, config, monkeypatch, tmp_path)
    assert (streamed["train_images"], streamed["test_images"]) == (TRAIN, TEST)
    same_arrays(tmp_path / "all" / "arrays.npz", folder / "arrays.npz")


@pytest.mark.slow
def test_retrain(victim, monkeypatch, tmp_path):
    config = retrain.Config(
        victim=dataclasses.replace(victim, accuracy_images=6),
        networks=2,
        encoding=("direct",),
        attacks=("direct",),
        first_images=7,
        runs=2,
        evolving=Evolving(generations=2, children=5),
        collect_generations=2,
    )
    folder, streamed = both(retrain.main, config, monkeypatch, tmp_path)
    assert streamed["train_images"] == TRAIN
    same_arrays(tmp_path / "all" / "arrays.npz", folder / "arrays.npz")
    cell = {"images": retrain.measure.REAL, "made_for": "nobody", "network": 2}
    with np.load(folder / "units" / f"{file_name(cell)}.npz") as told:
        assert told["answers"].shape == (1, 6)


@pytest.mark.slow
def test_the_network_is_trained_and_tested_on_all(victim, monkeypatch, tmp_path, capsys):
    fits = lambda shape, classes: None
    for run in ("whole", "part", "few"):
        (tmp_path / run).mkdir()
    whole = prepare(victim, tmp_path / "whole", fits)
    assert whole.streams is None and "held in memory" not in capsys.readouterr().err
    monkeypatch.setattr(data, "MOST", FEW)
    part = prepare(victim, tmp_path / "part", fits)
    said = capsys.readouterr().err
    assert "8 of 18 training pictures and 8 of 9 test pictures are held in memory" in said
    assert f"testing softmax {TEST}/{TEST}" in said
    assert part.accuracy == whole.accuracy
    np.testing.assert_array_equal(*(one.classifier.params["fc"]["kernel"] for one in (whole, part)))
    assert part.streams is None and len(part.splits.train.labels) == FEW
    again = prepare(victim, tmp_path / "part", fits, whole=True)
    assert again.accuracy == whole.accuracy
    said = capsys.readouterr().err
    assert "held in memory" not in said and "testing" not in said  # measured before
    assert again.splits is None and len(again.streams.train) == TRAIN
    few = dataclasses.replace(victim, accuracy_images=3)
    made = prepare(few, tmp_path / "few", fits, whole=True)
    assert made.accuracy in (0.0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0)
    with pytest.raises(ValueError, match="--accuracy-images must be at least 1, got 0"):
        prepare(dataclasses.replace(victim, accuracy_images=0), tmp_path, fits)


@pytest.mark.parametrize(("part", "most"), [("train", FEW), ("val", FEW), ("val", data.MOST)])
def test_a_broken_picture_is_one_message(part, most, photographs, monkeypatch, tmp_path, capsys):
    """A network that was trained before it was found is kept, and nothing else is."""
    folder, run = tmp_path / "copy", tmp_path / "run"
    shutil.copytree(photographs, folder)
    broken = folder / part / "g" / "04.png"
    broken.write_bytes(b"no picture")
    victim = Victim(dataset=str(folder), image_size=(SIDE, SIDE), model="softmax", train_steps=40)
    monkeypatch.setattr(data, "MOST", most)
    config = evolve.Config(victim=victim, run=RunFlags(out=str(run)))
    with pytest.raises(SystemExit):
        command.run(lambda: evolve.main(config), debug=False)
    message = capsys.readouterr().err.split("error: ")[1]
    assert f"{broken}: broken, it cannot be read as a picture (" in message
    trained = (part, most) == ("val", FEW)
    kept = ["begun.json", "classifier", "config.json", "inputs.json"] * trained
    assert sorted(path.name for path in run.glob("*")) == kept
    assert message.count("\n") == (3 if trained else 1)
    assert (f"go on with\n    python -m experiments.evolve --resume {run}" in message) == trained
