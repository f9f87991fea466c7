import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fooljax.encodings import (
    direct,
    iso_line_dd,
    polynomial,
    polynomial_mutation,
    simulated_binary_crossover,
)

FIRST = jnp.int32(0)
mutated = jax.jit(polynomial_mutation, static_argnames=("eta", "coarse"))
crossed = jax.jit(simulated_binary_crossover, static_argnames="eta")


def moves(key, rate, genes=0.5, count=1_000_000, dtype=jnp.float32):
    start = jnp.full(count, genes, dtype)
    moved = mutated(key, start, rate)
    return np.asarray(moved, np.float64) - genes


def test_polynomial_moments(key):
    """Closed forms: E|d| = 1 / (eta + 2) and E d^2 = 2 / ((eta + 2) (eta + 3))."""
    steps = moves(key, 0.1)
    moved = steps[steps != 0.0]
    assert moved.size / steps.size == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / steps.size))
    assert np.abs(moved).mean() == pytest.approx(1 / 17, rel=0.01)
    assert moved.std() == pytest.approx(np.sqrt(2 / (17 * 18)), rel=0.01)
    assert moved.mean() == pytest.approx(0.0, abs=4 * 0.0808 / np.sqrt(moved.size))


def test_polynomial_steps_have_their_distribution(key):
    """P(|d| <= t) = 1 - (1 - t)^(eta + 1), compared by Kolmogorov's statistic."""
    steps = np.sort(np.abs(moves(key, 1.0, count=100_000)))
    cdf = 1.0 - (1.0 - steps) ** 16
    assert np.abs(cdf - np.arange(steps.size) / steps.size).max() < 1.95 / np.sqrt(steps.size)


def test_coarse_steps_have_the_same_distribution(key):
    """Within the grain of 16 bits, which at this rate leaves 6,554 steps."""
    start = jnp.full((999, 1001), 0.5)  # an odd number: the last word is used by half
    moved = mutated(key, start, 0.1, coarse=True)
    steps = np.ravel(np.asarray(moved, np.float64)) - 0.5
    assert np.mean(steps != 0.0) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / steps.size))
    steps = steps[steps != 0.0]
    assert steps.mean() == pytest.approx(0.0, abs=4 * 0.0808 / np.sqrt(steps.size))
    steps = np.sort(np.abs(steps))
    cdf = 1.0 - (1.0 - steps) ** 16
    distance = np.abs(cdf - np.arange(steps.size) / steps.size).max()
    assert distance < 1.95 / np.sqrt(steps.size) + 1.0 / 3277
    neighbors = np.asarray(moved)[:, ::2][:, :500] != 0.5, np.asarray(moved)[:, 1::2] != 0.5
    assert np.mean(neighbors[0] & neighbors[1]) == pytest.approx(0.01, abs=0.001)


@pytest.mark.parametrize("eta", [0.0, 3.0, 20.0])
def test_other_indices(eta, key):
    genes = jnp.full(200_000, 0.5)
    steps = np.asarray(mutated(key, genes, 1.0, eta=eta)) - 0.5
    if eta == 0.0:  # uniform in [-1, 1], clipped at half of it
        assert np.mean(np.abs(steps) == 0.5) == pytest.approx(0.5, abs=0.005)
    else:
        clipped = np.minimum(1.0 - np.linspace(1.0, 0.0, 100_001) ** (1 / (eta + 1)), 0.5)
        assert np.abs(steps).mean() == pytest.approx(clipped.mean(), rel=0.01)


def test_rates_near_the_grain_of_the_draws(key):
    """Float16 draws are multiples of 1/1024, as float32 ones are of 2^-23."""
    steps = moves(key, 3.4 / 1024, dtype=jnp.float16)
    moved = steps[steps != 0.0]
    assert moved.size == pytest.approx(4 / 1024 * steps.size, rel=0.1)
    assert moved.mean() == pytest.approx(0.0, abs=4 * 0.06 / np.sqrt(moved.size))


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_moves_inward_from_the_bounds(bound, key):
    steps = moves(key, 0.1, bound)
    assert np.mean(steps != 0.0) == pytest.approx(0.05, rel=0.02)
    assert np.all(np.sign(steps[steps != 0.0]) == 1.0 - 2.0 * bound)


