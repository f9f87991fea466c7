"""Changes with one strength that know nothing of the network: how little of each is enough?

Contrast, brightness, blur, salt and pepper: what happens to real pictures, too. Each has a
strength in [0, 1], and the smallest that fools is looked for by the answers alone: along a
line of strengths from none upwards, then between the first that fools and the one before.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from fooljax import checks
from fooljax.attacks import goals
from fooljax.attacks.attack import Attack, Passes, Point, RandomKeys, fold_in, per_image
from fooljax.attacks.goals import Goal
from fooljax.types import Bound, Classifier, Image, Images, Logits, RandomKey

#: ``(key, strength, image [...]) -> image``, the strength in [-1, 1], 0 leaves it as it is.
Alter: TypeAlias = Callable[[RandomKey, Float[Array, ""], Image], Image]

_PIXELS = 4.0  # standard deviations that a blur's kernel reaches to each side, as in SciPy


class Line(NamedTuple):
    """Numbers of the search.

    Attributes:
        gap: between two strengths of the line.
        finest: gap below which it is not halved any more: on the boundary itself the
            answer would be a matter of rounding.
    """

    gap: Any
    finest: Any


class _Search(NamedTuple):
    """The strength of the present image, the ends of what is left, whether any has fooled."""

    at: Float[Array, " b"]
    low: Float[Array, " b"]
    high: Float[Array, " b"]
    found: Bool[Array, " b"]


#: ``(keys, budget, reached, search) -> search``: which strength is next.
Advance: TypeAlias = Callable[[RandomKeys, Line, Bool[Array, " b"], _Search], _Search]


def _start(keys: RandomKeys, budget: Line, images: Images) -> Point:
    del keys, budget
    none = jnp.zeros(len(images), jnp.float32)
    return Point(images, _Search(none, none, none + 1.0, none > 0.0))


def _try_next(
    alter: Alter,
    advance: Advance,
    keys: RandomKeys,
    budget: Line,
    classifier: Classifier,
    images: Images,
    goal: Goal,
    point: Point,
) -> tuple[Point, Logits, Passes]:
    """Look at the image of one strength, and make that of the next."""
    logits = classifier(point.images)
    reached = goals.margin(goal, logits, classifier.num_classes) > 0.0
    search = advance(fold_in(keys, 0), budget, reached, point.memory)
    made = jnp.clip(jax.vmap(alter)(fold_in(keys, 1), search.at, images), 0.0, 1.0)
    made = jnp.where(per_image(search.at == 0.0, images), images, made)
    return Point(made, search), logits, Passes(1, 0)


def _halve(
    both_signs: bool, keys: RandomKeys, budget: Line, reached: Bool[Array, " b"], search: _Search
) -> _Search:
    """Go up the line until one fools, then halve what lies between it and the one before."""
    del keys
    at, low, high, found = search
    gap, first = jnp.asarray(budget.gap), reached & ~found
    low = jnp.where(first, at - jnp.sign(at) * gap, jnp.where(reached, low, at))
    high = jnp.where(reached, at, high)
    up = jnp.where(at > 0.0, -at, gap - at) if both_signs else at + gap
    found = found | reached
    wide = jnp.abs(high - low) > budget.finest
    halfway = jnp.where(wide, 0.5 * (low + high), high)
    at = jnp.where(found, halfway, jnp.clip(up, -1.0, 1.0))
    return _Search(at, low, high, found)


def _redraw(keys: RandomKeys, budget: Line, reached: Bool[Array, " b"], search: _Search) -> _Search:
    """Go up the line until a draw fools, then draw weaker ones than the weakest that did."""
    at, low, high, found = search
    high, found = jnp.where(reached, jnp.minimum(at, high), high), found | reached
    share = jax.vmap(lambda key: jax.random.uniform(key, (), jnp.float32, 0.5, 1.0))(keys)
    at = jnp.where(found, share * high, jnp.minimum(at + budget.gap, 1.0))
    return _Search(at, low, high, found)


def _fade(key: RandomKey, strength: Array, image: Image) -> Image:
    del key
    return image + strength * (0.5 - image)


def _lighten(key: RandomKey, strength: Array, image: Image) -> Image:
    del key
    return image + strength


def _blur(key: RandomKey, strength: Array, image: Image) -> Image:
    del key
    if image.ndim != 3:
        raise ValueError(f"blur is for pictures (h, w, c), got inputs {image.shape}")
    longest = max(image.shape[:2])
    down, across = (_kernel(side, longest, strength * longest) for side in image.shape[:2])
    return jnp.einsum("ij,jkc,lk->ilc", down, image, across)


def _kernel(side: int, longest: int, sigma: Array) -> Float[Array, "n n"]:
    """Return the matrix that blurs a line of pixels, the picture mirrored at its edges."""
    places = jnp.arange(side, dtype=jnp.int32)
    shifts = 2 * side * jnp.arange(-(2 * longest // side), 2 * longest // side + 1, dtype=jnp.int32)
    copies = jnp.stack([places, -1 - places])[:, None] + shifts[None, :, None]
    far = (places[:, None, None, None] - copies[None]).astype(jnp.float32)
    weights = jnp.exp(-0.5 * (far / jnp.maximum(sigma, 1e-6)) ** 2)
    weights = jnp.sum(
        jnp.where(jnp.abs(far) <= jnp.floor(_PIXELS * sigma + 0.5), weights, 0.0), axis=(1, 2)
    )
    return weights / jnp.sum(weights, axis=1, keepdims=True)


def _salt(key: RandomKey, strength: Array, image: Image) -> Image:
    """Draw a number for each pixel: the lowest become black, the highest white."""
    shape = (*image.shape[:-1], 1) if image.ndim > 1 else image.shape
    drawn = jax.random.uniform(key, shape, jnp.float32)
    salted = jnp.where(drawn >= 1.0 - 0.5 * strength, 1.0, image)
    return jnp.where(drawn < 0.5 * strength, 0.0, salted)


_UP, _UP_AND_DOWN = Bound(_halve, (False,)), Bound(_halve, (True,))


def contrast(line: int = 100, halvings: int = 6) -> Attack:
    """Fade an image toward gray, 0.5 everywhere, no further than it takes.

    Args:
        line: strengths that are tried from none to all, evenly spaced.
        halvings: of the gap below the first that fools.

    Raises:
        ValueError: if ``line`` is not positive or ``halvings`` is negative.

    Source:
        Rauber et al., 2020, Foolbox Native, doi:10.21105/joss.02607 (contrast reduction).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.contrast()
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((abs(found.images - 0.5) <= abs(images - 0.5) + 1e-6).all())
        True
    """
    return _search(_fade, _UP, line, halvings)


def brightness(line: int = 100, halvings: int = 6) -> Attack:
    """Lighten or darken an image, whichever fools sooner; the strength is added to all numbers.

    Args:
        line: strengths that are tried each way, evenly spaced.
        halvings: of the gap below the first that fools.

    Raises:
        ValueError: if ``line`` is not positive or ``halvings`` is negative.

    Source:
        Hendrycks & Dietterich, 2019, arXiv:1903.12261 (brightness as a corruption).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.brightness(line=20)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> found.images.shape
        (5, 4, 4, 1)
    """
    return _search(_lighten, _UP_AND_DOWN, line, halvings, signs=2)


def blur(line: int = 100, halvings: int = 6) -> Attack:
    """Blur a picture by a Gaussian, no wider than it takes; the edges are mirrored.

    The standard deviation in pixels is the strength times the longer side.

    Args:
        line: strengths that are tried from none to all, evenly spaced.
        halvings: of the gap below the first that fools.

    Raises:
        ValueError: if ``line`` is not positive or ``halvings`` is negative; when it runs,
            if the inputs are no pictures.

    Source:
        Rauber et al., 2020, Foolbox Native, doi:10.21105/joss.02607 (Gaussian blur).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.blur(line=20)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> bool((found.images.std(axis=(1, 2)) <= images.std(axis=(1, 2)) + 1e-6).all())
        True
    """
    return _search(_blur, _UP, line, halvings)


def salt_and_pepper(line: int = 100, draws: int = 400) -> Attack:
    """Turn random pixels white or black, as few as it takes.

    The strength is the share of pixels. Each try draws other pixels, and after the first
    success a share between the smallest that fooled and half of it.

    Args:
        line: shares that are tried from none to all until one fools, evenly spaced.
        draws: how many more are tried in all.

    Raises:
        ValueError: if ``line`` is not positive or ``draws`` is negative.

    Source:
        Rauber et al., 2020, Foolbox Native, doi:10.21105/joss.02607 (salt and pepper
        noise; the rule for the next share is another).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> goal = fj.attacks.leave(network(images).argmax(axis=1))
        >>> attack = fj.attacks.salt_and_pepper(line=20, draws=50)
        >>> found = fj.attacks.run(attack, jax.random.key(2), network, images, goal)
        >>> changed = found.images[found.images != images]
        >>> bool(((changed == 0.0) | (changed == 1.0)).all())
        True
    """
    return _search(_salt, _redraw, line, draws, name="draws")


def _search(
    alter: Alter, advance: Advance, line: int, more: int, signs: int = 1, name: str = "halvings"
) -> Attack:
    line, more = checks.count("line", line), checks.count(name, more, 0)
    step = Bound(_try_next, (alter, advance))
    budget = Line(1.0 / line, math.ldexp(1.5 / line, -more))
    return Attack(budget, _start, step, signs * line + more, better="l2")
