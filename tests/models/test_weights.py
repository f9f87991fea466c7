import dataclasses
import gzip
import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.flax
import safetensors.numpy

from fooljax.models import MLP, build, init_flax, load_weights, save_weights
from fooljax.types import Classifier

SHAPE = (2, 3, 2)


@pytest.fixture(scope="module")
def classifier():
    return init_flax(jax.random.key(0), MLP(3, hidden=(4,)), SHAPE, 3)


@pytest.fixture
def tensors(tmp_path, classifier):
    save_weights(tmp_path / "weights.safetensors", classifier)
    return safetensors.numpy.load_file(tmp_path / "weights.safetensors")


def blank(classifier):
    params = jax.tree.map(jnp.zeros_like, classifier.params)
    return dataclasses.replace(classifier, params=params)


@pytest.mark.parametrize("name", ["lenet", "resnet"])
def test_round_trip(name, key, tmp_path):
    classifier = build(name, key, (13, 15, 3), 10)
    save_weights(tmp_path / "new" / "w.safetensors", classifier)
    loaded = load_weights(tmp_path / "new" / "w.safetensors", blank(classifier))
    jax.tree.map(np.testing.assert_array_equal, loaded.params, classifier.params)
    assert jax.tree.structure(loaded) == jax.tree.structure(classifier)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["w.safetensors"]


def test_files_have_published_names_and_layouts(key, tmp_path):
    classifier = build("lenet", key, (28, 28, 1), 10)
    save_weights(tmp_path / "w", classifier)
    stored = safetensors.numpy.load_file(tmp_path / "w")
    assert {name: array.shape for name, array in stored.items()} == {
        "conv1.weight": (20, 1, 5, 5),
        "conv1.bias": (20,),
        "conv2.weight": (50, 20, 5, 5),
        "conv2.bias": (50,),
        "ip1.weight": (500, 800),
        "ip1.bias": (500,),
        "ip2.weight": (10, 500),
        "ip2.bias": (10,),
    }
    kernel = classifier.params["conv2"]["kernel"]
    assert stored["conv2.weight"][7, 3, 1, 2] == kernel[1, 2, 3, 7]


def test_the_first_linear_layer_reads_channels_first(tensors, classifier):
    image = np.random.default_rng(0).random(SHAPE, np.float32)
    hidden = np.maximum(tensors["fc1.weight"] @ image.transpose(2, 0, 1).ravel(), 0)
    expected = tensors["fc2.weight"] @ hidden
    np.testing.assert_allclose(classifier(jnp.asarray(image[None]))[0], expected, rtol=1e-4)


def test_other_float_types_are_converted(tensors, classifier, tmp_path):
    half = {name: array.astype(np.float16) for name, array in tensors.items()}
    safetensors.numpy.save_file(half, tmp_path / "half")
    loaded = load_weights(tmp_path / "half", blank(classifier))
    assert {leaf.dtype for leaf in jax.tree.leaves(loaded.params)} == {jnp.dtype("float32")}
    np.testing.assert_array_equal(loaded.params["fc2"]["kernel"], half["fc2.weight"].T)


def test_everything_that_does_not_fit_is_listed(tensors, classifier, tmp_path):
    wrong = {
        "extra.weight": np.zeros(2, np.float32),
        "fc1.weight": tensors["fc1.weight"].T.copy(),
        "fc1.bias": tensors["fc1.bias"].astype(np.int32),
        "fc2.weight": np.full_like(tensors["fc2.weight"], np.nan),
    }
    safetensors.numpy.save_file(wrong, tmp_path / "wrong")
    with pytest.raises(ValueError, match="--weights") as caught:
        load_weights(tmp_path / "wrong", classifier)
    for part in (
        str(tmp_path / "wrong"),
        "fc2.bias is missing",
        "extra.weight is unexpected",
        "fc1.weight has shape (12, 4) instead of (4, 12)",
        "fc1.bias holds int32 instead of floating point",
        "fc2.weight holds NaN or infinity",
    ):
        assert part in str(caught.value)


def test_files_that_cannot_be_read(tensors, classifier, tmp_path):
    content = (tmp_path / "weights.safetensors").read_bytes()
    (tmp_path / "truncated").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "pickle.safetensors").write_bytes(pickle.dumps(tensors))
    (tmp_path / "huge").write_bytes(b"\xff" * 64)
    for name in ("truncated", "empty", "pickle.safetensors", "huge"):
        with pytest.raises(ValueError, match=rf"{name} is truncated or not a .*--weights"):
            load_weights(tmp_path / name, classifier)
    for name in ("absent", "."):
        with pytest.raises(ValueError, match=r"there is no file .*--weights"):
            load_weights(tmp_path / name, classifier)


def test_only_nested_dictionaries_have_names(tmp_path):
    classifier = Classifier([jnp.ones(3)], lambda params, images: images, SHAPE, 3)
    with pytest.raises(ValueError, match="nested dictionaries, got list"):
        save_weights(tmp_path / "w", classifier)


