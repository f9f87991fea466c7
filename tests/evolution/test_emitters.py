"""Emitters: what the archive gains, told by hand; gradients in closed form; whole searches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from search_history import run

from fooljax.encodings import cppn, direct
from fooljax.evolution import (
    DESCRIPTORS,
    cma,
    cma_me,
    cma_mega,
    dominated_novelty,
    express_elites,
    grid,
    omg_mega,
    place,
)
from fooljax.evolution.emitters import Gains, begin, gain, rank, sample_each, settings
from fooljax.evolution.gradient_emitters import branch, gradients, mean_of_parents
from fooljax.evolution.map_elites import empty_archive
from fooljax.types import Classifier

SHAPE = (4, 4, 1)
SMOOTH = direct(SHAPE, levels=None)
GRID = grid([DESCRIPTORS["brightness"], DESCRIPTORS["contrast"]], 4)
SEARCHES = {
    "cma_me": lambda: cma_me(SMOOTH, 24, emitters=2, grid=GRID),
    "cma_mega": lambda: cma_mega(SMOOTH, 24, emitters=2, grid=GRID),
    "omg_mega": lambda: omg_mega(SMOOTH, 24, grid=GRID),
    "dominated": lambda: dominated_novelty(SMOOTH, 24, grid=GRID),
}


def test_gains_against_the_archive_one_by_one():
    """A child counts for the class of its emitter alone, and against the archive as it was."""
    rng = np.random.default_rng(0)
    bars = np.where(rng.uniform(size=6) < 0.4, -np.inf, rng.normal(size=6)).astype(np.float32)
    scores = np.full((40, 6), -np.inf, np.float32)
    goal = rng.integers(2, size=40).astype(np.int32)
    expected = []
    for child in range(40):
        cell = rng.integers(4)  # the fourth is none
        if cell < 3:
            scores[child, [cell, 3 + cell]] = rng.normal(size=2)
        mine, bar = scores[child, 3 * goal[child] :][:3], bars[3 * goal[child] :][:3]
        if cell == 3:
            expected.append((0, -np.inf))
        elif bar[cell] == -np.inf:
            expected.append((2, mine[cell]))
        else:
            expected.append((int(mine[cell] > bar[cell]), mine[cell] - bar[cell]))
    found = gain(jnp.asarray(bars), jnp.asarray(scores), jnp.asarray(goal), 2)
    np.testing.assert_array_equal(found.status, [one for one, _ in expected])
    np.testing.assert_allclose(found.value, [one for _, one in expected], rtol=1e-6)
    assert set(found.status.tolist()) == {0, 1, 2}


def test_new_niches_rank_before_better_champions():
    gains = Gains(jnp.array([[0, 1, 2, 1, 2, 0]]), jnp.array([[9.0, 0.1, -7, 0.3, -2, -jnp.inf]]))
    order, parents = rank(gains)
    np.testing.assert_array_equal(order, [[4, 2, 3, 1, 0, 5]])
    assert parents.tolist() == [4]


def test_gradients_of_a_linear_network(toy, key):
    """Of a logit the weights, of the mean ones, of a deviation the deviations: each of length n."""
    given = settings(SMOOTH, 6, 1, 0.1, GRID, "logit", None, None)
    images, goal = jax.random.uniform(key, (3, *SHAPE)), jnp.array([2, 0, 1])
    found = np.asarray(gradients(given, toy.classifier, images, goal))
    flat = np.asarray(images).reshape(3, -1)
    expected = np.stack(
        [
            np.asarray(toy.classifier.params["kernel"]).T[np.asarray(goal)],
            np.ones_like(flat),
            flat - flat.mean(axis=1, keepdims=True),
        ],
        axis=1,
    )
    expected /= np.sqrt(np.mean(expected**2, axis=2, keepdims=True))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    plain = np.asarray(gradients(given, toy.classifier, jnp.full((1, *SHAPE), 0.5), goal[:1]))
    np.testing.assert_array_equal(plain[0, 2], 0.0)  # contrast has no slope where it is 0


@pytest.mark.slow
def test_arborescence_of_pyribs(key):
    """The same gradients and multiples: the same children, the same mean of the parents."""
    pytest.importorskip("ribs", reason="compares with pyribs")
    from ribs.archives import GridArchive
    from ribs.emitters import GradientArborescenceEmitter

    archive = GridArchive(solution_dim=5, dims=[6, 6], ranges=[(-9, 9)] * 2, seed=0)
    peer = GradientArborescenceEmitter(
        archive,
        x0=np.full(5, 0.5),
        sigma0=0.05,
        lr=1.0,
        grad_opt="gradient_ascent",
        batch_size=8,
        seed=0,
    )
    slopes = np.array(jax.random.normal(key, (1, 3, 5)), float)
    theta = peer.ask_dqd()
    info = archive.add(theta, [0.0], [[0.0, 0.0]])
    peer.tell_dqd(theta, [0.0], [[0.0, 0.0]], slopes.copy(), info)
    children = peer.ask()
    multiples = peer._opt._solutions
    unit = slopes / np.linalg.norm(slopes, axis=2, keepdims=True)
    mine = branch(jnp.full((1, 5), 0.5), jnp.float32(unit), jnp.float32(multiples)[None])
    np.testing.assert_allclose(mine[0], children, rtol=1e-4)
    objective = children.sum(axis=1)
    info = archive.add(children, objective, children[:, :2] * 9)
    ranking = [(-info["status"][i], -info["value"][i]) for i in range(8)]
    order = sorted(range(8), key=ranking.__getitem__)
    parents = int(np.sum(info["status"] > 0))
    peer.tell(children, objective, children[:, :2] * 9, info)
    gains = Gains(jnp.asarray(info["status"])[None], jnp.float32(info["value"])[None])
    found, count = rank(gains)
    assert found[0, :parents].tolist() == order[:parents] and count[0] == parents > 1
    point = mean_of_parents(mine[0], found[0], count[0])
    np.testing.assert_allclose(point, peer._grad_opt.theta, rtol=1e-4)
    told = cma.update(
        cma.begin(jnp.zeros(3), 0.05, False), jnp.float32(multiples), found[0], count[0]
    )
    np.testing.assert_allclose(told.mean, peer._opt.mean, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(told.sigma, peer._opt.sigma, rtol=1e-3)


def watch(classifier):
    """The classifier, writing down what it is shown."""
    seen = []

    def apply(params, images):
        jax.debug.callback(lambda batch: seen.append(np.asarray(batch)), images)
        return classifier.apply(params, images)

    return Classifier(classifier.params, apply, classifier.input_shape, 3), seen


@pytest.fixture(
    scope="module",
    params=[
        "cma_mega",
        *(pytest.param(n, marks=pytest.mark.slow) for n in SEARCHES if n != "cma_mega"),
    ],
)
def searched(request, toy):
    """A whole search, and all that its network saw."""
    classifier, seen = watch(toy.classifier)
    states, infos = run(SEARCHES[request.param](), classifier, 8)
    jax.effects_barrier()
    return request.param, states, infos, np.concatenate(seen)


def test_the_archive_is_the_best_of_all_that_was_seen(searched, toy):
    """Whatever makes the children, the contest is that of MAP-Elites."""
    _, states, infos, images = searched
    shown = jnp.asarray(images)
    scores = np.asarray(jax.nn.log_softmax(toy.classifier(shown)))
    cells = np.asarray(place(GRID, toy.classifier, shown))
    best = np.full((3, GRID.size), -np.inf, np.float32)
    for row, cell in zip(scores, cells, strict=True):
        best[:, cell] = np.maximum(best[:, cell], row)
    archive = states[-1].archive
    np.testing.assert_allclose(archive.fitness.reshape(3, -1), best, rtol=1e-4, atol=1e-5)
    painted = express_elites(SMOOTH, archive)
    held = np.asarray(archive.born) >= 0
    np.testing.assert_array_equal(
        np.asarray(place(GRID, toy.classifier, painted))[held], np.flatnonzero(held) % GRID.size
    )
    np.testing.assert_array_equal(np.any(infos.taken, axis=0), held)


def test_a_search_fills_and_improves(searched):
    _, states, infos, _ = searched
    first, last = states[0].archive, states[-1].archive
    assert np.all(last.fitness >= first.fitness)
    assert np.sum(last.confidence) > np.sum(first.confidence)  # the QD score
    assert np.all(np.diff(infos.confidence, axis=0) >= 0.0)
    assert np.all(infos.parent[1:][~infos.taken[1:]] == -1)
    parents = infos.parent[1:][infos.taken[1:]]
    assert parents.min() >= 0 and parents.max() < 48


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCHES)
def test_cutting_a_run_changes_nothing(name, toy, same):
    whole, infos = run(SEARCHES[name](), toy.classifier, 6, chunk=6)
    cut, pieces = run(SEARCHES[name](), toy.classifier, 6, chunk=1)
    same(whole[-1], cut[-1])
    same(infos, pieces)


def test_children_of_an_elite_keep_its_genes_on_the_limits(key):
    """Of genes on 0 or 1 nearly all stay there (97.7 %); the others move around where they are."""
    black_and_white = jnp.asarray([0.0, 1.0, 0.5], jnp.float32)[None].repeat(2, axis=0)
    archive = empty_archive(jnp.zeros(3), 2)._replace(genomes=black_and_white)
    given = settings(direct((1, 3, 1), levels=None), 40, 2, 0.1, None, "logit", None, None)
    samples = sample_each(key, begin(given, archive, jnp.array([0, 1])), 1000)
    children = np.clip(samples, 0.0, 1.0).reshape(-1, 3)
    for gene, limit in ((0, 0.0), (1, 1.0)):
        assert 0.965 < np.mean(children[:, gene] == limit) < 0.99
    assert np.mean(children[:, 2]) == pytest.approx(0.5, abs=0.01)
    assert np.std(children[:, 2]) == pytest.approx(0.1, abs=0.01)


@pytest.mark.slow
def test_emitters_without_gain_start_again(toy):
    """Where nothing can be won every emitter is drawn anew; where something was, it moves."""
    states, _ = run(SEARCHES["cma_mega"](), toy.classifier, 8)
    updates = np.array([state.distributions.updates for state in states])
    again = updates[1:] == 0
    assert np.all(again | (updates[1:] == updates[:-1] + 1)) and not again.all()
    for before, after, fresh in zip(states, states[1:], again, strict=False):
        kept = before.origin == after.origin
        assert np.all(kept | fresh)
        elites = after.archive.genomes[np.asarray(after.origin)]
        np.testing.assert_array_equal(np.asarray(after.points)[fresh], elites[fresh])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cma_me(cppn((8, 8, 1), 10, 16)), "genomes that are one array of floats"),
        (lambda: cma_me(SMOOTH, 20, emitters=7), "children: at least 3 for each of 7 emitters"),
        (lambda: cma_me(SMOOTH, emitters=0), "emitters must be at least 1, got 0"),
        (lambda: cma_mega(SMOOTH, std=0.0), "std must be"),
        (lambda: cma_mega(direct(SHAPE)), "does not change smoothly .* direct.shape, levels=None"),
        (lambda: omg_mega(SMOOTH, grid=4), "grid must be a Grid or a CVT, got 4"),
        (lambda: dominated_novelty(SMOOTH, grid=None), "grid must be a Grid or a CVT, got None"),
        (lambda: dominated_novelty(SMOOTH, grid=GRID, neighbors=0), "neighbors must be at least 1"),
    ],
)
def test_impossible_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()
