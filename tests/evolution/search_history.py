"""Searches run from their beginning to their end."""

import jax
import numpy as np

from fooljax.evolution import advance, start

GENERATIONS = 21


def run(search, classifier, generations=GENERATIONS, seed=0, chunk=None):
    """States after every chunk, and all infos, the first of them from the random images."""
    key = jax.random.key(seed)
    state, info = start(jax.random.clone(key), search, classifier)
    states, infos = [jax.device_get(state)], [jax.tree.map(lambda leaf: leaf[None], info)]
    for _ in range(0, generations, chunk or 1):
        count = min(chunk or 1, generations - int(state.generation))
        state, info = advance(jax.random.clone(key), search, classifier, state, count)
        states.append(jax.device_get(state))
        infos.append(info)
    return states, jax.tree.map(lambda *leaves: np.concatenate(leaves), *infos)
