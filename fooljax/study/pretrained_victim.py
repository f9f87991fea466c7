"""A network that comes with its weights, of another medium than pictures, and its data."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from fooljax.media import Sounds
from fooljax.study.victim import Victim
from fooljax.study.victim_data import blame

if TYPE_CHECKING:
    from fooljax.data import Splits, Streams
    from fooljax.types import Classifier


def load_pretrained(victim: Victim) -> tuple["Classifier", str]:
    """Load the network, and say where it is from.

    Raises:
        ValueError, OSError: if that fails, or the data are not of its classes, naming the
            flag.
    """
    from fooljax import models

    entry = models.PRETRAINED[victim.model]
    if victim.dataset not in (*entry.knows, "none") and not _is_own(victim):
        known = ", ".join(entry.knows) or "no data set's"
        raise ValueError(
            f"--dataset {victim.dataset}: {victim.model} knows the classes of {known}; give "
            "that, a folder with sub-folders called as its classes, or none"
        )
    with blame("--weights"):
        classifier = models.load_pretrained(victim.model, victim.weights)
    return classifier, f"{victim.model}, {entry.origin}"


def as_heard(victim: Victim, classifier: "Classifier") -> Victim:
    """Ask for sounds of the rate and length that the network takes, whatever theirs are.

    Raises:
        ValueError: if another rate or length is asked for.
    """
    from fooljax import models

    medium = models.PRETRAINED[victim.model].medium
    if not isinstance(medium, Sounds):
        return victim
    seconds = classifier.input_shape[0] / medium.rate
    for flag, given, own in (
        ("--sample-rate", victim.sample_rate, medium.rate),
        ("--seconds", victim.seconds, seconds),
    ):
        if given not in (None, own):
            raise ValueError(
                f"{flag} {given:.9g}: {victim.model} takes {own:.9g}; leave {flag} out"
            )
    return dataclasses.replace(victim, sample_rate=medium.rate, seconds=seconds)


def as_known(victim: Victim, found: "Splits | Streams") -> "Splits | Streams":
    """Number the classes of the user's own data as the network does.

    Raises:
        ValueError: if the network does not know a class.
    """
    from fooljax import data, models

    names = models.PRETRAINED[victim.model].class_names
    if not isinstance(found, data.Splits) or found.train.class_names == names:
        return found
    with blame(f"--dataset {victim.dataset}: --model {victim.model}"):
        return data.Splits(*(data.rename_classes(part, names) for part in found))


def _is_own(victim: Victim) -> bool:
    from fooljax import data

    return victim.dataset not in data.NAMES and Path(victim.dataset).expanduser().exists()
