"""
Who else is fooled?
===================

Images evolved for one network, shown to two others: the same architecture from another start, and
another architecture.
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

networks = {"mlp": network}
for name, kind, seed in (("mlp, other start", "mlp", 5), ("softmax", "softmax", 6)):
    other = fj.models.build(kind, jax.random.key(seed), (28, 28, 1), 10)
    networks[name], _ = fj.training.fit(
        jax.random.key(seed), other, digits.train, **fj.training.quick(steps=200)._asdict()
    )

encoding, table = fj.encodings.cppn((28, 28, 1)), []
for made_for in networks.values():
    search, key = fj.evolution.map_elites(encoding, children=100), jax.random.key(8)
    state, _ = fj.evolution.start(key, search, made_for)
    state, _ = fj.evolution.advance(key, search, made_for, state, count=100)
    images = fj.evolution.express_elites(encoding, state.archive)
    answers = [np.asarray(shown_to(images)).argmax(axis=1) for shown_to in networks.values()]
    table.append([(answer == np.arange(10)).mean() for answer in answers])

# %%
figure, axis = plt.subplots(figsize=(4.4, 3.4))
axis.imshow(table, cmap="Oranges", vmin=0, vmax=1.6)
for (row, column), share in np.ndenumerate(table):
    axis.text(column, row, f"{share:.0%}", ha="center", va="center", color="black")
axis.set_xticks(range(3), networks, rotation=20)
axis.set_yticks(range(3), networks)
axis.set(xlabel="shown to", ylabel="evolved for")

# %%
# Most of what fools one network fools the others in the same way, though they never saw it. By
# guessing, a network would name the class of one image in ten. ``experiments.transfer`` asks this
# with error bars.
