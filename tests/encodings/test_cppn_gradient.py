"""The differentiable painting of CPPNs against the usual one, and its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cppn_oracle import coordinates, evaluate

from fooljax.encodings import cppn
from fooljax.encodings.cppn_genome import Cppn, Rates, mutate
from fooljax.encodings.cppn_gradient import _slope, compile_genomes, paint_programs
from fooljax.encodings.cppn_render import activate

SHAPE = (9, 10, 3)


@pytest.fixture(scope="module")
def evolved():
    """A hundred networks after 30 mutations."""

    def grow(key):
        genome = cppn(SHAPE).init(key)
        mutate_once = lambda i, genome: mutate(jax.random.fold_in(key, i), genome, 3, Rates())
        return jax.lax.fori_loop(0, 30, mutate_once, genome)

    return jax.jit(jax.vmap(grow))(jax.random.split(jax.random.key(3), 100))


def test_pictures_are_the_usual_ones(evolved):
    @jax.jit
    def both(genomes):
        programs = compile_genomes(genomes, 3)
        painted = paint_programs(programs.weight, programs, SHAPE, "raw")
        return painted, jax.vmap(cppn(SHAPE, levels=None).express)(genomes)

    painted, usual = both(evolved)
    np.testing.assert_allclose(painted, usual, atol=2e-6)


@pytest.mark.parametrize("kind", ["normalized", pytest.param("raw", marks=pytest.mark.slow)])
def test_gradient_is_that_of_finite_differences(evolved, kind):
    """The finite differences are those of an evaluator in numpy, on the genome's own edges."""
    rows, pixels = range(0, 100, 5), coordinates(*SHAPE[:2], kind)
    wanted = np.random.default_rng(0).normal(size=(3, pixels.shape[1]))

    def value(genome):
        return (abs(evaluate(genome, 3, pixels, 0.0)[0]) * wanted).sum()

    with jax.enable_x64(True):
        doubled = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[rows,]), evolved)
        doubled = doubled._replace(weight=jnp.float64(doubled.weight))
        at = jnp.asarray(wanted.T.reshape(SHAPE))

        @jax.jit
        @jax.grad
        def gradient(weight):
            programs = compile_genomes(doubled._replace(weight=weight), 3)
            images = paint_programs(programs.weight, programs, SHAPE, kind, "rgb")
            return jnp.sum(images * at[None])

        found = np.asarray(gradient(doubled.weight))
        assert found.dtype == np.float64
    compared = 0
    for genome, slopes in zip(np.arange(len(rows)), found, strict=True):
        one = Cppn(*(np.asarray(leaf)[genome] for leaf in doubled))
        for edge in np.flatnonzero(one.source >= 0):
            ends = []
            for step in (-1e-6, 1e-6):
                weight = one.weight.copy()
                weight[edge] += step
                ends.append(value(one._replace(weight=weight)))
            expected = (ends[1] - ends[0]) / 2e-6
            scale = np.linalg.norm(slopes) + 1e-2
            compared += abs(slopes[edge] - expected) < 1e-5 * scale
    # a finite difference across a kink of abs or linear is no slope
    assert compared >= 0.99 * (doubled.source >= 0).sum()


def test_slopes_of_activations():
    sums = jnp.linspace(-4.0, 4.0, 401) + 0.003
    table = lambda f: jax.vmap(lambda one: jax.vmap(lambda total: f(one, total))(sums))
    each = jnp.arange(4)
    found, expected = (jax.jit(table(f))(each) for f in (_slope, jax.grad(activate, argnums=1)))
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_allclose(_slope(jnp.int32(1), jnp.zeros(1)), 0.5)


@pytest.mark.slow
def test_the_other_path_is_the_same(evolved):
    """Accelerators take all networks side by side."""
    few = compile_genomes(jax.tree.map(lambda leaf: leaf[:4], evolved), 3)
    total = lambda weight, program: jnp.sum(paint_programs(weight, program, SHAPE, "normalized"))
    one_by_one = jax.jit(jax.grad(total))(few.weight, few)
    alone = lambda program: jax.grad(total)(
        program.weight[None], jax.tree.map(lambda leaf: leaf[None], program)
    )
    side_by_side = jax.jit(jax.vmap(alone))(few)[:, 0]
    np.testing.assert_allclose(side_by_side, one_by_one, rtol=1e-3, atol=1e-3)
