from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cppn_oracle import acyclic

from fooljax.encodings import Rates, cppn
from fooljax.encodings.cppn_genome import Cppn, mutate

CHILDREN = 6000
NEVER = {
    "weight": 0.0, "function": 0.0, "add_edge": 0.0, "delete_edge": 0.0, "add_node": 0.0,
    "delete_node": 0.0,
}  # fmt: skip


@jax.jit
def _litter(key, genome, rates):
    """Many children of one genome with one output."""
    keys = jax.random.split(key, CHILDREN)
    breed = lambda key: mutate(key, genome, 1, SimpleNamespace(**rates, eta=15.0))
    return jax.vmap(breed)(keys)


def litter(key, genome, **rates):
    return jax.device_get(_litter(key, jax.tree.map(jnp.asarray, genome), NEVER | rates))


@pytest.fixture(scope="module")
def chain():
    """0 -> 5 -> 6 -> 4, five more input edges; 7 nodes of 10 and 8 edges of 12 in use."""
    edges = [(0, 5), (5, 6), (6, 4), (1, 4), (2, 4), (3, 4), (1, 5), (2, 6)]
    source, target = np.full((2, 12), -1, np.int32)
    slots = [0, 1, 3, 4, 5, 7, 8, 10]  # gaps, as deletions leave them
    source[slots], target[slots] = np.transpose(edges)
    weight = np.zeros(12, np.float32)
    weight[slots] = [-7.0, 1.5, 2.25, -0.5, 4.0, 9.0, -3.0, 6.0]
    function = np.array([0, 1, 2, 3, 1, 2, 0, -1, -1, -1], np.int32)
    return Cppn(function, source, target, weight, np.int32(0))


def near(rate, count=CHILDREN):
    return pytest.approx(rate, abs=4 * np.sqrt(max(rate * (1 - rate), 1e-9) / count))


def edge_set(genome, row):
    used = genome.source[row] >= 0
    rows = zip(genome.source[row][used], genome.target[row][used], strict=True)
    return sorted((int(s), int(t)) for s, t in rows)


def chi_square_is_plausible(counts, expected):
    counts, expected = np.asarray(counts, float), np.asarray(expected, float)
    freedom = counts.size - 1
    statistic = np.sum((counts - expected) ** 2 / expected)
    return statistic < freedom + 4.5 * np.sqrt(2 * freedom) + 4.0


def test_start(key):
    encoding = cppn((4, 4, 3), nodes=9, edges=14)
    genomes = jax.device_get(jax.jit(jax.vmap(encoding.init))(jax.random.split(key, 4000)))
    assert edge_set(genomes, 0) == [(s, t) for s in range(4) for t in (4, 5, 6)]
    used = genomes.function[:, :7]
    assert np.all(genomes.function[:, 7:] == -1) and np.all(genomes.weight[:, 12:] == 0.0)
    assert chi_square_is_plausible(np.bincount(used.ravel(), minlength=4), [7000] * 4)
    weights = np.sort(genomes.weight[:, :12].ravel())
    uniform = np.linspace(-10, 10, weights.size)
    assert np.abs(weights - uniform).max() < 20 * 1.95 / np.sqrt(weights.size)
    assert encoding.traits(jax.tree.map(lambda leaf: leaf[0], genomes)) == {
        "nodes": 7, "edges": 12, "refused": 0,
    }  # fmt: skip


def test_weights_move_by_polynomial_steps(chain, key):
    children = litter(key, chain, weight=0.1)
    used = chain.source >= 0
    steps = np.float64(children.weight[:, used]) - chain.weight[used]
    moved = steps[np.abs(steps) > 1e-5]
    assert moved.size / steps.size == near(0.1, steps.size)
    assert np.all(np.abs(children.weight) <= 10.0) and np.all(children.weight[:, ~used] == 0.0)
    inner = steps[:, [1, 2, 3]]  # far enough from +-10 that clipping hardly matters
    inner = inner[np.abs(inner) > 1e-5]
    assert np.abs(inner).mean() == pytest.approx(20 / 17, rel=0.05)
    assert inner.std() == pytest.approx(20 * 0.0808, rel=0.05)
    np.testing.assert_array_equal(children.function, np.tile(chain.function, (CHILDREN, 1)))


