"""The smoke preset as a user would run it, its numbers by hand, and data that it refuses."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import glance
from fooljax import data, study
from fooljax.study.cells import file_name


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = study.change(glance.PRESETS["smoke"], out=str(folder))
    return SimpleNamespace(folder=folder, config=config, summary=glance.main(config))


def unit(smoke, kind):
    return dict(np.load(smoke.folder / "units" / f"{file_name({'kind': kind})}.npz"))


def test_evolved_images_are_named_as_they_were_made_to_be(smoke):
    """After sixty generations most are; the medians told are those of what was found."""
    for kind in glance.EVOLVED:
        found = unit(smoke, kind)
        assert found["images"].shape == (2, 10, 28, 28, 1)
        named = np.mean(found["answers"] == np.arange(10))
        told = smoke.summary["by_kind"]
        row = study.where(told, kind=kind)[0]
        assert row["named"]["mean"] == pytest.approx(named) and named > 0.5
        assert smoke.summary["median_confidence"][kind] == np.median(found["confidence"])


def test_the_network_is_less_sure_of_noise(smoke):
    medians = smoke.summary["median_confidence"]
    assert medians["noise"] < min(medians[kind] for kind in glance.EVOLVED)
    assert 0.1 <= medians["noise"] <= 1.0  # of ten classes the top one


def test_changed_images_are_misread_and_near(smoke):
    found = unit(smoke, "changed")
    assert found["labels"].tolist() == list(range(10))
    test = data.load("digits").test
    first = [int(np.flatnonzero(np.asarray(test.labels) == label)[0]) for label in range(10)]
    shown = data.as_float(test.images[np.array(first)])
    same = np.all(np.isclose(found["originals"], shown, atol=1e-6), axis=(1, 2, 3))
    assert same.mean() > 0.5  # others of the class where the network misreads the first
    fooled = np.isfinite(found["l2"])
    assert fooled.all() and np.all(found["answers"] != found["labels"])
    lengths = np.linalg.norm((found["images"] - found["originals"]).reshape(10, -1), axis=1)
    np.testing.assert_allclose(lengths, found["l2"], rtol=1e-5)
    assert smoke.summary["median_l2"] == pytest.approx(np.median(lengths), rel=1e-5)


def test_the_page_has_its_four_pictures(smoke):
    page = (smoke.folder / "report.html").read_text()
    for title in ("Static, it thinks", "Art, it thinks", "Squint", "How little makes it err?"):
        assert title in page
    for name in ("direct", "cppn", "squint", "changed"):
        assert (smoke.folder / f"{name}.png").stat().st_size > 1000
    assert json.loads((smoke.folder / "summary.json").read_text())["median_l2"] > 0.0


@pytest.mark.slow
def test_a_lost_piece_is_made_again_to_the_same_numbers(smoke, tmp_path):
    before = unit(smoke, "cppn")
    (smoke.folder / "units" / f"{file_name({'kind': 'cppn'})}.npz").unlink()
    again = study.change(smoke.config, out=None, resume=str(smoke.folder))
    assert glance.main(again)["median_confidence"] == smoke.summary["median_confidence"]
    after = unit(smoke, "cppn")
    assert all(np.array_equal(before[name], after[name]) for name in before if name != "seconds")


def test_sounds_are_refused(tmp_path):
    config = study.change(
        glance.PRESETS["smoke"], out=str(tmp_path / "run"), dataset="tones", model="sound_cnn"
    )
    with pytest.raises(ValueError, match=r"--dataset, --model: pictures.* are needed"):
        glance.main(config)
