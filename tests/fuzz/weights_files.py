"""Bad weights for a network of the user's choice: damaged, unfit, or no weights at all."""

import os
import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from calls import Call


def calls() -> list[Call]:
    """Return the same calls every time."""
    return [*_tensors(), *_files(), *_flags()]


def _saved(path: Path) -> dict[str, np.ndarray]:
    """Write good weights, and return them."""
    import jax
    import safetensors.numpy

    from fooljax import models

    models.save_weights(path, models.build("softmax", jax.random.key(0), (28, 28, 1), 10))
    return safetensors.numpy.load_file(path)


def _load(**victim: Any) -> None:
    from fooljax.study.prepared import prepare
    from fooljax.study.victim import Victim

    victim = {"model": "softmax", "dataset": "digits", **victim}
    prepare(Victim(**victim), Path(), lambda shape, classes: None)


def _call(
    name: str, make: Callable[[Path], None], *given: str, file: str = "mine.safetensors", **victim
) -> Call:
    def run(folder: Path) -> None:
        make(folder / file)
        _load(weights=str(folder / file), **victim)

    return Call(f"weights: {name}", run, ("--weights",), given or (file,))


def _tensors() -> Iterator[Call]:
    """One tensor at a time is changed."""

    def changed(change: Callable[[np.ndarray], np.ndarray], bias: bool) -> Callable[[Path], None]:
        def make(path: Path) -> None:
            import safetensors.numpy

            tensors = _saved(path)
            name = next(one for one in tensors if one.endswith("bias") == bias)
            tensors[name] = np.ascontiguousarray(change(tensors[name]))
            safetensors.numpy.save_file(tensors, path)

        return make

    def with_one(x: np.ndarray, value: float) -> np.ndarray:
        x = x.copy()
        x.ravel()[3] = value
        return x

    changes: dict[str, tuple[Callable[[np.ndarray], np.ndarray], tuple[str, ...]]] = {
        "NaN": (lambda x: with_one(x, np.nan), ("NaN",)),
        "infinity": (lambda x: with_one(x, np.inf), ("inf",)),
        "another length": (lambda x: x[:-1], ("(9",)),
        "transposed, or a matrix": (lambda x: x.T if x.ndim > 1 else x[None], ("(784", "(1,")),
        "nothing in it": (lambda x: x[:0], ("(0",)),
        "bytes": (lambda x: x.astype(np.int8), ("int8",)),
        "booleans": (lambda x: x > 0, ("bool",)),
        "a number too large": (lambda x: with_one(x.astype(float), 1e300), ("beyond float32",)),
        "an axis more": (lambda x: x[..., None], ("1)",)),
    }  # fmt: skip
    for name, (change, given) in changes.items():
        for bias in (False, True):
            where = "bias" if bias else "weight"
            yield _call(f"{name} in {where}", changed(change, bias), *given)

    def renamed(rename: Callable[[str], str | None]) -> Callable[[Path], None]:
        def make(path: Path) -> None:
            import safetensors.numpy

            tensors = {rename(name): one for name, one in _saved(path).items()}
            safetensors.numpy.save_file({k: v for k, v in tensors.items() if k}, path)

        return make

    yield _call("other names", renamed(lambda name: f"{name}.layers"), "layers")
    yield _call("capitals", renamed(str.upper), "WEIGHT", "BIAS")
    yield _call("no bias", renamed(lambda name: None if "bias" in name else name), "bias")
    yield _call("no tensors", renamed(lambda name: None), "missing")
    yield _call("of another network", _saved, "missing", "unexpected", model="lenet")
    yield _call("for other images", _saved, "(10, 784)", image_size=(16, 16))


def _files() -> Iterator[Call]:
    def damaged(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
        def make(path: Path) -> None:
            _saved(path)
            path.write_bytes(change(path.read_bytes()))

        return make

    def text(word: bytes) -> Callable[[Path], None]:
        return lambda path: path.write_bytes(word) and None

    bomb = b"cos\nsystem\n(S'touch bitten'\ntR."
    yield _call("cut off", damaged(lambda body: body[:-40]))
    yield _call("cut in the head", damaged(lambda body: body[:30]))
    yield _call("longer", damaged(lambda body: body + b"more"))
    yield _call("head damaged", damaged(lambda body: body[:10] + b"\xff\xff" + body[12:]))
    yield _call("head too long", damaged(lambda body: struct.pack("<Q", 2**60) + body[8:]))
    yield _call("offsets changed", damaged(lambda body: body.replace(b"31400", b"91400", 1)))
    yield _call("empty", text(b""))
    yield _call("text", text(b"weights"))
    yield _call("a page", text(b"<html>404</html>"))
    yield _call("zeros", text(bytes(1000)))
    yield _call("a pickle with a payload", text(bomb))
    yield _call("a named pipe", os.mkfifo)
    yield _call("a folder", Path.mkdir)
    yield _call("a link to nothing", lambda path: path.symlink_to("absent"))
    yield _call("a link to itself", lambda path: path.symlink_to(path.name))
    for suffix in (".pth", ".pt", ".bin", ".npz", ".pkl", ".h5", ".onnx", ".ckpt", ""):
        file = f"mine{suffix}"
        yield _call(f"a payload called {suffix or 'nothing'}", text(bomb), file=file)
    yield _call("pickled arrays", text(pickle.dumps({"a": np.zeros(3)})), file="mine.pth")
    yield _call("an empty .pth", text(b""), file="mine.pth")
    yield _call("a pipe called .pth", os.mkfifo, file="mine.pth")


def _flags() -> Iterator[Call]:
    def call(name: str, weights: str, **victim: Any) -> Call:
        run = lambda folder: _load(weights=weights, **victim)
        return Call(f"weights: {name}", run, ("--weights",), (weights, repr(weights), weights[:40]))

    yield call("nothing there", "absent.safetensors")
    yield call("a device", "/dev/zero")
    yield call("a long name", "x" * 5000)
    yield call("a zero in the name", "a\0b")
    yield call("the empty name", "")
    yield call("half a place", "hf:")
    yield call("no repository", "hf:owner")
    yield call("too many parts", "hf:a/b/c/d@@e")
