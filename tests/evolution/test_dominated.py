"""Dominated novelty search against plain loops and pyribs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.evolution.archive import Challengers
from fooljax.evolution.dominated import Population, competition, survive

PLACES, CLASSES, NEIGHBORS = 6, 2, 2


def worth_by_loops(fitness, looks, neighbors):
    """Mean distance from the nearest fitter ones; of equals the first is fitter."""
    worth = []
    for i, mine in enumerate(fitness):
        apart = sorted(
            float(np.linalg.norm(looks[i] - looks[j]))
            for j, other in enumerate(fitness)
            if other > mine or (other == mine and j < i)
        )[:neighbors]
        worth.append(np.mean(apart) if apart else np.inf)
    return np.array(worth)


@pytest.mark.parametrize("neighbors", [1, 3, 50])
def test_worth_by_plain_loops(neighbors):
    rng = np.random.default_rng(neighbors)
    fitness = np.round(rng.normal(size=30), 1).astype(np.float32)  # ties abound
    looks = rng.uniform(size=(30, 2)).astype(np.float32)
    found = competition(jnp.asarray(fitness), jnp.asarray(looks), neighbors)
    np.testing.assert_allclose(found, worth_by_loops(fitness, looks, neighbors), rtol=1e-5)
    assert np.isinf(found).sum() == 1


def test_copies_do_not_stay_side_by_side():
    """Of three equal best images one is worth all, the others nothing; what is empty, less."""
    fitness = jnp.array([-jnp.inf, 1.0, 1.0, 0.5, 1.0])
    looks = jnp.array([[0.0], [0.2], [0.2], [0.5], [0.2]])
    found = competition(fitness, looks, 1)
    np.testing.assert_allclose(found, [-np.inf, np.inf, 0.0, 0.3, 0.0], rtol=1e-6)


@pytest.mark.slow
def test_worth_of_pyribs():
    archives = pytest.importorskip("ribs.archives", reason="compares with pyribs")
    rng = np.random.default_rng(0)
    fitness, looks = rng.normal(size=40), rng.uniform(size=(40, 3))
    peer = archives.DNSArchive(solution_dim=1, measure_dim=3, capacity=10, k_neighbors=3)
    found = competition(jnp.float32(fitness), jnp.float32(looks), 3)
    np.testing.assert_allclose(found, peer.compute_dns(looks, fitness), rtol=1e-4)


def test_survivors_by_plain_loops():
    """Generation after generation those worth most stay, and nobody moves."""
    rng = np.random.default_rng(1)
    shape = (CLASSES, PLACES)
    population = Population(
        jnp.zeros((*shape, 1)),
        jnp.full(shape, -jnp.inf),
        jnp.zeros((*shape, 2)),
        jnp.full(shape, -1, jnp.int32),
    )
    step = jax.jit(lambda *both: survive(*both, NEIGHBORS))
    members = [[] for _ in range(CLASSES)]  # (fitness, look, number, niche)
    number = 0
    for _ in range(5):
        fitness = np.round(rng.normal(size=(4, CLASSES)), 1).astype(np.float32)
        looks = rng.uniform(size=(4, 2)).astype(np.float32)
        cell = rng.integers(PLACES, size=4)
        fitness[rng.integers(4), rng.integers(CLASSES)] = -np.inf  # it may not compete
        scores = np.full((4, CLASSES, PLACES), -np.inf, np.float32)
        scores[np.arange(4), :, cell] = fitness
        names = np.arange(number, number + 4, dtype=np.float32)[:, None]
        number += 4
        nobody = jnp.full(4, -1, jnp.int32)
        before = population
        population = step(
            population,
            Challengers(
                jnp.asarray(names),
                jnp.asarray(scores.reshape(4, -1)),
                jnp.zeros((4, CLASSES)),
                nobody,
                jnp.asarray(looks),
            ),
        )
        for label, own in enumerate(members):
            new = [
                (fitness[i, label], looks[i], names[i, 0], label * PLACES + cell[i])
                for i in range(4)
                if fitness[i, label] > -np.inf
            ]
            everyone = own + new  # the older first
            worth = worth_by_loops([e[0] for e in everyone], [e[1] for e in everyone], NEIGHBORS)
            own[:] = [everyone[i] for i in sorted(np.argsort(-worth, kind="stable")[:PLACES])]
            found = [
                (population.fitness[label, at], population.genomes[label, at, 0])
                for at in range(PLACES)
                if population.fitness[label, at] > -np.inf
            ]
            assert sorted(found) == sorted((one[0], one[2]) for one in own)
            for at in range(PLACES):
                by_number = {one[2]: one for one in own}
                if population.fitness[label, at] > -np.inf:
                    one = by_number[float(population.genomes[label, at, 0])]
                    np.testing.assert_array_equal(population.looks[label, at], one[1])
                    assert population.niche[label, at] == one[3]
                old = float(before.genomes[label, at, 0])
                if before.fitness[label, at] > -np.inf and old in by_number:
                    assert population.genomes[label, at, 0] == old  # it stayed where it was
    assert all(len(own) == PLACES for own in members)
