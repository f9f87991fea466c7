"""
One image, two opinions
=======================

An image that one network calls a three and another one an eight. Two networks are one
classifier with a class for each pair of answers; the rest is an ordinary attack.
"""

import jax
import jax.numpy as jnp

import fooljax as fj

digits = fj.data.load("digits")
network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
network, _ = fj.training.fit(
    jax.random.key(1), network, digits.train, **fj.training.quick(steps=200)._asdict()
)

second = fj.models.build("mlp", jax.random.key(5), (28, 28, 1), 10)
second, _ = fj.training.fit(
    jax.random.key(6), second, digits.train, **fj.training.quick(steps=200)._asdict()
)


def pairs(params, images):
    logits = [network.apply(weights, images) for weights in params]
    one, two = (jax.nn.log_softmax(each) for each in logits)
    return (one[:, :, None] + two[:, None, :]).reshape(len(images), 100)


both = fj.types.Classifier((network.params, second.params), pairs, (28, 28, 1), 100)

# %%
# Class ``10 * a + b`` means: the first says a, the second b.
images = fj.data.as_float(digits.test.images[:8])
wanted = jnp.array([38, 83, 17, 71, 49, 94, 26, 50])
attack = fj.attacks.pgd(0.3, steps=60)
found = fj.attacks.run(attack, jax.random.key(2), both, images, fj.attacks.reach(wanted))
answers = [one(found.images).argmax(axis=1) for one in (network, second)]
captions = [f"“{a}” and “{b}”" for a, b in zip(*answers, strict=True)]
fj.reporting.show(found.images, captions, columns=4, side=1.4)
print(found)
