"""
Squint
======

Pixels evolved one by one look like noise. Blur them, and what the network sees begins to show.
"""

import jax
import numpy as np

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

encoding = fj.encodings.direct((28, 28, 1))
search, key = fj.evolution.map_elites(encoding, children=150), jax.random.key(4)
state, _ = fj.evolution.start(key, search, network)
state, _ = fj.evolution.advance(key, search, network, state, count=200)
noise = fj.evolution.express_elites(encoding, state.archive)

# %%
# From top to bottom: evolved; the same blurred, less what all have in common; what tells each
# digit from the others.
blurred = fj.analysis.blurred(noise, sigma=1.5)
pattern = blurred - blurred.mean(axis=0)
template = fj.analysis.templates(digits.train.images, digits.train.labels, 10)
stretch = lambda images: (
    (images - images.min(axis=(1, 2, 3), keepdims=True))
    / np.ptp(images, axis=(1, 2, 3), keepdims=True)
)
captions = [f"“{digit}” {p:.0%}" for digit, p in enumerate(state.archive.confidence)]
rows = [*noise, *stretch(np.asarray(pattern)), *stretch(template)]
fj.reporting.show(rows, captions + [""] * 20, side=0.7)

# %%
# And in numbers: the correlation with the own class, and the chance of as much if classes had
# other names.
alike = fj.analysis.resemblance(noise, np.arange(10), template, 1.5, jax.random.key(5))
print(f"correlation {float(np.mean(alike.own)):.2f}, p = {float(alike.p_value):.4f}")
