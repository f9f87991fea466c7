"""Published networks and the pictures and flags that go with them."""

import dataclasses

import jax
import pytest
from PIL import Image

from fooljax.models import build, save_weights
from fooljax.study.loaded import load_published
from fooljax.study.prepared import prepare
from fooljax.study.victim import Victim


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    """SqueezeNet with random weights in a file, and no data."""
    path = tmp_path_factory.mktemp("weights") / "squeezenet1_1.safetensors"
    save_weights(path, build("squeezenet1_1", jax.random.key(0), (32, 32, 3), 1000))
    return Victim(dataset="none", model="squeezenet1_1", weights=str(path), image_size=(32, 32))


@pytest.mark.slow
def test_some_classes_of_imagenet_are_not_taken_for_the_first_ones(victim, tmp_path):
    for part in ("train", "val"):
        for wnid in ("n01496331", "n01530575", "n01614925"):
            place = tmp_path / "imagenet" / part / wnid
            place.mkdir(parents=True)
            Image.new("RGB", (40, 40)).save(place / "one.png")
    some = dataclasses.replace(victim, dataset="imagenet", data_dir=str(tmp_path))
    message = "--dataset imagenet has 3 classes, of the 1000 .* put a wnids.txt with all 1000"
    with pytest.raises(ValueError, match=message):
        prepare(some, tmp_path / "run", lambda shape, num_classes: None)


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("--view ten: crops need images larger than 224 pixels, got 224", {"image_size": None}),
        ("--image-size: squeezenet1_1 takes square images, got 32 40", {"image_size": (32, 40)}),
        ("^--weights, --image-size: .*", {"image_size": (4, 4), "view": "center"}),
    ],
)
def test_impossible_images(message, changes, victim):
    with pytest.raises(ValueError, match=message):
        load_published(dataclasses.replace(victim, view=changes.pop("view", "ten"), **changes))
