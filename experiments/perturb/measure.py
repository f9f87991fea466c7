"""What ``experiments.perturb`` computes: what every attack makes of the same images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, NotNegative, RunFlags, Several, Victim

if TYPE_CHECKING:
    from fooljax.attacks import Entry, Finding
    from fooljax.metrics import Interval
    from fooljax.types import RandomKey

Ball: TypeAlias = Literal["linf", "l2"]
#: What runs unless others are asked for: one of each kind, none that takes minutes.
USUAL = (
    *("fgsm", "pgd", "pgd-restarts", "apgd", "apgd-dlr", "square", "evolution", "standard"),
    *("pgd-l2", "apgd-l2", "standard-l2", "pgd-l1"),
    *("deepfool", "deepfool-linf", "ddn", "carlini-wagner", "lbfgs", "hop-skip-jump"),
    *("pgd-targeted", "pgd-l2-targeted", "lbfgs-targeted"),
)
EVERY = "all"  # in place of names: the whole catalog
NORMS: tuple[Ball, ...] = ("linf", "l2")
LENGTHS = ("l0", "l1", "l2", "linf")
DRAWN = ("labels", "targets", "places_in_test_set", "originals")
MEASURED = ("success", "margin", "confidence", "log_doubt", "forwards", "gradients", *LENGTHS)
KEPT = (*DRAWN, "epsilons", "images", *MEASURED)  # arrays, for who reads on
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
GOODFELLOW = 0.25  # the epsilon that FGSM was published with, always measured
_FINE = tuple(np.round(np.arange(0.02, 1.001, 0.02), 2).tolist())  # smallest that fools 90 %
ROUNDING = 1.0 + 1e-5  # an image on the surface of a ball is in it


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
            a function of your own, epsilon -> Attack.
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
    """The network, the attacks by name, images that it gets right and a wrong class for each."""

    prepared: study.Prepared
    methods: Mapping[str, Entry]
    real: study.Material
    targets: np.ndarray

    @property
    def words(self) -> study.Words:
        """How to speak of what the network takes."""
        return study.words_for(self.prepared.medium)

    @property
    def measured(self) -> tuple[str, ...]:
        """What is measured of each result; of sounds how loud the change is, too."""
        return (*MEASURED, *study.LOUDNESS) if self.words.one == "sound" else MEASURED


class Outcome(NamedTuple):
    """What an attack did to all images.

    Attributes:
        epsilons: ``[e]``, increasing.
        at: place of the table's epsilon among them.
        measured: by name, each ``[e, n]``.
        images: ``[shown, h, w, c]`` in [0, 1], made at the table's epsilon.
        seconds: for an image, of the fastest batch, which has compiled nothing.
    """

    epsilons: tuple[float, ...]
    at: int
    measured: study.Arrays
    images: np.ndarray
    seconds: float

    def tabled(self, name: str) -> np.ndarray:
        """Return a measurement at the table's epsilon, ``[n]``."""
        return self.measured[name][self.at]


def choose(config: Config) -> dict[str, Entry]:
    """Return the attacks asked for, by name; the controls always take part.

    Raises:
        ValueError: for an unknown name.
    """
    known = fj.attacks.CATALOG | fj.attacks.aimed(fj.attacks.CATALOG)
    asked = tuple(fj.attacks.CATALOG) if config.attacks == (EVERY,) else config.attacks or USUAL
    wanted = study.choose("--attacks", asked, known, fj.attacks.own_attack)
    known |= wanted
    return {name: one for name, one in known.items() if name in wanted or one.kind == "control"}


def suited(config: Config, shape: tuple[int, ...]) -> Config:
    """Return the settings, with what suits sounds or videos where nothing else was asked for."""
    kind = fj.media.kind(fj.media.medium_of(shape))
    return study.suit(config, Config(), OTHERS.get(kind, {}))


def refuse(config: Config, shape: tuple[int, ...]) -> None:
    """Refuse texts, and attacks of pictures that were asked for by name for something else."""
    study.refuse_texts(shape, study.NO_NUMBERS)
    for name, entry in choose(config).items() if config.attacks != (EVERY,) else ():
        if entry.of_pictures and len(shape) != 3:
            raise ValueError(f"--attacks: {name} is for pictures, and the network takes {shape}")


