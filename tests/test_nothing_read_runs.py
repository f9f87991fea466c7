"""No file that is read can run code: a pickle with a payload is put in the place of each.

``--model FILE.py:NAME`` is the one door for code, and it is the user's own.
"""

import ast
import gzip
import io
import pickle
import tarfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from fooljax import data, models
from fooljax.data.idx import FILES
from fooljax.runtime import checkpoints, files, inputs, settings
from fooljax.study import classifier_store, units
from fooljax.study.victim import Victim

ROOT = Path(__file__).parents[1]
EXECUTES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = ("load", "eval", "exec", "exec_module", "unsafe_load")


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return open, (self.marker, "w")


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "ran"


@pytest.fixture
def payload(marker):
    """A pickle that is known to run when it is believed."""
    content = pickle.dumps(Payload(marker))
    pickle.loads(content).close()
    assert marker.exists()
    marker.unlink()
    return content


def objects(marker):
    """An array of objects, as NumPy pickles it, one of them the payload."""
    array = np.empty(4, object)
    array[:] = [Payload(marker)] * 4
    return array


def test_arrays_of_objects(tmp_path, marker, payload):
    plain = {"images": np.full((4, 2, 2, 1), 0.5), "labels": np.array([0, 0, 1, 1])}
    path = tmp_path / "x.npz"
    for name in ("images", "labels", "class_names"):
        np.savez(path, **plain | {name: objects(marker)})
        with pytest.raises(ValueError, match=r"x.npz: cannot be read as plain arrays"):
            data.load(str(path))
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("images.npy", "labels.npy"):
            archive.writestr(name, payload)
    for content in (path.read_bytes(), payload):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"x.npz"):
            data.load(str(path))
    assert not marker.exists()


def test_known_sets_and_pictures(tmp_path, marker, payload):
    for name in FILES:
        place = tmp_path / "mnist" / f"{name}.gz"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(gzip.compress(payload))
    for name in ("data_batch_1", "data_batch_1.bin", "test_batch.bin"):
        place = tmp_path / "cifar10" / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(payload)
    (tmp_path / "cifar100").mkdir()
    with tarfile.open(tmp_path / "cifar100" / "cifar-100-binary.tar.gz", "w:gz") as tar:
        for name in ("train.bin", "test.bin"):
            member = tarfile.TarInfo(f"cifar-100-binary/{name}")
            member.size = len(payload)
            tar.addfile(member, io.BytesIO(payload))
    for name in ("mnist", "cifar10", "cifar100"):
        with pytest.raises(ValueError):
            data.load(name, str(tmp_path))
    for suffix in data.class_folders.SUFFIXES:
        place = tmp_path / "pictures" / "a" / f"x{suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(payload)
        with pytest.raises(ValueError, match=rf"x\{suffix}: broken"):
            data.picture_files.open_picture(place)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["labels.csv", "classes.txt", "wnids.txt"])
def test_texts(name, tmp_path, marker, payload):
    for file in ("1.png", "2.png"):
        Image.new("L", (4, 4)).save(tmp_path / file)
    (tmp_path / "labels.csv").write_text("file,label\n1.png,0\n2.png,1\n")
    (tmp_path / name).write_bytes(payload)
    with pytest.raises(ValueError, match=rf"{name}: .*save it as UTF-8"):
        data.stream(str(tmp_path))
    assert not marker.exists()


@pytest.fixture(scope="module")
def classifier():
    return models.build("softmax", jax.random.key(0), (3, 3, 1), 2)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin", ".npz", ".pkl", ""])
def test_weights(suffix, tmp_path, marker, payload, classifier):
    path = tmp_path / f"weights{suffix}"
    for content in (payload, pickle.dumps({"fc.weight": Payload(marker)})):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="weights"):
            models.load_weights(path, classifier)
    with zipfile.ZipFile(path, "w") as archive:  # as torch.save writes it
        archive.writestr("archive/data.pkl", payload)
    with pytest.raises(ValueError, match="weights"):
        models.load_weights(path, classifier)
    assert not marker.exists()


def test_run_directories(tmp_path, marker, payload):
    for name, read in {
        settings.FILE: lambda: settings.load(tmp_path, Victim),
        settings.RECORD: lambda: settings.refuse_edits(tmp_path, Victim(), ()),
        inputs.FILE: lambda: inputs.same_images(tmp_path, {"x": np.zeros(1)}),
    }.items():
        (tmp_path / name).write_bytes(payload)
        with pytest.raises(ValueError, match=f"--resume: .*{name}"):
            read()
    path = tmp_path / units.FOLDER / "one.npz"
    path.parent.mkdir()
    for spoil in (lambda: path.write_bytes(payload), lambda: np.savez(path, x=objects(marker))):
        spoil()
        with pytest.warns(UserWarning, match=r"one.npz is damaged"):
            units.compute(tmp_path, "one", lambda: {"x": 1})
    np.savez(path, x=objects(marker))
    with pytest.raises(ValueError):
        files.read_npz(path)
    assert not marker.exists()


@pytest.mark.slow
def test_checkpoints_whose_digest_was_put_right(tmp_path, marker, payload, classifier):
    folder = tmp_path / "kept"
    classifier_store.save(folder, classifier, {"steps": 1}, None)
    spoiled = [path for path in folder.rglob("*") if path.is_file() and path.name != "note.json"]
    for path in spoiled:
        path.write_bytes(payload)
    note = files.json.loads((folder / "note.json").read_text())
    note["sha256"] = checkpoints._fingerprint(folder / "tree")
    (folder / "note.json").write_text(files.json.dumps(note))
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        classifier_store.load(folder, classifier, {"steps": 1})
        pytest.fail("a checkpoint of pickles was believed")
    assert len(spoiled) > 2 and not marker.exists()


def test_nothing_in_the_package_could():
    """No module that unpickles, no ``eval``; one file runs code, what the user names himself."""
    running = []
    for path in (*(ROOT / "fooljax").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not any(word in text for word in (*EXECUTES, *CALLS)):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name.split(".")[0] for alias in node.names}
                names |= {(getattr(node, "module", None) or "").split(".")[0]}
                assert not names & EXECUTES, path
            if not isinstance(node, ast.Call):
                continue
            if getattr(node.func, "attr", getattr(node.func, "id", None)) not in CALLS:
                continue
            if not node.args and not node.keywords:
                continue  # ``network.eval()`` sets a network to answer
            called = ast.unparse(node.func)
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            if called in ("np.load", "numpy.load"):
                assert options.get("allow_pickle") == "False", path
            if called == "torch.load":
                assert options.get("weights_only") == "True", path
            if called.rpartition(".")[2] != "load":
                running.append(path.name)
    assert running == ["own_file.py"]
