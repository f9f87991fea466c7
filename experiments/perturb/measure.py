"""What ``experiments.perturb`` computes: what every attack makes of the same images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, NotNegative, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.attacks import Effort, Entry, Finding, WorstCase

Ball: TypeAlias = Literal["linf", "l2"]
#: What runs unless others are asked for: one of each kind, none that takes minutes.
USUAL = (
    *("fgsm", "pgd", "pgd-restarts", "apgd", "apgd-dlr", "square", "evolution", "standard"),
    *("pgd-l2", "apgd-l2", "standard-l2", "pgd-l1"),
    *("deepfool", "deepfool-linf", "ddn", "carlini-wagner", "lbfgs", "hop-skip-jump"),
    *("pgd-targeted", "pgd-l2-targeted", "lbfgs-targeted"),
)
EVERY = "all"  # in place of names: the whole catalog
#: What suits other media where nothing else was asked for; sounds are faint, and their
#: network is slow to ask.
OTHERS: dict[str, dict[str, Any]] = {
    "sounds": {
        "attacks": ("fgsm", "pgd", "pgd-l2", "ddn", "pgd-targeted"),
        "epsilon": 0.0005,
        "epsilon_l2": 0.06,
        "epsilon_l1": 2.0,
        "epsilons": (0.0001, 0.00025, 0.0005, 0.001, 0.002),
        "epsilons_l2": (0.0125, 0.025, 0.06, 0.125, 0.25),
    },
    "videos": {"attacks": ("fgsm", "pgd", "pgd-l2", "ddn", "pgd-targeted")},
}


@dataclass(frozen=True)
class Config:
    """Perturb real images until a network errs.

    Distances are in units of pixels in [0, 1]; of sounds, too, whose waveform from -1 to 1
    changes by twice as much. Sounds have smaller ones unless others are given.

    Attributes:
        victim: the network and its data.
        attacks: which attacks run, by name; some twenty unless given, a few of sounds and
            videos, "all" for the whole catalog. An unknown name lists them. With -targeted at
            the end of a name the goal is a random other class instead of any. FILE.py:NAME is
            a function of your own, epsilon -> Attack; FILE.py:NAME-targeted aims it.
        images: how many test images are attacked, drawn at random from those that
            the network gets right.
        epsilon: largest change of a pixel (Linf) in the table.
        epsilon_l2: Euclidean length of the change in the table.
        epsilon_l1: sum of all changes in the table.
        epsilon_l0: how many pixel values change in the table.
        epsilons: Linf radii of the robustness curve.
        epsilons_l2: Euclidean radii of the robustness curve.
        steps: gradient steps of the attacks that take many.
        queries: how often attacks without gradients may ask the network.
        diagnose: also ask whether attacks fail for other reasons than robustness.
        shown: how many images appear in the pictures.
        batch_size: images attacked together; each batch of an attack is kept, so
            a killed run loses at most one.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    attacks: tuple[str, ...] = ()
    images: Count = 100
    epsilon: NotNegative = 0.1
    epsilon_l2: NotNegative = 1.5
    epsilon_l1: NotNegative = 10.0
    epsilon_l0: NotNegative = 20.0
    epsilons: Several[NotNegative] = (0.05, 0.1, 0.15, 0.2, 0.3)
    epsilons_l2: Several[NotNegative] = (0.5, 1.0, 1.5, 2.0, 3.0)
    steps: Count = 40
    queries: Count = 500
    diagnose: bool = True
    shown: Count = 8
    batch_size: Batch = 50
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=100),
        attacks=("fgsm", "pgd", "deepfool", "pgd-l2-targeted"),
        images=20,
        epsilons=(0.1, 0.3),
        epsilons_l2=(1.0, 3.0),
        steps=5,
        queries=20,
        diagnose=False,
        shown=3,
        batch_size=10,
    ),
}