def prepare(run: study.Run[Config]) -> tuple[Config, Scene]:
    """Train, load or fetch the network, and draw images that it gets right.

    Returns:
        The settings that suit them, and the scene.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    choose(run.config)  # refused before any training
    fits = lambda shape, num_classes: refuse(run.config, shape)
    networks = study.networks(run, (run.config.victim.model,), fits=fits)
    config = suited(run.config, networks.shape)
    known, pictures = choose(config).items(), len(networks.shape) == 3
    methods = {name: one for name, one in known if pictures or not one.of_pictures}
    real = study.choose_right(run, networks, config.images, 0)
    count = len(networks.class_names)
    labels = np.asarray(real.labels)
    # one draw an image, so that more images leave the others' targets as they are
    draw = np.random.default_rng([config.run.seed, *b"targets"])
    others = np.array([draw.integers(1, count) for _ in labels])
    targets = ((labels + others) % count).astype(np.int32)
    return config, Scene(networks.first, methods, real, targets)


def radius(entry: Entry, config: Config) -> float:
    """Return the epsilon of an attack's row in the table."""
    table = {"linf": config.epsilon, "l2": config.epsilon_l2, "l1": config.epsilon_l1}
    return {**table, "l0": config.epsilon_l0}[entry.norm]


def radii(name: str, entry: Entry, config: Config, scene: Scene) -> tuple[float, ...]:
    """Return every epsilon that an attack is run with, increasing."""
    if not entry.curve:
        return (radius(entry, config),)
    curve = {"linf": config.epsilons, "l2": config.epsilons_l2}.get(entry.norm, ())
    published = name == "fgsm" and scene.words.one == "image"
    extra = (GOODFELLOW, *_FINE) if published else ()
    return tuple(sorted({radius(entry, config), *curve, *extra}))


