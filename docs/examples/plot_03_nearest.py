"""
The nearest mistake
===================

DeepFool walks to the nearest image that the network takes for something else. The change, ten
times enlarged, stands between the digit and what has become of it.
"""

import jax

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

images, labels = fj.data.as_float(digits.test.images[10:18]), digits.test.labels[10:18]
goal = fj.attacks.leave(labels)
found = fj.attacks.run(fj.attacks.deepfool(), jax.random.key(2), network, images, goal)
print(found)

# %%
change = 0.5 + 10 * (found.images - images) / 2
said = network(found.images).argmax(axis=1)
captions = [f"{label}" for label in labels] + [f"L2 {far:.2f}" for far in found.l2]
captions += [f"“{answer}”" for answer in said]
fj.reporting.show([*images, *change, *found.images], captions, columns=8, side=0.9)

# %%
# Try next: ``fj.attacks.ddn()`` or ``fj.attacks.carlini_wagner()``, which come nearer and cost
# more.
