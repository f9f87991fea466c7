"""
Rings, stripes and a network that reads digits
==============================================

Patterns evolved from nothing, above real digits of the same class. The network is about as
certain of the one as of the other.
"""

import jax
import numpy as np

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

encoding = fj.encodings.cppn((28, 28, 1))
search, key = fj.evolution.map_elites(encoding, children=100), jax.random.key(7)
state, _ = fj.evolution.start(key, search, network)
state, _ = fj.evolution.advance(key, search, network, state, count=150)
evolved = fj.evolution.express_elites(encoding, state.archive)

# %%
# A real digit of each class, and what the network says of both.
rows = [int(np.flatnonzero(np.asarray(digits.test.labels) == digit)[0]) for digit in range(10)]
real = fj.data.as_float(digits.test.images[np.array(rows)])
chances = [fj.metrics.probabilities(network(images)) for images in (evolved, real)]
sure = [np.diagonal(one) for one in chances]
captions = [f"“{digit}”\n{p:.1%}" for row in sure for digit, p in enumerate(row)]
fj.reporting.show([*evolved, *real], captions, side=0.7)

# %%
# Try next: another key, ``fj.encodings.direct``, or ``coordinates="normalized"`` for broader
# shapes.
