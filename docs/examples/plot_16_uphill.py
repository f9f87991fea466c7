"""
Uphill from grey
================

Follow the gradient from a grey image to each digit: in pixels, in waves (Fourier coefficients), and
with a price on differences between neighbors, which costs certainty.
"""

import jax
import jax.numpy as jnp

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

grey = 0.5 * jnp.ones((10, 28, 28, 1)) + 0.01 * jax.random.normal(
    jax.random.key(2), (10, 28, 28, 1)
)
goal = fj.attacks.reach(jnp.arange(10))
ways = {
    "pixels": fj.attacks.ascent(steps=150),
    "waves": fj.attacks.ascent(space=fj.attacks.spaces.fourier((28, 28, 1)), steps=150),
    "smooth": fj.attacks.ascent(
        regularization=fj.attacks.Regularization(total_variation=100.0), steps=150
    ),
}
pictures, captions = [], []
for name, way in ways.items():
    found = fj.attacks.run(way, jax.random.key(3), network, grey, goal)
    pictures += [*found.images]
    captions += [f"{name}\n{p:.1%}" for p in found.confidence]
fj.reporting.show(pictures, captions, side=0.7)

# %%
# From left to right zero to nine. The same strokes show in every row; speckled, cloudy or flat is
# what the way makes of them, not the network. Grey itself is a seven to this one, so there the
# smooth way has nothing to do.
