"""Disjoint sets of networks, and members of one that answer as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from fooljax import data, defenses, encodings, training
from fooljax.media import Pictures
from fooljax.study.cells import key_of
from fooljax.study.classifiers import networks, splits_of
from fooljax.study.ensembles import Ensembles, Joint
from fooljax.study.memory import afford
from fooljax.study.prepared import Prepared
from fooljax.study.run import Run, Settings
from fooljax.study.victim_data import blame
from fooljax.types import Classifier, Images

#: How members answer as one, in words; the first is what they do unless something is said.
ANSWERS = {
    "probabilities": "mean of probabilities",
    "logits": "mean of logits",
    "log_probabilities": "mean of log-probabilities",
    "margins": "mean of margins",
    "majority_vote": "majority vote",
    "unanimous": "unanimous or reject",
}


class NetworkSet(NamedTuple):
    """A set of networks, and test images that all of them get right.

    Attributes:
        names: of the networks, in the order in which they join.
        members: the networks.
        images: ``[n, h, w, c]`` in [0, 1], that all get right.
        labels: what they show, ``[n]``.
        test: all test images, in memory or on disk.
    """

    names: tuple[str, ...]
    members: tuple[Classifier, ...]
    images: Images
    labels: Int32[Array, " n"]
    test: Any  # as a Dataset has them


#: The sets, by group of ensembles and number.
NetworkSets: TypeAlias = Mapping[tuple[str, int], NetworkSet]


def train_sets(run: Run[Settings], ensembles: Ensembles, joint: Joint) -> dict[str, Prepared]:
    """Train, load or fetch as many networks of every architecture as the sets take.

    Args:
        run: keeps the trained networks.
        ensembles: of which networks.
        joint: what is to evolve on them, refused before anything is trained.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> settings = SimpleNamespace(victim=study.Victim(train_steps=20), run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> wanted = study.Ensembles(models=("softmax",), members=(1, 2), sets=2)
        >>> list(study.train_sets(run, wanted, study.SMALL_JOINT))  # 2 sets of 2
        ['softmax 1', 'softmax 2', 'softmax 3', 'softmax 4']
    """

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        afford(shape, children=joint.children)
        with blame("--encodings"):
            for name in joint.encodings:
                encodings.CATALOG[name].build(shape, Pictures())

    ensembles.check(run.config.victim)
    found: dict[str, Prepared] = {}
    for model, count in ensembles.needed.items():
        same = networks(run, (model,), count, fits=fits).each.values()
        found |= {f"{model} {i + 1}": one for i, one in enumerate(same)}
    return found


def make_sets(
    prepared: Mapping[str, Prepared], ensembles: Ensembles, images: int, seed: int
) -> NetworkSets:
    """Put the sets together and choose their images, by group and number of the set.

    Args:
        prepared: the networks, as `train_sets` names them.
        ensembles: of which networks.
        images: for each set, of those that all its networks get right.
        seed: decides the choice.

    Raises:
        ValueError: if too few test images are right on all networks of a set.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> settings = SimpleNamespace(victim=study.Victim(train_steps=60), run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> wanted = study.Ensembles(models=("softmax",), members=(1, 2), sets=2)
        >>> networks = study.train_sets(run, wanted, study.SMALL_JOINT)
        >>> sets = study.make_sets(networks, wanted, images=5, seed=0)
        >>> {place: (one.names, len(one.images)) for place, one in sets.items()}
        {('same', 0): (('softmax 1', 'softmax 2'), 5), ('same', 1): (('softmax 3', 'softmax 4'), 5)}
    """
    test = splits_of(next(iter(prepared.values()))).test
    labels = np.asarray(test.labels)
    right = {
        name: training.predict(one.classifier, test.images) == labels
        for name, one in prepared.items()
    }
    order = np.asarray(jax.random.permutation(key_of(seed, images="right"), len(labels)))
    found: dict[tuple[str, int], NetworkSet] = {}
    for group in ensembles.groups:
        for place in range(ensembles.sets):
            names = ensembles.names(group, place)
            rows = order[np.all([right[name] for name in names], axis=0)[order]][:images]
            if len(rows) < images:
                raise ValueError(
                    f"--images: {', '.join(names)} are all right about {len(rows)} test images "
                    f"only, got {images}; ask for fewer, or train longer (--train-steps)"
                )
            members = tuple(prepared[name].classifier for name in names)
            chosen, truth = data.as_float(test.images[rows]), jnp.asarray(labels[rows])
            found[group, place] = NetworkSet(names, members, chosen, truth, test.images)
    return found


def as_one(members: Sequence[Classifier], answer: Any = "probabilities") -> Classifier:
    """Let members answer as one, in one of the ways of `ANSWERS`; one is its own mean.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> build = lambda seed: fj.models.build("softmax", jax.random.key(seed), (8, 8, 1), 3)
        >>> whole = study.as_one([build(0), build(1)], "unanimous")
        >>> whole(np.zeros((1, 8, 8, 1), np.float32)).shape  # a column more, which rejects
        (1, 4)
    """
    if answer == "majority_vote":
        return defenses.majority_vote(members)
    if answer == "unanimous":
        return defenses.unanimous(members)
    return members[0] if len(members) == 1 else defenses.ensemble(members, answer)
