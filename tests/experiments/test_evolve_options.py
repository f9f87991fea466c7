"""Options for large images and other networks: memory, precision, ``--shown-to``."""

import signal
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import evolve
from fooljax import study
from fooljax.evolution.cells import place
from fooljax.interrupts import Interrupted
from fooljax.study import Victim, change, memory, search_run
from fooljax.types import Classifier


def linear(params, images):
    return images.reshape(len(images), -1) @ params


@pytest.fixture(scope="module")
def toy():
    return Classifier(jax.random.normal(jax.random.key(5), (64, 3)), linear, (8, 8, 1), 3)


def tiny(**changes):
    return change(evolve.Config(generations=4, children=10, repeats=2), **changes)


@pytest.fixture(scope="module")
def limited(toy, tmp_path_factory):
    """A run with a limit that all children at a time keep to: its settings and summary."""
    config = tiny(memory_limit=50.0, devices=1, out=str(tmp_path_factory.mktemp("limited") / "run"))
    return config, evolve.main(config, toy)


@pytest.mark.slow
def test_a_memory_limit(toy, limited, tmp_path):
    """A limit that everything keeps to, and one that nothing keeps to."""
    with pytest.raises(
        ValueError, match=r"--memory-limit 1e-06: with one child .* with 200 at a time"
    ):
        limit = tiny(children=200, memory_limit=1e-6, devices=1, out=str(tmp_path / "not"))
        evolve.main(limit, toy)
    recorded = limited[1]["memory"]
    assert recorded["micro_batch"] == 10
    assert recorded["limit"] == 50e9
    assert 0 < recorded["planned"] < 50e9
    assert recorded["peak"] > 0


@pytest.mark.slow
def test_half_precision_and_eight_bits(toy, tmp_path):
    summary = evolve.main(tiny(precision="bfloat16", genes="uint8", out=str(tmp_path / "run")), toy)
    kept = np.load(tmp_path / "run" / "elites.npz")
    own = np.arange(3)
    for images, told in zip(kept["images"], summary["per_class_confidence"], strict=True):
        confidence = jax.nn.softmax(toy(jnp.asarray(images, jnp.float32)))[own, own]
        np.testing.assert_allclose(confidence, told, rtol=1e-4)


@pytest.mark.slow
def test_images_are_shown_to_other_networks(tmp_path):
    """To one of the same architecture with other weights; it is asked by hand."""
    victim = Victim(model="softmax", train_steps=50)
    config = tiny(victim=victim, children=20, shown_to=("softmax",), out=str(tmp_path / "run"))
    summary = evolve.main(config)
    elites = np.load(tmp_path / "run" / "elites.npz")
    run = study.Run("experiments.evolve", config, tmp_path / "run")
    own = evolve.prepare(run, None).classifier
    networks = study.prepare_others(run, "--shown-to", config.shown_to, own)
    assert np.any(
        networks["softmax"].classifier.params["fc"]["kernel"] != own.params["fc"]["kernel"]
    )
    for name, network in networks.items():
        logits = [network.classifier(jnp.asarray(images)) for images in elites["images"]]
        told = summary["shown_to"][name]
        same = [np.mean(np.argmax(one, axis=1) == np.arange(10)) for one in logits]
        np.testing.assert_allclose(told["same_label"], same)
        confidence = [np.median(np.diag(jax.nn.softmax(one))) for one in logits]
        np.testing.assert_allclose(told["median_confidence"], confidence, rtol=1e-4)
    assert "Do other networks see the same?" in (tmp_path / "run" / "report.html").read_text()


def test_images_are_not_shown_to_networks_of_other_images(toy, tmp_path):
    message = r"--shown-to softmax: takes images \(28, 28, 1\) of 10 classes, but .* 3 classes"
    victim = Victim(train_steps=1)
    with pytest.raises(ValueError, match=message):
        evolve.main(tiny(victim=victim, shown_to=("softmax",), out=str(tmp_path / "run")), toy)


@pytest.mark.slow
def test_a_plan_is_kept(toy, limited, monkeypatch):
    """What the process holds when it is resumed must not change the course of the run."""
    config, first = limited
    again = change(config, out=None, resume=config.run.out)
    monkeypatch.setattr(memory, "held", lambda: 49 * memory.MB * 1000)
    assert evolve.main(again, toy)["memory"]["planned"] == first["memory"]["planned"]
    other = change(again, memory_limit=60.0)
    assert evolve.main(other, toy)["memory"]["planned"] > 49e9


@pytest.fixture(scope="module")
def looks(toy, tmp_path_factory):
    """A run over a grid of looks: its settings, its folder and its summary."""
    folder = tmp_path_factory.mktemp("looks") / "run"
    config = tiny(children=40, descriptors=("brightness:0.4:0.6", "symmetry"), grid=3)
    return config, folder, evolve.main(change(config, out=str(folder)), toy)


