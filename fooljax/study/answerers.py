"""Networks that answer questions about pictures: from flags, trained here or read again."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax

from fooljax import data, models, training
from fooljax.data import QuestionSet
from fooljax.models import VQA
from fooljax.runtime import hosts, identity, inputs, progress
from fooljax.study import classifier_store
from fooljax.study.prepared import Prepared
from fooljax.study.run import Run, Settings
from fooljax.study.settings import choose
from fooljax.study.victim import Victim
from fooljax.study.victim_data import blame

#: Architectures, and what each does.
ANSWERERS = {
    "pooled": "keeps of each feature of the picture only where it is strongest",
    "flat": "keeps of each feature of the picture where it is, place by place",
}
_BATCH, _RATE, _STEPS = 128, 3e-3, 1500
_READ = ("dataset", "data_dir", "classifier", "train_steps", "train_seed")


class Answerer(NamedTuple):
    """A network that answers questions, and what is said of it.

    Attributes:
        vqa: the network.
        model: its architecture.
        repeat: which of its architecture.
        prepared: the same as pages take it.
    """

    vqa: VQA
    model: str
    repeat: int
    prepared: Prepared


def check_answerers(victim: Victim, names: Sequence[str]) -> None:
    """Refuse settings that have no meaning for networks that answer questions.

    Args:
        victim: the settings.
        names: architectures, as ``--models`` has them.

    Raises:
        ValueError: naming the flag.

    Example:
        >>> from fooljax import study
        >>> study.check_answerers(study.Victim(), ["pooled", "flat"])  # these can be had
        >>> try:
        ...     study.check_answerers(study.Victim(image_size=(8, 8)), ["pooled"])
        ... except ValueError as error:
        ...     print(str(error).partition("; ")[2])
        leave --image-size out
    """
    choose("--models", names, ANSWERERS)
    for one in dataclasses.fields(victim):
        given = getattr(victim, one.name)
        if one.name not in _READ and given != one.default:
            flag = f"--{one.name.replace('_', '-')}"
            raise ValueError(
                f"{flag} {given}: networks that answer questions are trained here, as --models and "
                f"--train-steps say; leave {flag} out"
            )


def load_asked(run: Run[Settings]) -> QuestionSet:
    """Load the questions that ``--dataset`` names.

    Raises:
        ValueError, OSError: if that fails, or they are others than the run was begun with.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> settings = SimpleNamespace(victim=study.Victim(dataset="synthetic"))
        >>> asked = study.load_asked(study.Run("mine", settings, Path()))  # or that of study.opened
        >>> asked.questions[0], asked.test.images.shape[1:]
        ('does the image contain a black shape?', (64, 64, 3))
    """
    victim = run.config.victim
    with blame("--dataset"):
        found = data.load_questions(victim.dataset, victim.data_dir)
    halves = {"train": found.train, "test": found.test}
    inputs.same_images(
        run.folder,
        {
            f"{victim.dataset} {name} {part}": array
            for name, half in halves.items()
            for part, array in half._asdict().items()
        },
    )
    return found


def train_answerers(
    run: Run[Settings], found: QuestionSet, names: Sequence[str], seeds: int
) -> dict[str, Answerer]:
    """Train networks, or read those that are kept, by name: ``pooled 1``, ``pooled 2``, ...

    Args:
        run: keeps the trained networks, unless ``--classifier`` names another folder.
        found: the questions.
        names: architectures.
        seeds: networks of each, from other starting weights.

    Raises:
        ValueError, OSError: if a folder holds other networks, or nothing can be kept there.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> settings = SimpleNamespace(victim=study.Victim(train_steps=2), run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> asked = fj.data.synthetic(train=8, test=4)
        >>> networks = study.train_answerers(run, asked, ["pooled"], seeds=2)
        >>> list(networks), networks["pooled 1"].model
        (['pooled 1', 'pooled 2'], 'pooled')
    """
    place = Path(run.config.victim.classifier or run.folder / "networks")
    networks = {}
    for model in names:
        for repeat in range(seeds):
            name = model if seeds == 1 else f"{model} {repeat + 1}"
            folder = place / name.replace(" ", "-")
            networks[name] = _trained(run.config.victim, found, model, repeat, folder)
    return networks


def _trained(victim: Victim, found: QuestionSet, model: str, repeat: int, place: Path) -> Answerer:
    steps, seed = victim.train_steps or _STEPS, victim.train_seed + repeat
    module = models.VQANet(len(found.answers), len(found.words), model == "pooled")
    key_start, key_fit = jax.random.split(jax.random.key(seed))
    vqa = models.init_vqa(key_start, module, found.input_shape, found.ids.shape[1])
    settings = {
        "dataset": victim.dataset,
        "digest": identity.of_arrays([*found.train, found.ids])[:16],
        "model": model,
        "train_steps": steps,
        "train_seed": seed,
    }
    weights = lambda vqa: dataclasses.replace(models.asked(vqa, found.ids[0]), params=vqa.params)
    stored = classifier_store.load(place, weights(vqa), settings)
    if stored is None:
        if hosts.first():
            classifier_store.check_place(place)
        vqa = _fit(key_fit, vqa, found, steps, f"{model} {repeat + 1}")
    else:
        vqa = vqa._replace(params=stored.params)
    test = data.as_rows(found, found.test)
    right = training.evaluate(models.about(vqa, found.test.images), test)
    if stored is None:
        classifier_store.save(place, weights(vqa), settings, right)
    print(f"{model} {repeat + 1}: {100 * right:.2f} % right", file=sys.stderr)
    origin = f"trained on {victim.dataset} ({steps} steps); it {ANSWERERS[model]}"
    return Answerer(vqa, model, repeat, Prepared(weights(vqa), found.answers, right, origin))


def _fit(key: jax.Array, vqa: VQA, found: QuestionSet, steps: int, name: str) -> VQA:
    recipe = training.quick(steps, _BATCH, _RATE)
    start, rows = models.about(vqa, found.train.images), data.as_rows(found, found.train)
    with progress.bar(f"training {name}", steps) as show:
        show(0, "compiling ...")
        watch = lambda step, loss: show(step, f"loss {loss:.4f}")
        fit, _ = training.fit(key, start, rows, **recipe._asdict(), on_chunk=watch)
    return vqa._replace(params=hosts.from_first(fit.params["params"]))
