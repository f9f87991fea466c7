"""The network under test, from flags: trained here, published, or the user's own."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from fooljax.data import Splits
    from fooljax.types import Classifier

_TRAINED = "classifier"


@dataclass(frozen=True)
class Victim:
    """The network to fool, and the pictures it knows.

    Attributes:
        dataset: digits (comes with the package), mnist, fashion_mnist, kmnist,
            cifar10, cifar100, any image-classification set of
            tensorflow-datasets, a folder of class sub-folders of pictures, an
            .npz with images and labels, or none (only with a network of your
            own).
        data_dir: folder with data sets in sub-folders of their names; without
            it, FOOLJAX_DATA_DIR, then a download.
        image_size: height and width that pictures are resized to; as they are
            unless given.
        model: softmax, mlp, lenet, resnet, or FILE.py:NAME for your own: a
            Classifier, or a function without arguments that returns one.
        weights: .safetensors file with published weights; the network is then
            not trained.
        classifier: folder that keeps the trained network for the next
            experiment; inside the run directory unless given.
        recipe: how the network is trained: quick (Adam, one cycle) or
            caffe_lenet (the paper's).
        train_steps: training steps; the recipe's own number unless given.
        train_seed: decides starting weights and batches of the training.
    """

    dataset: str = "digits"
    data_dir: str | None = None
    image_size: tuple[int, int] | None = None
    model: str = "lenet"
    weights: str | None = None
    classifier: str | None = None
    recipe: Literal["quick", "caffe_lenet"] = "quick"
    train_steps: int | None = None
    train_seed: int = 0


class Prepared(NamedTuple):
    """A network ready to be fooled.

    Attributes:
        classifier: the network.
        class_names: of its classes.
        accuracy: on the data set's test images, in [0, 1]; None without data.
        origin: where it comes from, in words.
    """

    classifier: "Classifier"
    class_names: tuple[str, ...]
    accuracy: float | None
    origin: str


def prepare(victim: Victim, folder: Path, stopping: Callable[[], int | None]) -> Prepared:
    """Load, build, train or fetch the network, and test it.

    Args:
        victim: the settings.
        folder: run directory; keeps the trained network unless the settings
            name another place.
        stopping: returns a signal number once the user wants to stop.

    Raises:
        ValueError, OSError: for anything wrong with the flags or files, naming
            the flag.
        Interrupted: if stopped while training.
    """
    from fooljax import data, models, training

    splits = None
    if victim.dataset != "none":
        splits = data.load(victim.dataset, victim.data_dir, victim.image_size)
    if ":" in victim.model:
        classifier, origin = _own(victim.model), f"your own network, {victim.model}"
    elif splits is None:
        raise ValueError("--dataset none needs a network of your own: --model FILE.py:NAME")
    elif victim.weights is not None:
        classifier = models.load_weights(victim.weights, _fresh(victim, splits))
        origin = f"{victim.model} with the weights of {victim.weights}"
    else:
        classifier, origin = _trained(victim, splits, folder, stopping)
    models.validate(classifier)
    names = _names(classifier, splits, victim)
    accuracy = None
    if splits is not None:
        accuracy = float(training.evaluate(classifier, splits.test))
    return Prepared(classifier, names, accuracy, origin)


def _fresh(victim: Victim, splits: "Splits") -> "Classifier":
    import jax

    from fooljax import models

    key = jax.random.fold_in(jax.random.key(victim.train_seed), 0)
    train = splits.train
    try:
        return models.build(victim.model, key, train.input_shape, train.num_classes)
    except ValueError as error:
        raise ValueError(f"--model {victim.model}: {error}") from error


def _trained(
    victim: Victim, splits: "Splits", folder: Path, stopping: Callable[[], int | None]
) -> tuple["Classifier", str]:
    import jax

    from fooljax import training
    from fooljax.runtime import classifier_store, progress
    from fooljax.runtime.interrupts import Interrupted

    make = training.RECIPES[victim.recipe]
    recipe = make() if victim.train_steps is None else make(victim.train_steps)
    classifier = _fresh(victim, splits)
    place = Path(victim.classifier) if victim.classifier else folder / _TRAINED
    settings = {
        "dataset": victim.dataset,
        "image_size": list(splits.train.input_shape),
        "num_classes": splits.train.num_classes,
        "train_images": int(splits.train.images.shape[0]),
        "model": victim.model,
        "recipe": victim.recipe,
        "train_steps": recipe.steps,
        "train_seed": victim.train_seed,
    }
    origin = f"{victim.model} trained on {victim.dataset} ({victim.recipe}, {recipe.steps} steps)"
    stored = classifier_store.load(place, classifier, settings)
    if stored is not None:
        print(f"network: {origin}, from {place}", file=sys.stderr)
        return stored, origin
    key = jax.random.fold_in(jax.random.key(victim.train_seed), 1)
    with progress.bar(f"training {victim.model}", recipe.steps) as show:

        def watch(step: int, loss: float) -> None:
            show(step, f"loss {loss:.4f}")
            if number := stopping():
                raise Interrupted(
                    "stopped while training; nothing was evolved yet, "
                    "start again with the same command",
                    128 + number,
                )

        classifier, _ = training.fit(
            key, classifier, splits.train, **recipe._asdict(), on_chunk=watch
        )
    accuracy = float(training.evaluate(classifier, splits.test))
    classifier_store.save(place, classifier, settings, accuracy)
    return classifier, origin


def _own(model: str) -> "Classifier":
    """Load ``FILE.py:NAME``, the user's own code."""
    from fooljax.types import Classifier

    file, _, name = model.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"--model {model}: there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"--model {model}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Any = getattr(module, name, None)
    if callable(found) and not isinstance(found, Classifier):
        found = found()
    if not isinstance(found, Classifier):
        raise ValueError(
            f"--model {model}: {name} must be a fooljax.types.Classifier or a function "
            f"that returns one, got {type(found).__name__}"
        )
    return found


def _names(classifier: "Classifier", splits: "Splits | None", victim: Victim) -> tuple[str, ...]:
    if splits is None:
        return tuple(str(label) for label in range(classifier.num_classes))
    data, test = splits.train, splits.test
    if data.input_shape != tuple(classifier.input_shape):
        raise ValueError(
            f"--model {victim.model} takes images {tuple(classifier.input_shape)} but --dataset "
            f"{victim.dataset} has {data.input_shape}; set --image-size, or use --dataset none"
        )
    if max(data.num_classes, test.num_classes) != classifier.num_classes:
        raise ValueError(
            f"--model {victim.model} has {classifier.num_classes} classes but --dataset "
            f"{victim.dataset} has {data.num_classes}; use the data it was trained on, "
            "or --dataset none"
        )
    return tuple(data.class_names)
