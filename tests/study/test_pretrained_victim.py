"""Networks that bring their weights: their data, their rate, and recordings of one's own."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy.io import wavfile

from fooljax import data, models
from fooljax.media import Sounds
from fooljax.models import KEYWORD_NETWORKS, KEYWORDS, save_weights
from fooljax.study.prepared import prepare
from fooljax.study.victim import Victim


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a published network's file, its weights fresh."""
    folder = tmp_path_factory.mktemp("weights")
    module = KEYWORD_NETWORKS["dnn_l"](12)
    network = models.init_flax(jax.random.key(0), module, (16_000, 1), 12)
    save_weights(folder / "dnn_l_speech_commands.safetensors", network)
    return str(folder)


def recordings(folder, names, rate=8000):
    for label, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for take in range(2):
            samples = np.full(rate // 2, 1000 * (label + 1) + take, np.int16)
            wavfile.write(folder / name / f"{take}.wav", rate, samples)
    return str(folder)


def test_a_network_listens_to_recordings_of_ones_own(weights, tmp_path):
    """Folders are called as its classes; rate and length become what it takes."""
    folder = recordings(tmp_path / "words", ("go", "no", "yes"))
    victim = Victim(dataset=folder, model="dnn_l", weights=weights)
    network = prepare(victim, tmp_path / "run")
    assert network.medium == Sounds(16_000) and network.class_names == KEYWORDS
    assert network.splits.test.images.shape == (3, 16_000, 1)
    expected = [KEYWORDS.index(name) for name in ("go", "no", "yes")]
    np.testing.assert_array_equal(network.splits.test.labels, expected)
    assert 0.0 <= network.accuracy <= 1.0


def test_no_data_are_needed(weights, tmp_path):
    network = prepare(Victim(dataset="none", model="dnn_l", weights=weights), tmp_path)
    assert network.splits is None and network.accuracy is None
    assert network.class_names == KEYWORDS and network.medium == Sounds(16_000)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"dataset": "mnist"}, "knows the classes of speech_commands; give that, a folder with"),
        ({"dataset": "fsdd"}, "--dataset fsdd: dnn_l knows the classes of speech_commands"),
        ({"weights": None}, "--weights: the weights of dnn_l cannot be fetched by name; they are"),
        ({"weights": "nowhere"}, "--weights: nowhere: no such file; the weights of dnn_l are to"),
        ({"sample_rate": 8000}, "--sample-rate 8000: dnn_l takes 16000; leave --sample-rate out"),
        ({"seconds": 2.0}, "--seconds 2: dnn_l takes 1; leave --seconds out"),
        ({"image_size": (8, 8)}, r"image_size \(--image-size\) is of pictures"),
    ],
)
def test_what_does_not_go_together(settings, message, weights, tmp_path):
    folder = recordings(tmp_path / "words", ("no", "yes"))
    victim = Victim(dataset=folder, model="dnn_l", weights=weights)
    with pytest.raises((ValueError, OSError), match=message):
        prepare(dataclasses.replace(victim, **settings), tmp_path / "run")


def test_a_class_that_it_does_not_know_is_named(weights, tmp_path):
    folder = recordings(tmp_path / "words", ("maybe", "yes"))
    with pytest.raises(ValueError, match="there is no class maybe; call classes as one of _sil"):
        prepare(Victim(dataset=folder, model="dnn_l", weights=weights), tmp_path / "run")


def test_lengths_are_of_sounds(tmp_path):
    for dataset in ("digits", str(tmp_path / "photos")):
        (tmp_path / "photos" / "train").mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / "val").mkdir(exist_ok=True)
        with pytest.raises(ValueError, match=r"--sample-rate.* holds pictures; leave"):
            prepare(Victim(dataset=dataset, sample_rate=8000), tmp_path / "run")


def test_classes_are_renumbered_by_name():
    given = data.from_arrays(np.zeros((3, 4, 4, 1), np.uint8), [0, 1, 1], ["b", "c"])
    found = data.rename_classes(given, ("a", "c", "b"))
    np.testing.assert_array_equal(found.labels, [2, 1, 1])
    assert found.class_names == ("a", "c", "b")
    with pytest.raises(ValueError, match="there is no class b; call classes as one of a, c"):
        data.rename_classes(given, ("a", "c"))
