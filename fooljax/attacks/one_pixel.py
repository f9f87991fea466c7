"""The one pixel attack: differential evolution over where a few pixels are, and their colors."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Loss, Passes, Point, RandomKeys
from fooljax.attacks.boundary import pick
from fooljax.attacks.goals import Goal
from fooljax.types import Bound, Classifier, Image, Images, Logits, RandomKey


class Evolution(NamedTuple):
    """Numbers of the evolution.

    Attributes:
        weight: of the difference of two parents that is added to a third.
    """

    weight: Any


class Population(NamedTuple):
    """What an attack remembers of each sample.

    Attributes:
        genomes: ``[b, p, k, g]``: of each of ``k`` pixels its place along every axis, in
            [0, 1), and its channels, in [0, 1].
        worth: their loss, ``[b, p]``; ``-inf`` before they are looked at.
        begun: whether they were, ``[b]``.
        silent: whether the network says nothing of the image itself, which then stays.
    """

    genomes: Float[Array, "b p k g"]
    worth: Float[Array, "b p"]
    begun: Bool[Array, " b"]
    silent: Bool[Array, " b"]


def _genes(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many genes say where a pixel is, and how many its color."""
    return (len(shape) - 1, shape[-1]) if len(shape) > 1 else (1, 1)


def _first(key: RandomKey, count: int, pixels: int, shape: tuple[int, ...]) -> Array:
    """Draw places evenly, and colors around the middle."""
    key_place, key_color = jax.random.split(key)
    places, channels = _genes(shape)
    place = jax.random.uniform(key_place, (count, pixels, places), jnp.float32)
    color = 0.5 + 0.5 * jax.random.normal(key_color, (count, pixels, channels), jnp.float32)
    return jnp.concatenate([place, jnp.clip(color, 0.0, 1.0)], axis=2)


def _vary(key: RandomKey, genomes: Array, weight: Array) -> Array:
    """Make a child for each parent of three others; a gene that leaves [0, 1] is drawn anew."""
    key_others, key_genes = jax.random.split(key)
    count = len(genomes)
    # three different ones: a number of those left, and past each one taken before it
    chances = jax.random.uniform(key_others, (3, count), jnp.float32)
    one, two, three = (
        jnp.minimum(jnp.int32(chance * (count - i)), count - 1 - i)
        for i, chance in enumerate(chances)
    )
    two = two + (two >= one)
    low, high = jnp.minimum(one, two), jnp.maximum(one, two)
    three = three + (three >= low)
    three = three + (three >= high)
    children = genomes[one] + weight * (genomes[two] - genomes[three])
    outside = (children < 0.0) | (children > 1.0)
    return jnp.where(outside, jax.random.uniform(key_genes, children.shape, jnp.float32), children)


def paint(image: Image, genome: Float[Array, "k g"]) -> Image:
    """Give one pixel after another its color; where two are in one place, the last one counts."""
    places, channels = _genes(image.shape)
    axes = jnp.asarray(image.shape[:places], jnp.int32)[None]
    at = jnp.minimum((genome[:, :places] * axes).astype(jnp.int32), axes - 1)
    steps = jnp.asarray([math.prod(image.shape[i + 1 : places]) for i in range(places)], jnp.int32)
    place = jnp.sum(at * steps[None], axis=1)
    color = lambda i, pixels: pixels.at[place[i]].set(genome[i, places:])
    pixels = jax.lax.fori_loop(0, len(genome), color, image.reshape(-1, channels))
    return pixels.reshape(image.shape)


def _start(
    pixels: int, count: int, keys: RandomKeys, evolution: Evolution, images: Images
) -> Point:
    del evolution
    first = lambda key: _first(key, count, pixels, images.shape[1:])
    worth = jnp.full((len(images), count), -jnp.inf, jnp.float32)
    no = jnp.zeros(len(images), bool)
    return Point(images, Population(jax.vmap(first)(keys), worth, no, no))


def _evolve(
    loss: Loss,
    keys: RandomKeys,
    evolution: Evolution,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """One generation of every image's search; the best one is looked at next."""
    before: Population = point.memory
    count = before.worth.shape[1]
    children = jax.vmap(_vary)(keys, before.genomes, evolution.weight)
    children = jax.vmap(jnp.where)(before.begun, children, before.genomes)
    painted = jax.vmap(lambda image, litter: jax.vmap(paint, (None, 0))(image, litter))
    looked = painted(images, children).reshape(-1, *images.shape[1:])
    said = classifier(jnp.concatenate([point.images, looked]))
    logits, said = said[: len(images)], said[len(images) :]
    every = lambda leaf: jnp.repeat(leaf, count, axis=0)
    worth = loss(jax.tree.map(every, goal), said, classifier.num_classes)
    worth = worth.reshape(len(images), count)
    wins = worth > before.worth  # NaN never does
    genomes = jax.vmap(jax.vmap(jnp.where))(wins, children, before.genomes)
    worth = jnp.where(wins, worth, before.worth)
    unheard = jnp.isnan(loss(goal, logits, classifier.num_classes))
    silent = jnp.where(before.begun, before.silent, unheard)
    best = jax.vmap(lambda litter, i: litter[i])(genomes, jnp.argmax(worth, axis=1))
    moved = pick(silent, images, jax.vmap(paint)(images, best))
    memory = Population(genomes, worth, jnp.ones_like(before.begun), silent)
    return Point(moved, memory), logits, Passes(count + 1, 0)


def one_pixel(
    pixels: int = 1,
    *,
    steps: int = 100,
    population: int = 400,
    weight: float = 0.5,
    loss: Loss = goals.margin,
) -> Attack:
    """Change a few pixels entirely, found by differential evolution on the network's scores.

    A genome is where the pixels are and their colors. Each child is one parent and a part of
    the difference of two others, and takes the place of its own parent if its loss is
    larger; there is no crossover. Of a sound, a pixel is a moment; of a video, a pixel of
    one frame.

    Args:
        pixels: how many may change, each in all its channels.
        steps: generations, the first one included, each of ``population + 1`` forward passes.
        population: genomes of each image, at least 4.
        weight: of the difference, in (0, 2].
        loss: ``(goal, logits, num_classes) -> [b]``, to grow.

    Returns:
        An attack that stops at the first image that reaches the goal.

    Raises:
        ValueError: if a number is out of its range.

    Source:
        Su et al., 2019, arXiv:1710.08864, section 3.2, with the margin in place of the
        probability, which the scale of the logits may round to 0 or 1.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.one_pixel(2, steps=3, population=8)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> int((found.images != images).sum(axis=(1, 2, 3)).max())  # pixels changed
        2
    """
    pixels, steps = checks.count("pixels", pixels), checks.count("steps", steps)
    population = checks.count("population", population, 4)
    weight = checks.between("weight", weight, 0.0, 2.0, "(]")
    checks.function("loss", loss, "(goal, logits, num_classes) -> [b]")
    init, step = Bound(_start, (pixels, population)), Bound(_evolve, (loss,))
    return Attack(Evolution(weight), init, step, steps, better="margin", stops=True)
