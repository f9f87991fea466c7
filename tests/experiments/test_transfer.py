import dataclasses
import json
import re

import numpy as np
import pytest

from experiments import transfer, transfer_generators, transfer_results
from fooljax.interrupts import Interrupted
from fooljax.runtime.victim import Victim

NAMES = ["softmax 1", "softmax 2", "mlp 1", "mlp 2"]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = dataclasses.replace(transfer.PRESETS["smoke"], out=str(folder))
    return folder, config, transfer.main(config)


def test_matrices_are_what_the_networks_say(smoke):
    """Count answers in plain numpy, from the logits on disk."""
    folder, config, _ = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary["networks"]) == NAMES
    arrays = np.load(folder / "images.npz")
    for name, measured in summary["generators"].items():
        logits, labels = arrays[f"{name}_logits"], arrays[f"{name}_labels"]
        assert logits.shape == (config.repeats, 4, 4, config.images, 10)
        same, confidence = np.zeros((2, 4, 4)), np.zeros((2, 4, 4))
        for repeat, made_for, other in np.ndindex(2, 4, 4):
            of_maker = logits[repeat, made_for, made_for].copy()
            answers = logits[repeat, made_for, other].argmax(axis=1)
            shares = np.exp(logits[repeat, made_for, other].astype(np.float64))
            shares /= shares.sum(axis=1, keepdims=True)
            truth = labels[repeat, made_for]
            asked = truth.copy()
            if name != "noise":
                of_maker[np.arange(len(truth)), truth] = -np.inf
                asked = of_maker.argmax(axis=1)
            own = logits[repeat, made_for, made_for].argmax(axis=1)
            same[repeat, made_for, other] = np.mean((answers == asked) & (own == asked))
            confidence[repeat, made_for, other] = shares[np.arange(len(asked)), asked].mean()
        found = measured["matrices"]
        np.testing.assert_allclose(found["same_label"]["per_repeat"], same, atol=1e-6)
        np.testing.assert_allclose(found["confidence"]["per_repeat"], confidence, atol=1e-5)
        np.testing.assert_allclose(found["same_label"]["mean"], same.mean(axis=0), atol=1e-6)
        alike = (same[:, 0, 1] + same[:, 1, 0] + same[:, 2, 3] + same[:, 3, 2]) / 4
        rate = measured["rates"]["other weights"]["same_label"]
        assert rate["mean"] == pytest.approx(alike.mean())
        assert 0.0 <= rate["low"] <= rate["mean"] <= rate["high"] <= 1.0


def test_numbers_that_must_hold(smoke):
    _, _, summary = smoke
    rates = {name: one["rates"] for name, one in summary["generators"].items()}
    assert rates["noise"]["itself"]["same_label"]["mean"] == 1.0  # it is labeled by its network
    of_pgd = {name: rate["any_label"]["mean"] for name, rate in rates["pgd"].items()}
    assert of_pgd["itself"] > of_pgd["other weights"]
    for relation in of_pgd:
        assert of_pgd[relation] > rates["random_signs"][relation]["any_label"]["mean"]


def test_images_are_real_ones_changed_by_epsilon(smoke):
    from fooljax import data

    folder, config, _ = smoke
    arrays = np.load(folder / "images.npz")
    test = data.load("digits").test
    known, labels = np.asarray(data.as_float(test.images)), np.asarray(test.labels)
    for name in ("pgd", "random_signs"):
        made = (arrays[f"{name}_images"][1, 2], arrays[f"{name}_labels"][1, 2])
        for image, label in zip(*made, strict=True):
            far = np.abs(known - image).max(axis=(1, 2, 3))
            assert far.min() <= config.epsilon + 1e-6 and labels[far.argmin()] == label


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
    assert "python -m experiments.transfer --train-steps 60 --models softmax mlp" in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)


