import dataclasses
import json
import re
import shutil
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import evolve
from experiments.evolve import measure, page
from fooljax.interrupts import Interrupted
from fooljax.media import Pictures
from fooljax.study import Victim, change, search_run
from fooljax.types import Classifier

PICTURES = ("gallery", "heatmap", "curves", "lineage")


def linear(params, images):
    return images.reshape(len(images), -1) @ params


def unsure(params, images):
    """Answer NaN for images that are dark in the first pixel."""
    return jnp.where(images[:, 0, 0, :1] < 0.4, jnp.nan, linear(params, images))


@pytest.fixture(scope="module")
def toy():
    return Classifier(jax.random.normal(jax.random.key(5), (64, 3)), linear, (8, 8, 1), 3)


TINY = evolve.Config(generations=4, children=10, repeats=2)


def tiny(**changes):
    return change(TINY, **changes)


# what the default suite runs of the smoke preset: as many ways, fewer programs,
# of which other experiments share some
LESS = {"victim": Victim(model="softmax", train_steps=100), "children": 20}
SMOKE = pytest.param({}, id="smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[pytest.param(LESS, id="less"), SMOKE])
def smoke(request, tmp_path_factory):
    """The smoke preset, run as a user would: its folder and its summary."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(evolve.PRESETS["smoke"], out=str(folder), **request.param)
    return folder, config, evolve.main(config)


def test_smoke_writes_the_public_names(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    assert summary["clean_accuracy"] > 0.9
    per_class = np.array(summary["per_class_confidence"])
    assert per_class.shape == (config.repeats, 10)
    assert summary["median_confidence"] == pytest.approx(np.median(np.median(per_class, axis=1)))
    assert summary["min_confidence"] == pytest.approx(per_class.min())
    by_generation = summary["median_confidence_by_generation"]
    assert len(by_generation) == config.generations + 1
    assert by_generation[-1] == pytest.approx(summary["median_confidence"])
    assert by_generation[-1] > by_generation[0]
    first = summary["first_generation_all_above"]
    assert list(first) == ["0.99", "0.999", "0.9999"]
    assert all(len(runs) == config.repeats for runs in first.values())
    assert 0 < summary["random_image_median_confidence"] < 1
    assert summary["evaluations"] == config.repeats * config.children * (config.generations + 1)
    assert summary["evaluations_per_second"] > 0
    assert (summary["generations"], summary["seed"]) == (config.generations, 0)


def test_smoke_elites_are_what_the_network_says(smoke):
    from fooljax import data, models
    from fooljax.runtime import checkpoints

    folder, config, summary = smoke
    elites = np.load(folder / "elites.npz")
    images = elites["images"]
    assert images.shape == (config.repeats, 10, 28, 28, 1) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1
    assert elites["birth_generations"].max() <= config.generations
    np.testing.assert_array_equal(elites["confidences"], summary["per_class_confidence"])
    train = data.load("digits").train
    network = models.build(
        config.victim.model, jax.random.key(0), train.input_shape, train.num_classes
    )
    params = checkpoints.load(folder / "classifier", network.params)
    logits = network.apply(params, images.reshape(-1, 28, 28, 1))
    again = np.asarray(jax.nn.softmax(logits)).reshape(config.repeats, 10, 10)
    own = np.diagonal(again, axis1=1, axis2=2)
    np.testing.assert_allclose(elites["confidences"], own, atol=1e-4)


def test_smoke_pictures_and_page(smoke):
    from PIL import Image

    folder, config, _ = smoke
    for name in PICTURES:
        with Image.open(folder / f"{name}.png") as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(PICTURES)
    outside = re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", page)
    assert not outside
    named = "" if config.victim.model == Victim().model else f" --model {config.victim.model}"
    assert f"python -m experiments.evolve{named} --train-steps 100 --generations 10" in page


def test_smoke_metrics_have_each_generation_once(smoke):
    folder, config, summary = smoke
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["generation"] for line in lines] == list(range(config.generations + 1))
    assert lines[-1]["evaluations"] == summary["evaluations"]


@pytest.fixture(scope="module")
def uncut(toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uncut") / "run"
    evolve.main(tiny(out=str(folder), chunk=4), toy)
    return folder


def test_a_finished_run_is_written_again(toy, uncut, tmp_path):
    folder = shutil.copytree(uncut, tmp_path / "run")
    (folder / "report.html").unlink()
    (folder / "elites.npz").unlink()
    evolve.main(tiny(resume=str(folder), chunk=4), toy)
    assert (folder / "elites.npz").read_bytes() == (uncut / "elites.npz").read_bytes()
    assert (folder / "report.html").stat().st_size > 10_000


def test_stopped_while_writing_results(toy, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt  # a signal would be ignored in a shell's background job

    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(Interrupted, match=f"--resume {folder}"):
        patch.setattr(page, "story", stop)
        evolve.main(tiny(out=str(folder)), toy)
    assert not (folder / "report.html").exists()
    evolve.main(tiny(resume=str(folder)), toy)
    assert (folder / "report.html").exists()


@pytest.mark.parametrize("devices", [1, 4])
def test_stopped_in_the_middle_the_bytes_are_the_same(toy, tmp_path, monkeypatch, devices):
    """On as many devices: others show the network other batches, which may round otherwise."""
    evolve.main(tiny(out=str(tmp_path / "uncut"), chunk=4, devices=devices), toy)
    record = search_run.history.record

    def record_and_stop(folder, generation, *rest):
        record(folder, generation, *rest)
        if generation == 2:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="after generation 2"):
        patch.setattr(search_run.history, "record", record_and_stop)
        evolve.main(tiny(out=str(tmp_path / "cut"), chunk=1, devices=devices), toy)
    evolve.main(tiny(resume=str(tmp_path / "cut"), chunk=3, devices=devices), toy)
    for name in ("elites.npz", "genomes.npz"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "uncut" / name).read_bytes()


@pytest.mark.filterwarnings("ignore:no answer")
@pytest.mark.parametrize(
    ("encoding", "fitness"),
    [("direct", "prob"), pytest.param("cppn", "logprob", marks=pytest.mark.slow)],
)
def test_children_with_nan_are_rejected(toy, tmp_path, encoding, fitness):
    nan = dataclasses.replace(toy, apply=unsure)
    summary = evolve.main(
        tiny(out=str(tmp_path / "run"), encoding=encoding, children=40, fitness=fitness), nan
    )
    elites = np.load(tmp_path / "run" / "elites.npz")
    assert np.isfinite(elites["confidences"]).all() and (elites["birth_generations"] >= 0).all()
    assert (elites["images"][..., 0, 0, 0] >= 0.4).all()
    assert summary["random_image_median_confidence"] is not None
    assert np.isfinite(summary["random_image_median_confidence"])


@pytest.mark.slow
def test_niches_may_stay_empty(toy, tmp_path):
    params = toy.params.at[:, 2].set(-1.0)  # nothing looks like the third class
    summary = evolve.main(
        tiny(out=str(tmp_path / "run"), search="own_niche"), dataclasses.replace(toy, params=params)
    )
    elites = np.load(tmp_path / "run" / "elites.npz")
    assert (elites["confidences"][:, 2] == 0).all() and (elites["images"][:, 2] == 0).all()
    assert (elites["birth_generations"][:, 2] == -1).all()
    assert summary["min_confidence"] == 0
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
def test_a_strategy_instead(toy, tmp_path):
    summary = evolve.main(tiny(out=str(tmp_path / "run"), search="snes"), toy)
    assert 0 < summary["median_confidence"] <= 1


IMPOSSIBLE = {
    "--generations must be at least 1, got 0": {"generations": 0},
    "--children must be at least 1, got 0": {"children": 0},
    "--repeats must be at least 1, got -1": {"repeats": -1},
    "--chunk must be at least 1, got 0": {"chunk": 0},
    "--devices must be at least 1, got 0": {"devices": 0},
    "--devices must not exceed --children, got 99 and 10": {"devices": 99},
    "--seed must be at least 0, got -1": {"seed": -1},
    r"--seed must be below 4,294,967,296, got 4,294,967,296": {"seed": 2**32},
    r"--mutation-rate must be in \[0, 1\], got 2": {"mutation_rate": 2.0},
    "--mutation-rate must be in .*got nan": {"mutation_rate": float("nan")},
    "--halve-rate-every must be at least 0": {"halve_rate_every": -1},
    "--train-steps must be at least 1": {"victim": Victim(train_steps=0)},
    "--variation.* belong to --encoding direct": {"encoding": "cppn", "variation": "iso_line"},
    "--coordinates, .* belong to --encoding cppn": {"coordinates": "normalized"},
    "--variation, .* are for --search .*; snes draws": {"search": "snes", "mutation_rate": 0.2},
    "--genes belong to --encoding direct": {"encoding": "cppn", "genes": "uint8"},
    "--memory-limit must be positive, got 0": {"memory_limit": 0.0},
    "--memory-limit must be at most .*, got inf": {"memory_limit": float("inf")},
    "--shown-to: architectures .*; got mlp nope": {"shown_to": ("mlp", "nope")},
    "--view ten is for published": {"victim": Victim(view="ten")},
    "--memory-limit chooses .* are 25; leave one": {"memory_limit": 1.0, "deterministic": True},
    "--precision bfloat16 sorts out .*--search snes": {
        "precision": "bfloat16",
        "search": "snes",
        "children": 30,
    },
    "--descriptors: unknown 'brihgtness'; did you mean brightness": {
        "descriptors": ("brihgtness",)
    },
    "--descriptors: a range is NAME:LOW:HIGH, as contrast:0:0.5, got contrast:1": {
        "descriptors": ("contrast:1",)
    },
    "--descriptors: contrast .* needs finite low < high, got 1.0 and 0.0": {
        "descriptors": ("contrast:1:0",)
    },
    "--descriptors: each descriptor once": {"descriptors": ("contrast", "contrast:0:1")},
    "--descriptors: 4,096 looks of 10 classes are more than 10,000": {
        "descriptors": ("contrast", "symmetry", "brightness"),
        "grid": 16,
    },
    "--search dominated compares images by what --descriptors measure": {"search": "dominated"},
    "--search cma_me: a strategy searches genomes that are one array": {
        "search": "cma_me",
        "encoding": "cppn",
    },
    "--search omg_mega: a strategy searches .* uint8": {"search": "omg_mega", "genes": "uint8"},
    "--search cma_mega: at least 3 for each of 1 emitters": {"search": "cma_mega", "children": 2},
    "--descriptors need --search map_elites": {"descriptors": ("contrast",), "search": "snes"},
    "--grid 3 is the number of steps of --descriptors": {"grid": 3},
    "--archive cvt divides what --descriptors name": {"archive": "cvt"},
    "--grid 3 is of --archive grid; --archive cvt has --cells": {
        "descriptors": ("contrast",),
        "archive": "cvt",
        "grid": 3,
    },
    "--cells 3 are those of --archive cvt": {"descriptors": ("contrast",), "cells": 3},
    "--descriptors: 2,000 looks of 10 classes .* take fewer .--cells": {
        "descriptors": ("contrast",),
        "archive": "cvt",
        "cells": 2000,
    },
    "--grid must be at least 1, got 0": {"descriptors": ("contrast",), "grid": 0},
    "--nodes must be at least 5, got 3": {"encoding": "cppn", "nodes": 3},
    "--search nope: .*map_elites, or own_niche": {"search": "nope", "children": 30},
    "--search snes: .*one array of floats": {"encoding": "cppn", "search": "snes", "children": 30},
    "--search snes needs at least two --children": {"search": "snes", "children": 3},
    "--dataset: no data set is called": {"victim": Victim(dataset="nope")},
    "--model nope: unknown network": {"victim": Victim(model="nope")},
    "--weights: there is no file": {"victim": Victim(weights="absent")},
    "--model absent.py:x: there is no file": {"victim": Victim(model="absent.py:x")},
    "--dataset none needs a network": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    with pytest.raises(ValueError, match=message):
        evolve.main(tiny(out=str(tmp_path / "deep" / "run"), **changes))
    assert not list(tmp_path.iterdir())


def test_a_damaged_table_of_data(tmp_path):
    np.savez(tmp_path / "mine.npz", images=np.zeros((4, 8, 8, 1), np.uint8), labels=[0, 1, -1, 0])
    for content, message in ((None, "got -1 at index 2"), (b"PK half of it", "mine.npz")):
        if content:
            (tmp_path / "mine.npz").write_bytes(content)
        victim = Victim(dataset=str(tmp_path / "mine.npz"), model="softmax")
        with pytest.raises(ValueError, match=f"--dataset: .*{message}"):
            evolve.main(tiny(out=str(tmp_path / "run"), victim=victim))
    assert not (tmp_path / "run").exists()


def test_tensorboard_without_the_package(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ValueError, match=r"--tensorboard needs: pip install"):
        evolve.main(tiny(out=str(tmp_path / "run"), tensorboard=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("variation", ["polynomial", "inherit", "original", "iso_line"])
def test_every_variation_builds(variation):
    config = tiny(variation=variation, halve_rate_every=2 if variation == "original" else 0)
    measure.check(config)
    encoding = measure.build_encoding(config, (4, 4, 3), Pictures())
    genome = encoding.init(jax.random.key(0))
    child = encoding.vary(jax.random.key(1), genome, genome, jnp.int32(1))
    assert child.shape == genome.shape
