"""The smoke preset as a user would run it, and the settings that are refused."""

import csv
import html
import json
import re

import numpy as np
import pytest

from experiments import smooth
from experiments.smooth import page
from fooljax import study
from fooljax.analysis import Interval
from fooljax.study import Victim, change
from fooljax.study.cells import file_name

# dozens of programs; what they do is tested with defenses, attacks and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)
FILTERS = ("bare", "blur 1", "noise 0.25")


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(smooth.PRESETS["smoke"], out=str(folder))
    return folder, config, smooth.main(config)


def unit(folder, **cell):
    return np.load(folder / "units" / f"{file_name(cell)}.npz")


def test_smoke_numbers(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    means = {(row["defense"], row["against"]): row for row in summary["means"]}
    kinds = ["epsilon 0.1", *config.generators]
    assert set(means) == {(name, against) for name in FILTERS for against in kinds}
    gains = {(row["defense"], row["against"]): row for row in returned["gains"]}
    assert gains.keys() == {key for key in means if key[0] != "bare"}
    for (name, against), row in means.items():
        assert 0.3 < row["unchanged"]["mean"] <= 1.0
        if against == "epsilon 0.1":
            assert row["adaptive"]["mean"] <= row["naive"]["mean"] + 1e-9
        if name == "bare":
            continue
        difference = row["adaptive"]["mean"] - means["bare", against]["adaptive"]["mean"]
        gain = difference if against == "epsilon 0.1" else -difference
        assert gains[name, against]["adaptive"].mean == pytest.approx(gain)
    certificates = summary["certificates"]["noise 0.25"]
    curve = [row["share"]["mean"] for row in summary["certified"]]
    assert len(curve) == 41 and np.all(np.diff(curve) <= 1e-9)
    assert certificates["attacked"] > 0 and certificates["sound"]
    share = certificates["broken"] / certificates["attacked"]
    assert certificates["broken_beyond"] >= share
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    networks, certified = config.networks, config.networks * config.certified
    assert len(records) == len(FILTERS) * networks * len(kinds) + certified


def test_smoke_numbers_follow_from_the_pieces(smoke):
    """By numpy, from the files alone."""
    folder, config, summary = smoke
    arrays, shares, broken, labels = np.load(folder / "arrays.npz"), [], 0, None
    for network in ("mlp 1", "mlp 2"):
        bare = unit(folder, defense="bare", network=network)
        blurred = unit(folder, defense="blur 1", network=network)
        changed = bare["changed"]
        assert changed.shape == (1, config.images, 28, 28, 1)
        name = file_name({"defense": "bare", "network": network})
        np.testing.assert_array_equal(arrays[f"{name}.changed"], changed)
        np.testing.assert_array_equal(bare["naive"], bare["gradient"])
        assert blurred["direct-images"].shape == (10, 28, 28, 1)
        shares.append(np.median(bare["direct-confidence"]) - np.median(blurred["direct-naive"]))
        assert blurred["direct-history"].shape == (config.evolving.generations + 1, 10)
        assert labels is None or (blurred["clean"] == labels).mean() > 0.5
        labels = blurred["clean"]
        proof = unit(folder, certified="noise 0.25", network=network)
        tried = proof["radii"] > 0
        assert np.all(proof["answers"][~tried] == -1) and np.all(proof["inside"][~tried] == -2)
        broken += np.sum(tried & (proof["inside"] >= 0) & (proof["inside"] != proof["answers"]))
    gain = next(x for x in summary["gains"] if (x["defense"], x["against"]) == ("blur 1", "direct"))
    assert gain["naive"].mean == pytest.approx(np.mean(shares), abs=1e-6)
    assert summary["certificates"]["noise 0.25"]["broken"] == broken


def test_smoke_pictures_and_page(smoke):
    from PIL import Image

    folder, _, summary = smoke
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 5
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    text = (folder / "report.html").read_text().replace("&nbsp;", " ")
    assert text.count("data:image/png;base64,") == len(pictures)
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", text)
    assert html.escape(summary["conclusion"]) in text
    assert "python -m experiments.smooth --model mlp --train-steps 60" in text


@pytest.mark.slow
def test_a_resumed_run_gives_the_same(smoke):
    folder, config, summary = smoke
    names = ("arrays.npz", "records.csv", "perturbed.png")
    before = {name: (folder / name).read_bytes() for name in names}
    for lost in ({"certified": "noise 0.25"}, {"defense": "bare"}, {"defense": "blur 1"}):
        (folder / "units" / f"{file_name({**lost, 'network': 'mlp 1'})}.npz").unlink()
    (folder / "report.html").unlink()
    again = smooth.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    drop = lambda told: {name: value for name, value in told.items() if name != "seconds"}
    assert json.dumps(drop(again)) == json.dumps(drop(summary))
    assert (folder / "report.html").stat().st_size > 10_000


def gain(verdict):
    return study.Gain("blur 1", "direct", Interval(0, 0, 0), Interval(0, 0, 0), None, verdict)


def test_words_follow_the_numbers():
    gains = lambda **counts: [gain(name) for name, count in counts.items() for _ in range(count)]
    title = lambda **counts: page.TITLES[study.outcome(study.counts(gains(**counts)))]
    assert "no gain" in title() and "no gain" in title(none=3)
    assert "helps less than it seems" in title(vanishes=2, shrinks=1)
    assert "also against who knows" in title(stays=2)
    assert "what only seems to" in title(stays=2, vanishes=1)
    assert "certificates" not in page.conclude(gains(stays=1), {})
    proofs = {name: {"attacked": 30, "broken": 1} for name in ("noise 0.25", "noise 0.5")}
    assert "broke 2 of 60 certificates" in page.conclude(gains(stays=1), proofs)


IMPOSSIBLE = {
    "--networks must be at least 1, got 0": {"networks": 0},
    "--images must be at least 1, got 0": {"images": 0},
    "--draws must be at least 1": {"draws": 0},
    "--defenses noise=0: the number must be positive, got 0.0": {"defenses": ("noise=0",)},
    "--defenses blur=-1: the number must be positive": {"defenses": ("blur=-1",)},
    "--defenses blur=1e9: the number must be at most": {"defenses": ("blur=1e9",)},
    "--defenses noise=nan: the number must be": {"defenses": ("noise=nan",)},
    "--defenses blur: how much. Give a number, as in blur=1": {"defenses": ("blur",)},
    "--defenses blur=b: how much": {"defenses": ("blur=b",)},
    "--defenses: unknown 'blurr'; did you mean blur": {"defenses": ("blurr=1",)},
    "--defenses median=4: size must be odd": {"defenses": ("median=3", "median=4")},
    "--defenses median=3.5: size must": {"defenses": ("median=3.5",)},
    "--defenses median=29: .* at most 28, got 29": {"defenses": ("median=29",)},
    "--defenses levels=1: levels must be at least 2": {"defenses": ("levels=1",)},
    r"--defenses jpeg=0.5: quality must be in \[1, 100\]": {"defenses": ("jpeg=0.5",)},
    r"--defenses resize=1: smallest must be in \(0, 1\)": {"defenses": ("resize=1",)},
    r"--epsilons must be in \(0, 1\], got nan": {"epsilons": (float("nan"),)},
    "--epsilons must name at least 1, each once, got none": {"epsilons": ()},
    "--defenses: give each once": {"defenses": ("noise=0.5", "noise=.50")},
    "--generators must name at least 1": {"generators": ()},
    "--generators: unknown 'noise'": {"generators": ("noise",)},
    r"--alpha must be in \(0, 0.5\), got 0": {"alpha": 0.0},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "--defenses must name at least 1": {"defenses": ()},
    "--networks 2: --model own.py:net is but one set of weights": {"model": "own.py:net"},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(smooth.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        smooth.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
