"""The step of Brendel and Bethge against a general solver of such problems."""

import jax
import numpy as np
import pytest
from scipy.optimize import minimize

from fooljax.attacks.trust_region import solve

SIZE, COUNT = 12, 24
_solve = jax.jit(solve, static_argnums=5)


@pytest.fixture(scope="module")
def problems():
    """Originals, places, normals, distances to the boundary and radii; some places at 0 and 1."""
    random = np.random.default_rng(0)
    images = random.uniform(size=(COUNT, SIZE))
    here = np.clip(random.uniform(-0.3, 1.3, (COUNT, SIZE)), 0.0, 1.0)
    normal = random.normal(size=(COUNT, SIZE)) * 10.0 ** random.uniform(-3, 3, (COUNT, 1))
    wanted = random.normal(size=COUNT) * 0.3 * np.linalg.norm(normal, axis=1)
    radius = 10.0 ** random.uniform(-1.5, 0.5, COUNT)
    return tuple(np.float32(one) for one in (images, here, normal, wanted, radius))


def farthest(here, normal, wanted, radius):
    """The best of many: the nearest to the boundary that the box and the ball have."""
    way = np.sign(wanted) * normal
    best = minimize(
        lambda change: -change @ way / np.linalg.norm(way),
        np.zeros(SIZE),
        jac=lambda _: -way / np.linalg.norm(way),
        bounds=list(zip(-here, 1.0 - here, strict=True)),
        constraints={
            "type": "ineq",
            "fun": lambda change: radius**2 - change @ change,
            "jac": lambda change: -2.0 * change,
        },
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return best.x @ normal


def nearest(image, here, normal, wanted, radius, norm):
    """Return the least distance by SLSQP; in Linf with the distance as one more unknown."""
    offset, unit = image - here, normal / np.linalg.norm(normal)
    size = wanted / np.linalg.norm(normal)
    more = norm == "linf"
    pad = lambda row: np.r_[row, 0.0] if more else row
    constraints = [
        {"type": "eq", "fun": lambda z: unit @ z[:SIZE] - size, "jac": lambda z: pad(unit)},
        {
            "type": "ineq",
            "fun": lambda z: radius**2 - z[:SIZE] @ z[:SIZE],
            "jac": lambda z: pad(-2.0 * z[:SIZE]),
        },
    ]
    bounds = list(zip(-here, 1.0 - here, strict=True)) + [(0.0, 2.0)] * more
    if more:
        for sign in (1.0, -1.0):
            constraints.append(
                {"type": "ineq", "fun": lambda z, sign=sign: z[-1] - sign * (z[:SIZE] - offset)}
            )
        value, slope = (lambda z: z[-1]), (lambda z: pad(np.zeros(SIZE)) + np.eye(SIZE + 1)[-1])
    else:
        value = lambda z: np.sum((z - offset) ** 2)
        slope = lambda z: 2.0 * (z - offset)
    start = np.r_[np.zeros(SIZE), [1.0] * more]
    found = minimize(
        value,
        start,
        jac=slope,
        bounds=bounds,
        constraints=constraints,
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    return (found.x[-1] if more else np.sqrt(found.fun)) if found.success else None


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_it_is_the_best_step(norm, problems):
    """On the boundary where it is within reach, then nearest; else as near as can be."""
    changes = np.float64(_solve(*problems, norm))
    problems = [np.float64(one) for one in problems]
    kinds = set()
    for change, image, here, normal, wanted, radius in zip(changes, *problems, strict=True):
        size = np.linalg.norm(normal)
        assert np.all((here + change >= -1e-6) & (here + change <= 1.0 + 1e-6))
        assert np.linalg.norm(change) <= radius * (1.0 + 1e-4)
        reach = abs(farthest(here, normal, wanted, radius))
        if reach < abs(wanted) * (1.0 - 1e-3):
            assert change @ normal * np.sign(wanted) >= reach * (1.0 - 1e-3) - 1e-5 * size
            kinds.add("out of reach")
        elif reach > abs(wanted) * (1.0 + 1e-2):
            assert abs(change @ normal - wanted) <= 2e-3 * abs(wanted) + 2e-5 * size
            order = 2 if norm == "l2" else np.inf
            found = np.linalg.norm(image - here - change, ord=order)
            best = nearest(image, here, normal, wanted, radius, norm)
            if best is not None:
                assert found <= best + 5e-3 * radius
                assert found >= best - 5e-3 * radius
                kinds.add("nearest")
    assert kinds == {"out of reach", "nearest"}


def test_without_a_normal_nothing_moves(problems):
    images, here, normal, _, radius = problems
    still = _solve(images, here, 0.0 * normal, 0.0 * radius, radius, "l2")
    # a plane of all places: nothing is wanted, and the original is as near as the region allows
    np.testing.assert_array_less(np.linalg.norm(still, axis=1), radius * (1.0 + 1e-4))
