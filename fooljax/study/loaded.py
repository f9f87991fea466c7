"""Networks before any training here: fresh, published, or with weights from a file."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fooljax.runtime import inputs
from fooljax.study.cells import key_of
from fooljax.study.readers import fresh_reader, reads_words
from fooljax.study.victim import Victim, is_published
from fooljax.study.victim_data import blame

if TYPE_CHECKING:
    from fooljax.data import Splits, Streams
    from fooljax.types import Classifier


def starts(
    victim: Victim, found: "Splits | Streams", folder: Path
) -> tuple[Callable[[int], "Classifier"], str | None]:
    """Return what networks with a fooling column start from, by number.

    That is fresh weights of its own for each, or ``--weights`` for all.

    Args:
        victim: the settings, of `as_weighted`.
        found: the data.
        folder: run directory; remembers which weights it was begun with.

    Returns:
        The function, and where the weights come from, in words; None if they are fresh.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag; the
            function too.

    Example:
        >>> from pathlib import Path
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits = fj.data.load("digits")
        >>> begin, origin = study.starts(study.Victim(model="softmax"), digits, Path())
        >>> images = fj.data.as_float(digits.test.images[:2])
        >>> begin(1)(images).shape, origin  # with a column that rejects
        ((2, 11), None)
    """
    from fooljax import models

    if victim.weights is None:
        train = found.train

        def draw(network: int) -> "Classifier":
            key = key_of(victim.train_seed, network=network, part="start")
            with blame(f"--model {victim.model}"):
                return models.build(
                    victim.model, key, train.input_shape, train.num_classes, rejecting=1
                )

        return draw, None
    if is_published(victim):
        classifier = load_published(victim, rejecting=1)
    else:
        with blame("--weights"):
            classifier = models.load_weights(victim.weights, fresh(victim, found))
        classifier = models.widen(classifier)
    names_of(classifier, found, victim)
    origin = f"{victim.model} with the weights of {victim.weights}"
    inputs.same_networks(folder, {origin: classifier})
    return lambda network: classifier, origin


def as_weighted(victim: Victim) -> Victim:
    """Ask for pictures of the size that a published network takes, if ``--weights`` are its.

    Example:
        >>> from fooljax import study
        >>> about = {"model": "squeezenet1_1", "dataset": "imagenet"}
        >>> victim = study.Victim(**about, weights="squeezenet.pth")
        >>> study.as_weighted(victim).image_size
        (224, 224)
    """
    from fooljax import models

    if victim.weights is None or victim.image_size or not is_published(victim):
        return victim
    return dataclasses.replace(victim, image_size=(models.PUBLISHED[victim.model].pixels,) * 2)


def load_published(victim: Victim, rejecting: int = 0) -> "Classifier":
    """Load an ImageNet network for images of the size that is asked for.

    Args:
        victim: the settings.
        rejecting: columns to add that mean "none of these".

    Raises:
        ValueError, OSError: if that fails, naming the flag.
    """
    from fooljax import models

    own = models.PUBLISHED[victim.model].pixels
    height, width = victim.image_size or (own, own)
    if height != width:
        raise ValueError(f"--image-size: {victim.model} takes square images, got {height} {width}")
    with blame("--weights" if victim.image_size is None else "--weights, --image-size"):
        classifier = models.load_published(victim.model, victim.weights, min(height, own))
    if rejecting:
        classifier = models.widen(classifier, rejecting)
    if victim.view == "ten":
        if height <= own:
            raise ValueError(
                f"--view ten: crops need images larger than {own} pixels, got {height}; set "
                f"--image-size, the paper's is 256 256"
            )
        return models.ten_crop(classifier, height)
    return models.center_crop(classifier, height) if height > own else classifier


def fresh(victim: Victim, found: "Splits | Streams") -> "Classifier":
    """Build the network with fresh weights."""
    import jax

    from fooljax import data, models

    key = jax.random.fold_in(jax.random.key(victim.train_seed), 0)
    train = found.train
    if isinstance(train, data.Dataset) and reads_words(victim, train):
        return fresh_reader(victim, key, train)
    with blame(f"--model {victim.model}"):
        return models.build(victim.model, key, train.input_shape, train.num_classes)


def names_of(
    classifier: "Classifier", found: "Splits | Streams | None", victim: Victim
) -> tuple[str, ...]:
    """Return the names of a network's classes.

    Raises:
        ValueError: if the data are of other classes, or of another shape, naming the flag.
    """
    from fooljax import data, models

    if is_published(victim):
        known = classifier.num_classes if found is None else found.train.num_classes
        if known != classifier.num_classes:
            raise ValueError(
                f"--dataset {victim.dataset} has {known} classes, of the {classifier.num_classes} "
                f"that {victim.model} knows, and nothing says which; put a wnids.txt with all "
                f"{classifier.num_classes} beside the pictures, a line each"
            )
        return data.imagenet_names()
    if victim.model in models.PRETRAINED:
        return models.PRETRAINED[victim.model].class_names
    if found is None:
        return tuple(str(label) for label in range(classifier.num_classes))
    train = found.train
    if train.input_shape != tuple(classifier.input_shape):
        raise ValueError(
            f"--model {victim.model} takes images {tuple(classifier.input_shape)} but --dataset "
            f"{victim.dataset} has {train.input_shape}; set --image-size, or use --dataset none"
        )
    if count_classes(found) != classifier.num_classes:
        raise ValueError(
            f"--model {victim.model} has {classifier.num_classes} classes but --dataset "
            f"{victim.dataset} has {train.num_classes}; use the data it was trained on, "
            "or --dataset none"
        )
    return tuple(train.class_names)


def count_classes(found: "Splits | Streams") -> int:
    """Count the classes of both halves of the data."""
    return max(found.train.num_classes, found.test.num_classes)
