"""
What does a hidden unit look for?
=================================

A layer of a network is a classifier, too: one class for each unit. So whatever makes images for
classes makes them for units.
"""

import jax
import jax.numpy as jnp
import numpy as np

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

for layer in fj.models.layers(network):
    print(*layer)
hidden = fj.models.units(network, fj.models.layers(network)[0].name)

# %%
# Climb from grey to images that excite the first ten units most.
grey = 0.5 * jnp.ones((10, 28, 28, 1))
units = jnp.arange(10)
climb = fj.attacks.ascent(steps=60)
found = fj.attacks.run(climb, jax.random.key(2), hidden, grey, fj.attacks.reach(units))
fj.reporting.show(found.images, [f"unit {unit}" for unit in units], columns=5)

# %%
# And the test images that do so:
excited = hidden(fj.data.as_float(digits.test.images))[:, :10]
best = np.asarray(excited.argmax(axis=0))
real = fj.data.as_float(digits.test.images[best])
fj.reporting.show(real, [f"unit {unit}" for unit in units], columns=5)

# %%
# Both excite the same units. The digits can be read, but nothing says that a unit is about them.
