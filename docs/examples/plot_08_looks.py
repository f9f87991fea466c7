"""
All looks of a three
====================

Every class keeps the best image of each look: of so much brightness and so much symmetry. How
different may images be that a network calls the same?
"""

import jax

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

measures = [fj.evolution.DESCRIPTORS[name] for name in ("brightness", "symmetry")]
looks = fj.evolution.grid(measures, cells=6)
encoding = fj.encodings.cppn((28, 28, 1))
search, key = fj.evolution.map_elites(encoding, children=150, grid=looks), jax.random.key(2)
state, _ = fj.evolution.start(key, search, network)
state, _ = fj.evolution.advance(key, search, network, state, count=80)

# %%
cells = slice(3 * looks.size, 4 * looks.size)
sure = state.archive.confidence[cells]
images = fj.evolution.express_elites(encoding, state.archive)[cells]
fj.reporting.show(images, [f"{p:.0%}" if p else "none" for p in sure], columns=6, side=0.9)
print(f"{int((sure > 0.9).sum())} looks of a “3” with more than 90 %")

# %%
# Brighter from row to row, more symmetric from left to right; “none” where nothing was found. To
# the network nearly all of these are threes, and none looks like one.
#
# Try next: ``contrast``, ``variation`` or ``fineness``, or a descriptor of your own.
