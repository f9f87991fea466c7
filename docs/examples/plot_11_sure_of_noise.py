"""
How sure of what?
=================

The network's confidence in test images, in noise, and in images evolved for it. A confidence is
no probability of being right; at best it is one for images like those that were learned from.
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

encoding = fj.encodings.cppn((28, 28, 1))
search, key = fj.evolution.map_elites(encoding, children=100), jax.random.key(2)
state, _ = fj.evolution.start(key, search, network)
state, _ = fj.evolution.advance(key, search, network, state, count=100)

kinds = {
    "test images": fj.data.as_float(digits.test.images),
    "uniform noise": jax.random.uniform(jax.random.key(3), (500, 28, 28, 1)),
    "random patterns": jax.vmap(lambda k: encoding.express(encoding.init(k)))(
        jax.random.split(jax.random.key(4), 500)
    ),
    "evolved patterns": fj.evolution.express_elites(encoding, state.archive),
}
highest = lambda images: np.asarray(fj.metrics.probabilities(network(images)).max(axis=1))
sure = {name: highest(images) for name, images in kinds.items()}

# %%
figure, axis = plt.subplots(figsize=(5.5, 2.6))
for place, one in enumerate(sure.values()):
    heights = place + np.random.default_rng(0).uniform(-0.3, 0.3, len(one))
    axis.plot(one, heights, ".", alpha=0.4)
    axis.text(1.03, place, f"median {np.median(one):.1%}", va="center")
axis.set_yticks(range(len(sure)), sure)
axis.set(xlabel="confidence in the class that is named", xlim=(0, 1.01))

# %%
# A dot is an image. Noise is named nearly as confidently as digits, so that no threshold keeps the
# one out and the other in.
