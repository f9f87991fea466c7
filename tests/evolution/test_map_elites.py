"""What a search finds: champions, records, parents, niches, certainty beyond float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from search_history import GENERATIONS, run

from fooljax import metrics
from fooljax.encodings import cppn
from fooljax.evolution import Archive, Evolution, advance, express_elites, map_elites, start
from fooljax.types import Classifier, Encoding

SCORES = {
    "logprob": metrics.log_probabilities,
    "margin": metrics.margins,
    "prob": metrics.probabilities,
}


def test_champions_only_get_better(history):
    fitness = np.array([state.archive.fitness for state in history[0]])
    assert fitness.shape == (GENERATIONS + 1, 3)
    assert np.isfinite(fitness).all()  # every niche is filled by the random images
    assert np.all(np.diff(fitness, axis=0) >= 0.0)
    assert np.all(fitness[-1] > fitness[0])


@pytest.mark.parametrize("fitness", SCORES)
def test_the_archive_says_what_the_network_says(fitness, toy):
    search = map_elites(toy.encoding, 12, fitness=fitness)
    states, infos = run(search, toy.classifier, 3, chunk=3)
    archive = states[-1].archive
    logits = toy.classifier(express_elites(toy.encoding, archive))
    own = np.arange(3)
    np.testing.assert_allclose(
        archive.fitness, np.asarray(SCORES[fitness](logits))[own, own], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        archive.confidence, np.asarray(jax.nn.softmax(logits))[own, own], rtol=1e-5
    )
    np.testing.assert_array_equal(infos.confidence[-1], archive.confidence)


def test_records_agree_with_each_other(history):
    """Who took which niche when, told by the infos alone, is what the archive remembers."""
    states, infos = history
    born, parent = np.full(3, -1), np.full(3, -1)
    for generation, state in enumerate(states):
        taken, archive = infos.taken[generation], state.archive
        assert state.generation == generation
        born[taken], parent[taken] = generation, infos.parent[generation][taken]
        np.testing.assert_array_equal(archive.born, born)
        np.testing.assert_array_equal(archive.parent, parent)
        assert np.all(infos.parent[generation][~taken] == -1)
        assert infos.jumps[generation] >= taken.sum()
        if generation:
            before = states[generation - 1].archive
            changed = np.any(archive.genomes != before.genomes, axis=(1, 2, 3))
            np.testing.assert_array_equal(archive.fitness > before.fitness, taken)
            np.testing.assert_array_equal(changed, taken)
            assert np.all(infos.parent[generation][taken] >= 0)
    assert np.all(infos.parent[0] == -1)


@pytest.fixture(scope="module")
def watched():
    """A search whose network writes down every image it is shown and never wins anything.

    Genomes are ``(own name, name of the parent, name of the mate)``.
    """
    seen = []

    def silent(params, images):
        jax.debug.callback(lambda batch: seen.append(np.asarray(batch)), images)
        return jnp.full((images.shape[0], 5), jnp.nan)

    encoding = Encoding(
        init=lambda key: jax.random.uniform(key, (3,)),
        vary=lambda key, parent, mate, generation: jnp.stack(
            [jax.random.uniform(key), parent[0], mate[0]]
        ),
        express=lambda genome: genome.reshape(1, 1, 3),
        traits=lambda genome: {"children": jnp.int32(1)},
    )
    classifier = Classifier(jnp.zeros(1), silent, (1, 1, 3), 5)
    return encoding, classifier, seen


def test_parents_are_uniform_over_occupied_niches(watched, key):
    encoding, classifier, seen = watched
    search = map_elites(encoding, 500)
    names = jnp.tile(jnp.arange(5.0)[:, None], 3)
    fitness = jnp.array([0.0, -jnp.inf, 0.0, 0.0, -jnp.inf])
    counters = jnp.zeros(5, jnp.int32)
    state = Evolution(Archive(names, fitness, fitness + 0.0, counters, counters + 0), jnp.int32(0))
    seen.clear()
    state, info = advance(key, search, classifier, state, 12)
    jax.effects_barrier()
    shown = np.concatenate(seen)[:, 0, 0]
    assert len(seen) == 12 and shown.shape == (6000, 3)  # exactly that many evaluations
    assert np.all(np.asarray(info.traits["children"]) == 500)
    assert len(np.unique(shown[:, 0])) > 5990  # every child has randomness of its own
    place = np.searchsorted([0, 2, 3], shown[:, 1:])
    assert set(np.unique(shown[:, 1:])) == {0.0, 2.0, 3.0}
    pairs = {
        "parent and mate": place,
        "parents in turn": np.stack([place[:-1, 0], place[1:, 0]], 1),
    }
    pairs["mate and next parent"] = np.stack([place[:-1, 1], place[1:, 0]], 1)
    for name, both in pairs.items():
        table = np.histogram2d(*both.T, bins=3)[0]
        expected = len(both) / 9
        assert np.sum((table - expected) ** 2 / expected) < 30.0, name  # 8 degrees of freedom
    assert np.all(np.isneginf(np.asarray(state.archive.fitness)[[1, 4]]))
    assert not np.asarray(info.taken).any() and np.all(np.asarray(info.jumps) == 0)


def test_nothing_but_nan(watched, same):
    """No image enters a niche: children descend from a random genome, nobody's child."""
    encoding, classifier, seen = watched
    seen.clear()
    states, infos = run(map_elites(encoding, 7, 11), classifier, 2)
    jax.effects_barrier()
    assert [len(batch) for batch in seen] == [11, 7, 7]  # both populations have their size
    archive = states[-1].archive
    assert np.all(np.isneginf(archive.fitness)) and np.all(archive.born == -1)
    assert np.all(archive.confidence == 0.0) and np.all(infos.parent == -1)
    ancestor = archive.genomes[0, 0]
    assert 0.0 < ancestor < 1.0 and np.all(seen[-1][:, 0, 0, 1:] == ancestor)
    assert ancestor not in seen[0][:, 0, 0, 0]
    np.testing.assert_array_equal(express_elites(encoding, archive), np.zeros((5, 1, 1, 3)))


