"""Operators that make one child from arrays of genes in [0, 1]."""

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import chance, checks
from fooljax.types import RandomKey

Genes: TypeAlias = Float[Array, "*genes"]
Variation: TypeAlias = Callable[[RandomKey, Genes, Genes, Array], Genes]
Schedule: TypeAlias = Callable[[Array], Array]
Crossover: TypeAlias = Literal["none", "inherit", "original"]


def _power(base: Array, exponent: float) -> Array:
    """``base ** exponent`` for ``base >= 0``; roots of order 2, 4, 8, ... by square roots.

    Four square roots cost a fraction of one ``pow`` on a CPU.
    """
    order = 1.0 / exponent
    halvings = int(order).bit_length() - 1
    if order != 2**halvings:
        return jnp.power(base, exponent)
    for _ in range(halvings):
        base = jnp.sqrt(base)
    return base


def _coarse_uniform(key: RandomKey, shape: tuple[int, ...]) -> Array:
    """Draw float32 multiples of 2^-16 in [0, 1), two from each random word."""
    count = math.prod(shape)
    words = jax.random.bits(key, (-(-count // 2),), jnp.uint32)
    halves = jax.lax.bitcast_convert_type(words, jnp.uint16).reshape(-1)[:count]
    return halves.reshape(shape).astype(jnp.float32) * 2.0**-16


def polynomial_mutation(
    key: RandomKey,
    genes: Genes,
    rate: float | Array,
    eta: float = 15.0,
    coarse: bool = False,
) -> Genes:
    """Move every gene with probability ``rate`` by a polynomially distributed step.

    The unbounded form with clipping: the step ignores the distance to the
    limits, so a gene on a limit moves inward half of the time. One uniform draw
    decides both whether a gene moves and how far.

    Args:
        key: random key.
        genes: any shape, in [0, 1].
        rate: probability for each gene, in [0, 1]; may be traced.
        eta: distribution index; the mean step is ``1 / (eta + 2)``.
        coarse: draw with 16 bits, for rates far above 2^-16 and genes that are rounded
            afterwards; random bits are most of the cost.

    Returns:
        Genes of the same shape in [0, 1].

    Source:
        Deb, 2001, Multi-Objective Optimization, p. 124; as in the code of
        Nguyen et al., 2015, arXiv:1412.1897.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> genes = jax.numpy.full(1000, 0.5)
        >>> child = fj.encodings.polynomial_mutation(jax.random.key(0), genes, rate=0.1)
        >>> 50 < int((child != genes).sum()) < 150
        True
    """
    if coarse:
        draw, eps = _coarse_uniform(key, genes.shape), 2.0**-16
    else:
        draw = chance.uniform(key, genes.shape, genes.dtype)
        eps = float(jnp.finfo(draw.dtype).eps)
    moved = draw < rate
    # draws are multiples of eps: count them from the middle, so that no rate biases the steps
    u = jnp.where(moved, (draw + 0.5 * eps) / (jnp.ceil(rate / eps) * eps), 0.5)
    low = u < 0.5
    root = _power(2.0 * jnp.where(low, u, 1.0 - u), 1.0 / (eta + 1.0))
    return jnp.clip(genes + jnp.where(low, root - 1.0, 1.0 - root), 0.0, 1.0)


def simulated_binary_crossover(
    key: RandomKey, parent: Genes, mate: Genes, eta: float = 10.0, reset: bool = False
) -> Genes:
    """Draw one child of simulated binary crossover (SBX), bounded to [0, 1].

    Args:
        key: random key.
        parent: any shape, in [0, 1].
        mate: same shape.
        eta: distribution index; larger keeps children nearer to their parents.
        reset: set genes on which the parents agree to 0.5 instead of
            inheriting them, as the code of the 2015 paper does.

    Returns:
        Genes of the same shape in [0, 1].

    Source:
        Deb and Agrawal, 1995, Simulated Binary Crossover; the bounded variant.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> parent, mate = jax.numpy.array([0.2, 0.5]), jax.numpy.array([0.4, 0.5])
        >>> child = fj.encodings.simulated_binary_crossover(jax.random.key(0), parent, mate)
        >>> float(child[1])  # where they agree it does, too
        0.5
    """
    low, high = jnp.minimum(parent, mate), jnp.maximum(parent, mate)
    gap = high - low
    differ = gap > jnp.finfo(parent.dtype).eps
    draw = chance.uniform(key, parent.shape, parent.dtype)
    upper = draw < 0.5
    u = 2.0 * jnp.where(upper, draw, draw - 0.5)
    room = jnp.where(upper, 1.0 - high, low)
    beta = 1.0 + 2.0 * room / jnp.where(differ, gap, 1.0)
    alpha = 2.0 - jnp.power(beta, -(eta + 1.0))
    scaled = u * alpha
    spread = jnp.power(
        jnp.where(scaled <= 1.0, scaled, 1.0 / jnp.maximum(2.0 - scaled, 1e-12)), 1.0 / (eta + 1.0)
    )
    child = 0.5 * (low + high + jnp.where(upper, spread, -spread) * gap)
    same = jnp.full_like(parent, 0.5) if reset else parent
    return jnp.where(differ, jnp.clip(child, 0.0, 1.0), same)


@checks.cache
def polynomial(
    rate: float | Schedule = 0.1,
    eta: float = 15.0,
    crossover: Crossover = "none",
    crossover_rate: float = 0.5,
    crossover_eta: float = 10.0,
    coarse: bool = False,
) -> Variation:
    """Polynomial mutation, optionally after simulated binary crossover.

    Args:
        rate: probability that a gene mutates, in [0, 1], or a schedule
            ``generation -> rate``; the paper's text halves it with
            ``optax.exponential_decay(0.1, 1000, 0.5, staircase=True)``.
        eta: distribution index of the mutation.
        crossover: ``none``; ``inherit`` (genes the parents share are
            inherited); ``original`` (such genes become 0.5, as released).
        crossover_rate: probability that a child has two parents.
        crossover_eta: distribution index of the crossover.
        coarse: mutate by draws of 16 bits: half the cost, for genes of 8 bits.

    Returns:
        ``(key, parent, mate, generation) -> child`` on arrays in [0, 1].

    Raises:
        ValueError: if a rate is outside [0, 1], an index is negative, or the
            crossover is unknown.

    Source:
        Nguyen et al., 2015, arXiv:1412.1897, section 2.2 and released code.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> vary = fj.encodings.polynomial(rate=0.5)
        >>> encoding = fj.encodings.direct((8, 8, 1), vary)
    """
    _check_rate(rate)
    checks.between("crossover_rate", crossover_rate, 0.0, 1.0)
    for name, index in (("eta", eta), ("crossover_eta", crossover_eta)):
        checks.not_negative(f"the distribution index {name}", index)
    checks.choice("crossover", crossover, ("none", "inherit", "original"))

    def vary(key: RandomKey, parent: Genes, mate: Genes, generation: Array) -> Genes:
        chance = rate(generation) if callable(rate) else rate
        if crossover == "none":
            return polynomial_mutation(key, parent, chance, eta, coarse)
        key_mutate, key_cross, key_coin = jax.random.split(key, 3)
        crossed = simulated_binary_crossover(
            key_cross, parent, mate, crossover_eta, reset=crossover == "original"
        )
        two_parents = jax.random.bernoulli(key_coin, crossover_rate)
        child = jnp.where(two_parents, crossed, parent)
        return polynomial_mutation(key_mutate, child, chance, eta, coarse)

    return vary


def _check_rate(rate: float | Schedule) -> None:
    """Refuse what is neither a probability nor a function that makes one of a generation."""
    if not callable(rate):
        checks.between("rate", rate, 0.0, 1.0)
        return
    got = checks.shown(rate)
    meant = "rate must be a number in [0, 1], or a function generation -> rate that jax.jit takes"
    try:
        made = jax.eval_shape(rate, jax.ShapeDtypeStruct((), jnp.int32))
    except Exception as error:  # a function of the user's own may raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{meant}, got {got}: {reason}") from error
    if getattr(made, "shape", None) != ():
        raise ValueError(f"{meant}, got {got}, which returns {checks.shown(made)}")


@checks.cache
def iso_line_dd(iso_sigma: float = 0.01, line_sigma: float = 0.2) -> Variation:
    """Gaussian noise plus a random step along the line to the mate.

    Args:
        iso_sigma: standard deviation of the noise of each gene.
        line_sigma: standard deviation of the step, in units of the distance
            between the parents.

    Returns:
        ``(key, parent, mate, generation) -> child`` on arrays in [0, 1].

    Raises:
        ValueError: if a standard deviation is negative.

    Source:
        Vassiliades and Mouret, 2018, arXiv:1804.03906.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> vary = fj.encodings.iso_line_dd(iso_sigma=0.0, line_sigma=0.2)
        >>> vary(jax.random.key(0), jax.numpy.ones(2), jax.numpy.ones(2), 1).tolist()
        [1.0, 1.0]
    """
    checks.not_negative("iso_sigma", iso_sigma)
    checks.not_negative("line_sigma", line_sigma)

    def vary(key: RandomKey, parent: Genes, mate: Genes, generation: Array) -> Genes:
        del generation
        key_iso, key_line = jax.random.split(key)
        noise = iso_sigma * chance.normal(key_iso, parent.shape, parent.dtype)
        along = line_sigma * jax.random.normal(key_line, (), parent.dtype) * (mate - parent)
        return jnp.clip(parent + noise + along, 0.0, 1.0)

    return vary
