"""Bad networks of the user's own: ``FILE.py:NAME`` that fails, or returns what it should not."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from calls import Call

GOOD = """
import jax, jax.numpy as jnp, numpy as np
from fooljax.types import Classifier
def linear(weights, images):
    return images.reshape(len(images), -1) @ weights
weights = jax.random.normal(jax.random.key(0), (784, 10))
net = Classifier(weights, linear, (28, 28, 1), 10)
"""
_NUMBERS = itertools.count()  # each file has its own name, as modules of one name are one


def calls() -> list[Call]:
    """Return the same calls every time."""
    return [*_definitions(), *_answers(), *_places()]


def _run(folder: Path, body: str, name: str = "net", file: str | None = None) -> None:
    from fooljax.study.prepared import prepare
    from fooljax.study.victim import Victim

    path = folder / (file or f"mine{next(_NUMBERS)}.py")
    path.write_text(body)
    victim = Victim(model=f"{path}:{name}", dataset="digits")
    prepare(victim, folder, lambda shape, classes: None)


def _call(name: str, body: str, *given: str, harmless: bool = False) -> Call:
    run = lambda folder: _run(folder, GOOD + body)
    return Call(f"network: {name}", run, ("--model",), given or ("mine",), harmless)


def _definitions() -> Iterator[Call]:
    """What stands under the name."""
    yield _call("raises", "def net(): raise KeyError('lost')", "KeyError")
    yield _call("wants an argument", "def net(size): return size", "size")
    yield _call("leaves", "def net(): raise SystemExit(3)", "SystemExit", "3")
    yield _call("is None", "net = None", "net")
    yield _call("returns None", "def net(): return None", "None")
    yield _call("returns a function", "def net(): return linear", "function")
    yield _call("is a plain function", "def net(images): return images", "images")
    yield _call("is a list", "net = [net]", "list")
    yield _call("is a number", "net = 3", "int", "3")
    yield _call("is a class", "class net: pass", "net", "class")
    yield _call("is a text", "net = 'lenet'", "str", "lenet")
    yield _call("is an array", "net = weights", "Array", "array")
    yield _call("is not there", "del net", "net")
    yield _call("stops while imported", "1 / 0", "ZeroDivisionError")
    yield _call("cannot be parsed", "def net(:", "SyntaxError")
    yield _call("imports what is not there", "import nothing_of_the_kind", "nothing_of_the_kind")
    yield _call("leaves while imported", "import sys; sys.exit(0)", "SystemExit")
    yield _call("runs for ever deep", "def net(): return net()", "Recursion")
    shape = lambda text, *given: _call(
        f"shape {text}", f"net = Classifier(weights, linear, {text}, 10)", *given
    )
    yield shape("(28, 28)", "(28, 28)")
    yield shape("(8, 8, 1)", "8, 8")
    yield shape("(1, 28, 28)", "(1, 28, 28)")
    yield shape("None", "None")
    yield shape("8", "8")
    yield shape("(28.0, 28.0, 1.0)", "28.0")
    yield shape("(-28, -28, 1)", "-28")
    yield shape("(0, 28, 1)", "(0, 28, 1)")
    yield shape("('28', '28', '1')", "'28'")
    classes = lambda text: _call(
        f"classes {text}",
        f"net = Classifier(weights, linear, (28, 28, 1), {text})",
        text.strip("'"),
        "1000000000",
    )
    yield from map(classes, ("11", "0", "1", "-3", "9.5", "None", "'ten'", "True", "10**9"))
    yield _call(
        "fewer classes than columns", "net = Classifier(weights, linear, (28, 28, 1), 7)", "7"
    )
    yield _call(
        "params are a text", "net = Classifier('w', linear, (28, 28, 1), 10)", "str", "w", "mine"
    )
    yield _call(
        "params are None", "net = Classifier(None, linear, (28, 28, 1), 10)", "None", "mine"
    )
    yield _call("apply is None", "net = Classifier(weights, None, (28, 28, 1), 10)", "None", "mine")
    yield _call(
        "apply is a text", "net = Classifier(weights, 'x', (28, 28, 1), 10)", "str", "x", "mine"
    )
    yield _call(
        "NaN weights", "net = Classifier(weights * jnp.nan, linear, (28, 28, 1), 10)", "NaN"
    )
    yield _call(
        "one infinite weight",
        "net = Classifier(weights.at[300, 3].set(jnp.inf), linear, (28, 28, 1), 10)",
        "NaN",
        "inf",
    )


def _answers() -> Iterator[Call]:
    """What the function returns for images ``x``, with weights ``w``."""

    def answers(name: str, body: str, *given: str, harmless: bool = False) -> Call:
        text = f"def wrong(w, x):\n    {body}\nnet = Classifier(weights, wrong, (28, 28, 1), 10)"
        return _call(name, text, *given, harmless=harmless)

    yield answers("no answer", "pass", "None")
    yield answers("a tuple", "return linear(w, x), x", "tuple")
    yield answers("a dictionary", "return {'logits': linear(w, x)}", "dict")
    yield answers("a class number", "return jnp.argmax(linear(w, x), -1)", "shape", "(", "int")
    yield answers("whole numbers", "return linear(w, x).astype(int)", "int")
    yield answers("booleans", "return linear(w, x) > 0", "bool")
    yield answers("complex numbers", "return linear(w, x) + 1j", "complex")
    yield answers("numpy's answer", "return np.asarray(linear(w, x))", "Tracer", "numpy", "mine")
    yield answers("a list", "return [linear(w, x)]", "list")
    yield answers("a text", "return 'seven'", "str", "seven")
    yield answers("one image only", "return linear(w, x)[0]", "(10,)")
    yield answers(
        "one row too many",
        "y = linear(w, x); return jnp.concatenate([y, y[:1]])",
        "(3, 10)",
        "(5, 10)",
        "rows",
    )
    yield answers("a column too few", "return linear(w, x)[:, :9]", "9")
    yield answers("one column", "return linear(w, x)[:, :1]", "1")
    yield answers("three axes", "return linear(w, x)[..., None]", "1)")
    yield answers("transposed", "return linear(w, x).T", "(10, ")
    yield answers("NaN", "return linear(w, x) * jnp.nan", "NaN")
    yield answers(
        "NaN where dark", "return jnp.log(x.reshape(len(x), -1)[:, :10] - 0.1)", "NaN", "nan"
    )
    yield answers("infinity", "return linear(w, x) + jnp.inf", "NaN", "inf")
    yield answers(
        "always the same", "return jnp.zeros((len(x), 10)) + w[:1] * 0", "same", "constant", "equal"
    )
    yield answers("raises", "raise RuntimeError('no device')", "no device")
    yield answers(
        "a Python branch", "return linear(w, x) if x.sum() > 0 else w", "Tracer", "bool", "jit"
    )
    yield answers("other types wanted", "return linear(w, x.astype('S3'))", "S3", "mine")
    yield answers(
        "channels first", "return linear(w, x.reshape(len(x), 3, 28, 28))", "reshape", "shape"
    )
    yield answers(
        "probabilities", "return jax.nn.softmax(linear(w, x))", "probabilit", harmless=True
    )
    yield answers(
        "depends on the batch", "y = linear(w, x); return y - y.mean(0)", "batch", harmless=True
    )


def _places() -> Iterator[Call]:
    """What stands before and after the colon."""

    def place(model: str, *given: str) -> Call:
        from fooljax.study.prepared import prepare
        from fooljax.study.victim import Victim

        def run(folder: Path) -> None:
            prepare(Victim(model=model), folder, lambda shape, classes: None)

        return Call(f"network: {model!r}", run, ("--model",), given or (model,))

    yield place("absent.py:net")
    yield place(":net", ":net")
    yield place("absent.py:")
    yield place("/tmp:net")
    yield place("/dev/null:net")
    yield place("/etc/passwd:root")
    yield place("absent.py:net:net")
    yield place(":")
    yield place("lenett")
    yield place("")
    body = GOOD
    yield Call(
        "network: no suffix",
        lambda folder: _run(folder, body, file="mine"),
        ("--model",),
        ("mine",),
    )
    yield Call(
        "network: a dotted name",
        lambda folder: _run(folder, body, "net.apply"),
        ("--model",),
        ("net.apply",),
    )