class Scene(NamedTuple):
    """What all attacks share.

    Attributes:
        network: to be fooled.
        methods: the attacks by name, controls among them.
        radii: the epsilons of each.
        real: images that the network gets right.
        effort: how much work an attack may do.
        tabled: the epsilon of the table, in the norms that have a worst case.
        curves: the epsilons of the robustness curves, in the same.
    """

    network: study.Prepared
    methods: Mapping[str, Entry]
    radii: Mapping[str, study.Radii]
    real: study.Material
    effort: Effort
    tabled: Mapping[Ball, float]
    curves: Mapping[Ball, tuple[float, ...]]

    @property
    def pictures(self) -> bool:
        """Whether the network takes pictures."""
        return fj.media.kind(self.network.medium) == "pictures"


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        scene: what all attacks share.
        originals: the images that are shown, ``[shown, *shape]``.
        targets: the class that aimed attacks must bring each image to, ``[n]``.
        outcomes: what was measured, by attack.
        records: the same, a row for each attack and epsilon.
        worst: what all attacks together fool, by norm.
        curves: epsilons and accuracies, by norm and attack.
        printed: numbers that papers print too.
        doubts: what speaks against believing the numbers.
    """

    config: Config
    scene: Scene
    originals: np.ndarray
    targets: np.ndarray
    outcomes: Mapping[str, study.Outcome]
    records: Sequence[study.Record]
    worst: Mapping[Ball, WorstCase]
    curves: Mapping[Ball, Mapping[str, tuple[np.ndarray, np.ndarray]]]
    printed: Sequence[study.Printed]
    doubts: Sequence[Finding]

    @property
    def network(self) -> study.Prepared:
        """The network that was attacked."""
        return self.scene.network

    @property
    def words(self) -> study.Words:
        """How to speak of what it takes."""
        return study.words_for(self.network.medium)


def choose(config: Config) -> dict[str, Entry]:
    """Return the attacks asked for, by name; the controls always take part.

    Raises:
        ValueError: for an unknown name.
    """
    known = fj.attacks.CATALOG | fj.attacks.aimed(fj.attacks.CATALOG)
    asked = tuple(fj.attacks.CATALOG) if config.attacks == (EVERY,) else config.attacks or USUAL
    mine = [name.removesuffix(fj.attacks.AIMED) for name in asked if ".py" in name]
    own = study.choose("--attacks", mine, {}, fj.attacks.own_attack)
    known |= own | fj.attacks.aimed(own)
    wanted = study.choose("--attacks", asked, known)
    return {name: one for name, one in known.items() if name in wanted or one.kind == "control"}


def refuse(config: Config, shape: tuple[int, ...]) -> None:
    """Refuse texts, and attacks of pictures that were asked for by name for something else."""
    study.refuse_texts(shape, study.NO_NUMBERS)
    for name, entry in choose(config).items() if config.attacks != (EVERY,) else ():
        if entry.of_pictures and len(shape) != 3:
            raise ValueError(f"--attacks: {name} is for pictures, and the network takes {shape}")


def prepare(run: study.Run[Config]) -> tuple[Config, Scene]:
    """Train, load or fetch the network, and draw images that it gets right.

    Returns:
        The settings, with what suits sounds or videos where nothing else was asked for; and
        the scene.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    choose(run.config)  # refused before any training
    fits = lambda shape, num_classes: refuse(run.config, shape)
    networks = study.networks(run, (run.config.victim.model,), fits=fits)
    study.refuse_seeing("--attacks", choose(run.config), fj.attacks.CATALOG, [networks.first])
    if run.config.diagnose:
        instead = "leave them out with --no-diagnose"
        study.refuse_no_gradient([networks.first], "--diagnose: its questions", instead)
    kind = fj.media.kind(fj.media.medium_of(networks.shape))
    config = study.suit(run.config, Config(), OTHERS.get(kind, {}))
    known, pictures = choose(config).items(), kind == "pictures"
    methods = {name: one for name, one in known if pictures or not one.of_pictures}
    real = study.choose_right(run, networks, config.images, 0)
    return config, Scene(
        networks.first,
        methods,
        {name: radii(name, one, config, pictures) for name, one in methods.items()},
        real,
        fj.attacks.Effort(config.steps, config.queries),
        {"linf": config.epsilon, "l2": config.epsilon_l2},
        {"linf": config.epsilons, "l2": config.epsilons_l2},
    )


