"""Signatures as they are written: ``Images``, ``Float[Array, "b k"]``, ``RandomKey``.

At run time these are long unions of other packages' classes, in which shapes drown. So types
are read from the source; names that the site has a page for become links.
"""

import ast
import importlib
import inspect
import textwrap
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from fooljax import types

_ALIASES = (
    *("RandomKey", "Params", "Genome", "State", "Info", "Image", "Images", "Logits"),
    *("Features", "Defense", "RandomDefense"),
)


_PACKAGES = (
    *("types", "models", "data", "attacks", "evolution", "encodings", "defenses", "training"),
    *("metrics", "analysis", "reporting", "study"),
)


def _places() -> dict[type, str]:
    """Where each class of the package has its entry."""
    found: dict[type, str] = {}
    for package in _PACKAGES:
        module = importlib.import_module(f"fooljax.{package}")
        for name in getattr(module, "__all__", vars(module)):
            it = getattr(module, name)
            if inspect.isclass(it) and it.__module__.startswith("fooljax"):
                found.setdefault(it, f"fooljax.{package}.{name}")
    return found


class _Links(ast.NodeTransformer):
    """Give names their places, as the module that wrote them understands them."""

    def __init__(self) -> None:
        self.places = _places()
        self.module: Any = None

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._linked(node, getattr(self.module, node.id, None), node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if not isinstance(node.value, ast.Name):
            return node
        owner = getattr(self.module, node.value.id, None)
        return self._linked(node, getattr(owner, node.attr, None), node.attr)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(node.value.strip()) if isinstance(node.value, str) else node

    def _linked(self, node: ast.expr, it: Any, name: str) -> ast.expr:
        if name in _ALIASES and it is getattr(types, name):
            return ast.Name(f"~fooljax.types.{name}", ast.Load())
        place = self.places.get(it) if inspect.isclass(it) else None
        if place is None and name == "Entry" and inspect.isclass(it):  # several modules have one
            place = f"{it.__module__}.Entry"
        return ast.Name(f"~{place}", ast.Load()) if place else node


class _Values(ast.NodeTransformer):
    """Give constants of a module that are numbers or words their values."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = getattr(self.module, node.id, None)
        return ast.Constant(value) if isinstance(value, int | float | str) else node


def _definition(it: Any) -> ast.AST | None:
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(it)))
        return ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None


def _fields(node: ast.ClassDef) -> ast.arguments | None:
    """The arguments that the fields of a dataclass or a NamedTuple make."""
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    if not fields:
        return None
    arguments = [ast.arg(one.target.id, one.annotation) for one in fields]  # type: ignore[union-attr]
    defaults = [_default(one.value) for one in fields if one.value is not None]
    given = [one for one in defaults if one is not None]
    return ast.arguments([], arguments, None, [], [], None, given)


def _default(value: ast.expr) -> ast.expr | None:
    """What a field is unless given; None for settings of the field that give no value."""
    if not (
        isinstance(value, ast.Call) and ast.unparse(value.func) in ("field", "dataclasses.field")
    ):
        return value
    words = {word.arg: word.value for word in value.keywords}
    if "default" in words:
        return words["default"]
    return ast.Constant(...) if "default_factory" in words else None


class Signatures:
    """The hook, with what it has looked up."""

    def __init__(self) -> None:
        self.links = _Links()

    def __call__(
        self, app: Sphinx, what: str, name: str, it: Any, options: Any, given: Any, back: Any
    ) -> tuple[Any, Any] | None:
        node = _definition(it)
        self.links.module = inspect.getmodule(inspect.unwrap(it)) if callable(it) else None
        if isinstance(node, ast.ClassDef):
            arguments = _fields(node)
            return None if arguments is None else (self._written(arguments), None)
        if not isinstance(node, ast.FunctionDef):
            return None
        arguments = node.args
        if what == "method" and arguments.args and arguments.args[0].arg in ("self", "cls"):
            del arguments.args[0]
        answer = None if node.returns is None else ast.unparse(self.links.visit(node.returns))
        return self._written(arguments), answer

    def _written(self, arguments: ast.arguments) -> str:
        for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if one.annotation is not None:
                one.annotation = self.links.visit(one.annotation)
        values = _Values(self.links.module)
        arguments.defaults = [values.visit(one) for one in arguments.defaults]
        arguments.kw_defaults = [one and values.visit(one) for one in arguments.kw_defaults]
        return f"({ast.unparse(arguments)})"


def _skip(app: Sphinx, what: str, name: str, it: Any, skip: bool, options: Any) -> bool | None:
    """Fields of a NamedTuple are told by its docstring; by themselves they say nothing."""
    return True if type(it).__name__ == "_tuplegetter" else None


def _unsaid(app: Sphinx, tree: nodes.document) -> None:
    """What autodoc says an alias stands for has lost its brackets; its docstring says it.

    And what a property returns it says in JAX's own names.
    """
    for one in list(tree.findall(nodes.paragraph)):
        if one.astext().startswith("alias of Callable["):
            one.parent.remove(one)
    for text in list(tree.findall(nodes.Text)):
        if text == "jaxlib._jax.Array":
            text.parent.replace(text, nodes.Text("Array"))


def _plain(app: Sphinx, env: Any, node: Any, content: nodes.Element) -> nodes.Element | None:
    """Names of other packages, and of no page, are text; those of fooljax must be right."""
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") != "py" or target.startswith("fooljax."):
        return None
    return content


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook into autodoc."""
    app.connect("autodoc-process-signature", Signatures())
    app.connect("autodoc-skip-member", _skip)
    app.connect("doctree-read", _unsaid)
    app.connect("missing-reference", _plain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
