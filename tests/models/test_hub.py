"""The Hugging Face hub, with a stand-in that answers as the hub does."""

import hashlib
import http.server
import threading

import jax
import numpy as np
import pytest

from fooljax.models import PUBLISHED, build, hub, load_published, save_weights
from fooljax.models.published import _find

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("hub") / "model.safetensors"
    save_weights(path, build("softmax", jax.random.key(0), (2, 2, 1), 3))
    return path.read_bytes()


def point_to(endpoint, monkeypatch, tmp_path):
    """Look for the hub somewhere else, and do not wait between attempts."""
    from huggingface_hub import constants

    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture
def served(weights, monkeypatch, tmp_path):
    """Answer as the hub does, from memory; yields the list of what was asked for."""
    asked = []

    class Hub(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append((self.command, self.path))
            if self.path != f"/someone/net/resolve/{COMMIT}/model.safetensors":
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(weights)))
            self.send_header("ETag", '"abc"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()

        def do_GET(self):
            self.do_HEAD()
            if self.path.endswith("model.safetensors") and COMMIT in self.path:
                self.wfile.write(weights)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    point_to(f"http://127.0.0.1:{server.server_port}", monkeypatch, tmp_path)
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


def gets(asked):
    """Keep what was downloaded; the hub's library also asks for other things."""
    return [path for command, path in asked if command == "GET" and "/resolve/" in path]


def test_a_file_is_fetched_once_and_checked(served, weights):
    digest = hashlib.sha256(weights).hexdigest()
    file = hub.File("someone/net", revision=COMMIT, sha256=digest)
    assert hub.fetch(file).read_bytes() == weights
    downloads = gets(served)
    assert len(downloads) == 1
    assert hub.fetch(file).read_bytes() == weights
    assert gets(served) == downloads


def test_other_content_is_refused(served):
    file = hub.File("someone/net", revision=COMMIT, sha256="0" * 64)
    with pytest.raises(ValueError, match=r"not the published content of someone/net/model"):
        hub.fetch(file)


def test_what_is_not_there(served):
    with pytest.raises(OSError, match=r"someone/else.*cannot be had .* --weights FILE"):
        hub.fetch(hub.File("someone/else", revision=COMMIT))


def test_no_hub_at_all(monkeypatch, tmp_path):
    point_to("http://127.0.0.1:9", monkeypatch, tmp_path)
    with pytest.raises(OSError, match="cannot be had from the Hugging Face hub"):
        hub.fetch(hub.File("someone/net", revision=COMMIT))


def test_places_are_written_one_way():
    assert hub.parse("hf:a/b") == hub.File("a/b")
    assert hub.parse("hf:a/b/c/d.safetensors@v1") == hub.File("a/b", "c/d.safetensors", "v1")
    for wrong in ("hf:a", "hf:", "hf:a/b@"):
        with pytest.raises(ValueError, match="write hf:OWNER/REPOSITORY"):
            hub.parse(wrong)
    with pytest.raises(ValueError, match="others can execute code"):
        hub.parse("hf:a/b/pytorch_model.bin")


def test_places_in_the_table_are_pinned():
    for name, published in PUBLISHED.items():
        if published.file is not None:
            assert len(published.file.revision) == 40, name
            assert published.file.name.endswith(".safetensors")


def test_weights_that_cannot_be_fetched_say_where_they_are(tmp_path):
    with pytest.raises(ValueError, match=r"alexnet cannot be fetched .*alexnet-owt.*--weights"):
        load_published("alexnet")
    with pytest.raises(ValueError, match="unknown network 'lexnet'"):
        load_published("lexnet")
    with pytest.raises(ValueError, match=r"no .safetensors or .pth file whose name begins with"):
        load_published("alexnet", tmp_path)
    for name in ("mobilenet_v2-1.safetensors", "mobilenet_v2-2.pth"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match="has several files"):
        load_published("mobilenet_v2", tmp_path)


def test_layers_under_other_names_are_found(tmp_path, key):
    """A dense layer that the file stores as a convolution over its whole input."""
    import safetensors.numpy

    from fooljax.models import load_weights

    network = build("softmax", key, (2, 3, 2), 5)
    save_weights(tmp_path / "ours", network)
    stored = safetensors.numpy.load_file(tmp_path / "ours")
    theirs = {
        "head.fc.weight": stored["fc.weight"].reshape(5, 2, 2, 3),
        "head.fc.bias": stored["fc.bias"],
        "bn.num_batches_tracked": np.zeros(1, np.int64),
    }
    safetensors.numpy.save_file(theirs, tmp_path / "theirs")
    loaded = load_weights(
        tmp_path / "theirs", network, aliases={"head.fc": "fc"}, unused=("num_batches_tracked",)
    )
    jax.tree.map(np.testing.assert_array_equal, loaded.params, network.params)


@pytest.mark.parametrize(
    ("network", "file"),
    [
        ("squeezenet1_1", "squeezenet1_1_imagenet.safetensors"),
        ("squeezenet1_1", "squeezenet1_1-b8a52dc0.pth"),
        ("mobilenet_v1", "mobilenet_v1_0.75_192_imagenet.safetensors"),
        ("mobilenet_v2", "mobilenet_v2_1.0_224_imagenet.safetensors"),
        ("mobilenet_v2_torchvision", "mobilenet_v2-b0353104.pth"),
        ("caffenet", "bvlc_reference_caffenet.safetensors"),
        ("vgg16", "vgg16-397923af.pth"),
        ("resnet50", "resnet50.safetensors"),
    ],
)
def test_finds_its_own_file_in_a_folder(network, file, tmp_path):
    """Under the names that publishers give, among those of all other networks."""
    for name in (
        file,
        "squeezenet1_1.txt",
        "mobilenet_v2_torchvision_of_mine.txt",
        "vgg16_bn-6c64b313.pth",
        "mobilenet_v3_large-8738ca79.pth",
        "wide_resnet50_2-95faca4d.pth",
        "resnet101-63fe2227.pth",
        "alexnet-owt-7be5be79.pth",
    ):
        (tmp_path / name).touch()
    found = _find(network, PUBLISHED[network], tmp_path)
    assert found == tmp_path / file
    (tmp_path / f"{network}.safetensors").touch()
    if file != f"{network}.safetensors":
        with pytest.raises(ValueError, match="has several files whose name begins with"):
            _find(network, PUBLISHED[network], tmp_path)


def test_torchvision_s_mobilenet_is_not_tensorflow_s(tmp_path):
    (tmp_path / "mobilenet_v2-b0353104.pth").touch()
    with pytest.raises(ValueError, match=r"no .safetensors or .pth file whose name begins"):
        _find("mobilenet_v2", PUBLISHED["mobilenet_v2"], tmp_path)
