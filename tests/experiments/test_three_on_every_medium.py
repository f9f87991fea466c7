"""retrain, unknown and volume on sounds and videos; what they say of texts."""

import csv

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from experiments import retrain, unknown, volume
from fooljax import data
from fooljax.media import Texts
from fooljax.study import Victim, change

SMALL = {
    retrain: {"networks": 2, "attacks": ("direct",), "runs": 2, "generations": 2, "children": 8}
    | {"collect_generations": 2, "first_images": 8, "added_images": 8},
    unknown: {"methods": ("energy",), "generators": ("direct",), "network_seeds": 2}
    | {"images": 12, "queries": 2, "attacked": 4, "children": 4, "pgd_steps": 2, "known": 60},
    volume: {"image_size": None, "repeats": 2, "particles": 20, "random_images": 200}
    | {"measures": ("uniform", "cppn"), "moves": 2, "confidences": (0.2,)},
}


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    """A folder of videos: a dot that goes left or right."""
    folder = tmp_path_factory.mktemp("movies")
    for name, step in (("left", -1), ("right", 1)):
        (folder / name).mkdir()
        for i in range(20):
            frames = np.zeros((6, 8, 8), np.uint8)
            for t, frame in enumerate(frames):
                frame[i % 8, (t * step + i) % 8] = 255
            first, *rest = map(Image.fromarray, frames)
            first.save(
                folder / name / f"{i:02}.gif", save_all=True, append_images=rest, duration=90
            )
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sounds", "videos"])
@pytest.mark.parametrize("experiment", SMALL, ids=lambda one: one.__name__.rpartition(".")[2])
def test_runs_on(kind, experiment, movies, tmp_path):
    dataset = "tones" if kind == "sounds" else movies
    victim = Victim(dataset=dataset, model="softmax", train_steps=30)
    config = change(experiment.PRESETS["smoke"], victim=victim)
    experiment.main(change(config, out=str(tmp_path / "run"), **SMALL[experiment]))
    with (tmp_path / "run" / "records.csv").open() as stream:
        assert list(csv.DictReader(stream))
    page = (tmp_path / "run" / "report.html").read_text()
    words = {"sounds": "a sound of 4,000 samples", "videos": "a video of 6 frames of 8x8 pixels"}
    assert f"Wherever this page says image it means {words[kind]}" in page
    assert ("<audio" if kind == "sounds" else 'class="video"') in page


@pytest.mark.parametrize("experiment", SMALL, ids=lambda one: one.__name__.rpartition(".")[2])
def test_texts_are_refused_in_a_sentence(experiment, monkeypatch, tmp_path):
    ids = jnp.ones((20, 5), jnp.int32)
    texts = data.from_arrays(ids, np.arange(20) % 2, ("a", "b"), medium=Texts())
    monkeypatch.setattr(data, "load", lambda *given: data.Splits(texts, texts))
    config = change(experiment.PRESETS["smoke"], out=str(tmp_path / "run"), dataset="poems")
    if experiment is volume:
        config = change(config, image_size=None)
    with pytest.raises(
        ValueError, match=r"--dataset, --model: texts are ids.*; give pictures, sounds or vid"
    ):
        experiment.main(config)


def test_others_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"photographs are pictures, .* \(4000, 1\); leave it out"):
        data.load_others("photographs", (4000, 1))
    with pytest.raises(ValueError, match=r"tones has inputs \(4000, 1\), and the network takes"):
        data.load_others("tones", (8000, 1))
    assert data.load_others("tones", (4000, 1), most=7).shape == (7, 4000, 1)