def test_rate_zero_changes_nothing(key):
    assert np.all(moves(jax.random.key(2), 0.0, 0.25) == 0.0)
    genes = jax.random.uniform(jax.random.key(1), (50,))
    vary = jax.jit(polynomial(rate=0.0))
    np.testing.assert_array_equal(vary(key, genes, 1.0 - genes, FIRST), genes)


@pytest.mark.slow
def test_stationary_distribution(key):
    """Neutral drift at 10 %: symmetric, with a tenth of the genes on a bound."""

    @jax.jit
    def drift(key):
        key_start, key_steps = jax.random.split(key)
        start = jax.random.uniform(key_start, (20_000,))
        one = lambda i, genes: polynomial_mutation(jax.random.fold_in(key_steps, i), genes, 0.1)
        return jax.lax.fori_loop(0, 2000, one, start)

    genes = np.asarray(drift(key))
    assert genes.min() == 0.0 and genes.max() == 1.0
    assert genes.mean() == pytest.approx(0.5, abs=0.01)
    assert np.mean((genes == 0.0) | (genes == 1.0)) == pytest.approx(0.1, abs=0.01)
    assert genes.std() == pytest.approx(0.315, abs=0.005)


def test_scheduled_rate(key):
    halving = optax.exponential_decay(0.1, 1000, 0.5, staircase=True)
    vary = jax.jit(polynomial(halving))
    genes = jnp.full(1_000_000, 0.5)
    for generation, rate in ((0, 0.1), (999, 0.1), (1000, 0.05), (5400, 0.1 / 32)):
        child = vary(jax.random.fold_in(key, generation), genes, genes, jnp.int32(generation))
        share = np.mean(np.asarray(child) != 0.5)
        assert share == pytest.approx(rate, abs=4 * np.sqrt(rate / genes.size))


def textbook_sbx(draws, first, second, eta):
    """Deb's loop over genes: one of the two children of each pair, in float64."""
    child = []
    for draw, a, b in zip(draws, first, second, strict=True):
        y1, y2 = min(a, b), max(a, b)
        upper = draw < 0.5
        u = 2 * draw if upper else 2 * draw - 1
        beta = 1 + 2 * ((1 - y2) if upper else y1) / (y2 - y1)
        alpha = 2 - beta ** -(eta + 1)
        base = u * alpha if u <= 1 / alpha else 1 / (2 - u * alpha)
        shift = base ** (1 / (eta + 1)) * (y2 - y1)
        child.append(0.5 * (y1 + y2 + (shift if upper else -shift)))
    return np.clip(child, 0.0, 1.0)


@pytest.mark.parametrize("eta", [2.0, 10.0])
def test_crossover_is_the_textbook_loop(eta, key):
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 2000)).astype(np.float32)
    first[:200], second[200:400] = 0.0, 1.0
    child = crossed(jax.random.clone(key), first, second, eta=eta)
    draws = np.asarray(jax.random.uniform(key, first.shape), np.float64)
    expected = textbook_sbx(draws, first.astype(float), second.astype(float), eta)
    np.testing.assert_allclose(child, expected, atol=2e-6)
    assert np.min(child) >= 0.0 and np.max(child) <= 1.0


def test_crossover_spread(key):
    """Far from the bounds P(spread <= b) = b^11 / 2 up to 1, and 1 - b^-11 / 2 beyond."""
    first, second = jnp.full(100_000, 0.45), jnp.full(100_000, 0.55)
    child = np.asarray(crossed(key, first, second), np.float64)
    assert child.mean() == pytest.approx(0.5, abs=4 * child.std() / np.sqrt(child.size))
    spread = np.sort(np.abs(child - 0.5) / 0.05)
    cdf = np.where(spread <= 1.0, 0.5 * spread**11, 1.0 - 0.5 * spread**-11.0)
    assert np.abs(cdf - np.arange(spread.size) / spread.size).max() < 1.95 / np.sqrt(spread.size)


