import csv
import json
import re
from collections import Counter

import numpy as np
import pytest

from experiments import nonsense
from experiments.nonsense import measure
from fooljax import study
from fooljax.interrupts import Interrupted
from fooljax.study import change


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("nonsense") / "run"
    config = change(nonsense.PRESETS["smoke"], out=str(folder))
    return folder, config, nonsense.main(config)


def read(folder):
    with (folder / "records.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_everything_is_recorded(smoke):
    folder, _, summary = smoke
    records = read(folder)
    parts = Counter(record["part"] for record in records)
    assert parts["right"] == 2 and parts["noise"] == 2 * 107 and parts["reduced"] == 2 * 20
    assert parts["fooled"] == 2 * (13 + 13 + 20) and parts["nonsense"] == 2 * 2 * 13
    for record in records[:2]:  # rounding of ties
        accuracy = summary["networks"][record["network"]]["accuracy"]
        assert float(record["right"]) == pytest.approx(accuracy, abs=1e-3)


def test_no_fewer_words_give_the_same_answer(smoke):
    """What is left is part of the question, in its order, and long questions are cut."""
    folder, _, _ = smoke
    for record in read(folder):
        if record["part"] == "reduced":
            question = record["question"].rstrip("?").split()
            left = record["text"].split()
            assert 1 <= len(left) == float(record["left"]) <= len(question)
            place = iter(question)
            assert all(word in place for word in left)
            assert 0.0 < float(record["sure_left"]) <= 1.0


def test_pictures_are_what_the_network_was_asked_about(smoke):
    folder, _, _ = smoke
    arrays = np.load(folder / "arrays.npz")
    cells = [name for name in arrays.files if name.endswith(".images")]
    assert len(cells) == 2 * 3
    for name in cells:
        assert arrays[name].dtype == np.uint8 and arrays[name].shape[1:] == (64, 64, 3)
    written = json.loads((folder / "summary.json").read_text())
    for table in (
        "right",
        "noise",
        "fooled",
        "reduced",
        "lengths",
        "nonsense",
    ):
        assert written[table]
    assert "NaN" not in (folder / "summary.json").read_text()


def test_page(smoke):
    folder, config, _ = smoke
    page = (folder / "report.html").read_text()
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert pictures == ["examples.png", "nonsense_0.png"]
    assert page.count("data:image/png;base64,") == len(pictures)
    assert "python -m experiments.nonsense --train-steps 40 --images 20" in page
    reduced = study.where(read(folder), part="reduced", network=f"{config.models[0]} 1")
    assert reduced and f"From each of {len(reduced)} test questions as many words" in page
    assert "first 2 test pictures" in page
    assert "intervals over networks" in page.replace("&nbsp;", " ")
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    config = change(config, out=str(tmp_path / "cut"), classifier=str(folder / "networks"))
    calls = []
    logits = study.outputs.logits

    def stop_then(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return logits(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(measure.study, "logits", stop_then)
        nonsense.main(config)
    nonsense.main(change(config, out=None, resume=config.run.out))
    for name in ("records.csv", "arrays.npz", "nonsense_0.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


IMPOSSIBLE = {
    "--questions: unknown word 'purple' in 'is there purple": {"questions": ("is there purple?",)},
    r"--questions: a question must have a word at least, got '\?'": {"questions": ("?",)},
    "--questions: a question may have 9 words, got 10": {"questions": ("is " * 10,)},
    "--models: unknown 'lenet'; There are pooled, flat": {"models": ("lenet",)},
    "--generators: unknown 'pgd'": {"generators": ("pgd",)},
    "--weights: networks that answer questions are trained here": {"weights": "x.safetensors"},
    "--reduced must be at least 1, got 0": {"reduced": 0},
    "--queries 9: no kind of picture here is made by it": {"queries": 9},
    "--epsilon-l2 0.5: no kind of picture here is made by it": {"epsilon_l2": 0.5},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(nonsense.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        nonsense.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
