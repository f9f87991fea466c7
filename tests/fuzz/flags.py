"""Bad flags of all experiments, up to the point where the work would begin."""

import dataclasses
import importlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import jax
import numpy as np
from calls import Accepted, Call

from fooljax import training
from fooljax.runtime.limits import types_of
from fooljax.study.victim import Victim

FOLDER = Path(__file__).parents[2] / "experiments"
EXPERIMENTS = sorted(
    {path.stem for path in FOLDER.glob("[a-z]*.py")}
    | {path.parent.name for path in FOLDER.glob("*/__main__.py")}
)
EACH = 2  # bad values of every flag of an experiment,
EACH_SHARED = 1  # and of those that all experiments share
#: How often a loop goes round: a million takes long, and nothing more.
LOOPS = {
    *("generations", "steps", "ascent_steps", "pgd_steps", "ddn_steps", "universal_steps"),
    *("train_steps", "deepfool_steps", "tune_steps", "collect_generations", "queries", "chunk"),
    *("halve_rate_every", "accuracy_images"),
    *("shown", "known", "attacked", "test_images", "clean_images", "pgd_images", "pixels"),  # most
    *("seed", "train_seed"),
    *("moves", "random_images", "searched", "common", "epochs", "retrain_steps", "edits", "teach"),
    "certified",
}
ZERO = {"seed", "train_seed", "halve_rate_every", "classes", "target", "mutation_rate", "process"}
ZERO |= {
    "epsilon",
    "epsilon_l2",
    "epsilon_l1",
    "epsilon_l0",
    "epsilons",
    "epsilons_l2",
    "total_variation",
}
ZERO |= {"depth", "sigmas", "teach", "volume_particles", "degrees"}
NUMBERS_BELOW_ZERO = set[str]()
WORDS = {  # texts that are no names of anything there is
    *("dataset", "model", "models", "attacks", "ascents", "starts", "evolved", "generators"),
    *("defenses", "encoding", "methods", "others", "outliers", "search", "shown_to", "weights"),
    *("compared", "coordinator", "descriptors", "fills", "kinds", "layers", "looks", "measure"),
    *("measures", "networks"),
}
PLACES = {"data_dir", "classifier", "out", "resume"}


def calls() -> list[Call]:
    """Return the same calls every time."""
    chance = random.Random(0)
    table = []
    for experiment in EXPERIMENTS:
        module = importlib.import_module(f"experiments.{experiment}")
        shared = {field.name for field in dataclasses.fields(Victim)}
        for name, kind in _fields(module.Config):
            bad = list(_bad(name, kind))
            chosen = chance.sample(bad, min(len(bad), EACH_SHARED if name in shared else EACH))
            table += [_call(experiment, name, *one) for one in chosen]
    for experiment in ("evolve", "perturb"):
        for words in (
            ["--stpes", "3"],
            ["steps", "3"],
            ["--steps"],
            ["--preset", "smok"],
            ["--preset=smok"],
        ):
            name = words[0].partition("=")[0].strip("-")
            table.append(_call(experiment, name, words[1:], False, words))
    return table


def _fields(config: type) -> Iterator[tuple[str, Any]]:
    for name, kind in types_of(config).items():
        if dataclasses.is_dataclass(kind):
            yield from _fields(kind)
        else:
            yield name, kind


def _bad(name: str, kind: Any) -> Iterator[tuple[list[str], bool]]:
    """Yield values on the command line, and whether they may be accepted."""
    while get_origin(kind) is Annotated or type(None) in get_args(kind):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        several = [values for values, harmless in _bad(name, inner) if not harmless]
        yield from ((values, False) for values in several)
        known = get_args(inner)[0] if get_origin(inner) is Literal else None
        if known:
            yield [str(known), str(known)], False
    elif get_origin(kind) is Literal:
        yield from ((["nonsense"], False), ([""], False), (["-1"], False))
    elif kind is bool:
        yield [f"--{name.replace('_', '-')}=perhaps"], False
    elif kind is int:
        yield from ((["-1"], False), (["1.5"], False), (["nan"], False), (["many"], False))
        yield from (([""], False), (["99999999999999999999"], False), (["-99999999"], False))
        yield ["0"], name in ZERO
        yield ["1000000"], name in LOOPS
    elif kind is float:
        yield from ((["nan"], False), (["inf"], False), (["-1"], False), (["1e300"], False))
        yield from ((["x"], False), ([""], False), (["-inf"], False))
        yield ["0"], name in ZERO
    elif name in WORDS:
        yield from ((["nonsense"], False), ([""], False), (["../../etc/passwd"], False))
        yield from ((["/dev/zero"], False), (["-"], False), (["nonsense:nothing"], False))
    elif name in PLACES:
        unused = name == "data_dir"  # by the digits, which come with the package
        yield from ((["/dev/null"], unused), (["/proc/1/nothing"], unused))


def _call(
    experiment: str, name: str, values: list[str], harmless: bool, words: list[str] | None = None
) -> Call:
    flag = f"--{name.replace('_', '-')}"
    if values and values[0].startswith("--"):
        words = values
    words = words or [flag, *values]
    given = [part for value in values for part in (value, value.lstrip("-"), f"'{value}'") if part]
    given += [part for part in [words[0].partition("=")[2]] if part]
    numbers = [f"{int(value):,}" for value in values if value.lstrip("-").isdigit()]
    numbers += ["1e+300"] * ("1e300" in values)
    run = lambda folder: _run(experiment, words, folder)
    blames = (flag, "perhaps") if words[0].startswith("--") else (name,)
    # what cannot be told from nothing is shown as that
    shown = [*given, *numbers, *(["''", "none", "got ", '""'] if "" in values else [])] or words
    return Call(f"{experiment} {' '.join(words)}", run, blames, shown, harmless)


_fit, _TRAINED = training.fit, dict[Any, Any]()


def _remembered(key: jax.Array, classifier: Any, dataset: Any, *rest: Any, **options: Any) -> Any:
    """Train every network once for all calls."""
    shapes = [leaf.shape for leaf in jax.tree.leaves(classifier.params)]
    case = (
        str(jax.random.key_data(key)),
        str(shapes),
        str(options.get("steps")),
        len(dataset.labels),
    )
    if case not in _TRAINED:
        options["steps"] = min(options["steps"], 100)
        _TRAINED[case] = _fit(key, classifier, dataset, *rest, **options)[0].params
    return dataclasses.replace(classifier, params=_TRAINED[case]), np.ones(1)


def _run(experiment: str, words: list[str], folder: Path) -> None:
    from fooljax.runtime import command
    from fooljax.study import search_run, units

    def accept(*_: Any, **__: Any) -> None:
        raise Accepted

    module = importlib.import_module(f"experiments.{experiment}")
    units.compute_all = search_run.run = accept  # type: ignore[assignment]
    training.fit = _remembered  # type: ignore[assignment]
    args = ["--preset", "smoke", "--out", str(folder / "run"), *words]
    if "--preset" in words:
        args = args[2:]
    parse = lambda: command.parse(module.PRESETS, args=args, prog=experiment, description="x")
    command.run(lambda: module.main(parse()), debug=False)
