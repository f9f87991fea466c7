"""How an experiment is called: by its module, its file, or where it was typed in."""

import sys
from types import FunctionType, ModuleType

import pytest

from fooljax.study.command import module_of


@pytest.mark.parametrize(
    ("about", "called"),
    [
        ({"__file__": "/somewhere/dim.py"}, "dim"),
        ({"__spec__": None, "__file__": "dim.py"}, "dim"),
        ({}, "look"),  # a notebook
    ],
)
def test_a_program_is_called_by_where_it_stands(monkeypatch, about, called):
    program = ModuleType("__main__")
    for name, value in ({"__spec__": None} | about).items():
        setattr(program, name, value)
    monkeypatch.setitem(sys.modules, "__main__", program)
    look = FunctionType((lambda config: None).__code__, {"__name__": "__main__"}, "look")
    assert module_of(look) == called


def test_a_module_is_called_as_python_m_takes_it():
    assert module_of(module_of) == "fooljax.study.command"
