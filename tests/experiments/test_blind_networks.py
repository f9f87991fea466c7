"""A network that only answers is refused before anything is made, and what does without runs."""

import importlib

import pytest

from experiments import perturb
from fooljax.study import change

OWN = """
import numpy as np
import fooljax as fj

weights = np.random.default_rng(0).normal(size=(64, 10)).astype(np.float32)

def make():
    return fj.models.from_function(lambda images: images.reshape(-1, 64) @ weights, (8, 8, 1), 10)
"""
NEEDS = {
    "ascend": "--model: ascents cannot do without a gradient, and your .* only answers; exp",
    "confidence": "tangents cannot do without",
    "evolve": "--search omg_mega cannot do without .*; map_elites can\\b",
    "foolbench": "--generators ascent cannot do without .*; direct, cppn, .* can\\b",
    "glance": "mistake cannot do without",
    "imagine": "the chains cannot do without",
    "parts": "--generators ascent cannot do without",
    "patch": "--models: stickers cannot do without",
    "perturb": "--attacks fgsm .* pgd-l2-targeted cannot do without .*; square, .* can\\b",
    "shapes": "--generators ascent cannot do without",
    "smooth": "the attacks cannot do without",
    "squint": "--generators ascent cannot do without .*; direct, .*, real can\\b",
    "transfer": "--generators pgd cannot do without .*; direct, .*, noise, .* can\\b",
    "universal": "the methods cannot do without",
    "unknown": "those who know the method cannot do without",
}
FEW = {
    "confidence": {"compared": ()},
    "evolve": {"search": "omg_mega", "descriptors": ("brightness",)},
    "foolbench": {"seeds": 1, "defenses": ("median=3",)},
    "smooth": {"networks": 1},
    "squint": {"generators": ("real", "ascent"), "shown_to": ()},
    "transfer": {"network_seeds": 1},
    "unknown": {"network_seeds": 1},
}


@pytest.fixture(scope="module")
def blind(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "blind.py"
    path.write_text(OWN)
    return f"{path}:make"


@pytest.mark.parametrize("name", NEEDS)
def test_what_follows_gradients_is_refused_before_anything_is_made(name, blind, tmp_path):
    experiment = importlib.import_module(f"experiments.{name}")
    config = change(experiment.PRESETS["smoke"], out=f"{tmp_path}/run", **FEW.get(name, {}))
    if hasattr(config, "models"):
        config = change(config, models=(blind, "softmax"))
    else:
        config = change(config, model=blind)
    with pytest.raises(ValueError, match=NEEDS[name]):
        experiment.main(change(config, image_size=(8, 8), train_steps=1))
    assert not (tmp_path / "run" / "units").exists()


def asking(blind, out):
    config = change(perturb.PRESETS["smoke"], image_size=(8, 8), model=blind, images=4)
    return change(config, attacks=("square",), out=str(out))


def test_what_only_asks_may_go_on(blind, tmp_path):
    assert perturb.main(asking(blind, tmp_path / "run"))["images"] == 4


def test_doubts_that_need_a_gradient_are_refused(blind, tmp_path):
    with pytest.raises(ValueError, match=r"--diagnose: .*; leave them out with --no-diagnose"):
        perturb.main(change(asking(blind, tmp_path / "run"), diagnose=True))
