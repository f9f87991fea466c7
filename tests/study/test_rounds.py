"""What joins a class of fooling images, and who learns how much of it; by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import study
from fooljax.study.rounds import portions


def test_kinds_of_runs_give_equal_parts():
    """Seven images of two kinds, of runs of three: four of one kind and three of the other."""
    assert list(portions(["cppn"], 7, 3)) == [("cppn", 0, 3), ("cppn", 1, 3), ("cppn", 2, 1)]
    both = list(portions(["cppn", "direct"], 7, 3))
    assert both == [("cppn", 0, 3), ("direct", 0, 3), ("direct", 1, 1)]
    assert list(portions(["cppn", "direct"], 1, 3)) == [("direct", 0, 1)]
    assert sum(count for *_, count in portions(["a", "b", "c"], 100, 8)) == 100


def test_the_first_and_the_last_generation_are_of_one_run(key):
    def build(making):
        def make(key, classifier, material):
            start = jax.random.key_data(key)[-1:] % 7  # what the same numbers are to both
            images = jnp.broadcast_to(start + making.generations, (2, 1))
            return study.Made(images, jnp.arange(2))

        return make

    made = study.first_and_last(build, study.Making(generations=30))(key, None, None)
    first, last = np.split(np.asarray(made.images), 2)
    assert (last - first).tolist() == [[29], [29]]
    assert made.labels.tolist() == [0, 1, 0, 1]


def test_each_network_learns_a_little_more():
    counts = {"first_images": 6000, "added_images": 1000}
    rounds = study.Rounds(15, None, None, None, None, **counts, material=None, attacks={},
                          evolve={}, classes=np.arange(10))  # fmt: skip
    assert [rounds.learned(network) for network in (0, 1, 2, 3, 15)] == [0, 0, 6000, 7000, 19_000]


def test_what_evolution_may_cost():
    making = study.Evolving(generations=5, children=20, ascent_steps=7).making
    assert (making.generations, making.children, making.ascent_steps) == (5, 20, 7)
    assert making.epsilon == study.Making().epsilon
