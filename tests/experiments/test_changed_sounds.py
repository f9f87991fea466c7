"""ascend, perturb and transfer on sounds, by networks that read the energy of bands in frames."""

import base64
import csv
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import ascend, perturb, transfer
from fooljax import data
from fooljax.study import Making, Victim, change
from fooljax.study.cells import file_name

NETWORK = """
import jax.numpy as jnp
import numpy as np
from fooljax.data import load
from fooljax.types import Classifier

def features(sounds):
    frames = (2.0 * sounds[..., 0] - 1.0).reshape(len(sounds), FRAMES, -1)
    power = jnp.abs(jnp.fft.rfft(frames, axis=2)) ** 2
    bands = power[:, :, 1:161].reshape(len(sounds), FRAMES, 16, -1).sum(axis=3)
    flat = jnp.log(bands + 1e-2).reshape(len(sounds), -1)
    return jnp.concatenate([flat, 5.0 * jnp.ones((len(sounds), 1))], axis=1) / 5.0

def listen(params, sounds):
    return features(sounds) @ params

def net():
    train = load("tones").train
    seen, wanted = np.asarray(features(train.images)), 6.0 * np.eye(8)[np.asarray(train.labels)]
    inner = seen.T @ seen + 0.3 * np.eye(seen.shape[1])
    weights = np.linalg.solve(inner, seen.T @ wanted).astype(np.float32)
    return Classifier(jnp.asarray(weights), listen, (4000, 1), 8)
"""


@pytest.fixture(scope="module")
def listeners(tmp_path_factory):
    """Two networks that read tones by ridge regression, with long frames and with short ones."""
    folder = tmp_path_factory.mktemp("listeners")
    for name, frames in (("long", 8), ("short", 10)):
        (folder / f"{name}.py").write_text(NETWORK.replace("FRAMES", str(frames)))
    return [f"{folder / name}.py:net" for name in ("long", "short")]


def players(page):
    """Samples of every player of a page, decoded, with its caption."""
    found = re.findall(
        r'src="data:audio/wav;base64,([^"]*)".*?<figcaption>(.*?)<small>', page, flags=re.S
    )
    return [(np.frombuffer(base64.b64decode(wav)[44:], "<i2"), words) for wav, words in found]


def told(page):
    """What a page says before how to repeat it, in lower case, without its style."""
    return (
        re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.S).split("How to repeat")[0].lower()
    )


def same_shape(samples, sound):
    """Whether 16-bit samples are the sound, up to how loud it is played and half a step."""
    wave = 2.0 * np.asarray(sound, np.float64)[:, 0] - 1.0
    loudest = np.abs(wave).max()
    if loudest == 0.0:
        return not samples.any()
    peak = np.abs(samples.astype(int)).max()
    assert 0.2 * 32768 < peak <= 0.5 * 32768  # a safe level, whatever the sound's own
    return np.abs(samples - wave / loudest * peak).max() <= 1.0


@pytest.fixture(scope="module")
def climbed(listeners, tmp_path_factory):
    folder = tmp_path_factory.mktemp("climbed") / "run"
    config = change(
        ascend.PRESETS["smoke"],
        victim=Victim(dataset="tones", model=listeners[0]),
        ascents=("none", "signs"),
        evolved=("partials",),
        starts=("near_grey", "grey"),
        classes=(0, 5, 7),
        steps=10,
        repeats=1,
        out=str(folder),
    )
    return folder, ascend.main(config)


def test_ascents_of_sounds_are_what_the_network_says(climbed, listeners):
    folder, summary = climbed
    made = np.load(folder / "arrays.npz")
    rows = {(row["name"], row["start"]): row for row in summary["rows"]}
    assert set(rows) == {("none", "near_grey"), ("signs", "near_grey"), ("none", "grey")} | {
        ("partials", "")
    }
    source = {}
    exec(NETWORK.replace("FRAMES", "8"), source)
    network = source["net"]()
    for name in ("none", "signs"):
        cell = file_name({"way": "ascent", "name": name, "start": "near_grey"})
        sounds = made[f"{cell}.images"]
        assert sounds.shape == (1, 3, 4000, 1)
        own = np.asarray(jax.nn.softmax(network(jnp.asarray(sounds[0]))))[[0, 1, 2], [0, 5, 7]]
        np.testing.assert_allclose(made[f"{cell}.confidence"][0], own, atol=1e-4)
        loudest = 20.0 * np.log10(np.abs(2.0 * sounds - 1.0).max(axis=(2, 3)))
        assert rows[name, "near_grey"]["loudness"]["mean"] == pytest.approx(
            np.median(loudest), abs=1e-3
        )


