import csv
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from experiments import neurons
from experiments.neurons import measure
from fooljax import study
from fooljax.interrupts import Interrupted
from fooljax.study import Victim, change
from fooljax.types import Classifier

KINDS = ("jitter", "noise")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset with a perceptron: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    victim = Victim(model="mlp", train_steps=40, image_size=(8, 8))
    small = {"kinds": KINDS, "units": 2, "pictures": 30, "steps": 12, "step_size": 0.3}
    config = change(neurons.PRESETS["smoke"], victim=victim, out=str(folder), **small)
    return folder, config, neurons.main(config)


def hidden(params, images):
    """The second hidden layer, in numpy: channel, row, column order is row order in grey."""
    x = np.float64(images).reshape(len(images), -1)
    for name in ("fc1", "fc2"):
        x = x @ np.float64(params[name]["kernel"]) + np.float64(params[name]["bias"])
        x = np.maximum(x, 0)
    return x


def test_records_are_what_the_units_do(smoke):
    """Deviations and shifts, in plain numpy, from the images on disk."""
    folder, config, summary = smoke
    params = study.prepare(config.victim, folder).classifier.params
    train = fj.data.load("digits", image_size=(8, 8)).train
    rows = np.unique(np.linspace(0, len(train.labels) - 1, 30).astype(int))
    natural = hidden(params, np.asarray(train.images)[rows] / 255.0)
    arrays = np.load(folder / "arrays.npz")
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == 2 * (1 + len(KINDS) * config.repeats)
    for record in records:
        unit, cell = int(record["unit"]), {"layer": "relu2", "kind": record["kind"]}
        cell |= {"repeat": record["repeat"]}
        name = "layer-relu2" if record["kind"] == "real" else study.cells.file_name(cell)
        place = list(arrays["layer-relu2.units"]).index(unit)
        image = arrays[f"{name}.images"][place][None]
        moves = [np.roll(image, by, axis) for by in (-1, 1) for axis in (1, 2)]
        before, after = (
            (hidden(params, np.concatenate(some))[:, unit].mean() - natural[:, unit].mean())
            / natural[:, unit].std()
            for some in ([image], moves)
        )
        assert float(record["deviations"]) == pytest.approx(before, rel=1e-3, abs=1e-3)
        assert float(record["deviations_shifted"]) == pytest.approx(after, rel=1e-3, abs=1e-3)
        if record["kind"] == "real":
            assert natural[:, unit].max() == pytest.approx(float(record["activation"]), rel=1e-4)
    means = {row["kind"]: row["deviations"]["mean"] for row in summary["deviations"]}
    of_kind = [study.where(records, kind="jitter", repeat=str(r)) for r in range(config.repeats)]
    median = [np.median([float(one["deviations"]) for one in some]) for some in of_kind]
    assert means["jitter"] == pytest.approx(np.mean(median))
    assert means["jitter"] > means["real"] > means["noise"]


def test_maps_change_with_the_network(smoke):
    _, _, summary = smoke
    alike = {(row["rule"], row["depth"]): row["alike"]["mean"] for row in summary["sanity"]}
    assert len(alike) == 3 * 3 and all(0.0 <= value < 0.99 for value in alike.values())
    assert {row["down_to"] for row in summary["sanity"]} == {"fc1", "fc2", "fc3"}


def test_pictures_and_page(smoke):
    from PIL import Image

    folder, _, _ = smoke
    assert sorted(path.name for path in folder.glob("*.png")) == ["shuffled.png", "units_relu2.png"]
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = re.sub(r"base64,[^\"]*", "", (folder / "report.html").read_text())
    assert "python -m experiments.neurons --image-size 8 8 --model mlp" in page
    assert "nan" not in page and "NaN" not in (folder / "summary.json").read_text()
    assert json.loads((folder / "summary.json").read_text())["networks"]


def test_the_usual_layer_is_the_last_with_places():
    """Rectified where that exists; of a single layer, the answer itself."""
    usual = lambda name, shape: measure.usual(
        jax.eval_shape(lambda: fj.models.build(name, jax.random.key(0), shape, 10))
    )
    assert usual("lenet", (16, 16, 1)) == "conv2"
    assert usual("softmax", (6, 6, 1)) == "fc"


def test_a_network_without_layers_to_be_seen_is_refused_in_words():
    answer = lambda images: images.reshape(len(images), -1)[:, :3]
    network = fj.models.from_function(answer, (2, 2, 1), 3)
    with pytest.raises(ValueError, match="no layers to be seen: it is computed outside of JAX"):
        fj.models.units(network, measure.usual(network))


def test_a_unit_that_is_off_on_grey_is_woken(key):
    """The first unit sees 18 pixels and fires from a sum of 14 on; of grey ones it is 9."""
    weights = jnp.stack([jnp.ones(36).at[:18].set(0.0), jnp.ones(36)], axis=1)
    apply = lambda params, x: jax.nn.relu(x.reshape(len(x), -1) @ params - jnp.array([[14.0, 0.0]]))
    network = Classifier(weights, apply, (6, 6, 1), 2)
    leaking = fj.models.units(network, "relu1", leak=0.1)
    config = change(neurons.PRESETS["smoke"], steps=16, step_size=0.2)
    images = measure._make("pixels", key, network, leaking, np.array([0, 1]), config, None)
    assert np.all(np.diagonal(network(images)) > [3.9, 30.0])


IMPOSSIBLE = {
    "--units must be at least 1, got 0": {"units": 0},
    "--kinds: unknown 'pixel'; did you mean pixels": {"kinds": ("pixel",)},
    "--kinds must name at least 1, each once, got none": {"kinds": ()},
    "--jitter 16: images are but 16x16 pixels": {"jitter": 16},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(neurons.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        neurons.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


def test_an_unknown_layer_names_them_all(smoke, tmp_path):
    folder, config, _ = smoke
    places = {"classifier": str(folder / "classifier"), "out": str(tmp_path / "run")}
    with pytest.raises(ValueError, match=r"--layers: .*'conv9' is unknown; there are fc1, relu1"):
        neurons.main(change(config, layers=("conv9",), **places))


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    places = {"classifier": str(folder / "classifier"), "out": str(tmp_path / "cut")}
    config, made, calls = change(config, **places), measure._make, []

    def stop_then(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return made(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(measure, "_make", stop_then)
        neurons.main(config)
    neurons.main(change(config, out=None, resume=config.run.out))
    for name in ("records.csv", "arrays.npz", "units_relu2.png", "shuffled.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.slow
def test_all_kinds_on_a_network_with_places(tmp_path):
    summary = neurons.main(change(neurons.PRESETS["smoke"], out=str(tmp_path / "run")))
    assert {row["kind"] for row in summary["kept"]} == {*measure.KINDS, "real"} - {"noise"}
    assert (tmp_path / "run" / "units_conv2.png").exists()
