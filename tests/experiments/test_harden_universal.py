"""The smoke preset as a user would run it, its numbers from the files alone, refused settings."""

import csv
import html
import json
import re

import numpy as np
import pytest

from experiments import harden_universal
from experiments.harden_universal import page
from experiments.harden_universal.measure import decide
from fooljax import study
from fooljax.metrics import Interval
from fooljax.study import Victim, change
from fooljax.study.cells import file_name


def name_of(rounds, part, number=None):
    place = {"rounds": rounds, "part": part}
    return file_name(place if number is None else {**place, "number": number})


def mean(summary, rounds, kind):
    return study.where(summary["shares"], rounds=rounds, kind=kind)[0]["share"]["mean"]


# dozens of programs; what they do is tested with the library and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(harden_universal.PRESETS["smoke"], out=str(folder))
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
    images, found = whole[chosen], np.load(folder / "arrays.npz")
    for turn in range(1, config.rounds + 1):
        weights = np.load(folder / "units" / f"{name_of(turn, 'weights')}.npz")
        bias, kernel = weights["weights_000"], weights["weights_001"]
        answer = lambda pixels: np.argmax(pixels @ kernel + bias, axis=1)  # noqa: B023
        fooled = lambda *place: np.mean(
            answer(images)  # noqa: B023
            != answer(  # noqa: B023
                np.clip(images + found[f"{name_of(*place)}.perturbation"].ravel(), 0.0, 1.0)
            )
        )
        right = np.mean(answer(whole) == np.asarray(test.labels))
        assert mean(summary, turn, "right") == pytest.approx(right)
        new = [fooled(turn, "sgd", i) for i in (0, 1)]
        assert mean(summary, turn, "sgd") == pytest.approx(np.mean(new))
        trained_on = [fooled(turn - 1, "pool", i) for i in (0, 1)]
        assert mean(summary, turn, "trained_on") == pytest.approx(np.mean(trained_on))
        first = [fooled(0, "pool", i) for i in (0, 1)]
        assert mean(summary, turn, "first") == pytest.approx(np.mean(first))
    for name in found.files:
        assert np.abs(found[name]).max() <= np.float32(config.epsilon), name
    # what was trained on fools less than what is made anew
    end = config.rounds
    assert mean(summary, end, "trained_on") < mean(summary, end, "sgd") - 0.2
    with (folder / "records.csv").open() as stream:
        shares = [float(one["share"]) for one in csv.DictReader(stream)]
    assert len(shares) == 4 * 2 + 4 * (1 + 1 + 2 + 2 + 2)


def test_the_tests_are_not_the_pool(smoke):
    folder, _, _ = smoke
    found = np.load(folder / "arrays.npz")
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
    page = (folder / "report.html").read_text().replace("&nbsp;", " ")
    assert page.count("data:image/png;base64,") == len(pictures)
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    assert "python -m experiments.harden_universal --model softmax --train-steps 60" in page
    assert html.escape(summary["conclusion"]) in page


def test_a_resumed_run_gives_the_same(smoke):
    folder, config, summary = smoke
    names = ("arrays.npz", "records.csv", "rounds.png")
    before = {name: (folder / name).read_bytes() for name in names}
    places = ((1, "weights"), (1, "pool", 1), (2, "sgd", 0), ("none", "weights"))
    for lost in (name_of(*place) for place in places):
        (folder / "units" / f"{lost}.npz").unlink()
    (folder / "report.html").unlink()
    again = harden_universal.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert json.dumps(again["shares"]) == json.dumps(summary["shares"])
    assert again["conclusion"] == summary["conclusion"]
    assert (folder / "report.html").stat().st_size > 10_000


def rate(mean, half=0.01):
    return Interval(mean, mean - half, mean + half)


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
    assert decide(worst, [rate(random)] * 3) == verdict


def test_a_network_that_cannot_be_trained_is_refused_before_anything_is_made(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import fooljax as fj\n"
        "answer = lambda images: images.reshape(len(images), -1)[:, :10]\n"
        "make = lambda: fj.models.from_function(answer, (8, 8, 1), 10)\n"
    )
    victim = Victim(model=f"{tmp_path}/mine.py:make", image_size=(8, 8))
    config = change(harden_universal.PRESETS["smoke"], victim=victim, out=f"{tmp_path}/run")
    with pytest.raises(ValueError, match=r"--model .*mine\.py:make: .* no weights"):
        harden_universal.main(config)
    assert not (tmp_path / "run" / "units").exists()


def test_a_network_that_anything_fools_is_not_called_hard_to_fool():
    """Fooled by nearly all universal changes, and by more than half as many random ones."""
    config = change(harden_universal.PRESETS["smoke"], rounds=1)
    kinds = {"sgd": 0.94, "random": 0.6, "right": 0.1, "pgd": 1.0, "trained_on": 0.8}
    records = [
        {"kind": kind, "rounds": rounds, "repeat": 0, "share": share}
        for kind, share in kinds.items()
        for rounds in (0, 1, "none")
    ]
    shares = study.summarize(records, ("kind", "rounds"), ["share"])
    words = page.conclude(config, shares, "untested")
    assert "less than twice as often as random changes" in words and "hardly" not in words
    assert "94 % of held-out images before and 94 % after 1 round (" in words


def test_verdict_without_intervals():
    worst = [rate(0.9, float("nan")), rate(0.5, float("nan"))]
    assert decide(worst, [rate(0.1)] * 2) == "partly"


IMPOSSIBLE = {
    "--rounds must be at least 1, got 0": {"rounds": 0},
    "--pool must be at least 1, got 0": {"pool": 0},
    "--tests must be at least 1, got 0": {"tests": 0},
    "--epsilon must be positive, got 0": {"epsilon": 0.0},
    "--pgd-epsilon must be positive, got nan": {"pgd_epsilon": float("nan")},
    "--tune-learning-rate must be positive, got -1": {"tune_learning_rate": -1.0},
    r"--share must be in \(0, 1\], got 0": {"share": 0.0},
    "--methods must name at least 1, each once, got sgd sgd": {"methods": ("sgd", "sgd")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(harden_universal.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        harden_universal.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
