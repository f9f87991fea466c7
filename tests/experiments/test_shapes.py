"""What ``experiments.shapes`` writes, against plain numpy from the arrays on disk."""

import csv
import json
import re

import numpy as np
import pytest

from experiments import shapes
from fooljax import study
from fooljax.study import Hiding, Victim, change

pytestmark = pytest.mark.slow  # a whole run


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(shapes.PRESETS["smoke"], out=str(folder))
    return folder, config, shapes.main(config)


def value(folder, look, name, at, images="ascent", repeat="1"):
    with (folder / "records.csv").open() as stream:
        found = study.where(
            csv.DictReader(stream), look=look, name=name, at=at, images=images, repeat=repeat
        )
    assert len(found) == 1, (look, name, at)
    return float(found[0]["value"])


def unit(folder, look):
    with np.load(folder / "units" / f"look-{look}-images-ascent-repeat-1.npz") as found:
        return dict(found)


def test_losses_of_two_parts_against_their_sum(smoke):
    """120 pairs of 16 blocks; in front of another fill they are others."""
    folder, config, summary = smoke
    found = unit(folder, "together")
    assert found["sums"].shape == found["joint"].shape == (2, config.hiding.images, 120)
    for place, fill in enumerate(config.hiding.fills):
        sums, joint = (found[name][place].astype(np.float64) for name in ("sums", "joint"))
        wanted = np.corrcoef(sums.ravel(), joint.ravel())[0, 1]
        assert value(folder, "together", "additivity", fill) == pytest.approx(wanted, abs=1e-6)
        apart = [one - one.mean(axis=1, keepdims=True) for one in (sums, joint)]
        inside = np.corrcoef(*(one.ravel() for one in apart))[0, 1]
        assert value(folder, "together", "within", fill) == pytest.approx(inside, abs=1e-6)
    assert not np.allclose(found["joint"][0], found["joint"][1])
    # softmax regression is linear: two parts take away what each takes
    assert set(summary["additivity"]) == {"real", "ascent"}
    assert summary["additivity"]["real"]["mean"] == pytest.approx(1.0, abs=1e-4)
    assert summary == json.loads((folder / "summary.json").read_text())


def test_whole_images_are_the_coarsest_order(smoke):
    """One patch a side is the image itself; the finest are single pixels."""
    folder, config, _ = smoke
    found = unit(folder, "shuffled")
    assert found["grids"].tolist() == [1, 2, 4, 7, 14, 28]
    assert value(folder, "shuffled", "named", "1") == found["named"][:, 0].mean() == 1.0
    certain = 1.0 / (1.0 + np.exp(-found["top"].astype(np.float64))) >= config.hiding.tau
    for place, grid in enumerate(found["grids"]):
        assert value(folder, "shuffled", "certain", str(grid)) == certain[:, place].mean()
    assert value(folder, "shuffled", "certain", "1") == value(folder, "whole", "certain", "")


def test_pictures_and_page(smoke):
    folder, _, _ = smoke
    page = (folder / "report.html").read_text()
    names = sorted(path.name for path in folder.glob("*.png"))
    assert names == ["shuffled_certain.png", "shuffled_named.png"]
    assert page.count("data:image/png;base64,") == len(names)
    text = re.sub(r"base64,[^\"]*", "", page)
    assert "nan" not in text
    assert "python -m experiments.shapes --model softmax --train-steps 60" in text
    for title in ("Do parts add up?", "Patches instead of shape", "Within an image"):
        assert title in text


@pytest.mark.slow
def test_the_network_of_the_paper(data_dir, tmp_path):
    """Released LeNet: parts of evolved pixels add up, as measured before."""
    weights = f"{data_dir}/models/caffe_lenet_mnist.safetensors"
    config = shapes.Config(
        victim=Victim(dataset="mnist", weights=weights, data_dir=data_dir),
        hiding=Hiding(
            generators=("direct",), repeats=2, generations=100, fills=("median", "white")
        ),
        looks=("together",),
    )
    summary = shapes.main(change(config, out=str(tmp_path / "run")))
    assert summary["additivity"]["direct"]["mean"] > 0.98


IMPOSSIBLE = {
    "--images must be 2 at least, got 1": {"images": 1},
    "--fills must name 2 at least": {"fills": ("median",)},
    "--looks: unknown 'shufled'; did you mean shuffled": {"looks": ("shufled",)},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(shapes.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        shapes.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
