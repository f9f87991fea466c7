"""
What goes back to the pixels
============================

Three ways to ask which pixels count, on the network and on the same network with its last layer
shuffled. A map that stays as it is says nothing about the answer.
"""

import jax
import numpy as np

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

images, labels = fj.data.as_float(digits.test.images[:4]), digits.test.labels[:4]
_, shuffled = fj.analysis.shuffle_top(jax.random.key(2), network)[0]

rows, captions = [], []
for rule in ("gradient", "guided", "deconvnet"):
    maps = np.asarray(
        [fj.analysis.saliency(one, images, labels, rule) for one in (network, shuffled)]
    )
    print(f"{rule}: correlation {np.corrcoef(maps.reshape(2, -1))[0, 1]:.2f}")
    for name, one in zip(("as trained", "shuffled"), maps, strict=True):
        rows += [*fj.reporting.overlay(images, one.sum(axis=-1))]
        captions += [f"{rule}\n{name}"] * 4
fj.reporting.show(rows, captions, columns=8, side=0.9)

# %%
# Where it is red, brighter speaks for the class, where it is blue, against it; on the left the
# network as it was trained, on the right with its last layer shuffled. The gradient's map is
# another one then. The guided map stays nearly what it was: it draws the digit, whatever the
# network answers.
