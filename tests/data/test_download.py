"""Downloads, against a server on this machine."""

import hashlib
import http.server
import logging
import threading
from typing import ClassVar

import pooch
import pytest
from test_published import FILES, TEST, TEST_LABELS, TRAIN, TRAIN_LABELS, agrees, gzip, idx

from fooljax.data import known, load
from fooljax.data.download import Registered, fetch, registered

CONTENTS = {
    f"/{name}.gz": gzip.compress(idx(array))
    for name, array in zip(FILES, (TRAIN, TRAIN_LABELS, TEST, TEST_LABELS), strict=True)
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `CONTENTS`; ``/cut/NAME`` promises all of NAME and sends half."""

    requests: ClassVar[list[str]] = []

    def do_GET(self):
        self.requests.append(self.path)
        body = CONTENTS.get(self.path.removeprefix("/cut"))
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path.startswith("/cut") else body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """Talk to the server directly, whatever proxy there is."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Handler.requests.clear()


def entry(server, name, prefix="", sha256=None):
    body = CONTENTS.get(f"/{name}", b"")
    sha256 = sha256 or hashlib.sha256(body).hexdigest()
    return Registered(f"{server}{prefix}/{name}", len(body), sha256, name)


LABELS_FILE = f"{FILES[1]}.gz"


def test_fetches_once(server, tmp_path, capfd):
    file = entry(server, LABELS_FILE)
    path = fetch(file, tmp_path / "cache", "do this")
    assert path == tmp_path / "cache" / LABELS_FILE
    assert path.read_bytes() == CONTENTS[f"/{LABELS_FILE}"]
    out, err = capfd.readouterr()
    assert out == ""
    assert LABELS_FILE in err
    assert "Downloading" not in err
    assert fetch(file, tmp_path / "cache", "do this") == path
    assert Handler.requests == [f"/{LABELS_FILE}"]
    assert capfd.readouterr() == ("", "")


def test_replaces_a_damaged_copy(server, tmp_path):
    (tmp_path / LABELS_FILE).write_bytes(b"damaged")
    path = fetch(entry(server, LABELS_FILE), tmp_path, "do this")
    assert path.read_bytes() == CONTENTS[f"/{LABELS_FILE}"]


def test_refuses_a_wrong_checksum(server, tmp_path):
    with pytest.raises(ValueError, match=rf"{LABELS_FILE} is not the file .* SHA-256.*or do this$"):
        fetch(entry(server, LABELS_FILE, sha256="0" * 64), tmp_path, "do this")
    assert list(tmp_path.iterdir()) == []


def test_reports_what_the_server_says(server, tmp_path):
    message = r"cannot download .*/nothing.gz \(the server answers 404 Not Found\); do this$"
    with pytest.raises(OSError, match=message):
        fetch(entry(server, "nothing.gz"), tmp_path, "do this")
    assert list(tmp_path.iterdir()) == []


def test_keeps_nothing_of_a_cut_transfer(server, tmp_path):
    with pytest.raises(OSError, match=rf"cannot download .*{LABELS_FILE} \(.*\); do this$"):
        fetch(entry(server, LABELS_FILE, prefix="/cut"), tmp_path, "do this")
    assert list(tmp_path.iterdir()) == []


def test_restores_the_logger(server, tmp_path):
    logger = pooch.get_logger()
    for level in (logging.DEBUG, logging.INFO):
        logger.setLevel(level)
        fetch(entry(server, LABELS_FILE), tmp_path / str(level), "do this")
        assert logger.level == level


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("FOOLJAX_DATA_DIR", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path / "cache" / "fooljax"


@pytest.mark.parametrize("placed", [False, True], ids=["no folder", "folder of something else"])
def test_loads_a_set_from_the_network(placed, server, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(known, "registered", lambda _: [entry(server, f"{n}.gz") for n in FILES])
    if placed:
        (tmp_path / "kmnist").mkdir()
        (tmp_path / "kmnist" / "readme.txt").write_text("elsewhere")
    train, test = load("kmnist", str(tmp_path))
    agrees(train, TRAIN[..., None], TRAIN_LABELS)
    agrees(test, TEST[..., None], TEST_LABELS)
    assert sorted(path.name for path in (cache / "kmnist").iterdir()) == sorted(
        f"{name}.gz" for name in FILES
    )


def test_without_a_network_says_where_to_put_which_files(cache, tmp_path, monkeypatch):
    closed = "http://127.0.0.1:9"
    monkeypatch.setattr(known, "registered", lambda _: [entry(closed, LABELS_FILE)])
    files = ", ".join(f"{name}.gz" for name in FILES)
    what = rf"{closed}/{LABELS_FILE} \(ConnectionError\); to load mnist without a network, put "
    with pytest.raises(OSError, match=rf"{what}{files} .*into DIR/mnist and pass --data-dir DIR$"):
        load("mnist")
    with pytest.raises(OSError, match=rf"{what}.*into {tmp_path}/mnist$"):
        load("mnist", str(tmp_path))


def test_a_registered_file_that_cannot_be_read_names_the_cache(server, cache, monkeypatch):
    monkeypatch.setitem(CONTENTS, f"/{LABELS_FILE}", gzip.compress(idx(TRAIN_LABELS[:5])))
    monkeypatch.setattr(known, "registered", lambda _: [entry(server, f"{n}.gz") for n in FILES])
    with pytest.raises(ValueError, match=r"cache/fooljax/mnist/.*; delete it to download it again"):
        load("mnist")


@pytest.mark.parametrize(
    "name", sorted(name for name, one in known.PUBLISHED.items() if not one.origin)
)
def test_every_set_that_is_downloaded_is_registered(name):
    files = registered(name)
    assert sorted(file.name for file in files) == sorted(known.PUBLISHED[name].files)
    for file in files:
        assert file.url.endswith(file.name)
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.size > 1000


def test_the_registry_must_be_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorflow-datasets"):
        registered("mnist")