@pytest.mark.slow
def test_stopped_in_the_middle_the_numbers_are_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    victim = dataclasses.replace(config.victim, classifier=str(folder / "networks"))
    config = dataclasses.replace(config, victim=victim, out=str(tmp_path / "cut"))
    build, calls = transfer_generators.build, []

    def build_and_stop(*arguments):
        calls.append(arguments[0])
        if len(calls) == 10:
            raise KeyboardInterrupt
        return build(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(transfer_generators, "build", build_and_stop)
        transfer.main(config)
    assert len(list((tmp_path / "cut" / "units").iterdir())) == 9
    again = dataclasses.replace(config, out=None, resume=config.out)
    monkeypatch.setattr(transfer_results, "write", lambda folder, config, networks, made: made)
    resumed = transfer.main(again)
    assert len(resumed) == 2 * 4 * len(config.generators)
    for name, arrays in resumed.items():
        uncut = np.load(folder / "units" / f"{name}.npz")
        for field in ("images", "labels", "logits"):
            np.testing.assert_array_equal(arrays[field], uncut[field])


@pytest.mark.slow
def test_one_network_of_each_architecture(smoke, tmp_path):
    """Without pairs of equal architecture the page says nothing of them."""
    _, config, _ = smoke
    changes = {"network_seeds": 1, "repeats": 1, "generators": ("noise",), "images": 10}
    config = dataclasses.replace(config, out=str(tmp_path / "run"), **changes)
    summary = transfer.main(config)
    assert np.isnan(summary["generators"]["noise"]["rates"]["other weights"]["any_label"]["mean"])
    page = re.sub(r"base64,[^\"]*", "", (tmp_path / "run" / "report.html").read_text())
    assert "nan" not in page and "other weights</" not in page


def test_architecture_of_a_name():
    names = ["lenet", "lenet 2", "my net.py:make", "my net.py:make 12"]
    expected = ["lenet", "lenet", "my net.py:make", "my net.py:make"]
    assert [transfer_results.architecture(name) for name in names] == expected


IMPOSSIBLE = {
    "--repeats must be at least 1, got 0": {"repeats": 0},
    "--images must be at least 1, got 0": {"images": 0},
    r"--tau must be in \(0, 1\), got 1.0": {"tau": 1.0},
    r"--epsilon must be in \[0, 1\], got -0.1": {"epsilon": -0.1},
    "--generators must be some of .* got magic": {"generators": ("magic",)},
    "--generators must be some of .* got none": {"generators": ()},
    "--generators must be some of .* each once": {"generators": ("pgd", "pgd")},
    "--model: give --models mlp another": {"victim": Victim(model="mlp")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "it takes two networks": {"models": ("mlp",), "network_seeds": 1},
    "--models: each architecture once": {"models": ("mlp", "mlp")},
    "--models: a.py:b has but one set": {"models": ("a.py:b", "mlp")},
    "--weights 'absent': these networks are trained here": {"victim": Victim(weights="absent")},
    "--models nope: unknown network": {"models": ("nope", "mlp")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = dataclasses.replace(transfer.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        transfer.main(dataclasses.replace(config, **changes))
    assert not list(tmp_path.iterdir())


def test_more_images_than_all_networks_get_right(smoke, tmp_path):
    folder, config, _ = smoke
    victim = dataclasses.replace(config.victim, classifier=str(folder / "networks"))
    config = dataclasses.replace(config, victim=victim, images=1000, out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=r"--images: .* right about \d+ test images only, got 10"):
        transfer.main(config)


@pytest.mark.slow
def test_every_generator(smoke, tmp_path):
    folder, config, _ = smoke
    victim = dataclasses.replace(config.victim, classifier=str(folder / "networks"))
    config = dataclasses.replace(
        config,
        victim=victim,
        generators=transfer.Config().generators,
        generations=60,
        children=50,
        ascent_steps=60,
        out=str(tmp_path / "run"),
    )
    assert list(config.generators) == list(transfer_generators.GENERATORS)
    generators = transfer.main(config)["generators"]
    for one in generators.values():
        measure = "same_label" if one["kind"] == "fooling" else "any_label"
        itself, other = (
            one["rates"][relation][measure]["mean"] for relation in ("itself", "other architecture")
        )
        if not one["control"]:
            assert itself > other
    for name in ("direct", "cppn", "ascent"):
        assert generators[name]["images"] == 10
        assert generators[name]["rates"]["itself"]["same_label"]["mean"] > 0.6
