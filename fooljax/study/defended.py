"""Networks with a defense each, from words such as ``ensemble`` or ``blur=1``: add yours here.

Every change of an image and every score to reject by is a defense, too.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from fooljax import defenses, models, training
from fooljax.study import prepared
from fooljax.study.cells import compute, key_of
from fooljax.study.classifiers import is_own
from fooljax.study.filtering import Filter, filters
from fooljax.study.fooling import FOOLING
from fooljax.study.guarding import guard
from fooljax.study.making import Material, repeated
from fooljax.study.prepared import Prepared
from fooljax.study.rounds import first_and_last, train
from fooljax.study.run import Run, Settings
from fooljax.study.settings import Fooling, choose
from fooljax.study.units import Arrays
from fooljax.study.victim import Victim
from fooljax.study.victim_data import blame
from fooljax.study.weights import weights_of, with_weights
from fooljax.types import Classifier, Images, RandomKey

PLAIN = "plain"
MEMBERS = 3
FOOLING_RUNS = 20
DRAWS = 16  # that the adversary of a random defense averages over; the victim over twice as many
#: Compared unless others are asked for.
USUAL = (
    *(PLAIN, "fooling_class", "outlier_exposure", "acet", "adversarial", "ensemble"),
    *("blur=1", "levels=4", "jpeg=30", "noise=0.25", "reject_energy", "reject_mahalanobis"),
)
_SUITS_ALL = "plain blur=1 jpeg=30 reject_energy"
_RECIPES = {
    "outlier_exposure": "trained to be unsure of noise (outlier exposure)",
    "acet": "trained to be unsure of noise that PGD has made it sure of (ACET)",
    "adversarial": "trained on perturbed images (PGD)",
}


class Bench(NamedTuple):
    """What belongs to one plain network.

    Attributes:
        name: of the network.
        plain: the network.
        settings: that it was trained by.
        material: clean test images, and those that it was trained on.
        held: ``[m, h, w, c]``, clean images that thresholds are set on.
        fooling: how images of a fooling class are made.
    """

    name: str
    plain: Prepared
    settings: Victim
    material: Material
    held: Images
    fooling: Fooling

    @property
    def classifier(self) -> Classifier:
        """The network without what belongs to it."""
        return self.plain.classifier


class Defended(NamedTuple):
    """A network with its defense.

    Attributes:
        victim: what answers.
        stand_in: what an adversary who knows the defense asks instead: the victim
            itself, unless it is random.
    """

    victim: Classifier
    stand_in: Classifier


class Defense(NamedTuple):
    """A defense that can be asked for by name.

    Attributes:
        words: what it is.
        trains: whether it trains networks.
        build: from a plain network to a defended one.
        refuse: raises ``ValueError`` for images of a shape that it does not suit.
    """

    words: str
    trains: bool
    build: Callable[[Run[Settings], Bench], Defended]
    refuse: Callable[[tuple[int, ...]], None] = lambda shape: None


def choose_defenses(
    flag: str, words: Sequence[str], settings: Victim, preset: Sequence[str] = ()
) -> dict[str, Defense]:
    """Read which defenses are asked for.

    Args:
        flag: that asked for them, with its dashes.
        words: a name each, or a change of every image and its strength, such as
            ``blur=1``; without any, all of `USUAL` that suit the network.
        settings: of the plain network.
        preset: words of a preset: what of just these does not suit the network is left out.

    Returns:
        Defenses by name, the plain network first.

    Raises:
        ValueError: for what is unknown, or trains networks where one comes with its
            weights, with the remedy.

    Example:
        >>> from fooljax import study
        >>> found = study.choose_defenses("--defenses", ["blur=1", "reject_energy"], study.Victim())
        >>> {name: one.trains for name, one in found.items()}
        {'plain': False, 'blur 1': False, 'reject_energy': False}
    """
    found = {PLAIN: DEFENSES[PLAIN]}
    why = f"needs other networks to be trained, but --model {settings.model} comes with its weights"
    for word in words or USUAL:
        if "=" in word or word in defenses.CATALOG:
            *_, (name, one) = filters(flag, [word]).items()
            if name in found:
                raise ValueError(f"{flag}: give each once, got {' '.join(words)}")
            refuse = functools.partial(one.refuse, flag)
            found[name] = Defense(one.entry.about, False, functools.partial(_filter, one), refuse)
            continue
        entry = choose(flag, [word], DEFENSES | dict.fromkeys(defenses.CATALOG, found[PLAIN]))[word]
        if not (entry.trains and is_own(settings)):
            found[word] = entry
        elif words and tuple(words) == tuple(preset):
            print(f"{flag}: the preset's {word} is left out; it {why}", file=sys.stderr)
        elif words:
            remedy = f"ask for what suits it, such as {flag} {_SUITS_ALL}"
            raise ValueError(f"{flag} {word}: {why}; {remedy}")
    return found


def _open(classifier: Classifier) -> Defended:
    """Let the adversary ask the defended network itself."""
    return Defended(classifier, classifier)


def _train(run: Run[Settings], bench: Bench, name: str, **changes: Any) -> Classifier:
    """Train another network beside the plain one, or load it where an earlier run has."""
    place = f"{bench.settings.classifier}-{name}"
    settings = dataclasses.replace(bench.settings, classifier=place, **changes)
    return prepared.prepare(settings, run.folder).classifier


def _retrained(recipe: Any) -> Callable[[Run[Settings], Bench], Defended]:
    return lambda run, bench: _open(_train(run, bench, recipe, recipe=recipe))


def _ensemble(run: Run[Settings], bench: Bench) -> Defended:
    # the plain networks' seeds count up from the flag's; these keep out of their way
    seeds = [bench.settings.train_seed + 1000 * i for i in range(1, MEMBERS)]
    others = [_train(run, bench, f"member-{seed}", train_seed=seed) for seed in seeds]
    return _open(defenses.ensemble([bench.classifier, *others]))


def _fooling_class(run: Run[Settings], bench: Bench) -> Defended:
    """Train anew with evolved images, first and last generation, as one more class."""
    plain, names = bench.classifier, {"network": bench.name, "defense": "fooling_class"}
    key = key_of(run.config.run.seed, part="start", **names)
    model, shape = bench.settings.model, plain.input_shape
    fresh = models.build(model, key, shape, plain.num_classes, rejecting=1)

    def learn(key: RandomKey, network: str, defense: str) -> Arrays:
        key_evolve, key_fit = jax.random.split(key)
        several = lambda making: repeated(FOOLING["cppn"].build(making, shape), FOOLING_RUNS)
        evolve = first_and_last(several, bench.fooling.making)
        images = evolve(key_evolve, plain, bench.material).images
        enlarged = training.with_fooling_class(bench.material.train, images)
        tuned = train(bench.settings, key_fit, fresh, enlarged)
        return {name: np.asarray(leaf) for name, leaf in weights_of(tuned).items()}

    learned = compute(run, [names], learn, "training with a fooling class")
    return _open(with_weights(fresh, learned.found[0][1]))


def _filter(one: Filter, run: Run[Settings], bench: Bench) -> Defended:
    """Change every image; the adversary averages over other random draws than the network."""
    key = functools.partial(key_of, run.config.run.seed, network=bench.name, defense=one.name)
    return Defended(
        one.protect(key(draws="judge"), bench.classifier, 2 * DRAWS),
        one.protect(key(draws="adversary"), bench.classifier, DRAWS),
    )


def _rejecting(name: str) -> Callable[[Run[Settings], Bench], Defended]:
    """Reject what scores lower, by the logits, than nearly all of the images held out."""

    def build(run: Run[Settings], bench: Bench) -> Defended:
        entry, train = defenses.SCORES[name], bench.material.train
        with blame(f"--defenses reject_{name}"):
            return _open(guard(entry, bench.classifier, train, bench.held).classifier)

    return build


DEFENSES: dict[str, Defense] = {
    PLAIN: Defense("the network as it is", False, lambda run, bench: _open(bench.classifier)),
    "fooling_class": Defense(
        "trained anew with evolved patterns (CPPN) as one more class, which rejects",
        True,
        _fooling_class,
    ),
    **{name: Defense(words, True, _retrained(name)) for name, words in _RECIPES.items()},
    "ensemble": Defense(
        f"{MEMBERS} networks that differ in their random start, mean of probabilities",
        True,
        _ensemble,
    ),
    **{
        f"reject_{name}": Defense(
            f"rejects by {entry.words}, read off the logits; 95 % of clean images pass",
            False,
            _rejecting(name),
        )
        for name, entry in defenses.SCORES.items()
    },
}
