"""The network under test, from flags: trained here, published, or the user's own."""

import dataclasses
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fooljax.media import Medium, Pictures, Texts, medium_of
from fooljax.runtime import hosts
from fooljax.spelling import meant
from fooljax.study import own_network
from fooljax.study.loaded import count_classes, fresh, load_published, names_of
from fooljax.study.pretrained_victim import as_heard, as_known, load_pretrained
from fooljax.study.readers import READER, has_vectors, in_words_of
from fooljax.study.victim import Victim, is_published
from fooljax.study.victim_data import accuracy, blame, find_data, hold

if TYPE_CHECKING:
    from fooljax.data import Splits, Streams
    from fooljax.training import Recipe
    from fooljax.types import Classifier

_TRAINED = "classifier"


class Prepared(NamedTuple):
    """A network ready to be fooled.

    Attributes:
        classifier: the network.
        class_names: of its classes.
        accuracy: on the data set's test images, in [0, 1]; None without data.
        origin: where it comes from, in words.
        splits: the data set, or as much of it as is held in memory; None without data.
        streams: all of it, where it stays on disk and was asked for, in place of splits.
        medium: what the network takes.
    """

    classifier: "Classifier"
    class_names: tuple[str, ...]
    accuracy: float | None
    origin: str
    splits: "Splits | None" = None
    streams: "Streams | None" = None
    medium: Medium = Pictures()


def prepare(
    victim: Victim,
    folder: Path,
    fits: Callable[[tuple[int, ...], int], object] = lambda shape, num_classes: None,
    whole: bool = False,
    find: Callable[[Victim, Path], "Splits | Streams | None"] = find_data,
) -> Prepared:
    """Load, build, train or fetch the network, and test it.

    It learns from, and is tested on, all pictures, also where they do not fit in memory.

    Args:
        victim: the settings.
        folder: run directory; keeps the trained network if no other place is named.
        fits: called with image shape and number of classes before anything is trained,
            to refuse them.
        whole: return streams of a set too large for memory; otherwise a part is held.
        find: where the pictures come from.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.

    Example:
        >>> from pathlib import Path
        >>> from fooljax import study
        >>> prepared = study.prepare(study.Victim(model="softmax", train_steps=60), Path())
        >>> prepared.origin, prepared.accuracy > 0.7
        ('softmax trained on digits (quick, 60 steps)', True)
    """
    from fooljax import data, models
    from fooljax.runtime import inputs

    if victim.view != "center" and not is_published(victim):
        raise ValueError(f"--view {victim.view} is for published ImageNet networks; leave it out")
    if victim.model.endswith(".py"):
        raise ValueError(
            f"--model {victim.model}: which of the file's networks? Give {victim.model}:NAME"
        )
    every = [*models.NETWORKS, READER, *models.PRETRAINED]
    if victim.model not in every and ":" not in victim.model:
        raise ValueError(
            f"--model {victim.model}: unknown network {victim.model!r}; "
            f"{meant(victim.model, every)}Name one of {', '.join(every)}, or FILE.py:NAME"
        )
    _refuse_training(victim)
    published = load_published(victim) if is_published(victim) else None
    if published is not None:
        fits(published.input_shape, published.num_classes)
        victim = dataclasses.replace(victim, image_size=(published.input_shape[0],) * 2)
    elif victim.model in models.PRETRAINED:
        classifier, origin = load_pretrained(victim)
        victim = as_heard(victim, classifier)
    found = find(victim, folder)
    if found is not None:
        if victim.model in models.PRETRAINED:
            found = as_known(victim, found)
        fits(found.train.input_shape, found.train.num_classes)
    streams = found if whole and isinstance(found, data.Streams) else None
    splits = None if found is None or streams is not None else hold(victim, found)
    if victim.model in models.PRETRAINED:
        # loaded before its data, which it decides the length of
        medium = models.pretrained_medium(victim.model, victim.weights)
        if isinstance(found, data.Splits):
            found = splits = in_words_of(medium, classifier.input_shape[0], found, victim.model)
    elif published is not None:
        place = victim.weights or "its published place"
        classifier, origin = published, f"{victim.model} with the weights of {place}"
    elif ":" in victim.model:
        if victim.weights is not None:
            raise ValueError(f"--weights: {victim.model} brings its own; leave --weights out")
        known = (None, None) if found is None else (found.train.input_shape, count_classes(found))
        classifier = own_network.load(victim.model, *known)
        origin = f"your own network, {victim.model}"
    elif found is None:
        raise ValueError(
            "--dataset none needs a network of your own, --model FILE.py:NAME, or one for ImageNet"
        )
    elif victim.weights is not None:
        with blame("--weights"):
            classifier = models.load_weights(victim.weights, fresh(victim, found))
        origin = f"{victim.model} with the weights of {victim.weights}"
    else:
        classifier, origin = _trained(victim, found, folder)
    with blame(f"--model {victim.model}"):
        doubts = models.look(classifier)
    for doubt in doubts:
        warnings.warn(f"--model {victim.model}: {doubt.name}: {doubt.message}", stacklevel=2)
    classifier = _as_long(victim, classifier, found)
    size = "x".join(map(str, classifier.input_shape))
    inputs.same_networks(folder, {f"{origin}, {size}, seed {victim.train_seed}": classifier})
    names = names_of(classifier, found, victim)
    fits(tuple(classifier.input_shape), classifier.num_classes)
    right = None if found is None else accuracy(victim, classifier, found.test, folder)
    medium = _medium(victim, classifier, found)
    return Prepared(classifier, names, right, origin, splits, streams, medium)