def test_the_published_lenet(key, data_dir):
    """82 errors on MNIST's test images, and the logits that PyTorch computes."""

    def read(name, offset):
        content = gzip.decompress((Path(data_dir) / "mnist" / name).read_bytes())
        return np.frombuffer(content, np.uint8)[offset:]

    images = read("t10k-images-idx3-ubyte.gz", 16).reshape(10, 1000, 28, 28, 1)
    labels = read("t10k-labels-idx1-ubyte.gz", 8)
    models = Path(data_dir) / "models"
    template = build("lenet", key, (28, 28, 1), 10)
    classifier = load_weights(models / "caffe_lenet_mnist.safetensors", template)
    forward = jax.jit(classifier.apply)
    logits = np.concatenate(
        [forward(classifier.params, batch.astype(np.float32) / 255) for batch in images]
    )
    assert np.sum(logits.argmax(1) != labels) == 82
    with np.load(models / "reference_logits.npz", allow_pickle=False) as reference:
        expected = reference["caffe_lenet_logits_first64_t10k"]
    np.testing.assert_allclose(logits[:64], expected, atol=1e-4, rtol=0)


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return Path.touch, (Path(self.trace),)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".safetensors", ""])
def test_a_pickle_is_refused_and_not_executed(suffix, classifier, tmp_path):
    path, trace = tmp_path / f"weights{suffix}", tmp_path / "executed"
    path.write_bytes(pickle.dumps({"fc1.weight": Trap(trace)}))
    with pytest.raises(ValueError, match=r"weights.*--weights|weights.*fooljax\[torch\]"):
        load_weights(path, classifier)
    assert not trace.exists()


def test_damaged_torch_files(tensors, classifier, tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "weights.pth"
    torch.save({name: torch.from_numpy(array) for name, array in tensors.items()}, path)
    loaded = load_weights(path, blank(classifier))
    jax.tree.map(np.testing.assert_array_equal, loaded.params, classifier.params)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="is damaged, or holds more than bare tensors"):
        load_weights(path, classifier)


@pytest.mark.parametrize("beginning", ["module.", "_orig_mod.module."])
def test_a_beginning_that_a_wrapper_gave_to_all_names_is_left_out(
    beginning, tensors, classifier, tmp_path
):
    wrapped = {beginning + name: array for name, array in tensors.items()}
    safetensors.numpy.save_file(wrapped, tmp_path / "wrapped")
    loaded = load_weights(tmp_path / "wrapped", blank(classifier))
    jax.tree.map(np.testing.assert_array_equal, loaded.params, classifier.params)


def test_numbers_beyond_the_networks_type_are_refused(tensors, classifier, tmp_path):
    wide = {name: array.astype(np.float64) for name, array in tensors.items()}
    safetensors.numpy.save_file(wide, tmp_path / "wide")
    load_weights(tmp_path / "wide", blank(classifier))
    wide["fc1.bias"] = np.full_like(wide["fc1.bias"], 1e300)
    safetensors.numpy.save_file(wide, tmp_path / "wide")
    with pytest.raises(ValueError, match=r"fc1\.bias holds numbers beyond float32"):
        load_weights(tmp_path / "wide", classifier)
    brain = {name: jnp.asarray(array, jnp.bfloat16) for name, array in tensors.items()}
    safetensors.flax.save_file(brain, tmp_path / "brain")
    loaded = load_weights(tmp_path / "brain", blank(classifier))
    np.testing.assert_array_equal(
        loaded.params["fc1"]["bias"], brain["fc1.bias"].astype(jnp.float32)
    )


def test_running_averages_have_published_names_and_counters_stay(tmp_path):
    layer = {"scale": jnp.full(2, 3.0), "bias": jnp.zeros(2)}
    params = {
        "params": {"bn1": layer, "temperature": 2.0},
        "batch_stats": {"bn1": {"mean": jnp.full(2, 4.0), "var": jnp.full(2, 5.0)}},
        "counts": {"steps": jnp.int32(7)},
    }
    network = Classifier(params, lambda params, images: images, SHAPE, 3)
    save_weights(tmp_path / "w", network)
    stored = safetensors.numpy.load_file(tmp_path / "w")
    means = {name: float(array[0]) for name, array in stored.items()}
    assert means == {
        "bn1.weight": 3.0,
        "bn1.bias": 0.0,
        "bn1.running_mean": 4.0,
        "bn1.running_var": 5.0,
    }
    empty = jax.tree.map(
        lambda leaf: 0 * leaf if hasattr(leaf, "ndim") and leaf.ndim else leaf, params
    )
    loaded = load_weights(tmp_path / "w", dataclasses.replace(network, params=empty))
    jax.tree.map(np.testing.assert_array_equal, loaded.params, params)
