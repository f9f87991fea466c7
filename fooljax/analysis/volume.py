"""How much of image space a network is sure of, class by class."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import ArrayLike

from fooljax import backend, chance, checks, metrics
from fooljax.analysis.crowds import Settings
from fooljax.analysis.measures import Measure
from fooljax.analysis.splitting import split
from fooljax.analysis.volume_estimates import estimate
from fooljax.types import Classifier, Images, Logits, RandomKey

_DRAWN, _ON_CPU, _ON_ACCELERATOR = 500, 256, 4096  # images at a time
_NUMBERS_ON_CPU, _LEAST_ON_CPU = 2**21, 16  # in the images of a batch; images


class Volume(NamedTuple):
    """Which share of images a network is sure of.

    Letters: ``c`` levels of confidence, ``r`` runs, ``k`` classes, ``l`` levels, ``m``
    images. Logarithms are to base 10; all arrays are on the host.

    Attributes:
        measure: name of the measure; without it a share means nothing.
        particles: of each run and class.
        keep: share of the particles meant to survive a level.
        goals: scores asked for, ``[c]``, ascending; log-odds of the confidences.
        log10_p: ``[c, r, k]``, share of images with at least that score; minus infinity
            where a run never got there.
        evaluations: ``[c, r, k]``, images shown to the network until then.
        stuck: ``[r, k]``, whether no particle could get any further; the last entry of
            the curve then says from where.
        curve_score: ``[r, k, l]``, scores on the way, NaN after the last.
        curve_log10_p: ``[r, k, l]``, share of images above each.
        acceptance: ``[r, k]``, mean share of moves taken; near 0.3 if all is well.
        images: ``[c, r, k, m, ...]``, independent draws, nearly, from the images that reach the
            goal.
        held: ``[c, r, k]``, how many of the ``m`` there are; the others are black.
    """

    measure: str
    particles: int
    keep: float
    goals: Float[np.ndarray, " c"]
    log10_p: Float[np.ndarray, "c r k"]
    evaluations: Int[np.ndarray, "c r k"]
    stuck: Bool[np.ndarray, "r k"]
    curve_score: Float[np.ndarray, "r k l"]
    curve_log10_p: Float[np.ndarray, "r k l"]
    acceptance: Float[np.ndarray, "r k"]
    images: Float[np.ndarray, "c r k m ..."]
    held: Int[np.ndarray, "c r k"]

    def __repr__(self) -> str:
        """Say the estimates in a few lines; the arrays are the fields."""
        found = [
            "  score {:.4g}: {}".format(
                goal, " ".join(f"{estimate(one, self.particles).log10:.1f}" for one in shares.T)
            )
            for goal, shares in zip(self.goals, self.log10_p, strict=True)
        ]
        head = f"Volume: log10 of the share of {self.measure} images, class by class"
        return "\n".join([head, *found])


def volume(
    key: RandomKey,
    classifier: Classifier,
    measure: Measure,
    confidences: ArrayLike = 0.99,
    *,
    goals: ArrayLike | None = None,
    score: Callable[[Logits], Array] = metrics.log_odds,
    classes: ArrayLike | None = None,
    runs: int = 3,
    particles: int = 200,
    moves: int = 5,
    keep: float = 0.5,
    images: int = 8,
    least_log10: float = -400.0,
    to_depth: bool = False,
    batch_size: int | None = None,
    mesh: Mesh | None = None,
    on_level: Callable[[int, int], None] | None = None,
) -> Volume:
    """Estimate which share of images the network calls a class with a confidence.

    Adaptive multilevel splitting, all classes and runs at once. Columns of the logits that
    reject count against every class, so a defended network is asked in the same way. One
    run up to the highest confidence gives the lower ones, too.

    Args:
        key: a particle's random numbers follow from it and its run, class and number, so other
            batches, devices and further classes or runs change nothing (but for rounding, where
            batches are of other sizes).
        classifier: the network; new weights do not recompile.
        measure: how images are drawn; new settings of it do recompile.
        confidences: softmax probabilities to reach, in (0, 1).
        goals: scores to reach in place of confidences.
        score: ``logits [b, m] -> [b, >= k]``, a function at the top of a module; log-odds unless
            given. NaN is never reached.
        classes: labels; all unless given.
        runs: independent repeats, which the intervals come from.
        particles: of each class and run; the standard deviation falls with its root.
        moves: of every particle between two levels, which costs ``particles * moves`` images.
        keep: share of particles meant to survive a level.
        images: draws to keep, at most, of each class, run and confidence.
        least_log10: logarithm to base 10 of the share below which a class is given up; so is
            one that climbs too slowly to reach the goal above that.
        to_depth: climb to that share all the same, for the curve on the way.
        batch_size: images shown to the network at a time, on each device.
        mesh: devices, with one axis, that share the particles; one device unless given.
        on_level: called after each level with its number and how many classes and runs go on.

    Raises:
        ValueError: if the measure's images are not the classifier's, or a number or class is
            out of its range.

    Source:
        See `split`; Webb et al., 2019, arXiv:1811.07209 (the same question around one image).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> measure = fj.analysis.measures.uniform((4, 4, 1))
        >>> found = fj.analysis.volume(
        ...     jax.random.key(2), network, measure, 0.5, runs=2, particles=20, moves=2
        ... )
        >>> found.log10_p.shape  # confidences, runs, classes
        (1, 2, 3)
    """
    classifier, key = checks.classifier(classifier), checks.key(key)
    measure = checks.kind("measure", measure, Measure)
    checks.function("score", score, "logits -> scores")
    wanted = _goals(confidences) if goals is None else np.unique(checks.row("goals", goals))
    particles, moves = checks.count("particles", particles, 2), checks.count("moves", moves)
    keep, runs = checks.between("keep", keep, 0.0, 1.0, "()"), checks.count("runs", runs)
    if not 1 <= round(particles * keep) < particles:
        raise ValueError(
            f"keep: of {particles} particles some must live and some not, got {keep:g}"
        )
    painted = jax.eval_shape(measure.paint, jax.ShapeDtypeStruct(measure.shape, jnp.float32))
    if painted.shape != classifier.input_shape:
        raise ValueError(
            f"measure paints images {painted.shape}, the classifier takes "
            f"{classifier.input_shape}; make the measure of that shape"
        )
    labels = _labels(classes, classifier.num_classes)
    images = checks.count("images", images, 0)
    count = runs * len(labels)
    if batch_size is None:
        devices = 1 if mesh is None else mesh.size
        several = -(-count * particles // devices)
        crowds = particles * max(1, _ON_CPU // particles)  # whatever the number of crowds
        batch_size = min(crowds if backend.on_cpu() else several, _affordable(classifier))
    settings = Settings(measure, score, particles, moves, keep, mesh)
    course = split(
        settings,
        key,
        classifier,
        np.repeat(np.arange(runs), len(labels)),
        np.tile(labels, runs),
        wanted,
        batch_size=checks.count("batch_size", batch_size),
        least_log_p=checks.real("least_log10", least_log10) * math.log(10.0),
        samples=images,
        to_depth=to_depth,
        on_level=on_level,
    )
    shape = (runs, len(labels))
    log10_p = course.log_p.reshape(-1, *shape) / math.log(10.0)
    drawn = _paint_all(measure, course.samples, course.held)
    curve = lambda values: np.moveaxis(values, 0, -1).reshape(*shape, -1)
    return Volume(
        measure=measure.name,
        particles=particles,
        keep=keep,
        goals=wanted,
        log10_p=log10_p,
        evaluations=course.evaluations.reshape(log10_p.shape),
        stuck=np.isneginf(log10_p[-1]),
        curve_score=curve(course.levels),
        curve_log10_p=curve(course.level_log_p) / math.log(10.0),
        acceptance=course.acceptance.reshape(shape),
        images=drawn.reshape(*log10_p.shape, *drawn.shape[2:]),
        held=course.held.reshape(log10_p.shape),
    )


def draw_scores(
    key: RandomKey,
    classifier: Classifier,
    measure: Measure,
    count: int,
    *,
    score: Callable[[Logits], Array] = metrics.log_odds,
    batch_size: int | None = None,
) -> Float[np.ndarray, "count k"]:
    """Draw images at random and score them: the control of `volume`, where it can see anything.

    Args:
        key: image ``i`` draws from ``fold_in(key, i)``.
        classifier: the network.
        measure: how images are drawn.
        count: how many.
        score: of the logits.
        batch_size: images shown to the network at a time.

    Raises:
        ValueError: if an argument is something else.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> measure = fj.analysis.measures.uniform((4, 4, 1))
        >>> fj.analysis.draw_scores(jax.random.key(2), network, measure, 10).shape
        (10, 3)
    """
    classifier, key = checks.classifier(classifier), checks.key(key)
    measure, count = checks.kind("measure", measure, Measure), checks.count("count", count)
    if batch_size is None:
        batch_size = min(_DRAWN, _affordable(classifier))
    batch_size = checks.count("batch_size", batch_size)
    indices = np.arange(-(-count // batch_size) * batch_size, dtype=np.int32)
    parts = [
        np.asarray(_draw_scores(measure, score, key, classifier, some))
        for some in indices.reshape(-1, batch_size)
    ]
    return np.concatenate(parts)[:count, : classifier.num_classes]


def _goals(confidences: ArrayLike) -> Float[np.ndarray, " c"]:
    """Return confidences as log-odds, ascending, each once."""
    row = checks.row("confidences", np.atleast_1d(np.asarray(confidences)))
    for one in row:
        checks.between("confidences", one, 0.0, 1.0, "()")
    return scipy.special.logit(np.unique(row))


def _affordable(classifier: Classifier) -> int:
    """Return how many images of a network are best shown to it at a time, at most."""
    if not backend.on_cpu():
        return _ON_ACCELERATOR
    return max(_LEAST_ON_CPU, _NUMBERS_ON_CPU // math.prod(classifier.input_shape))


def _labels(classes: ArrayLike | None, num_classes: int) -> Int[np.ndarray, " k"]:
    if classes is None:
        return np.arange(num_classes)
    given = np.asarray(checks.whole(classes, "classes"))
    if given.ndim != 1 or not given.size or len(np.unique(given)) < given.size:
        raise ValueError(f"classes must be a row of different labels, got {checks.shown(given)}")
    return np.asarray(checks.labels(given, len(given), num_classes, "classes"))


def _paint_all(
    measure: Measure, latents: Float[np.ndarray, "c g m ..."], held: Int[np.ndarray, "c g"]
) -> Float[np.ndarray, "c g m ..."]:
    """Paint the draws that there are, crowd by crowd; the others stay black."""
    latent = jax.ShapeDtypeStruct(measure.shape, jnp.float32)
    shape = jax.eval_shape(measure.paint, latent).shape
    images = np.zeros((*latents.shape[:3], *shape), np.float32)
    for place in zip(*np.nonzero(held), strict=True):
        images[place][: held[place]] = np.asarray(_paint(measure, latents[place]))[: held[place]]
    return images


@functools.partial(jax.jit, static_argnums=0)
def _paint(measure: Measure, latents: Float[Array, "m ..."]) -> Images:
    return jax.vmap(measure.paint)(latents)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _draw_scores(
    measure: Measure,
    score: Callable[[Logits], Array],
    key: RandomKey,
    classifier: Classifier,
    indices: Int[Array, " b"],
) -> Float[Array, "b k"]:
    one = lambda i: chance.normal(jax.random.fold_in(key, i), measure.shape)
    return score(classifier(jax.vmap(lambda i: measure.paint(one(i)))(indices)))
