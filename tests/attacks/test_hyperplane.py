"""The shortest change onto a hyperplane in the box, against general solvers and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from fooljax.attacks.hyperplane import toward_hyperplane

COUNT, PIXELS = 12, 7
NORMS = ("linf", "l2", "l1")
ORDER = {"linf": np.inf, "l2": 2, "l1": 1}
_toward = jax.jit(toward_hyperplane, static_argnums=3)


def problems(seed=0, reach=0.8):
    """Points, some of them in corners; slopes, some of them 0; gains of both signs."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(size=(COUNT, PIXELS))
    points[::3] = np.round(points[::3])
    slopes = rng.normal(size=(COUNT, PIXELS)) * rng.exponential(size=(COUNT, PIXELS))
    slopes[1::3, :2] = 0.0
    slopes[2] = slopes[2, 0]  # all alike
    sign = np.where(np.arange(COUNT) % 2, 1.0, -1.0)
    gains = sign * rng.uniform(size=COUNT) * reach * most(points, slopes, sign)
    return (np.float32(one) for one in (points, slopes, gains))


def most(points, slopes, sign):
    """By how much the linear function can change within the box."""
    way = slopes * sign[:, None]
    return np.where(way > 0.0, way * (1.0 - points), -way * points).sum(axis=1)


def solved(point, slope, gain, norm):
    """The length of the shortest change, by a linear program or by SciPy's SLSQP."""
    low, high = -point, 1.0 - point
    size = len(point)
    if norm == "l2":
        found = optimize.minimize(
            lambda x: x @ x,
            0.5 * (low + high),
            jac=lambda x: 2.0 * x,
            bounds=list(zip(low, high, strict=True)),
            constraints={"type": "eq", "fun": lambda x: slope @ x - gain, "jac": lambda x: slope},
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 500},
        )
        assert found.success
        return np.sqrt(found.fun)
    # x = up - down; the largest of them, or their sum
    sides = np.hstack([slope, -slope])
    bounds = [*((0.0, one) for one in high), *((0.0, -one) for one in low)]
    if norm == "l1":
        found = optimize.linprog(np.ones(2 * size), A_eq=sides[None], b_eq=[gain], bounds=bounds)
    else:
        below = np.hstack([np.eye(size), np.eye(size), -np.ones((size, 1))])
        found = optimize.linprog(
            np.r_[np.zeros(2 * size), 1.0],
            A_ub=below,
            b_ub=np.zeros(size),
            A_eq=np.r_[sides, 0.0][None],
            b_eq=[gain],
            bounds=[*bounds, (0.0, None)],
        )
    assert found.success
    return found.fun


@pytest.mark.parametrize("norm", NORMS)
def test_no_solver_finds_a_shorter_one(norm):
    points, slopes, gains = problems()
    change = np.float64(_toward(points, slopes, gains, norm))
    np.testing.assert_allclose((change * slopes).sum(axis=1), gains, rtol=1e-5, atol=1e-6)
    assert np.all((points + change >= -1e-7) & (points + change <= 1.0 + 1e-7))
    length = np.linalg.norm(change, ord=ORDER[norm], axis=1)
    given = zip(np.float64(points), np.float64(slopes), np.float64(gains), strict=True)
    best = [solved(*each, norm) for each in given]
    np.testing.assert_allclose(length, best, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_what_cannot_be_reached_ends_in_the_corner(norm):
    points, slopes, _ = problems()
    for sign in (1.0, -1.0):
        gains = np.float32(sign * 1.01 * most(points, slopes, np.full(COUNT, sign)) + sign * 0.1)
        change = np.asarray(_toward(points, slopes, gains, norm))
        corner = np.where(slopes * sign > 0.0, 1.0, np.where(slopes * sign < 0.0, 0.0, points))
        np.testing.assert_allclose(points + change, corner, atol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_slopes_and_gains_of_any_size(norm):
    """Multiplied together they ask for the same change; without slope nothing moves."""
    points, slopes, gains = problems()
    usual = _toward(points, slopes, gains, norm)
    for scale in (1e-18, 1e18):
        scaled = _toward(points, np.float32(slopes * scale), np.float32(gains * scale), norm)
        np.testing.assert_allclose(scaled, usual, rtol=1e-4, atol=1e-6)
    still = _toward(points, np.zeros_like(slopes), gains, norm)
    np.testing.assert_array_equal(still, np.zeros_like(points))


@pytest.mark.parametrize("norm", NORMS)
def test_as_exact_in_a_whole_picture(norm):
    """By sorting, in double precision."""
    rng = np.random.default_rng(3)
    points, slopes = rng.uniform(size=(2, 3000)), rng.standard_t(2, size=(2, 3000))
    gains = np.array([0.3, -0.9]) * most(points, slopes, np.array([1.0, -1.0]))
    found = _toward(*(jnp.asarray(one, jnp.float32) for one in (points, slopes, gains)), norm)
    for point, slope, gain, change in zip(points, slopes, gains, np.asarray(found), strict=True):
        way = np.sign(slope) * np.sign(gain)
        room, steep = np.where(way > 0.0, 1.0 - point, point), np.abs(slope)
        if norm == "l1":
            order = np.argsort(-steep)
            used = np.clip(abs(gain) - np.r_[0.0, np.cumsum((steep * room)[order])[:-1]], 0.0, None)
            best = np.minimum(room[order], used / steep[order]).sum()
            length = np.abs(change).sum()
        else:
            rate = np.ones_like(steep) if norm == "linf" else steep
            full = np.sort(room / rate)
            gained = [np.sum(steep * np.minimum(rate * level, room)) for level in full]
            k = int(np.searchsorted(gained, abs(gain)))
            before = full[k - 1] if k else 0.0
            open_ = room / rate > before
            rest = abs(gain) - np.sum((steep * room)[~open_])
            level = rest / np.sum((steep * rate)[open_])
            best = np.linalg.norm(np.minimum(rate * level, room), ord=ORDER[norm])
            length = np.linalg.norm(change, ord=ORDER[norm])
        np.testing.assert_allclose(length, best, rtol=1e-4)
