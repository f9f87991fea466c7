"""ImageNet networks: published logits, torchvision as oracle, and parts against numpy."""

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from fooljax.models import NETWORKS, PUBLISHED, from_flax, load_published, load_weights
from fooljax.models.alexnet import _normalize_locally
from fooljax.models.layers import average_to, max_pool3

# Trainable numbers, and running averages where there are any, of the published files.
SIZES = {
    "alexnet": 61_100_840,
    "caffenet": 60_965_224,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "resnet18": 11_689_512 + 9_600,
    "resnet50": 25_557_032 + 53_120,
    "squeezenet1_1": 1_235_496,
    "mobilenet_v2_torchvision": 3_504_872 + 34_112,
}
REFERENCES = {
    "squeezenet1_1": ("squeezenet1_1", 654),
    "mobilenet_v1": ("mobilenet_v1_0.75_at224", 821),
    "mobilenet_v2": ("mobilenet_v2_1.0_224", 881),
}


def template(name):
    pixels = PUBLISHED[name].pixels
    images = jax.ShapeDtypeStruct((1, pixels, pixels, 3), jnp.float32)
    module = NETWORKS[name](1000)
    params = jax.eval_shape(module.init, jax.random.key(0), images)["params"]
    return from_flax(module, params, (pixels, pixels, 3), 1000)


@pytest.mark.parametrize("name", SIZES)
def test_published_sizes(name):
    params = template(name).params
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == SIZES[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_too_small_or_gray_images_are_refused(name, key):
    if name not in PUBLISHED:
        pytest.skip("takes images of any size, or is tested with the small networks")
    blank = lambda *shape: jax.eval_shape(NETWORKS[name](5).init, key, jnp.zeros((1, *shape)))
    with pytest.raises(ValueError, match=r"color images of at least \d+x\d+ pixels, got 16x80x3"):
        blank(16, 80, 3)
    with pytest.raises(ValueError, match="got 80x80x1"):
        blank(80, 80, 1)


@pytest.mark.parametrize("size, ceil", [(7, True), (8, True), (7, False), (8, False)])
@pytest.mark.parametrize("padding", [0, 1])
def test_max_pool3_is_the_maximum_of_each_window(key, size, ceil, padding):
    x = jax.random.normal(key, (1, size, size, 1))
    padded = np.pad(x[0, ..., 0], padding, constant_values=-np.inf)
    last = len(padded) - (2 if ceil else 3)
    starts = range(0, last + 1, 2)
    expected = [[padded[i : i + 3, j : j + 3].max() for j in starts] for i in starts]
    np.testing.assert_array_equal(max_pool3(x, padding=padding, ceil=ceil)[0, ..., 0], expected)


@pytest.mark.parametrize("pixels", [3, 7, 12, 13])
def test_average_to_keeps_constants_and_halves(key, pixels):
    x = jax.random.normal(key, (1, pixels, pixels, 2))
    assert average_to(x, 6).shape == (1, 6, 6, 2)
    np.testing.assert_allclose(average_to(jnp.ones_like(x), 6), 1.0, rtol=1e-6)
    if pixels == 12:
        expected = x.reshape(1, 6, 2, 6, 2, 2).mean((2, 4))
        np.testing.assert_allclose(average_to(x, 6), expected, rtol=1e-5, atol=1e-6)


def test_local_normalization_is_krizhevskys(key):
    x = 30.0 * jax.random.normal(key, (1, 2, 2, 7))
    expected = np.empty(x.shape)
    for channel in range(7):
        neighbors = np.asarray(x)[..., max(0, channel - 2) : channel + 3]
        scale = 1.0 + 1e-4 / 5 * np.sum(neighbors**2, axis=-1)
        expected[..., channel] = x[..., channel] / scale**0.75
    np.testing.assert_allclose(_normalize_locally(x), expected, rtol=1e-5)


def pictures(folder, count):
    from PIL import Image

    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))[:count]
    read = lambda row: np.asarray(Image.open(folder / row["file"]).convert("RGB"))[16:240, 16:240]
    return np.stack([read(row) for row in rows]), np.array([int(row["label"]) for row in rows])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "squeezenet1_1" else pytest.mark.slow)
        for name in REFERENCES
    ],
)
def test_published_logits(name, data_dir):
    """The logits of four pictures, as PyTorch computes them."""
    root = Path(data_dir)
    if not (root / "imagenet" / "samples").is_dir():
        pytest.skip("the data folder has no ImageNet pictures")
    images, _ = pictures(root / "imagenet" / "samples", 4)
    network = load_published(name, root / "models")
    reference = np.load(root / "models" / "reference_logits.npz", allow_pickle=False)
    logits = jax.jit(network.apply)(network.params, images.astype(np.float32) / 255.0)
    expected = reference[f"{REFERENCES[name][0]}_logits_first16"][:4]
    np.testing.assert_allclose(logits, expected, atol=1e-3, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCES)
