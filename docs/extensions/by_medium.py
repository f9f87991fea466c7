"""What the API's pages list under which title, where a package serves many kinds of input.

A name stands where the module that defines it does, so that a new one finds its place by itself;
a module without a title ends the build.
"""

import importlib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

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
    "fooljax.study": {
        "A run, its settings and its command line": (
            *("run", "command", "settings", "fooljax.runtime.settings", "genotype", "look_cells"),
            *("refusals", "suited", "victim_data", "memory"),
        ),
        "Networks": (
            *("victim", "classifiers", "prepared", "loaded", "several", "others", "outputs"),
            *("weights", "rounds", "ensembles", "sets"),
        ),
        "Cells: work that is kept, with random numbers of its own": ("cells", "places"),
        "Ways to make images": ("making", "makers", "unaimed", "outsiders", "drawings"),
        "Attacks, and images that show nothing": (
            *("attacked", "diagnosed", "joint", "climbed", "evolved", "volumes"),
        ),
        "A search for the images of many classes": (
            *("searches", "descriptors", "spreading", "painting", "history", "searched"),
            *("illuminated", "looks", "reached", "variety", "variety_shown"),
        ),
        "Defenses, and what they gain": (
            *("defended", "guarding", "filtering", "detection", "accepted", "adaptive"),
            *("adversaries", "leaderboard"),
        ),
        "Networks that read, and that answer questions": (
            *("paragraphs", "matchers", "answerers", "questions_shown"),
        ),
        "Records and tables": ("tables", "repeats", "reshaped", "columns"),
        "Blocks of a page": ("page", "pictures", "wording", "showing", "changes", "heard"),
        "Beside the papers": ("published", "printed"),
    },
}

#: Packages so large that each title has a page of its own.
PAGED = ("fooljax.study",)
_PAGE = """{title}
{line}

.. currentmodule:: {package}

{entries}
"""

Group = tuple[str, list[str], list[str]]


def write_pages(folder: Path) -> None:
    """Write a page for each title of the packages that have too many functions for one page."""
    for package in PAGED:
        for title, functions, classes in _grouped(package, GROUPS[package]):
            entries = [f".. autofunction:: {name}\n" for name in functions]
            entries += [f".. autoclass:: {name}\n   :members:\n" for name in classes]
            page = _PAGE.format(
                title=title, line="=" * len(title), package=package, entries="\n".join(entries)
            )
            path = folder / f"{place(package, title)}.rst"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")


def place(package: str, title: str) -> str:
    """Return where the page of a title lies, beside that of its package."""
    return f"{package}/{re.sub(r'[^a-z]+', '_', title.lower())}"


def groups() -> dict[str, list[Group]]:
    """Return the titles of each package, each with its functions and its classes."""
    return {package: _grouped(package, titles) for package, titles in GROUPS.items()}


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


def _write(app: "Sphinx") -> None:
    write_pages(Path(app.srcdir) / "api" / "generated")


def setup(app: "Sphinx") -> dict[str, bool]:
    """Hook in before pages are looked for."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