def test_crossover_of_bounds_stays_inside(key):
    child = np.asarray(crossed(key, jnp.zeros(10_000), jnp.ones(10_000)))
    assert np.isfinite(child).all() and child.min() >= 0.0 and child.max() <= 1.0


@pytest.mark.parametrize("crossover, shared", [("original", 0.5), ("inherit", 0.25)])
def test_genes_on_which_the_parents_agree(crossover, shared, key):
    vary = jax.jit(polynomial(rate=0.0, crossover=crossover, crossover_rate=1.0))
    parent = jnp.full(1000, 0.25)
    mate = parent.at[500:].set(0.75)
    child = np.asarray(vary(key, parent, mate, FIRST))
    assert np.all(child[:500] == shared)
    assert np.mean(np.isin(child[500:], (0.25, 0.5, 0.75))) < 0.01


def test_crossover_rate(key):
    vary = polynomial(rate=0.0, crossover="inherit", crossover_rate=0.3)
    parent, mate = jnp.zeros(4), jnp.ones(4)
    many = jax.jit(jax.vmap(vary, in_axes=(0, None, None, None)))
    children = many(jax.random.split(key, 5000), parent, mate, FIRST)
    two_parents = np.any(np.asarray(children) != 0.0, axis=1)
    assert two_parents.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 5000))


def test_iso_line_moments(key):
    parent, mate = jnp.array([0.4, 0.4, 0.5]), jnp.array([0.4, 0.5, 0.3])
    vary = iso_line_dd(0.01, 0.2)
    many = jax.jit(jax.vmap(vary, in_axes=(0, None, None, None)))
    children = many(jax.random.split(key, 50_000), parent, mate, FIRST)
    steps = np.asarray(children, np.float64) - np.asarray(parent)
    # independent noise on every gene, and one common step along the line
    line = np.array([0.0, 0.1, -0.2])
    expected = 0.01**2 * np.eye(3) + 0.2**2 * np.outer(line, line)
    np.testing.assert_allclose(steps.mean(axis=0), 0.0, atol=4 * 0.042 / np.sqrt(50_000))
    np.testing.assert_allclose(np.cov(steps.T), expected, atol=0.03 * expected.max())
    far = jax.jit(iso_line_dd(3.0, 3.0))(jax.random.key(1), parent, mate, FIRST)
    assert np.min(far) >= 0.0 and np.max(far) <= 1.0


OPERATORS = {
    "polynomial": polynomial(rate=0.5),
    "inherit": polynomial(rate=0.5, crossover="inherit"),
    "original": polynomial(rate=0.5, crossover="original"),
    "iso_line_dd": iso_line_dd(),
}


@pytest.mark.parametrize("vary", OPERATORS.values(), ids=OPERATORS.keys())
def test_children_and_genes_differ(vary, key):
    vary, genes = jax.jit(vary), jnp.full((20, 20), 0.4)
    one, two = (np.asarray(vary(k, genes, genes + 0.2, FIRST)) for k in jax.random.split(key))
    np.testing.assert_array_equal(
        vary(jax.random.split(jax.random.key(0))[0], genes, genes + 0.2, FIRST), one
    )
    steps_one, steps_two = one - one.mean(), two - two.mean()
    assert np.any(one != two)
    assert abs(np.mean(steps_one * steps_two)) < 4 * one.std() * two.std() / 20
    rows = np.corrcoef(one)[np.triu_indices(20, 1)]
    assert abs(rows.mean()) < 0.1


def test_equal_settings_are_one_operator():
    assert polynomial(0.2) is polynomial(0.2)
    assert iso_line_dd(0.1) is iso_line_dd(0.1)
    assert direct((2, 2, 1), polynomial(0.2)) is direct((2, 2, 1), polynomial(0.2))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: polynomial(rate=1.5), "rate must be in .0, 1., got 1.5"),
        (lambda: polynomial(crossover_rate=-0.1), "crossover_rate must be in .0, 1., got -0.1"),
        (lambda: polynomial(eta=-1.0), "must not be negative, got -1.0"),
        (lambda: polynomial(crossover="two-point"), "got 'two-point'"),
        (lambda: iso_line_dd(-0.1), "must not be negative, got -0.1"),
    ],
)
def test_impossible_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
