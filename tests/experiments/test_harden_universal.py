"""The smoke preset as a user would run it, its numbers from the files alone, refused settings."""

import dataclasses
import html
import json
import re

import numpy as np
import pytest

from experiments import harden_universal, harden_universal_results
from fooljax.runtime.victim import Victim


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = dataclasses.replace(harden_universal.PRESETS["smoke"], out=str(folder))
    return folder, config, harden_universal.main(config)


def test_smoke_numbers_from_the_files_alone(smoke):
    """Softmax regression is one matrix: every rate again by numpy."""
    from fooljax import data

    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    test = data.load("digits").test
    whole = np.asarray(test.images).reshape(len(test.images), -1) / np.float32(255)
    chosen = np.linspace(0, len(whole) - 1, config.test_images).astype(int)
    images, found = whole[chosen], np.load(folder / "perturbations.npz")
    for turn in range(1, config.rounds + 1):
        weights = np.load(folder / "units" / f"{turn:02}-network.npz")
        bias, kernel = weights["weights_000"], weights["weights_001"]
        answer = lambda pixels: np.argmax(pixels @ kernel + bias, axis=1)  # noqa: B023
        fooled = lambda name: np.mean(
            answer(images)  # noqa: B023
            != answer(np.clip(images + found[name].ravel(), 0.0, 1.0))  # noqa: B023
        )
        right = np.mean(answer(whole) == np.asarray(test.labels))
        assert summary["clean_accuracy"][turn] == pytest.approx(right)
        new = [fooled(f"{turn:02}-sgd-{i}") for i in (1, 2)]
        assert summary["new"]["sgd"][turn]["mean"] == pytest.approx(np.mean(new))
        trained_on = [fooled(f"{turn - 1:02}-pool-{i}") for i in (1, 2)]
        assert summary["trained_on"][turn] == pytest.approx(np.mean(trained_on))
        first = [fooled(f"00-pool-{i}") for i in (1, 2)]
        assert summary["first_pool"][turn] == pytest.approx(np.mean(first))
    for name in found.files:
        assert np.abs(found[name]).max() <= np.float32(config.epsilon), name
    # what was trained on fools less than what is made anew
    assert summary["trained_on"][-1] < summary["new"]["sgd"][-1]["mean"] - 0.2


def test_the_tests_are_not_the_pool(smoke):
    folder, _, _ = smoke
    found = np.load(folder / "perturbations.npz")
    flat = [found[name].tobytes() for name in found.files]
    assert len(set(flat)) == len(flat) == 2 * 2 + 3 * 2 + 2


def test_smoke_pictures_and_page(smoke):
    from PIL import Image

    folder, _, summary = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 2
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    assert "python -m experiments.harden_universal --model softmax --train-steps 60" in page
    assert html.escape(summary["conclusion"]) in page


def test_a_resumed_run_gives_the_same(smoke):
    folder, config, summary = smoke
    before = (folder / "perturbations.npz").read_bytes()
    for lost in ("01-network", "01-pool-2", "02-sgd-1", "control-network"):
        (folder / "units" / f"{lost}.npz").unlink()
    (folder / "report.html").unlink()
    again = harden_universal.main(dataclasses.replace(config, out=None, resume=str(folder)))
    assert (folder / "perturbations.npz").read_bytes() == before
    assert again["new"] == summary["new"] and again["control"] == summary["control"]
    assert (folder / "report.html").stat().st_size > 10_000


def rate(mean, half=0.01):
    return {"mean": mean, "low": mean - half, "high": mean + half}


@pytest.mark.parametrize(
    ("first", "last", "random", "verdict"),
    [
        (0.9, 0.5, 0.1, "partly"),
        (0.9, 0.15, 0.1, "solved"),
        (0.9, 0.885, 0.1, "none"),
        (0.15, 0.05, 0.1, "untested"),
        (0.0, 0.0, 0.0, "untested"),
    ],
)
def test_verdicts_follow_the_numbers(first, last, random, verdict):
    worst = [rate(first), rate(0.7), rate(last)]
    assert harden_universal_results.judge(worst, [rate(random)] * 3) == verdict


def test_verdict_without_intervals():
    worst = [rate(0.9, float("nan")), rate(0.5, float("nan"))]
    assert harden_universal_results.judge(worst, [rate(0.1)] * 2) == "partly"


IMPOSSIBLE = {
    "--rounds must be at least 1, got 0": {"rounds": 0},
    "--pool must be at least 1, got 0": {"pool": 0},
    "--tests must be at least 1, got 0": {"tests": 0},
    "--epsilon must be positive, got 0": {"epsilon": 0.0},
    "--pgd-epsilon must be positive, got nan": {"pgd_epsilon": float("nan")},
    "--tune-learning-rate must be positive, got -1": {"tune_learning_rate": -1.0},
    r"--share must be in \(0, 1\], got 0": {"share": 0.0},
    "--methods: give at least one, each once, got sgd sgd": {"methods": ("sgd", "sgd")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = dataclasses.replace(harden_universal.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        harden_universal.main(dataclasses.replace(config, **changes))
    assert not list(tmp_path.iterdir())