def test_published_answers_and_accuracy(name, data_dir):
    """The class of every one of the thousand pictures, and the accuracy measured elsewhere."""
    root = Path(data_dir)
    if not (root / "imagenet" / "samples").is_dir():
        pytest.skip("the data folder has no ImageNet pictures")
    images, labels = pictures(root / "imagenet" / "samples", 1000)
    network = load_published(name, root / "models")
    read = jax.jit(lambda network, batch: network(batch.astype(jnp.float32) / 255.0))
    logits = np.concatenate([read(network, batch) for batch in np.split(images, 20)])
    reference = np.load(root / "models" / "reference_logits.npz", allow_pickle=False)
    stem, right = REFERENCES[name]
    np.testing.assert_allclose(logits[:16], reference[f"{stem}_logits_first16"], atol=1e-3, rtol=0)
    np.testing.assert_array_equal(logits.argmax(1), reference[f"{stem}_top1_all1000"])
    assert np.sum(logits.argmax(1) == labels) == right


def shaken(module, torch):
    """Give averages and biases values that would show if they were mixed up."""
    generator = torch.Generator().manual_seed(0)
    draw = lambda like: torch.rand(like.shape, generator=generator)
    state = module.state_dict()
    for name, tensor in state.items():
        if name.endswith("running_var"):
            state[name] = 0.5 + draw(tensor)
        elif tensor.ndim == 1:
            state[name] = tensor + 0.2 * draw(tensor)
    module.load_state_dict(state)
    return module.eval()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, pixels",
    [
        ("alexnet", 224),
        ("alexnet", 190),
        ("vgg16", 75),
        ("vgg19", 64),
        ("resnet18", 70),
        ("resnet50", 64),
        ("squeezenet1_1", 70),
        ("mobilenet_v2_torchvision", 70),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_torchvision_says_the_same(name, pixels, suffix, tmp_path, key):
    torch = pytest.importorskip("torch")
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    build = getattr(torchvision.models, name.removesuffix("_torchvision"))
    module = shaken(build(weights=None), torch)
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(module.state_dict(), path)
    else:
        arrays = {n: t.numpy() for n, t in module.state_dict().items()}
        safetensors.numpy.save_file(arrays, path)
    classifier = load_published(name, path, pixels)
    images = jax.random.uniform(key, classifier.input_shape)[None].repeat(2, 0)
    images = images.at[1].set(1.0 - images[1])
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    shown = ((np.asarray(images) - mean) / std).astype(np.float32).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = module(torch.from_numpy(shown)).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        jax.jit(classifier.apply)(classifier.params, images), expected, atol=1e-4 * scale, rtol=0
    )


@pytest.mark.slow
def test_caffenet_against_torch(tmp_path, key):
    """Grouped convolutions, ceiling pools and normalization, written down once more."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    shapes = {
        "conv1": (96, 3, 11, 11),
        "conv2": (256, 48, 5, 5),
        "conv3": (384, 256, 3, 3),
        "conv4": (384, 192, 3, 3),
        "conv5": (256, 192, 3, 3),
        "fc6": (4096, 9216),
        "fc7": (4096, 4096),
        "fc8": (1000, 4096),
    }
    random = np.random.default_rng(0)
    state = {}
    for name, shape in shapes.items():
        scale = np.sqrt(2.0 / np.prod(shape[1:]))
        state[f"{name}.weight"] = (scale * random.standard_normal(shape)).astype(np.float32)
        state[f"{name}.bias"] = random.random(shape[0], np.float32)
    safetensors.numpy.save_file(state, tmp_path / "w.safetensors")
    classifier = load_weights(tmp_path / "w.safetensors", template("caffenet"))
    images = jax.random.uniform(key, (2, 227, 227, 3))

    w = {name: torch.from_numpy(array) for name, array in state.items()}
    mean = np.array([104.00699, 116.66877, 122.67891])
    x = (255.0 * np.asarray(images)[..., ::-1] - mean).astype(np.float32)
    x = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())

    def convolve(x, name, **options):
        return functional.relu(
            functional.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **options)
        )

    pool = lambda x: functional.max_pool2d(x, 3, 2, ceil_mode=True)
    normalize = lambda x: functional.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)
    x = normalize(pool(convolve(x, "conv1", stride=4)))
    x = normalize(pool(convolve(x, "conv2", padding=2, groups=2)))
    x = convolve(x, "conv3", padding=1)
    x = convolve(x, "conv4", padding=1, groups=2)
    x = pool(convolve(x, "conv5", padding=1, groups=2)).flatten(1)
    for name in ("fc6", "fc7"):
        x = functional.relu(x @ w[f"{name}.weight"].T + w[f"{name}.bias"])
    expected = (x @ w["fc8.weight"].T + w["fc8.bias"]).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        jax.jit(classifier.apply)(classifier.params, images), expected, atol=1e-4 * scale, rtol=0
    )
