"""
“I do not know this”
====================

An image is declined where it is too far, in what the network's last layer reads, from all that it
has learned from. That turns noise away. Then noise is changed by somebody who knows the rule.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

features = fj.models.penultimate(network)
score = fj.defenses.nearest_neighbor(network, digits.train.images, features=features)
clean, rest = digits.test.images[::2], digits.test.images[1::2]
threshold = fj.defenses.calibrate(network, score, clean, 0.95)
guarded = fj.defenses.reject(network, score, threshold)

noise = jax.random.uniform(jax.random.key(2), (200, 28, 28, 1))
wanted = fj.attacks.reach(jnp.arange(200) % 10)
climb = fj.attacks.pgd(1.0, steps=40, loss=fj.attacks.selective)
fooled = fj.attacks.run(climb, jax.random.key(3), guarded, noise, wanted).images

# %%
kinds = {"test images": rest, "noise": noise, "noise, changed to pass": fooled}
scores = {name: fj.defenses.judge(network, score, images)[1] for name, images in kinds.items()}
figure, axis = plt.subplots(figsize=(5.5, 2.6))
together = np.concatenate(list(scores.values()))
bins = np.linspace(*np.percentile(together, [1, 99]), 40)
for name, one in scores.items():
    axis.hist(np.clip(one, bins[0], bins[-1]), bins, alpha=0.6, density=True, label=name)
axis.axvline(float(threshold.value), color="0.5", linestyle="--")
axis.set(xlabel="likeness to training images; to the left of the line it declines")
axis.set(ylabel="density", yticks=[])
axis.legend(fontsize=8)
for name, images in kinds.items():
    declined = np.asarray(guarded(fj.data.as_float(images)).argmax(axis=1) == 10).mean()
    print(f"{name}: {declined:.0%} declined")

# %%
# The changed noise lies closer to what was learned than most test images do: that noise is
# declined says nothing about noise whose maker knows the rule.
