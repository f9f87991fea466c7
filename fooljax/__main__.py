"""The command ``fooljax``: lists the experiments and runs them by name.

An installed package holds them as ``fooljax.experiments``. In a clone they lie beside it,
where ``python -m experiments.NAME`` finds them, too.
"""

import ast
import importlib
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import fooljax
from fooljax import interrupts
from fooljax.runtime import entries, output, records
from fooljax.spelling import meant

_ROOT = Path(fooljax.__file__).parent
_PLACES = {
    "fooljax.experiments": _ROOT / "experiments",
    "experiments": _ROOT.parent / "experiments",
}

#: Where an experiment stands in the list; one that is not here comes last.
QUESTIONS = {
    "What nonsense is a network certain of?": (
        *("glance", "evolve", "ascend", "volume", "imagine", "senses", "nonsense"),
    ),
    "How little must change in what it reads well?": (
        *("perturb", "universal", "patch", "logistic", "transfer"),
        *("reduce", "distract"),
    ),
    "What does it look at?": (
        *("parts", "shapes", "neurons", "confidence", "squint"),
        *("ask", "motion"),
    ),
    "What stops it?": (
        *("smooth", "ensemble", "vote", "members", "unknown"),
        *("retrain", "harden_universal", "harden_reader", "foolbench"),
    ),
}

USAGE = """usage: fooljax NAME [--flags]     run an experiment
       fooljax NAME --help        what it asks, and its flags; --help-all explains them
       fooljax list               all experiments, by question, a line each
       fooljax record RUN NAME    gather what a finished run found into two files
       fooljax entry RUN NAME     check a run of foolbench, and enter it in the leaderboard
       fooljax --version          the version installed"""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        args: the words after ``fooljax``; those of this process unless given.

    Raises:
        SystemExit: with exit code 2 and a message for an unknown name; as the experiment
            does.
    """
    output.mend()
    interrupts.listen()
    words = list(sys.argv[1:] if args is None else args)
    name, flags = (words[0], words[1:]) if words else ("--help", [])
    package, known = experiments()
    if package == "experiments":
        sys.path.insert(0, os.fspath(_ROOT.parent))
    if name in ("-h", "--help", "help"):
        print(f"{USAGE}\n\n{listing(known)}")
    elif name == "list":
        print(listing(known))
    elif name == "--version":
        print(fooljax.__version__)
    elif name == "record":
        records.main(flags)
    elif name == "entry":
        entries.main(flags, importlib.import_module(f"{package}.foolbench").TERMS)
    elif name not in known:
        hint = meant(name, known)
        print(f"error: no experiment {name!r}; {hint}fooljax list names all", file=sys.stderr)
        raise SystemExit(2)
    else:
        sys.argv[1:] = flags
        runpy.run_module(f"{package}.{name}", run_name="__main__", alter_sys=True)
    output.flush()


def experiments() -> tuple[str, dict[str, Path]]:
    """Return the package that holds the experiments, and their files by name.

    Raises:
        SystemExit: if there is none.
    """
    for package, place in _PLACES.items():
        if (place / "__init__.py").exists():
            files = {path.stem: path for path in place.glob("[a-z]*.py")}
            files |= {path.parent.name: path for path in place.glob("[a-z]*/__init__.py")}
            return package, dict(sorted(files.items()))
    raise SystemExit("error: no experiments beside the package; install it with pip")


def listing(known: dict[str, Path]) -> str:
    """Return a line for each experiment, by question: its name and how its docstring begins."""
    width = max(map(len, known))
    doc = lambda path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    line = lambda name: f"  {name:<{width}}  {doc(known[name]).partition(chr(10))[0]}"
    placed = {name for names in QUESTIONS.values() for name in names}
    groups = QUESTIONS | {"More": tuple(name for name in known if name not in placed)}
    there = {question: [one for one in names if one in known] for question, names in groups.items()}
    return "\n\n".join(
        "\n".join([question, *map(line, names)]) for question, names in there.items() if names
    )


if __name__ == "__main__":
    main()
