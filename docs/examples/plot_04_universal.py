"""
One change for all digits
=========================

A single perturbation, learned from training images, and added to test images that it has never
seen. The control: random signs of the same size.
"""

import jax

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

method = fj.attacks.universal_sgd(epsilon=0.2)
key, train, test = jax.random.key(2), digits.train.images, digits.test.images
change = fj.attacks.run_universal(method, key, network, train, steps=60).perturbation
control = fj.attacks.random_perturbation(jax.random.key(3), (28, 28, 1), 0.2, "linf")

for name, one in (("learned", change), ("random signs", control)):
    print(f"{name}: fools {fj.attacks.fooling_rate(network, test, one):.0%} of the test images")

# %%
shown = fj.data.as_float(test[:9])
changed = (shown + change).clip(0, 1)
captions = ["the change"] + [f"“{answer}”" for answer in network(changed).argmax(axis=1)]
fj.reporting.show([0.5 + change, *changed], captions, side=0.7)

# %%
# Try next: is it the same change that fools another network? ``experiments.universal`` asks.
