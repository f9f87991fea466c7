"""The experiment on the smallest network, and what its numbers mean."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import ascend
from experiments.ascend import measure
from fooljax import study
from fooljax.study import Results, change
from fooljax.study.cells import file_name
from fooljax.study.prepared import prepare

NAMES = {
    "ascent-none": {"way": "ascent", "name": "none", "start": "near_grey"},
    "ascent-tv": {"way": "ascent", "name": "tv", "start": "near_grey"},
    "start-grey": {"way": "ascent", "name": "none", "start": "grey"},
    "evolved-direct": {"way": "evolved", "name": "direct", "start": ""},
}


def row_of(summary, name, start=None):
    place = NAMES[name] | ({} if start is None else {"start": start})
    return study.where(summary["rows"], **place)[0]


# dozens of programs; what they do is tested with the library and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(ascend.PRESETS["smoke"], out=str(folder))
    return folder, config, ascend.main(config)


def test_smoke_writes_the_public_names(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    starts = ["near_grey", "grey", "uniform_noise", "gaussian_noise"]
    assert [row["start"] for row in summary["rows"] if row["name"] == "none"] == starts
    classes = config.classes or range(10)
    assert summary["class_names"] == [str(number) for number in classes]
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == config.repeats * (3 + 3)
    none = study.where(records, way="ascent", name="none", start="near_grey")
    evolved = study.where(records, way="evolved", name="direct")
    for record in none:
        assert int(record["forwards"]) == len(classes) * (config.steps + 2)
        assert int(record["gradients"]) == len(classes) * config.steps
    for record in evolved:
        assert int(record["forwards"]) == config.children * (config.generations + 1)
        assert int(record["gradients"]) == 0
    per_class = np.load(folder / "arrays.npz")[f"{file_name(NAMES['ascent-none'])}.confidence"]
    assert per_class.shape == (config.repeats, len(classes))
    medians, found = np.median(per_class, axis=1), row_of(summary, "ascent-none")
    assert found["confidence"]["mean"] == pytest.approx(np.median(medians))
    assert found["confidence"]["low"] == pytest.approx(medians.min())
    assert found["least"]["low"] == pytest.approx(per_class.min())
    odds = np.median(np.log(per_class) - np.log1p(-per_class), axis=1)
    assert found["odds"]["mean"] == pytest.approx(np.median(odds), abs=1e-3)
    rough = row_of(summary, "ascent-none", "uniform_noise")["variation"]["mean"]
    assert rough > found["variation"]["mean"]
    for control in summary["controls"]:
        assert control["images"] == (1 if control["start"] == "grey" else 1000)
        assert 0.1 <= control["top"] < 1.0


def test_smoke_images_are_what_the_network_says(smoke):
    from fooljax import data, models
    from fooljax.runtime import checkpoints

    folder, config, _ = smoke
    made = np.load(folder / "arrays.npz")
    train = data.load("digits").train
    network = models.build("softmax", jax.random.key(0), train.input_shape, train.num_classes)
    params = checkpoints.load(folder / "classifier", network.params)
    classes = np.array(config.classes or range(10))
    for name in ("ascent-none", "ascent-tv", "evolved-direct", "start-grey"):
        images = made[f"{file_name(NAMES[name])}.images"]
        assert images.shape[:2] == (config.repeats, len(classes))
        assert images.min() >= 0.0 and images.max() <= 1.0
        logits = network.apply(params, images.reshape(-1, *train.input_shape))
        said = np.asarray(jax.nn.softmax(logits)).reshape(config.repeats, len(classes), 10)
        own = said[:, np.arange(len(classes)), classes]
        told = made[f"{file_name(NAMES[name])}.confidence"]
        np.testing.assert_allclose(told, own, atol=1e-4)


def test_smoke_page(smoke):
    folder, _, _ = smoke
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 5
    assert "python -m experiments.ascend --model softmax --train-steps 50" in page


def test_a_finished_run_is_written_again(smoke):
    folder, config, _ = smoke
    names = ("arrays.npz", "records.csv", "curves.png")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    ascend.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_passes_until_all_classes_are_certain():
    """Two classes, one repeat: the second is certain only at the third moment."""
    odds = np.array([[[0.0, 10.0, 10.0, 11.0], [1.0, 2.0, 9.5, 9.5]]])
    unit = {
        "odds": odds,
        "passes": np.array([6.0, 10.0, 14.0, 18.0]),
        "confidence": np.array([[0.99999, 0.99993]]),
        "variation": np.array([[0.1, 0.3]]),
        "fine": np.zeros((1, 2)),
        "forwards": np.array([14]),
        "gradients": np.array([6]),
        "seconds": np.asarray(1.0),
    }

    def record(arrays):
        (found,) = measure.judge(Results(((NAMES["ascent-none"], arrays),)))
        return found

    found = record(unit)
    assert found["passes"] == 14.0
    assert (found["forwards"], found["gradients"]) == (14, 6)
    assert found["odds"] == pytest.approx((11.0 + 9.5) / 2)
    assert (found["variation"], found["above"]) == (pytest.approx(0.2), 1.0)
    assert found["least"] == 0.99993
    assert record(unit | {"odds": odds[:, :, :2], "passes": unit["passes"][:2]})["passes"] is None


@pytest.mark.slow
def test_one_start_and_one_ascent(tmp_path):
    config = change(
        ascend.PRESETS["smoke"], classes=(7, 3), starts=("near_grey",), ascents=("none",)
    )
    folder = tmp_path / "run"
    summary = ascend.main(change(config, out=str(folder)))
    assert summary["class_names"] == ["7", "3"]
    assert {row["start"] for row in summary["rows"]} == {"near_grey", ""}
    made = np.load(folder / "arrays.npz")
    network = prepare(config.victim, tmp_path / "again").classifier
    for name in ("ascent-none", "evolved-direct"):
        images = made[f"{file_name(NAMES[name])}.images"]
        assert images.shape[:2] == (config.repeats, 2)
        told = jax.nn.softmax(network(jnp.asarray(images.reshape(-1, *images.shape[2:]))))
        own = told.reshape(config.repeats, 2, 10)[:, [0, 1], [7, 3]]
        np.testing.assert_allclose(made[f"{file_name(NAMES[name])}.confidence"], own, rtol=1e-4)


@pytest.mark.slow
def test_without_evolved_images_the_page_does_not_speak_of_them(tmp_path):
    """For all classes at once: as many images as some classes have over their repeats."""
    config = change(ascend.PRESETS["smoke"], evolved=(), repeats=1, out=str(tmp_path / "run"))
    assert ascend.main(config)["class_names"] == [str(number) for number in range(10)]
    assert "evolved" not in (tmp_path / "run" / "report.html").read_text().split("How to repeat")[0]


IMPOSSIBLE = {
    "--repeats must be at least 1, got 0": {"repeats": 0},
    "--total-variation must be at least 0, got -1": {"total_variation": -1.0},
    "--ascents: unknown 'nope'; .*There are none, decay": {"ascents": ("none", "nope")},
    "--ascents: none must be among them": {"ascents": ("tv",)},
    "--evolved must name any, each once, got direct direct": {"evolved": ("direct", "direct")},
    "--evolved: unknown 'cpn'; did you mean cppn": {"evolved": ("cpn",)},
    "--starts: near_grey must be among them": {"starts": ("grey",)},
    r"--classes: numbers from 0 to 9, each once; got 3 10": {"classes": (3, 10)},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    with pytest.raises(ValueError, match=message):
        ascend.main(change(ascend.Config(), out=str(tmp_path / "run"), **changes))
    assert not (tmp_path / "run").exists()
