"""A network that adds up the vectors of words, and the table of attacks on texts."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj
from fooljax.attacks import Attack, Goal, confident, leave, reach
from fooljax.types import Classifier, Tokens

COUNT, LENGTH, CLASSES = 30, 7, 3
SEEN = np.arange(COUNT) % 3 > 0
TRACES = []  # one entry for every time that the network is traced


def embed(params, ids):
    return jnp.where((ids != 0)[..., None], params["table"][ids], 0.0)


def answer(params, vectors):
    TRACES.append(vectors.shape)
    hidden = jnp.tanh(jnp.sum(vectors, axis=1)) if "bent" in params else jnp.sum(vectors, axis=1)
    return hidden @ params["out"]


def apply(params, ids):
    return answer(params, embed(params, ids))


TOKENS = Tokens(
    COUNT, embed, answer, lambda params: embed(params, jnp.arange(COUNT)[:, None])[:, 0]
)


def network(seed, bent=False):
    key_table, key_out = jax.random.split(jax.random.key(seed))
    params = {
        "table": jax.random.normal(key_table, (COUNT, 4)),
        "out": jax.random.normal(key_out, (4, CLASSES)),
    }
    params |= {"bent": jnp.zeros(())} if bent else {}
    return Classifier(params, apply, (LENGTH,), CLASSES, TOKENS)


def texts():
    """Five texts of 7, 1, 4, 6 and 3 words."""
    drawn = np.random.default_rng(0).integers(1, COUNT, (5, LENGTH))
    lengths = np.array([7, 1, 4, 6, 3])
    return jnp.asarray(np.where(np.arange(LENGTH) < lengths[:, None], drawn, 0), jnp.int32)


def own(classifier):
    """The network's own answers."""
    return jnp.argmax(classifier(texts()), axis=1).astype(jnp.int32)


class Case(NamedTuple):
    """An attack on words, and its goal given the network's own answers."""

    attack: Attack
    goal: object

    def goal_of(self, classifier) -> Goal:
        return self.goal(own(classifier))


attacks = fj.attacks
CASES = {
    "reduction": Case(attacks.reduction(8), reach),
    "reduction sure": Case(attacks.reduction(8, least=2), lambda y: confident(reach(y), 0.6)),
    "reduction fast": Case(attacks.reduction(8, rule="fast"), reach),
    "reduction random": Case(attacks.reduction(8, rule="random"), reach),
    "hotflip": Case(attacks.hotflip(3), leave),
    "hotflip seen": Case(attacks.hotflip(3, allowed=SEEN), lambda y: reach((y + 1) % CLASSES)),
    "coordinate": Case(
        attacks.coordinate(4, top=5, draws=9), lambda y: confident(reach((y + 1) % CLASSES), 0.99)
    ),
    "coordinate seen": Case(attacks.coordinate(3, draws=6, allowed=SEEN), leave),
}