def test_every_class_keeps_its_looks(toy, looks):
    config, folder, summary = looks
    elites = np.load(folder / "elites.npz")
    images, filled = elites["images"], elites["birth_generations"] >= 0
    assert images.shape == (2, 27, 8, 8, 1) and 6 < filled.sum() < 54
    grid = study.cells_of(config.looks, 3)
    for run, there in zip(images, filled, strict=True):
        cells = place(grid, toy, jnp.asarray(run))
        np.testing.assert_array_equal(np.asarray(cells)[there], np.flatnonzero(there) % 9)
    told = summary["illumination"]
    assert told["coverage"] == pytest.approx(filled.mean())
    confidence = elites["confidences"].reshape(2, 3, 9)
    np.testing.assert_allclose(told["qd_score_per_class"], confidence.sum(axis=2), rtol=1e-5)
    np.testing.assert_allclose(summary["per_class_confidence"], confidence.max(axis=2), rtol=1e-6)
    assert [len(one) for one in told["coverage_by_generation"]] == [5, 5]
    page = (folder / "report.html").read_text()
    assert "How many looks fool" in page and "How different are the runs?" in page
    header = (folder / "records.csv").read_text().partition("\n")[0]
    assert header.startswith("repeat,class,brightness,symmetry,confidence")


@pytest.mark.slow
@pytest.mark.parametrize("search", ["cma_me", "cma_mega", "omg_mega", "dominated"])
def test_emitters_go_on_after_a_stop(search, toy, tmp_path, monkeypatch):
    """Over the cells of a tessellation: the same bytes, and a page."""
    looks = ("brightness:0.3:0.7", "contrast")
    config = tiny(children=40, descriptors=looks, archive="cvt", cells=7, search=search)
    summary = evolve.main(change(config, out=str(tmp_path / "whole")), toy)
    told = summary["illumination"]
    assert told["archive"] == "cvt" and told["cells"] == 7
    assert told["evaluations_by_generation"][-1] == 40 * 5
    assert np.all(np.diff(told["norm_qd_score_by_generation"], axis=1) >= 0.0)
    record = search_run.history.record

    def record_and_stop(folder, generation, *rest):
        record(folder, generation, *rest)
        if generation == 2:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="after generation 2"):
        patch.setattr(search_run.history, "record", record_and_stop)
        evolve.main(change(config, out=str(tmp_path / "cut"), chunk=1), toy)
    evolve.main(change(config, resume=str(tmp_path / "cut")), toy)
    for name in ("elites.npz", "genomes.npz", "records.csv", "looks_1.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_looks_are_the_same_after_a_stop(toy, looks, tmp_path, monkeypatch):
    config, whole, _ = looks
    record = search_run.history.record

    def record_and_stop(folder, generation, *rest):
        record(folder, generation, *rest)
        if generation == 2:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="after generation 2"):
        patch.setattr(search_run.history, "record", record_and_stop)
        evolve.main(change(config, out=str(tmp_path / "cut"), chunk=1), toy)
    evolve.main(change(config, resume=str(tmp_path / "cut")), toy)
    for name in ("elites.npz", "genomes.npz", "records.csv", "looks_1.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (whole / name).read_bytes()


def test_distances_need_training_images(toy, tmp_path):
    with pytest.raises(ValueError, match="--descriptors nearest needs training images"):
        evolve.main(tiny(descriptors=("nearest",), out=str(tmp_path / "run")), toy)


@pytest.mark.slow
def test_runs_differ_in_pixels_and_agree_in_what_the_network_sees(data_dir, tmp_path):
    """Five runs for the paper's own network, within what a throw-away prototype measured."""
    weights = Path(data_dir) / "models" / "caffe_lenet_mnist.safetensors"
    victim = Victim(dataset="mnist", data_dir=data_dir, model="lenet", weights=str(weights))
    summary = evolve.main(evolve.Config(victim=victim, run=study.RunFlags(out=str(tmp_path / "r"))))
    pixels, features = (summary["diversity"][space] for space in ("pixels", "features"))
    mean = lambda one, kind: np.mean(one["effective_number_of_class"][kind])
    assert 4.5 < mean(pixels, "evolved") < mean(pixels, "random") <= 5.0
    assert 1.0 <= mean(features, "evolved") < min(2.0, mean(features, "real"))
    assert pixels["explained_by_class"]["share"] == pytest.approx(0.297, abs=0.03)
    assert features["explained_by_class"]["share"] > 0.85
    assert pixels["explained_by_class"]["chance"] == pytest.approx(9 / 49, abs=0.005)
    assert pixels["explained_by_class"]["p_value"] == features["explained_by_class"]["p_value"]