def attack(run: study.Run[Config], config: Config, scene: Scene) -> study.Results:
    """Run every attack on every batch, a cell for each; the first cell says on which images.

    An image's random numbers depend on the attack and on its place among the images, not
    on the other attacks, the size of batches or the number of images.
    """
    import jax.numpy as jnp

    count = len(scene.targets)
    size = min(config.batch_size, count)
    labels, images = np.asarray(scene.real.labels), np.asarray(scene.real.images)
    effort = fj.attacks.Effort(config.steps, config.queries)
    about = (labels, scene.targets, scene.real.places, images[: config.shown])
    found = dict(zip(DRAWN, about, strict=True))
    drawn = study.compute(run, [{"drawn": "images"}], lambda *_, **__: found, "drawing test images")

    def perturb(key: RandomKey, attack: str, batch: int) -> dict[str, Any]:
        del key  # that of the batch
        first = batch * size
        # a short last batch is filled up, to compile nothing new
        rows = np.minimum(np.arange(first, first + size), count - 1)
        real, entry = min(size, count - first), scene.methods[attack]
        keys = fj.attacks.attack.sample_keys(study.key_of(config.run.seed, attack=attack), count)[
            rows
        ]
        goal = fj.attacks.reach(jnp.asarray(scene.targets[rows]))
        if not entry.aimed:
            goal = fj.attacks.leave(jnp.asarray(labels[rows]))
        sizes = radii(attack, entry, config, scene)
        network = scene.prepared.classifier
        found = entry.perturb(keys, network, jnp.asarray(images[rows]), goal, effort, sizes)
        shown = found.images[sizes.index(radius(entry, config)), : max(0, config.shown - first)]
        measured = {name: getattr(found, name)[:, :real] for name in MEASURED}
        if scene.measured != MEASURED:
            measured |= study.loudness(images[rows[:real]], np.asarray(found.images)[:, :real])
        return {**measured, "epsilons": np.array(sizes), "images": shown[:real]}

    batches = range(-(-count // size))
    cells = study.grid(attack=scene.methods, batch=batches)
    return study.gather(drawn, study.compute(run, cells, perturb, "attacking"))


def diagnose(run: study.Run[Config], config: Config, scene: Scene) -> study.Results:
    """Ask whether the network makes attacks fail without being robust, in both norms.

    Each cell holds names, messages and shares of what was found.
    """
    if not config.diagnose:
        return study.gather()
    some = min(config.batch_size, len(scene.targets))
    images, goal = scene.real.images[:some], fj.attacks.leave(scene.real.labels[:some])

    def ask(key: RandomKey, diagnosed: Ball) -> dict[str, Any]:
        asked = fj.attacks.diagnose(
            key,
            scene.prepared.classifier,
            images,
            goal,
            config.epsilon if diagnosed == "linf" else config.epsilon_l2,
            norm=diagnosed,
            steps=config.steps,
            queries=config.queries,
        )
        name = fj.attacks.NORM_NAMES[diagnosed]
        return {
            "name": np.array([f"{name}: {one.name}" for one in asked], str),
            "message": np.array([one.message for one in asked], str),
            "share": np.array([one.share for one in asked], float),
        }

    cells = study.grid(diagnosed=NORMS)
    return study.compute(run, cells, ask, "asking whether to believe it")


def asked(results: study.Results) -> Iterator[Finding]:
    """Yield what the network was asked and gave reason for doubt."""
    for _, one in (found for found in results.found if "diagnosed" in found[0]):
        for name, message, share in zip(one["name"], one["message"], one["share"], strict=True):
            yield fj.attacks.Finding(str(name), str(message), float(share))


def join(config: Config, scene: Scene, results: study.Results) -> dict[str, Outcome]:
    """Put the batches of each attack together."""
    size = min(config.batch_size, len(scene.targets))

    def one(name: str, entry: Entry) -> Outcome:
        parts = [arrays for _, arrays in results.where(attack=name).found]
        measured = {
            key: np.concatenate([part[key] for part in parts], axis=1) for key in scene.measured
        }
        images = np.concatenate([part["images"] for part in parts])
        sizes = radii(name, entry, config, scene)
        seconds = min(float(part["seconds"]) for part in parts) / size / len(sizes)
        return Outcome(sizes, sizes.index(radius(entry, config)), measured, images, seconds)

    return {name: one(name, entry) for name, entry in scene.methods.items()}


def judge(scene: Scene, outcomes: Mapping[str, Outcome]) -> Iterator[study.Record]:
    """Yield a record for each attack and epsilon.

    Distances and confidence are those of the successes, None without any. ``distance`` is
    in the attack's own norm: in L0 a count, as its epsilon is, where ``l0`` is a share.
    """
    numbers = scene.real.images[0].size
    for name, entry in scene.methods.items():
        outcome = outcomes[name]
        for i, epsilon in enumerate(outcome.epsilons):
            one = {key: values[i] for key, values in outcome.measured.items()}
            success = one["success"]
            rate = rate_of(success)
            far = one[entry.norm] * (numbers if entry.norm == "l0" else 1)
            inside = success & (far <= epsilon * ROUNDING)
            yield {
                "attack": name,
                "norm": entry.norm,
                "kind": entry.kind,
                "targeted": entry.aimed,
                "epsilon": epsilon if entry.kind in ("ball", "control") else None,
                "tabled": i == outcome.at,
                "images": len(success),
                "success": rate.mean,
                "success_low": rate.low,
                "success_high": rate.high,
                "success_within_epsilon": float(inside.mean()),
                "confidence": mean(one["confidence"][success]),
                **{
                    f"{name}_{part}": value
                    for name, lengths in {"distance": far, **{n: one[n] for n in LENGTHS}}.items()
                    for part, value in _quartiles(lengths[success]).items()
                },
                **{
                    name: _quartiles(one[name][success])["median"]
                    for name in scene.measured
                    if name in study.LOUDNESS
                },
                "forwards": float(one["forwards"].mean()),
                "gradients": float(one["gradients"].mean()),
            }


def rate_of(success: np.ndarray) -> Interval:
    """Give a share of images its 95 % interval."""
    return fj.metrics.clopper_pearson(int(success.sum()), len(success))


def mean(values: np.ndarray) -> float | None:
    """Average what there is; None if there is nothing."""
    return float(np.mean(values)) if len(values) else None


def _quartiles(values: np.ndarray) -> dict[str, float | None]:
    parts = {"q25": 0.25, "median": 0.5, "q75": 0.75}
    return {
        name: float(np.quantile(values, at)) if len(values) else None for name, at in parts.items()
    }
