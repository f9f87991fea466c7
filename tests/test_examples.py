"""The examples of docstrings do what they say, and every public function of a package has one."""

import doctest
import importlib
import inspect
from importlib.util import find_spec

import jax
import pytest

#: Packages whose every public function has an example.
COMPLETE = (
    *("", "analysis", "attacks", "data", "defenses", "encodings", "evolution", "media"),
    *("metrics", "models", "reporting", "study", "training"),
)
QUICK = ("metrics", "media", "study.tables", "study.wording")  # which compile next to nothing
OPTIONAL = ("torch", "equinox", "keras")


def functions(package):
    module = importlib.import_module(f"fooljax.{package}".rstrip("."))
    public = getattr(module, "__all__", [name for name in vars(module) if name[0] != "_"])
    every = {name: inspect.unwrap(getattr(module, name)) for name in public}
    return {name: it for name, it in every.items()
            if inspect.isfunction(it) and it.__module__.startswith("fooljax.")}  # fmt: skip


def example(package, name):
    function = functions(package)[name]
    found = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    return found[0] if found and found[0].examples else None


@pytest.mark.parametrize("package", COMPLETE)
def test_every_public_function_has_an_example(package):
    assert not [name for name in functions(package) if example(package, name) is None]


def public(package, name):
    place = functions(package)[name].__module__.removeprefix("fooljax.")
    slow = package not in QUICK and place not in QUICK
    return pytest.param(package, name, marks=[pytest.mark.slow] * slow)


EXAMPLES = [public(package, name) for package in COMPLETE for name in functions(package)]


@pytest.mark.parametrize(("package", "name"), EXAMPLES)
def test_examples_are_right(package, name, tmp_path, monkeypatch):
    code = example(package, name)
    for library in OPTIONAL:
        if f">>> import {library}\n" in code.docstring and find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    monkeypatch.chdir(tmp_path)  # where examples write
    said = []
    with jax.numpy_rank_promotion("allow"):  # as users have it, and Keras relies on
        failed, _ = doctest.DocTestRunner().run(code, out=said.append)
    assert not failed, "".join(said)
