import csv
import json

import numpy as np
import pytest

from experiments import senses
from fooljax import data, study
from fooljax.study import Victim, change

KINDS = {"digits": "pictures", "tones": "sounds"}


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder and summary."""
    folder = tmp_path_factory.mktemp("senses") / "run"
    return folder, senses.main(change(senses.PRESETS["smoke"], out=str(folder)))


def test_records_are_what_the_cells_found(smoke):
    folder, summary = smoke
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert {one["dataset"]: one["medium"] for one in records} == KINDS
    assert len(records) == 2 * 2
    for name in senses.MEASURES:
        assert all(0.0 <= float(one[name]) <= 1.0 for one in records)
    written = json.loads((folder / "summary.json").read_text())["shares"]
    for row in written:
        of_set = [float(one["searched"]) for one in records if one["dataset"] == row["dataset"]]
        assert row["searched"]["mean"] == pytest.approx(np.mean(of_set))
    assert summary["networks"]["tones"]["accuracy"] == pytest.approx(
        np.mean([float(one["accuracy"]) for one in records if one["dataset"] == "tones"])
    )


def test_what_was_found_is_kept_and_can_be_heard(smoke):
    folder, _ = smoke
    arrays = np.load(folder / "arrays.npz")
    shapes = {arrays[name].shape for name in arrays if name.endswith("inputs")}
    assert shapes == {(10, 28, 28, 1), (8, 4000, 1)}
    page = (folder / "report.html").read_text()
    assert page.count("<audio") == 8 and page.count("Pictures: digits") == 1


@pytest.mark.parametrize(
    ("confidences", "title", "lead"),
    [
        ({"digits": 0.995, "tones": 0.999}, "Fooled, whatever the medium", "see and hear"),
        ({"digits": 0.995, "tones": 0.5}, "One of 2 kinds of networks is certain", "see and hear"),
        ({"digits": 0.5}, "Not certain of nonsense", "see were"),
        ({"digits": 0.995}, "Certain of nonsense", "see were"),
    ],
)
def test_the_page_speaks_of_the_media_that_were_fooled(confidences, title, lead):
    config = change(senses.PRESETS["smoke"], seeds=1)
    scenes = {name: senses.Scene(data.load(name), "mlp", None, "") for name in confidences}
    rows = [
        study.Row({"dataset": name}, {"searched": study.exactly(sure)})
        for name, sure in confidences.items()
    ]
    found = senses.Found(config, scenes, None, study.Table(tuple(rows)))
    opening = next(senses.report(found))
    assert opening.title.startswith(title) and f"Networks that {lead}" in opening.lead


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"senses": ("digits:mlp",)}, "--senses: each must be DATASET:MODEL:ENCODING, got"),
        ({"senses": ("digits:mlp:direct", "digits:mlp:cppn")}, "--senses: each data set once"),
        ({"senses": ("digits:mlp:partials9",)}, "--senses: .*partials9"),
        ({"senses": ("tones:mlp:cppn9",)}, "--senses"),
        ({"senses": ("tons:mlp:direct",)}, "--senses tons: no data set is called 'tons'"),
        ({"senses": ("digits:lenet9:direct",)}, "--senses lenet9: unknown network"),
        ({"victim": Victim(dataset="tones")}, "--dataset tones: give --senses"),
        ({"victim": Victim(weights="w.pth")}, "--weights w.pth: networks are trained here"),
        ({"victim": Victim(train_seed=3)}, "--train-seed: .* --seed decides about all networks"),
        ({"victim": Victim(image_size=(8, 8))}, "--image-size: data sets have the sizes they co"),
    ],
)
def test_impossible_settings_are_refused(flags, message, tmp_path):
    config = change(senses.PRESETS["smoke"], out=str(tmp_path / "run"), **flags)
    with pytest.raises(ValueError, match=message):
        senses.main(config)