def test_functions_are_drawn_anew(chain, key):
    children = litter(key, chain, function=0.1)
    changed = children.function != chain.function
    assert changed[:, :7].mean() == near(0.075, CHILDREN * 7)
    assert not changed[:, 7:].any()
    first = children.function[changed[:, 0], 0]
    assert chi_square_is_plausible(np.bincount(first)[1:], [first.size / 3] * 3)


def test_new_edges_are_uniform_over_the_legal_ones(chain, key):
    """Sources: all but the output. Targets: neither inputs, nor the source or its ancestors."""
    children = litter(key, chain, add_edge=1.0)
    legal = {s: [4, 5, 6] for s in range(4)} | {5: [4, 6], 6: [4]}
    counts = {(s, t): 0 for s, targets in legal.items() for t in targets}
    before = [(s, t) for s, t in zip(chain.source, chain.target, strict=True) if s >= 0]
    for row in range(CHILDREN):
        new = edge_set(children, row)
        for edge in before:
            new.remove(edge)
        assert len(new) == 1
        counts[new[0]] += 1  # an illegal edge is a KeyError
    expected = [CHILDREN / 6 / len(legal[s]) for s, _ in counts]
    assert chi_square_is_plausible(list(counts.values()), expected)
    fresh = children.weight[:, 2]  # the first free slot
    assert np.abs(np.sort(fresh) - np.linspace(-10, 10, CHILDREN)).max() < 20 * 1.95 / 77


def test_structural_rates(chain, key):
    """Each mutation alone, at the paper's rate."""
    keys = jax.random.split(key, 4)
    rates, edges, nodes = Rates(), np.sum(chain.source >= 0), 7
    added = litter(keys[0], chain, add_edge=rates.add_edge)
    assert np.mean(np.sum(added.source >= 0, axis=1) == edges + 1) == near(0.5)
    cut = litter(keys[1], chain, delete_edge=rates.delete_edge)
    assert np.mean(np.sum(cut.source >= 0, axis=1) == edges - 1) == near(0.3)
    gone = np.sum(cut.source < 0, axis=0)[chain.source >= 0]
    assert chi_square_is_plausible(gone, [gone.sum() / edges] * edges)
    grown = litter(keys[2], chain, add_node=rates.add_node)
    assert np.mean(np.sum(grown.function >= 0, axis=1) == nodes + 1) == near(0.5)
    shrunk = litter(keys[3], chain, delete_node=rates.delete_node)
    assert np.mean(np.sum(shrunk.function >= 0, axis=1) == nodes - 1) == near(0.2)
    lost = np.sum(shrunk.function < 0, axis=0)[5:7]
    assert np.all(shrunk.function[:, :5] >= 0)
    assert chi_square_is_plausible(lost, [lost.sum() / 2] * 2)


def test_a_new_node_splits_an_edge(chain, key):
    children = litter(key, chain, add_node=1.0)
    used = np.flatnonzero(chain.source >= 0)
    counts = np.zeros(12)
    for row in range(500):
        source, target, weight = children.source[row], children.target[row], children.weight[row]
        (split,) = np.flatnonzero(target == 7)
        (rest,) = np.flatnonzero(source == 7)
        assert source[split] == chain.source[split] and target[rest] == chain.target[split]
        np.testing.assert_allclose(weight[[split, rest]], chain.weight[split], atol=1e-5)
        others = np.setdiff1d(used, [split])
        np.testing.assert_array_equal(source[others], chain.source[others])
        np.testing.assert_array_equal(target[others], chain.target[others])
    split = np.argmax(children.target == 7, axis=1)
    counts = np.bincount(split, minlength=12)[used]
    assert chi_square_is_plausible(counts, [CHILDREN / used.size] * used.size)
    kinds = np.bincount(children.function[:, 7], minlength=4)
    assert chi_square_is_plausible(kinds, [CHILDREN / 4] * 4)


