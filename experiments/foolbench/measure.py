"""What ``experiments.foolbench`` computes: images for every network, and who accepts them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import fooljax as fj
from fooljax import study
from fooljax.runtime.limits import Within
from fooljax.study import Fooling, Pieces, RunFlags, Several, Some, Victim
from fooljax.study.detection import RATES

if TYPE_CHECKING:
    from fooljax.types import Classifier, Images, RandomKey

PLAIN = "plain"  # the network without any
CLEAN, OTHERS = "clean", "others"
BY = ("defense", "generator", "adversary")
_HELD, _COMPARED = slice(0, None, 2), slice(1, None, 2)  # of clean images
_BATCH = 250


@dataclass(frozen=True)
class Config:
    """How well do networks and defenses resist fooling images? One table, by one command.

    Attributes:
        victim: the data, the architecture, and how the plain network is trained; or a
            network of your own, which is then defended in every way that needs no
            training.
        fooling: how images are made.
        defenses: rows of the table; all that apply unless given: fooling_class,
            outlier_exposure, acet, adversarial and ensemble train networks; changes of
            every image, and how much, such as blur=1 (FILE.py:NAME=1 for your own, as in
            experiments.smooth); reject_energy or another score.
            plain is always among them: images for the naive adversary are made for it.
        generators: kinds of fooling images; others are pictures of another kind.
        others: data set that they come from: a name, a folder or an .npz as with
            --dataset; or photographs, pieces of the two pictures that come with
            scikit-learn.
        seeds: networks trained, and images made, from so many random starts. A
            network of your own has but one set of weights; then only the images
            differ.
        clean_images: test images to compare with, at most; every other one sets the
            thresholds.
        volume_particles: of each class, for the share of uniform images that a network
            is sure of, as experiments.volume finds it; 200 take minutes, 0 leaves it out.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=lambda: Victim(train_steps=600))
    fooling: Fooling = field(default_factory=Fooling)
    defenses: Some[str] = ()
    generators: Several[str] = (
        *("direct", "cppn", "ascent", "ascent_blur", "ascent_flat", "signs", "sparse"),
        *("near_noise", "grey_universal", "noise", "blurred", "permuted", OTHERS),
    )
    others: str = "photographs"
    seeds: Pieces = 3
    clean_images: Annotated[int, Within(40, 10**9, why="ask for fewer")] = 1000
    volume_particles: Annotated[int, Within(0, 10**5, why="ask for fewer")] = 0
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(model="softmax", train_steps=60),
        fooling=Fooling(images=20, generations=3, children=20, ascent_steps=5),
        defenses=(PLAIN, "ensemble", "reject_energy"),
        generators=("direct", "ascent", "noise"),
        seeds=2,
        clean_images=100,
    ),
    "leaderboard": Config(
        fooling=Fooling(runs=2),
        defenses=(PLAIN,),
        generators=(
            *("direct", "cppn", "ascent", "ascent_flat", "signs", "near_noise"),
            *("noise", "blurred", OTHERS),
        ),
        seeds=5,
        clean_images=2000,
    ),
    "mnist": Config(
        victim=Victim(dataset="mnist"),
        fooling=Fooling(runs=2, generations=100, universal_steps=40),
        clean_images=2000,
    ),
}


class Scene(NamedTuple):
    """What all cells share.

    Attributes:
        benches: plain networks by name, with what belongs to each.
        defenses: by name, the plain network first.
        networks: with their defenses, by defense and name of the plain network.
        makers: ways to make images, by name.
        ways: the same, ready to be used.
    """

    benches: Mapping[str, study.Bench]
    defenses: Mapping[str, study.Defense]
    networks: Mapping[tuple[str, str], study.Defended]
    makers: study.Makers
    ways: Mapping[str, study.Make]


def set_scene(run: study.Run[Config]) -> Scene:
    """Train, load or fetch every network with every defense, once all suits the images.

    Raises:
        ValueError, OSError: for anything wrong with flags or files, naming the flag.
    """
    config = run.config
    few, preset = config.volume_particles == 1, PRESETS["smoke"].defenses
    study.refuse({"--volume-particles must be 0, or 2 at least, got 1": few})
    chosen = study.choose_defenses("--defenses", config.defenses, config.victim, preset)
    makers, ways = dict[str, study.Maker](), dict[str, study.Make]()

    def fits(shape: tuple[int, ...], num_classes: int) -> None:
        if ways:
            return
        study.afford(shape, runs=config.fooling.runs)
        for one in chosen.values():
            one.refuse(shape)
        named = OTHERS in config.generators or config.others != Config.others
        others = study.choose_outsiders(run, "--others", [config.others] * named, shape, 1000)
        known = {**study.FOOLING, **({OTHERS: others[config.others]} if named else {})}
        makers.update(study.choose("--generators", config.generators, known))
        built = study.build("--generators", makers, config.fooling.making, shape)
        for name, way in built.items():
            ways[name] = study.repeated(way, config.fooling.runs) if makers[name].fools else way

    plain = study.replicas(run, "--seeds", config.seeds, fits, again=True).each
    study.refuse_seeing("--generators", makers, study.FOOLING, plain.values())
    benches, networks = dict[str, study.Bench](), dict[tuple[str, str], study.Defended]()
    for seed, (name, network) in enumerate(plain.items()):
        settings = study.one_of_several(config.victim, run.folder, name, seed)
        clean = draw_clean(config, name, network)
        held = clean.images[_HELD]
        benches[name] = study.Bench(name, network, settings, clean, held, config.fooling)
        for defense, one_defense in chosen.items():
            print(f"{name}: {defense}", file=sys.stderr)
            networks[defense, name] = one_defense.build(run, benches[name])
    return Scene(benches, chosen, networks, makers, ways)


