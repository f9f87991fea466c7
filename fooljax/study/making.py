"""What it is to make images against a network: the contract that all makers keep to."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fooljax import checks
from fooljax.data import Dataset, as_float
from fooljax.study.places import draw
from fooljax.study.settings import Making
from fooljax.types import Bound, Classifier, Images, Logits, RandomKey

SURE = 0.99  # confidence from which on an image has reached its label


class Material(NamedTuple):
    """Real images that a maker may change, and learn from.

    Attributes:
        images: ``[n, h, w, c]`` in [0, 1].
        labels: ``[n]``, what they show.
        train: training images.
        places: ``[n]``, of the images in the test set.
    """

    images: Images
    labels: Int[Array, " n"]
    train: Dataset
    places: Int[np.ndarray, " n"]


class Made(NamedTuple):
    """Images made against a network.

    Attributes:
        images: ``[n, h, w, c]`` in [0, 1].
        labels: ``[n]``, the class to be shown, or the true class of a perturbed image.
        history: ``[t, n]``, the network's confidence in the best images after the random
            population and after each generation, where they were evolved.
        cost: ``[n]``, forward and gradient passes until the network was `SURE` of the
            label, infinite where it never was; None where nobody counted.
    """

    images: Images
    labels: Int[Array, " n"]
    history: Float[np.ndarray, "t n"] | None = None
    cost: Float[np.ndarray, " n"] | None = None


Make: TypeAlias = Callable[[RandomKey, Classifier, Material], Made]


class Maker(NamedTuple):
    """A way to make images against a network.

    Attributes:
        kind: ``fooling`` images show nothing, ``perturbed`` ones are real images a
            little changed.
        control: whether nobody looks at the network while making them.
        words: what is done, as the end of "these images were ...".
        source: who published it, if anybody did.
        build: ``(making, shape) -> make``; raises ``ValueError`` for impossible numbers
            or shapes.
        blind: whether it gets along without gradients.
    """

    kind: Literal["fooling", "perturbed"]
    control: bool
    words: str
    source: str
    build: Callable[[Making, tuple[int, ...]], Make]
    blind: bool = False

    @property
    def fools(self) -> bool:
        """Whether it makes images that show nothing, and looks at the network."""
        return self.kind == "fooling" and not self.control

    @property
    def about(self) -> str:
        """What is done and who published it."""
        return f"{self.words} ({self.source})" if self.source else self.words


#: Ways to make images, by name.
Makers: TypeAlias = Mapping[str, Maker]


def take(test: Dataset, train: Dataset, rows: Int[np.ndarray, " n"]) -> Material:
    """Take these test images as what makers may change, and all training images to learn from.

    Example:
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> digits = fj.data.load("digits")
        >>> real = study.take(digits.test, digits.train, np.array([3, 5]))
        >>> real.images.shape, str(real.images.dtype), real.places.tolist()
        ((2, 28, 28, 1), 'float32', [3, 5])
    """
    return Material(as_float(test.images[rows]), test.labels[rows], train, rows)


def draw_classes(
    flag: str, seed: int, count: int | None, num_classes: int
) -> Int[np.ndarray, " n"]:
    """Draw classes that images are made for, in the order of their numbers.

    Args:
        flag: that asked for so many, with its dashes.
        seed: of the run.
        count: how many; None for all.
        num_classes: how many there are.

    Raises:
        ValueError: if there are fewer, naming the flag.

    Example:
        >>> from fooljax import study
        >>> classes = study.draw_classes("--classes", seed=0, count=3, num_classes=10)
        >>> len(classes), bool((classes[1:] > classes[:-1]).all())
        (3, True)
        >>> len(study.draw_classes("--classes", seed=0, count=None, num_classes=10))
        10
    """
    if count is not None and count > num_classes:
        raise ValueError(f"{flag} must be at most {num_classes}, got {count}")
    return draw(seed, num_classes, num_classes if count is None else count, part="classes")


def of_classes(make: Make, classes: Int[np.ndarray, " n"]) -> Make:
    """Make images of some classes only; the others stay columns that the network may answer with.

    Args:
        make: what to make images with.
        classes: their numbers, each once; of all in their order nothing changes.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 10)
        >>> ways = {"ascent": study.MAKERS["ascent"]}
        >>> making = study.Making(ascent_steps=3)
        >>> make = study.build("--makers", ways, making, (8, 8, 1))["ascent"]
        >>> few = study.of_classes(make, np.array([2, 7]))
        >>> few(jax.random.key(1), network, None).labels.tolist()
        [2, 7]
    """

    def make_some(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        rest = np.setdiff1d(every := np.arange(classifier.num_classes), classes)
        if np.array_equal(every, classes):
            return make(key, classifier, material)
        order = jnp.asarray(np.concatenate([classes, rest]), jnp.int32)
        return _of_first(make, key, classifier, material, order, len(classes))

    return make_some


def of_few_classes(make: Make, most: int) -> Make:
    """Make images of classes drawn at random only, and keep a few of them.

    Args:
        make: what to make images with.
        most: of classes, and of images that are kept.
    """

    def make_some(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        key_class, key_make, key_take = jax.random.split(key, 3)
        order = jax.random.permutation(key_class, classifier.num_classes)
        count = min(most, len(order))
        made = _of_first(make, key_make, classifier, material, order, count)
        rows = jax.random.permutation(key_take, len(made.labels))[:most]
        cost = None if made.cost is None else made.cost[np.asarray(rows)]
        return Made(made.images[rows], made.labels[rows], cost=cost)

    return make_some


def _of_first(
    make: Make,
    key: RandomKey,
    classifier: Classifier,
    material: Material,
    order: Int[Array, " k"],
    count: int,
) -> Made:
    """Make images of the first classes in an order of all, and label them as the network does."""
    columns = jnp.arange(len(order), checks.columns(classifier), dtype=order.dtype)
    part = Classifier(
        (classifier.params, jnp.concatenate([order, columns])),
        Bound(_reordered, (classifier.apply,)),
        classifier.input_shape,
        count,
        exclusive=classifier.exclusive,
    )
    made = make(key, part, material)
    return made._replace(labels=order[made.labels])


def _reordered(
    apply: Callable[[Any, Images], Logits], params: tuple[Any, Array], images: Images
) -> Logits:
    own, order = params
    return apply(own, images)[:, order]


def repeated(make: Make, times: int) -> Make:
    """Make images several times from other random numbers, and put them together.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from fooljax import study
        >>> noise = lambda key: jax.random.uniform(key, (2, 4, 4, 1))
        >>> make = lambda key, network, real: study.Made(noise(key), jnp.arange(2))
        >>> study.repeated(make, 3)(jax.random.key(0), None, None).labels.tolist()
        [0, 1, 0, 1, 0, 1]
    """

    def make_all(key: RandomKey, classifier: Classifier, material: Material) -> Made:
        every = [make(jax.random.fold_in(key, i), classifier, material) for i in range(times)]
        costs = [one.cost for one in every if one.cost is not None]
        return Made(
            jnp.concatenate([one.images for one in every]),
            jnp.concatenate([one.labels for one in every]),
            cost=np.concatenate(costs) if costs else None,
        )

    return make_all
