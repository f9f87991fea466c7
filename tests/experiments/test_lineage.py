import itertools

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


def remembered(tree, place):
    """A node's ancestry, (birth generation, niche) from the oldest on."""
    line = []
    while place >= 0:
        line.append((tree.generation[place], tree.niche[place]))
        place = tree.parent[place]
    return line[::-1]


@pytest.mark.parametrize("seed", range(8))
def test_the_tree_holds_every_ancestor_once(seed):
    parent, taken, seen = simulate(seed)
    tree = lineage.family_tree(parent, taken)
    ancestors = [tuple(line) for line in seen[-1] if line is not None]
    assert [remembered(tree, place) for place in tree.champion if place >= 0] == [
        list(line) for line in ancestors
    ]
    assert [i for i, place in enumerate(tree.champion) if place < 0] == [
        i for i, line in enumerate(seen[-1]) if line is None
    ]
    everybody = {line[:count] for line in ancestors for count in range(1, len(line) + 1)}
    assert sorted(remembered(tree, place) for place in range(len(tree.niche))) == sorted(
        map(list, everybody)
    )
    for place in range(len(tree.niche)):
        line = remembered(tree, place)
        held = [g for g in range(GENERATIONS) if seen[g][tree.niche[place]] == line]
        assert held == list(range(tree.generation[place], tree.until[place] + 1))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("founders", [0, 7, GENERATIONS - 1])
def test_relatives_are_of_one_image(seed, founders):
    parent, taken, seen = simulate(seed)
    families = lineage.relatives(parent, taken, founders)
    for niche, ancestors in enumerate(seen[-1]):
        early = [held for birth, held in ancestors or () if birth <= founders]
        if ancestors is not None:
            assert families[niche] == (early[-1] if early else -1)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("size", "count"), [(2, 1), (2, 3), (3, 1)])
def test_close_relatives_parted_last(seed, size, count):
    parent, taken, seen = simulate(seed)
    groups = lineage.close_relatives(parent, taken, size, count)

    def parted(group):
        """Birth of the last image that is an ancestor of all, -1 if there is none."""
        common = set.intersection(*(set(seen[-1][niche] or ()) for niche in group))
        return max((birth for birth, _ in common), default=-1)

    assert len(groups) <= count and len({niche for group in groups for niche in group}) == sum(
        map(len, groups)
    )
    assert all(len(group) == size and parted(group) >= 0 for group in groups)
    occupied = [niche for niche, line in enumerate(seen[-1]) if line is not None]
    # the last generation at whose end one niche held the ancestors of all of a group
    together = lambda group: max(
        (
            g
            for g in range(GENERATIONS - 1)
            if len({lineage.ancestry(parent, taken, niche)[g] for niche in group}) == 1
            and lineage.ancestry(parent, taken, group[0])[g] >= 0
        ),
        default=-1,
    )
    best = max((together(group) for group in itertools.combinations(occupied, size)), default=-1)
    if groups:
        assert together(groups[0]) == best
    else:
        assert best < 0
