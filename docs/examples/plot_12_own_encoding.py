"""
Draw your own encoding
======================

Ten disks, each with a place, a size and a grey: a search space in twenty lines, and what the
network sees in it.
"""

import jax
import jax.numpy as jnp

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

y, x = jnp.mgrid[:28, :28] / 28.0


def init(key):
    return jax.random.uniform(key, (10, 4))


def vary(key, parent, mate, generation):
    key_which, key_by = jax.random.split(key)
    which = jax.random.bernoulli(key_which, 0.2, parent.shape)
    return (parent + which * 0.2 * jax.random.normal(key_by, parent.shape)).clip(0, 1)


def express(genome):
    def paint(picture, disk):
        inside = (x - disk[0]) ** 2 + (y - disk[1]) ** 2 < (0.05 + 0.25 * disk[2]) ** 2
        return jnp.where(inside, disk[3], picture), None

    return jax.lax.scan(paint, jnp.zeros((28, 28)), genome)[0][:, :, None]


disks = fj.types.Encoding(init, vary, express, lambda genome: {})
search, key = fj.evolution.map_elites(disks, children=100), jax.random.key(2)
state, _ = fj.evolution.start(key, search, network)
state, _ = fj.evolution.advance(key, search, network, state, count=150)
captions = [f"“{digit}”\n{p:.1%}" for digit, p in enumerate(state.archive.confidence)]
fj.reporting.show(fj.evolution.express_elites(disks, state.archive), captions, columns=5)

# %%
# Try next: letters, wallpaper groups, your signature. ``--encoding my_disks.py:make`` takes it
# to the command line.