def radii(name: str, entry: Entry, config: Config, pictures: bool) -> study.Radii:
    """Return every epsilon that an attack is run with, and which of them is the table's."""
    tabled = study.radii_of(config)[entry.norm]
    if not entry.curve:
        return study.Radii((tabled,), 0)
    curve = {"linf": config.epsilons, "l2": config.epsilons_l2}.get(entry.norm, ())
    printed = study.FGSM_EPSILONS if name == "fgsm" and pictures else ()
    epsilons = sorted({tabled, *curve, *printed})
    return study.Radii(tuple(epsilons), epsilons.index(tabled))


def attack(run: study.Run[Config], config: Config, scene: Scene) -> study.Results:
    """Run every attack on every batch of images, then ask whether to believe the outcome."""
    network, real, effort = scene.network, scene.real, scene.effort
    cut = config.batch_size, config.shown
    found = study.attack_all(run, network, scene.methods, scene.radii, real, effort, *cut)
    if not config.diagnose:
        return found
    some = slice(config.batch_size)
    images, goal = real.images[some], fj.attacks.leave(real.labels[some])
    asked = study.diagnose(run, network.classifier, images, goal, scene.tabled, effort)
    return study.gather(found, asked)


def judge(scene: Scene, outcomes: Mapping[str, study.Outcome]) -> Iterator[study.Record]:
    """Yield a record for each attack and epsilon, with the numbers of ``attacks.summarize``.

    Passes are means, and how loud a change of a sound is the median of the successes.
    """
    size = scene.real.images[0].size
    for name, entry in scene.methods.items():
        outcome = outcomes[name]
        for i, epsilon in enumerate(outcome.radii.epsilons):
            one = {key: values[i] for key, values in outcome.measured.items()}
            success = one["success"]
            middle = lambda values: float(np.quantile(values, 0.5)) if len(values) else None
            yield {
                "attack": name,
                "norm": entry.norm,
                "kind": entry.kind,
                "targeted": entry.aimed,
                "epsilon": epsilon if entry.kind in ("ball", "control") else None,
                "tabled": i == outcome.radii.at,
                **fj.attacks.summarize(one, entry.norm, epsilon, size),
                **{key: middle(one[key][success]) for key in study.LOUDNESS if key in one},
                "forwards": float(one["forwards"].mean()),
                "gradients": float(one["gradients"].mean()),
            }


def gather(config: Config, scene: Scene, results: study.Results) -> Found:
    """Derive from what the attacks did all that the page is about."""
    methods, outcomes = scene.methods, study.outcomes(results, scene.radii)
    names, drawn = ("success", *scene.curves), results.one(drawn="images")
    tabled = {key: {name: one.tabled(key) for name, one in outcomes.items()} for key in names}
    success = {name: one.measured["success"] for name, one in outcomes.items()}
    far = {name: one.measured[methods[name].norm] for name, one in outcomes.items()}
    epsilons = {name: one.epsilons for name, one in scene.radii.items()}
    places = {name: one.at for name, one in scene.radii.items()}
    hunted = {one.norm for one in methods.values() if one.kind != "control"}
    printed = study.beside_papers(outcomes, np.asarray(scene.real.images)) if scene.pictures else ()
    return Found(
        config,
        scene,
        drawn["originals"],
        drawn["targets"],
        outcomes,
        list(judge(scene, outcomes)),
        {
            norm: fj.attacks.worst_case(methods, tabled["success"], tabled[norm], epsilon)
            for norm, epsilon in scene.tabled.items()
            if norm in hunted or not hunted & set(scene.tabled)
        },
        {
            norm: study.accuracy_curves(norm, methods, outcomes, epsilons)
            for norm, epsilons in scene.curves.items()
        },
        list(printed),
        [
            *study.findings_of(results),
            *fj.attacks.contradictions(methods, epsilons, success, places),
            *fj.attacks.strays(methods, epsilons, far, scene.real.images[0].size),
        ],
    )
