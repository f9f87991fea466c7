import csv
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import transfer
from fooljax import study
from fooljax.interrupts import Interrupted
from fooljax.media import Pictures
from fooljax.study import Victim, change

NAMES = ["softmax 1", "softmax 2", "mlp 1", "mlp 2"]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(transfer.PRESETS["smoke"], out=str(folder))
    return folder, config, transfer.main(config)


def read(folder):
    """All records as the file has them, numbers as numbers."""
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    numbers = ("fooled", *transfer.MEASURES)
    return [one | {name: float(one[name]) for name in numbers} for one in records]


def rate(summary, generator, relation, measure="fooled"):
    """A mean with its interval; None if there are no such networks."""
    rows = study.where(summary["rates"], generator=generator, relation=relation)
    return rows[0][measure] if rows else None


def test_records_are_what_the_networks_say(smoke):
    """Count answers in plain numpy, from the logits on disk."""
    folder, config, _ = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary["networks"]) == NAMES
    records, arrays = read(folder), np.load(folder / "arrays.npz")
    assert len(records) == len(config.generators) * config.repeats * 4 * 4
    for record in records:
        made_for, other = (NAMES.index(record[name]) for name in ("made_for", "shown_to"))
        cell = {name: record[name] for name in ("generator", "made_for", "repeat")}
        name = study.cells.file_name(cell)
        logits, truth = arrays[f"{name}.logits"], arrays[f"{name}.labels"]
        assert logits.shape == (4, config.making.images, 10)
        of_maker, asked = logits[made_for].copy(), truth.copy()
        if record["generator"] != "noise":
            of_maker[np.arange(len(truth)), truth] = -np.inf
            asked = of_maker.argmax(axis=1)
        own, answers = logits[made_for].argmax(axis=1), logits[other].argmax(axis=1)
        shares = np.exp(logits[other].astype(np.float64))
        shares /= shares.sum(axis=1, keepdims=True)
        same = np.mean((answers == asked) & (own == asked))
        assert record["same_label"] == pytest.approx(same, abs=1e-6)
        sure = shares[np.arange(len(asked)), asked].mean()
        assert record["confidence"] == pytest.approx(sure, abs=1e-5)
        if record["generator"] == "noise":
            assert record["fooled"] == record["same_label"]
        else:
            assert record["fooled"] == pytest.approx(np.mean(answers != truth), abs=1e-6)
    for generator in config.generators:
        alike = [
            one["same_label"]
            for one in study.where(records, generator=generator, relation="other weights")
        ]
        assert len(alike) == 4 * config.repeats
        found = rate(summary, generator, "other weights", "same_label")
        assert found["mean"] == pytest.approx(np.mean(alike))
        assert 0.0 <= found["low"] <= found["mean"] <= found["high"] <= 1.0


def test_numbers_that_must_hold(smoke):
    _, _, summary = smoke
    # noise is labeled by its network
    assert rate(summary, "noise", "itself", "same_label")["mean"] == 1.0
    of_pgd = {name: rate(summary, "pgd", name)["mean"] for name in study.RELATIONS}
    assert of_pgd["itself"] > of_pgd["other weights"]
    for relation, share in of_pgd.items():
        assert share > rate(summary, "random_signs", relation)["mean"]


def test_images_are_real_ones_changed_by_epsilon(smoke):
    from fooljax import data

    folder, config, _ = smoke
    arrays = np.load(folder / "arrays.npz")
    test = data.load("digits").test
    known, labels = np.asarray(data.as_float(test.images)), np.asarray(test.labels)
    for name in ("pgd", "random_signs"):
        cell = study.cells.file_name({"generator": name, "made_for": "mlp 1", "repeat": 1})
        made = arrays[f"{cell}.images"], arrays[f"{cell}.labels"]
        for image, label in zip(*made, strict=True):
            far = np.abs(known - image).max(axis=(1, 2, 3))
            assert far.min() <= config.making.epsilon + 1e-6 and labels[far.argmin()] == label


def test_pictures_and_page(smoke):
    from PIL import Image

    folder, config, _ = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 1 + 4 * len(config.generators)
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    outside = re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    assert not outside
    assert "python -m experiments.transfer --train-steps 60 --images 20" in page
    assert "--models softmax mlp --network-seeds 2 --generators noise pgd random_signs" in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)


def test_random_signs_are_the_control_of_changes_of_their_size_only():
    """Not of images that show nothing, nor of changes that are small in another norm."""
    config = change(transfer.PRESETS["smoke"], generators=("cppn", "fgsm", "pgd-l2", "universal"))
    makers = {name: study.MAKERS[name] for name in (*config.generators, "random_signs")}
    one = {"fooled": study.exactly(0.5), "sure_label": study.exactly(0.25)}
    keys = [{"generator": name, "relation": "itself"} for name in makers]
    rates = study.Table(tuple(study.Row(key, one) for key in keys))
    names = SimpleNamespace(class_names=("a", "b"), first=SimpleNamespace(medium=Pictures()))
    found = transfer.Found(config, names, makers, None, ())
    said = [getattr(block, "markup", block) for block in transfer.findings(found, rates)]
    assert [("random changes" in words) for words in said] == [False, True, False, True, False]
    assert "cppn images by the network itself in 25 % of all cases" in said[-1].replace(
        "\N{NO-BREAK SPACE}", " "
    )


