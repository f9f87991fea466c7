"""The smoke preset as a user would run it, and the settings that are refused."""

import dataclasses
import json
import re

import numpy as np
import pytest

from experiments import smooth, smooth_results, smooth_story, smooth_units
from fooljax.runtime.victim import Victim

# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = dataclasses.replace(smooth.PRESETS["smoke"], out=str(folder))
    return folder, config, smooth.main(config)


def test_smoke_numbers(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    names = [setting.name for setting in smooth_units.settings_of(config)]
    assert list(summary["settings"]) == names and names[0] == "bare"
    bare = summary["settings"]["bare"]
    for name, row in summary["settings"].items():
        assert 0.3 < row["clean_accuracy"]["mean"] <= 1.0
        for epsilon, one in row["perturbed"].items():
            assert one["right_adaptive"]["mean"] <= one["right_naive"]["mean"] + 1e-9
            against = bare["perturbed"][epsilon]["right_adaptive"]["mean"]
            gain = one["right_adaptive"]["mean"] - against
            assert one["adaptive_gain"]["mean"] == pytest.approx(gain)
            if name == "bare":
                assert one["verdict"] == "none" and one["gain_vanishes"] is None
        assert row["fooling"].keys() == set(config.generators)
    certified = summary["certified"]["0.25"]
    assert np.all(np.diff(certified["accuracy"]) <= 1e-9)
    assert certified["attacked"] > 0 and certified["sound"]
    assert certified["broken_beyond"] >= certified["broken_share"]
    assert summary["gains_seen"] == sum(one["verdict"] != "none" for one in summary["gains"])


def test_smoke_numbers_follow_from_the_pieces(smoke):
    """By numpy, from the files alone."""
    folder, config, summary = smoke
    labels = None
    shares = []
    for network in (1, 2):
        bare = np.load(folder / "units" / f"bare-network-{network}.npz")
        unit = np.load(folder / "units" / f"blur-1-network-{network}.npz")
        changed = bare["changed"]
        assert changed.shape == (1, config.images, 28, 28, 1)
        np.testing.assert_array_equal(bare["naive"], bare["gradient"])
        assert unit["direct-images"].shape == (10, 28, 28, 1)
        shares.append(np.median(bare["direct-confidence"]) - np.median(unit["direct-naive"]))
        assert unit["direct-history"].shape == (config.generations + 1, 10)
        assert labels is None or (unit["clean"] == labels).mean() > 0.5
        labels = unit["clean"]
    gain = summary["settings"]["blur 1"]["fooling"]["direct"]["naive_gain"]
    assert gain["mean"] == pytest.approx(np.mean(shares), abs=1e-6)


def test_smoke_pictures_and_page(smoke):
    from PIL import Image

    folder, config, summary = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 5
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    assert smooth_story.conclude(summary) in page
    assert f"python -m experiments.smooth --model {config.victim.model} --train-steps 60" in page


@pytest.mark.slow
def test_a_resumed_run_gives_the_same(smoke):
    folder, config, summary = smoke
    before = (folder / "images.npz").read_bytes()
    (folder / "units" / "certificate-0.25-network-1.npz").unlink()
    (folder / "report.html").unlink()
    again = smooth.main(dataclasses.replace(config, out=None, resume=str(folder)))
    assert (folder / "images.npz").read_bytes() == before
    drop = lambda told: {name: value for name, value in told.items() if name != "seconds"}
    assert json.dumps(drop(again)) == json.dumps(drop(summary))
    assert (folder / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("naive", "adaptive", "verdict", "vanishes"),
    [
        ([0.5, 0.52, 0.48], [0.05, 0.1, 0.0], "vanishes", True),
        ([0.5, 0.52, 0.48], [-0.1, -0.2, -0.1], "vanishes", True),
        ([0.5, 0.52, 0.48], [0.25, 0.3, 0.2], "shrinks", False),
        ([0.5, 0.52, 0.48], [0.5, 0.5, 0.45], "stays", False),
        ([0.5, -0.4, 0.1], [0.0, 0.0, 0.0], "none", None),  # the interval holds 0
        ([0.01, 0.01, 0.01], [0.0, 0.0, 0.0], "none", None),
        ([0.5], [0.05], "vanishes", True),
        ([0.01], [0.0], "none", None),
    ],
)
def test_the_rule_by_hand(naive, adaptive, verdict, vanishes):
    found = smooth_results.judge(naive, adaptive)
    assert found["verdict"] == verdict and found["gain_vanishes"] is vanishes
    assert found["naive_gain"]["mean"] == pytest.approx(np.mean(naive))
    if verdict != "none":
        assert found["gain_left"] == pytest.approx(np.mean(adaptive) / np.mean(naive))


def test_words_follow_the_numbers():
    gains = lambda **counts: {
        "gains_seen": sum(counts.values()),
        **{f"gains_{name}": counts.get(name, 0) for name in ("vanished", "shrunk", "stayed")},
    }
    assert "no gain" in smooth_story.title(gains())
    assert "helps less than it seems" in smooth_story.title(gains(vanished=2, shrunk=1))
    assert "also against who knows" in smooth_story.title(gains(stayed=2))
    assert "what only seems to" in smooth_story.title(gains(stayed=2, vanished=1))


IMPOSSIBLE = {
    "--networks must be at least 1, got 0": {"networks": 0},
    "--images must be at least 1, got 0": {"images": 0},
    "--draws must be at least 1": {"draws": 0},
    "--sigmas must be positive, got 0.0": {"sigmas": (0.1, 0.0)},
    "--blur must be positive, got -1": {"blur": (-1.0,)},
    "--median must be odd and at least 3, got 3 4": {"median": (3, 4)},
    "--median must be at most 28 for images of that size, got 29": {"median": (29,)},
    "--levels must be at least 2, got 1": {"levels": (1,)},
    r"--jpeg must be in \[1, 100\], got 0": {"jpeg": (0,)},
    r"--resize must be in \(0, 1\), got 1": {"resize": (1.0,)},
    r"--epsilons must be in \(0, 1\], got nan": {"epsilons": (float("nan"),)},
    "--epsilons: give at least one, each once, got": {"epsilons": ()},
    "--sigmas: give each once, got 0.5 0.5": {"sigmas": (0.5, 0.5)},
    "--generators: give at least one": {"generators": ()},
    r"--alpha must be in \(0, 0.5\), got 0": {"alpha": 0.0},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "--blur, --median, .*: give at least one": {"blur": (), "sigmas": ()},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = dataclasses.replace(smooth.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        smooth.main(dataclasses.replace(config, **changes))
    assert not list(tmp_path.iterdir())
