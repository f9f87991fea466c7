"""The smoke preset as a user would run it, its numbers by numpy, and what is refused."""

import csv
import json
import re

import jax
import numpy as np
import pytest

from experiments import patch
from fooljax import attacks, data, models, study
from fooljax.study import Victim, change
from fooljax.study.cells import file_name


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patch") / "run"
    config = change(patch.PRESETS["smoke"], out=str(folder))
    return folder, config, patch.main(config)


def test_shares_are_what_the_networks_say(smoke):
    """From the files alone: put the sticker on again, softmax regression is one matrix."""
    from fooljax.runtime import checkpoints

    folder, config, summary = smoke
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == 4 * 2 * 2 * 2  # stickers, repeats, networks, sizes
    assert summary["target"] == "0" and summary["test_images"] == 100
    splits = data.load("digits")
    network = models.build("softmax", jax.random.key(0), splits.train.input_shape, 10)
    params = checkpoints.load(folder / "networks" / "softmax", network.params)
    kernel, bias = (np.asarray(params["fc"][leaf]) for leaf in ("kernel", "bias"))
    said = lambda images: np.argmax(np.asarray(images).reshape(100, -1) @ kernel + bias, axis=1)
    order = jax.random.permutation(study.key_of(0, images="test"), len(splits.test.labels))
    images = data.as_float(splits.test.images[np.sort(np.asarray(order)[:100])])
    others = said(images) != 0
    stickers = np.load(folder / "arrays.npz")
    for made_for in ("softmax", patch.REAL, patch.RANDOM):
        cell = {"made_for": made_for, "repeat": 1}
        sticker = stickers[f"{file_name(cell)}.patch"]
        places = study.key_of(0, places="test", size=0.5, repeat=1)
        where = attacks.placement(0.5, 0.5, config.degrees)
        after = said(attacks.apply_patch(places, images, sticker, where))
        (record,) = study.where(
            records, made_for=made_for, repeat="1", shown_to="softmax", size="0.5"
        )
        assert float(record["named"]) == pytest.approx(np.mean(after[others] == 0), abs=0.03)
        assert float(record["wrong"]) == pytest.approx(np.mean(after != said(images)), abs=0.03)


def test_the_real_sticker_is_a_picture_of_the_target(smoke):
    folder, _, _ = smoke
    train = data.load("digits").train
    zeros = np.asarray(train.images)[np.asarray(train.labels) == 0] / np.float32(255)
    sticker = np.load(folder / "arrays.npz")[
        f"{file_name({'made_for': patch.REAL, 'repeat': 0})}.patch"
    ]
    nearest = min(abs(patch.as_stickers(zeros, len(sticker)) - sticker).max(axis=(1, 2, 3)))
    assert nearest < 1e-5


@pytest.mark.parametrize(
    ("real", "said"),
    [
        ((0.1, 0.2), "+30.0 (in every repeat), a gain beyond chance."),
        ((0.1, 0.4), "+20.0 (-107.1 to +147.1), within chance."),  # t of one degree: 12.71
        ((0.5, 0.598), "-9.9 (-11.2 to -8.6), a loss beyond chance."),
        ((0.1,), "+30.0, without an interval."),
    ],
)
def test_a_sticker_is_compared_with_the_picture_repeat_by_repeat(real, said):
    own = (0.4, 0.5)[: len(real)]
    config = change(patch.PRESETS["smoke"], repeats=len(real))
    records = [
        {"made_for": name, "shown_to": "mlp", "size": 0.5, "repeat": i, "named": share}
        for name, shares in (("mlp", own), (patch.REAL, real))
        for i, share in enumerate(shares)
    ]
    found = patch.Found(config, None, None, records, None)
    assert patch.worth(found, "mlp").startswith("Beyond the real picture, in points,")
    assert said in patch.worth(found, "mlp")


def test_pictures_and_page(smoke):
    folder, _, _ = smoke
    names = {"examples.png", "stickers.png", "sizes.png", "transfer.png"}
    assert {path.name for path in folder.glob("*.png")} == names
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)
    assert json.loads((folder / "summary.json").read_text())["shares"]


IMPOSSIBLE = {
    r"--target must be in \[0, 10\), got 10": {"target": 10},
    "--least, --most, --degrees: least must be at most 0.6": {"least": 0.9},
    "--degrees: degrees must be in": {"degrees": 270.0},
    "--size must be in": {"size": 0.0},
    "a sticker lies on pictures": {"victim": Victim(dataset="tones", model="sound_cnn"),
                                   "models": ("sound_cnn",)},
}  # fmt: skip


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=range(len(IMPOSSIBLE)))
def test_impossible_settings_are_refused(tmp_path, message, changes):
    config = change(patch.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        patch.main(change(config, **changes))