def units_of(folder):
    """All that a run computed, but for the time it took, as bytes by name."""
    found = {}
    for path in sorted((folder / "units").iterdir()):
        with np.load(path) as arrays:
            found |= {f"{path.name} {name}": arrays[name].tobytes() for name in arrays.files}
    return {name: array for name, array in found.items() if not name.endswith(" seconds")}


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "networks"), out=str(tmp_path / "cut"))
    logits, calls = study.logits, []

    def stop_then(*arguments):
        calls.append(1)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return logits(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(study, "logits", stop_then, raising=False)
        transfer.main(config)
    there = len(list((tmp_path / "cut" / "units").iterdir()))
    assert 0 < there < 2 * 4 * len(config.generators)
    transfer.main(change(config, out=None, resume=config.run.out))
    assert units_of(tmp_path / "cut") == units_of(folder)
    for name in ("records.csv", "arrays.npz", "overview.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.slow
def test_without_a_generator_the_others_are_the_same(smoke, tmp_path):
    """Random numbers follow names, and not the place of a generator among others."""
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "networks"), out=str(tmp_path / "run"))
    transfer.main(change(config, generators=("random_signs", "noise")))
    lines = (folder / "records.csv").read_text().splitlines()
    fewer = (tmp_path / "run" / "records.csv").read_text().splitlines()
    assert sorted(fewer) == sorted(line for line in lines if not line.startswith("pgd,"))


@pytest.mark.slow
def test_one_network_of_each_architecture(smoke, tmp_path):
    """Without pairs of equal architecture the page says nothing of them."""
    _, config, _ = smoke
    changes = {"network_seeds": 1, "repeats": 1, "generators": ("noise",), "images": 10}
    summary = transfer.main(change(config, out=str(tmp_path / "run"), **changes))
    assert rate(summary, "noise", "other weights") is None
    page = re.sub(r"base64,[^\"]*", "", (tmp_path / "run" / "report.html").read_text())
    assert "nan" not in page and "other weights</" not in page


IMPOSSIBLE = {
    "--repeats must be at least 1, got 0": {"repeats": 0},
    "--images must be at least 1, got 0": {"images": 0},
    r"--tau must be in \(0, 1\), got 1.0": {"tau": 1.0},
    r"--epsilon must be in \[0, 1\], got -0.1": {"epsilon": -0.1},
    "--generators: unknown 'xyzzy'; There are direct, cppn": {"generators": ("xyzzy",)},
    "--generators: unknown 'deepfol'; did you mean deepfool": {"generators": ("deepfol",)},
    "--generators must name at least 1, each once, got none": {"generators": ()},
    "--generators must name at least 1, each once, got pgd pgd": {"generators": ("pgd", "pgd")},
    "--model: give --models mlp another": {"victim": Victim(model="mlp")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "it takes two networks": {"models": ("mlp",), "network_seeds": 1},
    "--models must name at least 1, each once": {"models": ("mlp", "mlp")},
    "--models: a.py:b has but one set": {"models": ("a.py:b", "mlp")},
    "--weights 'absent': these networks are trained here": {"victim": Victim(weights="absent")},
    "--models nope: unknown network": {"models": ("nope", "mlp")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(transfer.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        transfer.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


def test_more_images_than_all_networks_get_right(smoke, tmp_path):
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "networks"), out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=r"--images: .* right about \d+ test images only, got 10"):
        transfer.main(change(config, images=1000))


@pytest.mark.slow
def test_every_generator(smoke, tmp_path):
    folder, config, _ = smoke
    changes = {"generations": 60, "children": 50, "ascent_steps": 60}
    config = change(
        config,
        classifier=str(folder / "networks"),
        generators=transfer.Config().generators,
        out=str(tmp_path / "run"),
        **changes,
    )
    summary = transfer.main(config)
    for name in config.generators:
        if not study.MAKERS[name].control:
            itself, other = (rate(summary, name, r) for r in ("itself", "other architecture"))
            assert itself["mean"] > other["mean"]
    images = np.load(tmp_path / "run" / "arrays.npz")
    for name in ("direct", "cppn", "ascent"):
        cell = study.cells.file_name({"generator": name, "made_for": "mlp 1", "repeat": 0})
        assert images[f"{cell}.images"].shape[0] == 10
        assert rate(summary, name, "itself", "same_label")["mean"] > 0.6
    page = (tmp_path / "run" / "report.html").read_text()
    assert "How sure are the other networks?" in page and "With certainty" in page
