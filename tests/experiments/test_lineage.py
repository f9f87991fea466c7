import numpy as np
import pytest

from fooljax.evolution import lineage

GENERATIONS, NICHES = 25, 5


def simulate(seed):
    """Play champions that remember all their ancestors.

    Returns:
        parent and taken as a run records them, and for every generation and
        niche the champion's ancestry: a list of (birth generation, niche).
    """
    random = np.random.default_rng(seed)
    parent = np.full((GENERATIONS, NICHES), -1)
    taken = np.zeros((GENERATIONS, NICHES), bool)
    holders = [None] * NICHES
    seen = []
    for generation in range(GENERATIONS):
        before = list(holders)
        for niche in range(NICHES):
            occupied = [other for other in range(NICHES) if before[other] is not None]
            if random.random() > (0.7 if generation == 0 else 0.3):
                continue
            taken[generation, niche] = True
            if generation == 0 or not occupied:
                holders[niche] = [(generation, niche)]
                continue
            mother = int(random.choice(occupied))
            parent[generation, niche] = mother
            holders[niche] = [*before[mother], (generation, niche)]
        seen.append(list(holders))
    return parent, taken, seen


@pytest.mark.parametrize("seed", range(8))
def test_lines_are_those_that_champions_remember(seed):
    parent, taken, seen = simulate(seed)
    for niche in range(NICHES):
        ancestors = seen[-1][niche]
        if ancestors is None:
            continue
        line = lineage.ancestry(parent, taken, niche)
        born = [generation for generation, _ in ancestors]
        for generation in range(GENERATIONS):
            member = [held for birth, held in ancestors if birth <= generation]
            assert line[generation] == (member[-1] if member else -1)
        np.testing.assert_array_equal(lineage.changes(line, taken), born)


@pytest.mark.parametrize("seed", range(8))
def test_widest_passed_through_the_most_niches(seed):
    parent, taken, seen = simulate(seed)
    widths = [len({niche for _, niche in ancestors or ()}) for ancestors in seen[-1]]
    widest = lineage.widest(parent, taken)
    assert widths[widest] == max(widths)
    assert widest == widths.index(max(widths))
