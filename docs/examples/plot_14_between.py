"""
Between two digits
==================

On the straight way from a three to an eight, what does the network see, and how sure is it
halfway, where the image is as much the one as the other?
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

labels = np.asarray(digits.test.labels)
first = [np.flatnonzero(labels == digit)[0] for digit in (3, 8)]
three, eight = np.asarray(fj.data.as_float(digits.test.images[np.array(first)]))
share = np.linspace(0, 1, 101, dtype=np.float32)[:, None, None, None]
way = (1 - share) * three + share * eight
sure = np.asarray(fj.metrics.probabilities(network(way)))

# %%
captions = [f"{s:.0%}" for s in np.linspace(0, 1, 11)]
fj.reporting.show(way[::10], captions, columns=11, side=0.65)

# %%
figure, axis = plt.subplots(figsize=(5.5, 2.4))
for digit in np.flatnonzero(sure.max(axis=0) > 0.1):
    axis.plot(share.ravel(), sure[:, digit], label=f"“{digit}”")
axis.set(xlabel="share of the eight", ylabel="confidence")
axis.legend()

# %%
# Halfway the network is all but certain of one of them. Nowhere does it say that it sees neither:
# it has no class for that.