def test_a_lost_node_takes_its_edges(chain, key):
    children = litter(key, chain, delete_node=1.0)
    without_5 = children.function[:, 5] < 0
    for row, lost in ((np.argmax(without_5), 5), (np.argmin(without_5), 6)):
        kept = [
            (s, t)
            for s, t in zip(chain.source, chain.target, strict=True)
            if s >= 0 and lost not in (s, t)
        ]
        assert edge_set(children, row) == sorted(kept)


def test_full_genomes_count_what_they_refuse(chain, key):
    """Neither an edge nor a node fits; the expected number of attempts is 0.5 + 0.5."""
    function = np.where(chain.function < 0, 2, chain.function)
    free = chain.source < 0
    genome = chain._replace(
        function=function,
        source=np.where(free, [7, 1, 8, 1, 1, 9, 1, 1, 1, 2, 1, 3], chain.source).astype(np.int32),
        target=np.where(free, 4, chain.target).astype(np.int32),
    )
    children = litter(key, genome, add_edge=0.5, add_node=0.5)
    np.testing.assert_array_equal(children.source, np.tile(genome.source, (CHILDREN, 1)))
    shares = np.bincount(children.refused, minlength=3) / CHILDREN
    assert list(shares) == [near(0.25), near(0.5), near(0.25)]
    both = litter(jax.random.key(2), genome, add_edge=1.0, add_node=1.0)
    assert np.all(both.refused == 2)
    traits = cppn((2, 2, 1), 10, 12).traits(jax.tree.map(lambda leaf: leaf[0], both))
    assert traits == {"nodes": 10, "edges": 12, "refused": 2}


def test_what_cannot_happen_is_not_refused(key):
    """No edge to split or delete, no hidden node to lose."""
    bare = Cppn(
        np.array([0, 1, 2, 3, 2, -1, -1, -1, -1, -1], np.int32),
        *np.full((2, 12), -1, np.int32),
        np.zeros(12, np.float32),
        np.int32(5),
    )
    children = litter(key, bare, delete_edge=1.0, add_node=1.0, delete_node=1.0)
    assert np.all(children.refused == 0) and np.all(children.source == -1)
    np.testing.assert_array_equal(children.function, np.tile(bare.function, (CHILDREN, 1)))


def test_grown_networks_are_sound(grown):
    sizes, count = [], len(grown.weight)
    for row in range(count):
        genome = Cppn(*(leaf[row] for leaf in grown))
        used = genome.source >= 0
        np.testing.assert_array_equal(used, genome.target >= 0)
        ends = np.concatenate([genome.source[used], genome.target[used]])
        assert np.all(genome.function[ends] >= 0)  # edges join living nodes
        assert np.all(genome.target[used] >= 4)  # none ends in an input
        assert not np.any((genome.source[used] >= 4) & (genome.source[used] < 7))
        assert np.all(genome.function[:7] >= 0) and np.all(genome.function < 4)
        assert np.all(genome.weight[~used] == 0.0)
        assert acyclic(genome)
        sizes.append(np.sum(genome.function >= 0))
    assert np.all(np.abs(grown.weight) <= 10.0)
    assert np.mean(sizes) > 12  # they did grow
    assert len({leaf.tobytes() for leaf in grown.weight}) == count


def test_children_are_independent(chain, key):
    """Which of two structural mutations a child has says nothing about the next child."""
    children = litter(key, chain, add_edge=0.5, delete_node=0.5)
    grew = np.sum(children.source >= 0, axis=1) > 8
    lost = np.sum(children.function >= 0, axis=1) < 7
    for one, two in ((lost[:-1], lost[1:]), (grew[:-1], lost[1:]), (lost, np.roll(lost, 7))):
        assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(CHILDREN)


@pytest.mark.parametrize("rates, message", [
    ({"add_edge": 1.5}, "CPPN rate add_edge must be in .0, 1., got 1.5"),
    ({"weight": -0.1}, "CPPN rate weight must be in .0, 1., got -0.1"),
    ({"eta": -1.0}, "eta must not be negative, got -1.0"),
])  # fmt: skip
def test_impossible_rates(rates, message):
    with pytest.raises(ValueError, match=message):
        Rates(**rates)