def _as_long(
    victim: Victim, classifier: "Classifier", found: "Splits | Streams | None"
) -> "Classifier":
    """Let a published network that reads characters, as many as there are, read the data's."""
    from fooljax import data, models

    if victim.model not in models.PRETRAINED or not isinstance(found, data.Splits):
        return classifier
    if models.PRETRAINED[victim.model].medium != Texts() or found.train.medium != Texts():
        return classifier
    return dataclasses.replace(classifier, input_shape=found.train.input_shape)


def _medium(victim: Victim, classifier: "Classifier", found: "Splits | Streams | None") -> Medium:
    """Return what the network takes."""
    from fooljax import data, models

    if victim.model in models.PRETRAINED:
        return models.pretrained_medium(victim.model, victim.weights)
    if isinstance(found, data.Splits):
        return found.train.medium
    return Pictures() if found is not None else medium_of(tuple(classifier.input_shape))


def build_recipe(victim: Victim) -> "Recipe":
    """Return how the network is to be trained.

    Raises:
        ValueError: if the settings do not go together, naming the flag.
    """
    from fooljax import training

    numbers = {"steps": victim.train_steps, "epsilon": victim.train_epsilon}
    numbers = {name: value for name, value in numbers.items() if value is not None}
    if "epsilon" in numbers and victim.recipe not in ("adversarial", "trades", "acet"):
        raise ValueError(f"--train-epsilon: --recipe {victim.recipe} has none; leave it out")
    if victim.recipe == "fine_tune" and victim.weights is None:
        raise ValueError(
            "--recipe fine_tune changes weights that are there a little; give --weights, or train "
            "with another recipe"
        )
    return training.RECIPES[victim.recipe](**numbers)


def _refuse_training(victim: Victim) -> None:
    """Refuse a recipe that would make another network of one that comes with its weights.

    Raises:
        ValueError: naming the flag.
    """
    from fooljax import models

    comes = victim.weights is not None or is_published(victim)
    if not (comes or ":" in victim.model or victim.model in models.PRETRAINED):
        return
    given = {
        f"--recipe {victim.recipe}": victim.recipe not in ("quick", "caffe_lenet"),  # of presets
        f"--train-epsilon {victim.train_epsilon}": victim.train_epsilon is not None,
    }
    whose = f"--weights {victim.weights}" if victim.weights else f"--model {victim.model}"
    for flag, wrong in given.items():
        if wrong:
            raise ValueError(
                f"{flag}: {whose} comes with its weights and is not trained; leave {flag} out, or "
                "name an architecture"
            )


def _trained(victim: Victim, found: "Splits | Streams", folder: Path) -> tuple["Classifier", str]:
    import jax

    from fooljax import data, training
    from fooljax.runtime import identity, progress
    from fooljax.study import classifier_store

    recipe = build_recipe(victim)
    classifier = fresh(victim, found)
    place = Path(victim.classifier) if victim.classifier else folder / _TRAINED
    settings = {
        "dataset": victim.dataset,
        "image_size": list(found.train.input_shape),
        "num_classes": found.train.num_classes,
        "train_images": len(found.train.labels),
        **identity.digests(found.train),
        "model": victim.model,
        "recipe": victim.recipe,
        "train_steps": recipe.steps,
        "train_seed": victim.train_seed,
    }
    if victim.train_epsilon is not None:
        settings["train_epsilon"] = victim.train_epsilon
    if classifier.tokens is not None:
        settings["vectors"] = has_vectors(victim)
    origin = f"{victim.model} trained on {victim.dataset} ({victim.recipe}, {recipe.steps} steps)"
    stored = classifier_store.load(place, classifier, settings)
    if stored is not None:
        print(f"network: {origin}, from {place}", file=sys.stderr)
        return stored, origin
    if hosts.first():
        classifier_store.check_place(place)
    key = jax.random.fold_in(jax.random.key(victim.train_seed), 1)
    with progress.bar(f"training {victim.model}", recipe.steps) as show:
        show(0, "compiling ...")
        watch = lambda step, loss: show(step, f"loss {loss:.4f}")
        classifier, _ = training.fit(
            key, classifier, found.train, **recipe._asdict(), on_chunk=watch
        )
    # devices of one kind need not round alike, and all hosts must fool the same network
    params = hosts.from_first(classifier.params)
    classifier = dataclasses.replace(classifier, params=params)
    if isinstance(found, data.Streams):  # a broken test picture would be found only now
        classifier_store.save(place, classifier, settings, None)
    right = accuracy(victim, classifier, found.test, folder)
    classifier_store.save(place, classifier, settings, right)
    return classifier, origin