def test_own_niches(toy):
    """Textbook MAP-Elites: an image in niche c has top class c, so some niches stay empty.

    Two more columns reject; they have no niche, and an image on which one of
    them is highest enters none.
    """
    classifier = toy.make(columns=5, bias=[0.0, 0.0, -6.0, 1.0, -1.0])
    states, infos = run(map_elites(toy.encoding, 12, niches="own"), classifier, 15)
    filled = np.array([state.archive.born >= 0 for state in states])
    assert not filled[0].all() and filled[-1].any() and infos.confidence.shape == (16, 3)
    for state, occupied in zip(states, filled, strict=True):
        images = express_elites(toy.encoding, state.archive)
        logits = classifier(images)
        np.testing.assert_array_equal(np.argmax(logits, axis=1)[occupied], np.flatnonzero(occupied))
        np.testing.assert_array_equal(np.isneginf(state.archive.fitness), ~occupied)
        np.testing.assert_allclose(
            state.archive.confidence,
            np.where(occupied, np.diag(jax.nn.softmax(logits)), 0.0),
            rtol=1e-5,
        )
        assert np.all(np.asarray(images)[~occupied] == 0.0)


def test_empty_niches_of_networks_can_be_painted(toy):
    """A genome of zeros is no network; its picture once took forever."""
    encoding = cppn((4, 4, 1), nodes=8, edges=12)
    classifier = toy.make(bias=[50.0, 0.0, -50.0])
    state, _ = start(jax.random.key(0), map_elites(encoding, 6, niches="own"), classifier)
    assert list(state.archive.born) == [0, -1, -1]
    images = np.asarray(jax.jit(express_elites, static_argnums=0)(encoding, state.archive))
    assert np.all(images[1:] == 0.0)


def test_nan_rejects_single_children(toy):
    states, _ = run(map_elites(toy.encoding, 12), toy.sometimes_nan, 10, chunk=10)
    archive = states[-1].archive
    assert np.isfinite(archive.fitness).all() and archive.born.max() > 0
    assert np.all(np.asarray(express_elites(toy.encoding, archive))[:, 0, 0] <= 0.7)


@pytest.mark.parametrize("fitness", SCORES)
def test_progress_beyond_certainty(fitness, toy):
    """With a sharp network all probabilities are exactly 1.0 long before the images are best."""
    classifier = toy.make(scale=15.0)
    states, _ = run(map_elites(toy.encoding, 12, fitness=fitness), classifier, 60, chunk=30)
    middle, end = states[-2].archive, states[-1].archive
    assert np.all(middle.confidence == 1.0) and np.all(end.confidence == 1.0)
    leads = [
        np.diag(metrics.margins(classifier(express_elites(toy.encoding, archive))))
        for archive in (middle, end)
    ]
    if fitness == "margin":
        assert np.all(leads[1] > leads[0])
    elif fitness == "prob":
        np.testing.assert_array_equal(leads[0], leads[1])


def test_log_probability_beyond_certainty(toy):
    classifier = toy.make(scale=5.0)
    states, _ = run(map_elites(toy.encoding, 12), classifier, 40, chunk=20)
    middle, end = states[-2].archive, states[-1].archive
    sure = middle.confidence == 1.0
    assert sure.any()
    assert np.all(end.fitness[sure] > middle.fitness[sure]) and np.all(end.fitness < 0.0)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"fitness": "loss"}, "fitness must be logprob, margin, prob or logit, got 'loss'"),
        ({"niches": "some"}, "niches must be all or own, got 'some'"),
        ({"children": 0}, "children must be at least 1, got 0"),
        ({"init_children": -1}, "init_children must be at least 1, got -1"),
        ({"micro_batch": 0}, "micro_batch must be at least 1, got 0"),
    ],
)
def test_impossible_arguments(settings, message, toy):
    with pytest.raises(ValueError, match=message):
        map_elites(toy.encoding, **settings)
