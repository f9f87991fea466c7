"""The examples of docstrings do what they say, and every public function of a package has one."""

import doctest
import importlib
import inspect

import pytest

#: Packages whose every public function has an example.
COMPLETE = (
    *("analysis", "attacks", "data", "defenses", "encodings"),
    *("metrics", "reporting", "training"),
)
QUICK = ("metrics",)  # which compile next to nothing


def functions(package):
    module = importlib.import_module(f"fooljax.{package}")
    return {name: getattr(module, name) for name in module.__all__
            if inspect.isfunction(getattr(module, name))}  # fmt: skip


def example(package, name):
    function = functions(package)[name]
    found = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    return found[0] if found and found[0].examples else None


@pytest.mark.parametrize("package", COMPLETE)
def test_every_public_function_has_an_example(package):
    assert not [name for name in functions(package) if example(package, name) is None]


PUBLIC = [
    pytest.param(package, name, marks=[pytest.mark.slow] * (package not in QUICK))
    for package in COMPLETE
    for name in functions(package)
]


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_examples_are_right(package, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where examples write
    said = []
    failed, _ = doctest.DocTestRunner().run(example(package, name), out=said.append)
    assert not failed, "".join(said)