def test_the_page_plays_what_was_found_beside_real_sounds(climbed):
    folder, _ = climbed
    page = (folder / "report.html").read_text()
    found, made = players(page), np.load(folder / "arrays.npz")
    assert len(found) == 3 * 3 * 2  # three ways, three classes, each with a real one
    cell = file_name({"way": "ascent", "name": "signs", "start": "near_grey"})
    test = data.load("tones").test
    for place, label in enumerate((0, 5, 7)):
        samples, words = found[6 + 2 * place]
        assert same_shape(samples, made[f"{cell}.images"][0, place])
        assert f"made to be {test.class_names[label]}" in words
        samples, words = found[7 + 2 * place]
        first = np.flatnonzero(np.asarray(test.labels) == label)[0]
        assert same_shape(samples, test.images[first])
        assert f"a real recording of {test.class_names[label]}" in words
    for word in ("Fooling sounds by gradient", "toward silence", "Loudest sample, dB"):
        assert word in page
    assert "pixel" not in told(page)


@pytest.fixture(scope="module")
def changed(listeners, tmp_path_factory):
    folder = tmp_path_factory.mktemp("changed") / "run"
    config = change(
        perturb.PRESETS["smoke"],
        victim=Victim(dataset="tones", model=listeners[0]),
        attacks=("fgsm", "pgd-l2"),
        epsilons=perturb.Config().epsilons,
        epsilons_l2=perturb.Config().epsilons_l2,
        images=12,
        shown=2,
        batch_size=12,
        out=str(folder),
    )
    return folder, perturb.main(config)


def test_every_change_of_a_sound_has_its_loudness(changed):
    """Recomputed from the sounds on disk, in units of the waveform."""
    folder, _ = changed
    made = np.load(folder / "arrays.npz")
    originals = made[f"{file_name({'drawn': 'images'})}.originals"].astype(np.float64)
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    fgsm = [one for one in records if one["attack"] == "fgsm"]
    assert [float(one["epsilon"]) for one in fgsm] == list(
        perturb.measure.OTHERS["sounds"]["epsilons"]
    )
    for attack in ("fgsm", "pgd-l2"):
        cell = file_name({"attack": attack, "batch": 0})
        sizes = made[f"{cell}.epsilons"]
        at = int(np.argmin(abs(sizes - (0.0005 if attack == "fgsm" else 0.06))))
        results = made[f"{cell}.images"].astype(np.float64)
        for i, (begun, after) in enumerate(zip(originals, results, strict=True)):
            wave, change_ = 2.0 * begun - 1.0, 2.0 * (after - begun)
            snr = 10.0 * np.log10(np.sum(wave**2) / np.sum(change_**2))
            decibels = 20.0 * np.log10(np.abs(change_).max() / np.abs(wave).max())
            assert made[f"{cell}.snr"][at, i] == pytest.approx(snr, abs=0.05)
            assert made[f"{cell}.decibels"][at, i] == pytest.approx(decibels, abs=0.05)


def test_the_page_of_changed_sounds(changed):
    folder, _ = changed
    page = (folder / "report.html").read_text()
    for title in ("Signal to noise, dB (median)", "Samples changed", "Of the waveform"):
        assert title in page
    assert "only what was added" in page and len(players(page)) % 3 == 0
    assert "None of the attacks that ran has published numbers" in page
    assert "pixel" not in told(page)


@pytest.mark.slow
def test_sounds_are_shown_to_other_networks(listeners, tmp_path):
    folder = tmp_path / "run"
    config = change(
        transfer.PRESETS["smoke"],
        victim=Victim(dataset="tones"),
        making=Making(10, 3, 12, ascent_steps=6, pgd_steps=3, universal_steps=2),
        models=tuple(listeners),
        network_seeds=1,
        generators=transfer.Config().generators,
        repeats=2,
        out=str(folder),
    )
    summary = transfer.main(config)
    names = transfer.OTHERS["sounds"]["generators"]
    assert {row["generator"] for row in summary["rates"]} == set(names)
    page = (folder / "report.html").read_text()
    assert "Do sounds that fool one network fool another?" in page
    assert len(players(page)) > 6 and "Of the waveform" in page
    assert json.loads((folder / "summary.json").read_text())["rates"]


READER = """
import jax.numpy as jnp
from fooljax.types import Classifier, Tokens

def net():
    embed = lambda params, ids: params[ids]
    read = lambda params, vectors: vectors.sum(axis=1)
    apply = lambda params, ids: read(params, embed(params, ids))
    return Classifier(jnp.eye(3), apply, (5,), 3, Tokens(3, embed, read))
"""


def test_texts_are_refused_by_name(tmp_path):
    path = tmp_path / "reader.py"
    path.write_text(READER)
    config = change(
        ascend.PRESETS["smoke"],
        victim=Victim(dataset="none", model=f"{path}:net"),
        out=str(tmp_path / "run"),
    )
    with pytest.raises(ValueError, match=r"experiments\.reduce and experiments\.evolve are for"):
        ascend.main(config)


def test_what_is_for_pictures_is_refused(listeners, tmp_path):
    config = change(
        ascend.PRESETS["smoke"],
        victim=Victim(dataset="tones", model=listeners[0]),
        evolved=("partials",),
        out=str(tmp_path / "run"),
    )
    with pytest.raises(ValueError, match="--ascents: tv is for pictures, and the network takes"):
        ascend.main(config)
