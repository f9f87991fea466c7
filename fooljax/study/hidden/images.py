"""The images, what hides them, and how everything is asked about all of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import numpy as np
from jaxtyping import Float, Int

from fooljax import analysis
from fooljax.study import memory
from fooljax.study.cells import Results, compute, grid
from fooljax.study.classifiers import Networks, replicas
from fooljax.study.fooling import FOOLING
from fooljax.study.makers import build, choose_right
from fooljax.study.making import Makers, Material, of_few_classes
from fooljax.study.refusals import refuse_seeing
from fooljax.study.run import Run, Settings
from fooljax.study.settings import Hiding, choose
from fooljax.study.suited import only_pictures
from fooljax.types import Classifier, RandomKey

_SIDE = 4  # fewest pixels of an image that can be cut into parts
_REAL = "real"


class Hides(Settings, Protocol):
    """Settings of an experiment that hides parts of images."""

    @property
    def hiding(self) -> Hiding:
        """Which images, and behind what."""


class Scene(NamedTuple):
    """What everything is asked about: a network, real images for each repeat, makers by name."""

    networks: Networks
    material: Sequence[Material]
    makers: Makers

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of images, real ones first."""
        return (_REAL, *self.makers)


class Shown(NamedTuple):
    """Images of one kind, what to paint where they are hidden, and what analyses begin with.

    Attributes:
        key: of whatever is drawn at random.
        classifier: the network.
        images: ``[n, h, w, c]`` in [0, 1].
        labels: the class in question of each.
        fills: what to paint, by name; each as many images.
    """

    key: RandomKey
    classifier: Classifier
    images: Float[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, " n"]
    fills: Mapping[str, np.ndarray]

    @property
    def of(self) -> tuple[Classifier, np.ndarray, np.ndarray]:
        """What every analysis of parts takes first."""
        return self.classifier, self.images, self.labels

    @property
    def fill(self) -> np.ndarray:
        """The first fill."""
        return next(iter(self.fills.values()))


#: Asks something about images: ``shown -> arrays``.
Look: TypeAlias = Callable[[Shown], Mapping[str, np.ndarray]]


def set_scene(run: Run[Hides]) -> Scene:
    """Prepare the network, and choose real images that it recognizes.

    Raises:
        ValueError, OSError: if anything is wrong with flags or files, naming the flag.
    """
    hiding = run.config.hiding
    makers = choose("--generators", hiding.generators, FOOLING)
    choose("--fills", hiding.fills, analysis.fills.FILLS)
    if hiding.images < 2:
        raise ValueError(f"--images must be 2 at least, got {hiding.images}")
    if len(hiding.fills) < 2:
        fill = hiding.fills[0]
        raise ValueError(f"--fills must name 2 at least: one alone may be the reason; got {fill}")
    fits = lambda shape, num_classes: only_pictures(shape, num_classes, _SIDE)
    networks = replicas(run, "--model", 1, fits)
    refuse_seeing("--generators", makers, FOOLING, [networks.first])
    memory.afford(networks.shape, images=hiding.images, repeats=hiding.repeats)
    draw = lambda repeat: choose_right(run, networks, hiding.images, repeat)
    return Scene(networks, [draw(repeat) for repeat in range(hiding.repeats)], makers)


def make(run: Run[Hides], scene: Scene) -> Results:
    """Make fooling images, a cell for each kind and repeat; keep all with their log-odds."""
    hiding, classifier = run.config.hiding, scene.networks.first.classifier
    ways = build("--generators", scene.makers, hiding.making, scene.networks.shape)

    def draw(key: RandomKey, images: str, repeat: int) -> dict[str, np.ndarray]:
        found: Any = scene.material[repeat]
        if images != _REAL:
            way = of_few_classes(ways[images], hiding.images)
            found = way(key, classifier, found)
        pictures, labels = np.asarray(found.images), np.asarray(found.labels)
        whole = analysis.central_windows(classifier, pictures, labels, pictures, (1.0,))
        return {"images": pictures, "labels": labels, "odds": whole[:, 0]}

    cells = grid(images=scene.kinds, repeat=range(hiding.repeats))
    return compute(run, cells, draw, "making images")


def look(run: Run[Hides], scene: Scene, made: Results, looks: Mapping[str, Look]) -> Results:
    """Ask everything about all images, a cell for each look, kind and repeat.

    Args:
        run: keeps what was found.
        scene: the network.
        made: the images, from `make`.
        looks: what to ask, by name.
    """
    hiding = run.config.hiding

    def see(key: RandomKey, look: str, images: str, repeat: int) -> Mapping[str, np.ndarray]:
        key_fill, key_look = jax.random.split(key)
        arrays = made.one(images=images, repeat=repeat)
        paint = lambda place, name: analysis.fills.FILLS[name].paint(
            jax.random.fold_in(key_fill, place), arrays["images"]
        )
        fills = {name: paint(place, name) for place, name in enumerate(hiding.fills)}
        classifier = scene.networks.first.classifier
        return looks[look](Shown(key_look, classifier, arrays["images"], arrays["labels"], fills))

    cells = grid(look=looks, images=scene.kinds, repeat=range(hiding.repeats))
    return compute(run, cells, see, "hiding parts")
