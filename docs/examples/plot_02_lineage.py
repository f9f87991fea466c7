"""
From nothing to an eight
========================

How the best image of one class came about: the holder of its niche after so many generations.
It may come from the family of quite another class.
"""

import jax

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

encoding = fj.encodings.cppn((56, 56, 1), coordinates="normalized")
small = lambda images: images[:, ::2, ::2]
seen = fj.types.Classifier(
    network.params, lambda params, images: network.apply(params, small(images)), (56, 56, 1), 10
)
search, key = fj.evolution.map_elites(encoding, children=60), jax.random.key(3)
state, _ = fj.evolution.start(key, search, seen)

pictures, captions, done = [], [], 0
for generation in (0, 1, 2, 5, 10, 20, 50, 100):
    if generation > done:
        state, _ = fj.evolution.advance(key, search, seen, state, count=generation - done)
        done = generation
    pictures.append(fj.evolution.express_elites(encoding, state.archive)[8])
    captions.append(f"generation {generation}\n{state.archive.confidence[8]:.1%}")
fj.reporting.show(pictures, captions, columns=4, side=1.5)

# %%
# The pictures are twice as large as the network's: a classifier may do whatever it likes with
# an image first.
#
# Try next: ``state.archive.parent`` names the niche that each elite's parent held.