def draw_clean(config: Config, name: str, network: study.Prepared) -> study.Material:
    """Draw the images to compare with.

    Raises:
        ValueError: if there are too few, naming the flag.
    """
    train, test = study.splits_of(network)
    count = len(test.labels)
    if count < min(config.clean_images, 40):
        raise ValueError(
            f"--dataset: thresholds need at least 40 test images, {config.victim.dataset} has "
            f"{count}; give more (a folder without train/ and val/ is split, a fifth to test on)"
        )
    most, names = config.clean_images, {"network": name, "images": CLEAN}
    return study.take(test, train, study.draw(config.run.seed, count, most, **names))


def fool(run: study.Run[Config], scene: Scene) -> study.Results:
    """Make images for every network, and show it clean ones and those of the plain network.

    Every defense meets the same random numbers, so that defenses are compared in pairs.
    """
    bare: study.Results | None = None

    def meet(key: RandomKey, generator: str, defense: str, network: str) -> Mapping[str, ArrayLike]:
        names = {"generator": generator, "network": network}
        one, shown = scene.networks[defense, network], None
        if bare is not None:
            shown = answers(one.victim, bare.one(defense=PLAIN, **names)["images"])
            if scene.makers[generator].control:
                return {"naive": shown}
        material, key = scene.benches[network].material, study.key_of(run.config.run.seed, **names)
        made = scene.ways[generator](key, one.stand_in, material)
        said = answers(one.victim, made.images)
        cost = [math.nan] * len(said) if made.cost is None else made.cost
        naive = said if shown is None else shown
        return {"images": made.images, "cost": cost, "own": said, "naive": naive}

    def show(key: RandomKey, images: str, defense: str, network: str) -> Mapping[str, ArrayLike]:
        material = scene.benches[network].material
        victim = scene.networks[defense, network].victim
        return {"logits": answers(victim, material.images), "labels": material.labels}

    ways, names = scene.ways, scene.benches
    cells = study.grid(generator=ways, defense=[PLAIN], network=names)
    bare = study.compute(run, cells, meet, "fooling the plain network")
    rest = [name for name in scene.defenses if name != PLAIN]
    cells = study.grid(generator=ways, defense=rest, network=names)
    found = study.gather(bare, study.compute(run, cells, meet, "fooling"))
    cells = study.grid(images=[CLEAN], defense=scene.defenses, network=names)
    return study.gather(found, study.compute(run, cells, show, "showing clean images"))


def answers(classifier: Classifier, images: Images | np.ndarray) -> np.ndarray:
    """Return the logits of any number of images, ``[n, m]``."""
    import jax.numpy as jnp

    read = fj.defenses.maximum_logit()
    return fj.defenses.judge(classifier, read, jnp.asarray(images), _BATCH)[0]


def judge(scene: Scene, results: study.Results) -> Iterator[study.Record]:
    """Yield a record for each network on clean images, and on each kind of others.

    The score of an image is `study.certainty`: how much the network takes it for
    something it knows.
    """
    for cell, seen in results.found:
        if cell.get("images") != CLEAN:
            continue
        about = {"defense": cell["defense"], "network": cell["network"]}
        num_classes = scene.benches[cell["network"]].classifier.num_classes
        scores, _ = study.certainty(seen["logits"], num_classes)
        held, known = scores[_HELD], scores[_COMPARED]
        limits = {name: fj.metrics.acceptance_threshold(held, rate) for name, rate in RATES.items()}
        logits, labels = (seen[name][_COMPARED] for name in ("logits", "labels"))
        qualities = study.on_clean(logits, labels, num_classes)
        yield {**about, "generator": CLEAN, "adversary": "", **qualities}
        for generator, maker in scene.makers.items():
            made = results.one(generator=generator, **about)
            plain = results.one(generator=generator, **{**about, "defense": PLAIN})
            for adversary in study.ADVERSARIES:
                own = adversary == "adaptive" and not maker.control
                said, cost = made["own" if own else "naive"], (made if own else plain)["cost"]
                measured = study.on_fooling(said, num_classes, known, limits, cost)
                yield {**about, "generator": generator, "adversary": adversary, **measured}
