"""What the API's pages list under which title, where a package serves many kinds of input.

A name stands where the module that defines it does, so that a new one finds its place by itself;
a module without a title ends the build.
"""

import importlib
import inspect
from typing import Any

GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "fooljax.data": {
        "Any input": ("loading", "dataset", "streams"),
        "Pictures": ("imagenet_names", "others"),
        "Sounds": ("sounds",),
        "Videos": ("videos", "clips"),
        "Labelled sentences": ("sentences", "sst2"),
        "Words, their numbers and vectors": ("vectors", "word_numbers"),
        "Paragraphs, and questions about them": ("facts", "passages", "squad"),
        "Pictures, and questions about them": ("easy_vqa", "questions", "shapes"),
    },
    "fooljax.models": {
        "Any network, as a classifier": (
            *("torch_module", "classifier", "nnx_module", "equinox_module", "keras_model"),
            *("function", "foreign", "check", "networks", "layers"),
        ),
        "Weights, and published networks": ("weights", "published", "pretrained"),
        "From one classifier to another": ("units", "features", "views", "precision", "widening"),
        "Networks that hear": ("sound_cnn", "keyword_networks", "yamnet", "audioset_names"),
        "Networks that read": (
            *("text_cnn", "cld3", "movie_review", "sentences", "wordpiece", "matcher"),
        ),
        "Networks that answer questions about pictures": ("vqa", "asking"),
    },
}

Group = tuple[str, list[str], list[str]]


def groups() -> dict[str, list[Group]]:
    """Return the titles of each package, each with its functions and its classes."""
    found = {package: _grouped(package, titles) for package, titles in GROUPS.items()}
    return found | {"fooljax.study": _with_examples_first("fooljax.study")}


def _with_examples_first(package: str) -> list[Group]:
    """What an experiment of one's own begins with has an example; then what else there is."""
    module = importlib.import_module(package)
    everything = {name: getattr(module, name) for name in sorted(module.__all__)}
    its = {name: it for name, it in everything.items() if _module_of(it).startswith("fooljax.")}
    classes = [name for name, it in its.items() if inspect.isclass(it)]
    functions = [name for name, it in its.items() if inspect.isfunction(inspect.unwrap(it))]
    shown = [name for name in functions if ">>> " in (its[name].__doc__ or "")]
    others = [name for name in functions if name not in shown]
    return [
        ("What an experiment begins with", shown, []),
        ("Settings, records and blocks of a page", [], classes),
        ("Further pieces that the experiments share", others, []),
    ]


def _module_of(it: Any) -> str:
    return str(getattr(inspect.unwrap(it) if callable(it) else it, "__module__", ""))


def _grouped(package: str, titles: dict[str, tuple[str, ...]]) -> list[Group]:
    module = importlib.import_module(package)
    defined: dict[str, list[str]] = {}
    for name in module.__all__:
        it: Any = inspect.unwrap(getattr(module, name))
        if inspect.isfunction(it) or inspect.isclass(it):
            defined.setdefault(it.__module__.removeprefix(f"{package}."), []).append(name)
    groups = []
    for title, places in titles.items():
        names = [name for place in places for name in defined.pop(place, ())]
        classes = [name for name in names if inspect.isclass(getattr(module, name))]
        groups.append((title, [name for name in names if name not in classes], classes))
    if defined:
        raise ValueError(f"{package}: {', '.join(defined)} have no title in {__name__}.GROUPS")
    return groups
