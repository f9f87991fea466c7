"""A run goes on with the data, weights and functions it was begun with, or says what changed."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from fooljax.data import Splits, from_arrays, stream
from fooljax.runtime import identity, inputs
from fooljax.types import Classifier

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 3, 3, 1), np.uint8)


def network(weight=1.0, apply=None):
    linear = lambda params, images: params * images.sum((1, 2, 3))[:, None]
    params = jnp.array([[weight, -1.0, 2.0]])
    return Classifier(params, apply or linear, (3, 3, 1), 3)


def splits(images=IMAGES, labels=(0, 1, 1, 0), names=("a", "b"), test_images=IMAGES):
    labels = np.array(labels)
    return Splits(from_arrays(images, labels, names), from_arrays(test_images, labels, names))


CHANGES = {
    "training images": {"images": 255 - IMAGES},
    "training images ": {"images": IMAGES / np.float32(255)},
    "training labels and test labels": {"labels": (0, 1, 1, 1)},
    "test images": {"test_images": IMAGES[::-1]},
    "class names": {"names": ("a", "c")},
}


@pytest.mark.parametrize("what", CHANGES)
def test_other_data_are_refused_and_named(what, tmp_path):
    inputs.same_data(tmp_path, "x.npz, 3x3x1", splits())
    inputs.same_data(tmp_path, "x.npz, 3x3x1", splits())
    before = (tmp_path / inputs.FILE).read_bytes()
    message = f"--resume: x.npz, 3x3x1: other {what.strip()} than .*put the data back.*--out"
    with pytest.raises(ValueError, match=message):
        inputs.same_data(tmp_path, "x.npz, 3x3x1", splits(**CHANGES[what]))
    assert (tmp_path / inputs.FILE).read_bytes() == before
    inputs.same_data(tmp_path, "another", splits(**CHANGES[what]))


def test_data_on_disk_are_told_apart(tmp_path):
    for part in ("train", "val"):
        for name in ("a/1.png", "a/2.png", "b/1.png"):
            path = tmp_path / "set" / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (len(name), 0, 0)).save(path)
    found = lambda: identity.of_data(stream(str(tmp_path / "set"), image_size=(8, 8)))
    begun = found()
    (tmp_path / "set").rename(tmp_path / "moved")
    (tmp_path / "moved").rename(tmp_path / "set")
    assert found() == begun
    picture = tmp_path / "set" / "train" / "b" / "1.png"
    content = picture.read_bytes()
    picture.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # of the same size and name
    assert identity.differences(begun, found()) == ["training images"]
    picture.write_bytes(content)
    picture.rename(picture.with_name("2.png"))
    assert identity.differences(begun, found()) == ["training images"]
    picture.with_name("2.png").rename(tmp_path / "set" / "train" / "a" / "3.png")
    (tmp_path / "set" / "train" / "b").rmdir()
    (tmp_path / "set" / "wnids.txt").write_text("a\nb\n")
    assert identity.differences(begun, found()) == ["training images", "training labels"]


def test_other_weights_are_refused(tmp_path):
    inputs.same_networks(tmp_path, {"a": network(1.0), "b": network(2.0)})
    inputs.same_networks(tmp_path, {"a": network(1.0), "b": network(2.0)})
    with pytest.raises(ValueError, match=r"--resume: b: other weights than .*give the same --wei"):
        inputs.same_networks(tmp_path, {"a": network(1.0), "b": network(2.0 + 1e-6)})
    wide = identity.of_weights(np.zeros((2, 3), np.float32))
    assert wide != identity.of_weights(np.zeros((3, 2), np.float32))
    assert wide != identity.of_weights(np.zeros((2, 3), np.int32))


@pytest.mark.parametrize(
    "edited",
    [
        lambda p, x: p * (1.01 * x).sum((1, 2, 3))[:, None],
        lambda p, x: p * jnp.clip(x, 0.1, 1.0).sum((1, 2, 3))[:, None],
        lambda p, x: jnp.pad(p * x.sum((1, 2, 3))[:, None], ((0, 0), (0, 1))),
        lambda p, x: p * jnp.nan * x.sum((1, 2, 3))[:, None],
    ],
)
def test_another_function_of_the_same_weights_is_refused(edited, tmp_path):
    inputs.same_networks(tmp_path, {"own": network()})
    inputs.same_networks(
        tmp_path, {"own": network(apply=lambda p, x: p * x.sum((1, 2, 3))[:, None])}
    )
    with pytest.raises(ValueError, match=r"--resume: own: other function \(.*--model"):
        inputs.same_networks(tmp_path, {"own": network(apply=edited)})


def test_rounding_makes_no_other_function(tmp_path):
    begun = identity.of_network(network())
    rounded = {**begun, "logits": (np.array(begun["logits"]) * (1 + 1e-5)).tolist()}
    assert identity.differences(begun, rounded) == []
    coarse = {**begun, "logits": (np.array(begun["logits"]) * 1.01).tolist()}
    assert identity.differences(begun, coarse)[0].startswith("function (logits of fixed images")
    assert identity.differences(begun, {**coarse, "device": "another"}) == []


def test_the_same_on_any_number_of_devices(tmp_path):
    mesh = jax.make_mesh((4,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
    everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    one = network()
    spread = Classifier(jax.device_put(one.params, everywhere), one.apply, (3, 3, 1), 3)
    assert identity.of_network(spread) == identity.of_network(one)


def test_networks_with_other_keys_are_other_networks(tmp_path):
    apply = lambda p, x: x.sum((1, 2, 3))[:, None] + jax.random.normal(p["key"], (1, 2))
    make = lambda seed: Classifier({"key": jax.random.key(seed)}, apply, (1, 1, 1), 2)
    inputs.same_networks(tmp_path, {"random": make(0)})
    inputs.same_networks(tmp_path, {"random": make(0)})
    with pytest.raises(ValueError, match="random: other weights"):
        inputs.same_networks(tmp_path, {"random": make(1)})


@pytest.mark.parametrize("content", ["", "[]", '{"data": 1}', '{"data": {"x": 1}}', None])
def test_what_cannot_be_read_is_not_believed(content, tmp_path):
    inputs.same_data(tmp_path, "x", splits())
    (tmp_path / "units").mkdir()
    (tmp_path / inputs.FILE).unlink()
    if content is not None:
        (tmp_path / inputs.FILE).write_text(content)
    with pytest.raises(ValueError, match=r"--resume: .*inputs.json does not say which data.*--out"):
        inputs.same_data(tmp_path, "x", splits())


def test_numbers_that_json_cannot_hold(tmp_path):
    infinite = lambda p, x: jnp.stack([x.sum((1, 2, 3)), jnp.full(len(x), jnp.inf)], 1)
    for _ in range(2):
        inputs.same_networks(tmp_path, {"own": network(apply=infinite)})
    assert "NaN" not in (tmp_path / inputs.FILE).read_text()
    json.loads((tmp_path / inputs.FILE).read_text())
