"""
The map around a digit
======================

A plane through image space: to the right the direction of the nearest mistake, upwards a random
one. Colors are the classes that the network names, paler where it is less sure.
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

image, label = fj.data.as_float(digits.test.images[14:15]), digits.test.labels[14:15]
goal = fj.attacks.leave(label)
found = fj.attacks.run(fj.attacks.deepfool(), jax.random.key(2), network, image, goal)

towards = found.images[0] - image[0]
unit = towards / jnp.linalg.norm(towards)
random = jax.random.normal(jax.random.key(3), unit.shape)
random = random - (random * unit).sum() * unit
random = random / jnp.linalg.norm(random)

reach = jnp.linspace(-4.0, 4.0, 81)
across, up = jnp.meshgrid(reach, reach)
plane = image + across.reshape(-1, 1, 1, 1) * unit + up.reshape(-1, 1, 1, 1) * random
sure = fj.metrics.probabilities(network(plane.clip(0, 1)))

# %%
colors = plt.get_cmap("tab10")(np.asarray(sure.argmax(axis=1)))[:, :3]
strength = np.clip((np.asarray(sure.max(axis=1)) - 0.2) / 0.8, 0, 1)[:, None]
picture = (colors * strength + (1 - strength)).reshape(81, 81, 3)

figure, axis = plt.subplots(figsize=(4.5, 4.2))
axis.imshow(picture, extent=(-4, 4, -4, 4), origin="lower")
axis.plot(0, 0, "o", color="black")
axis.annotate(f"a real {label[0]}", (0, 0), (6, 6), textcoords="offset points", color="black")
mistake, far = int(network(found.images).argmax()), float(found.l2[0])
axis.plot(far, 0, "x", color="black")
axis.annotate(f"a “{mistake}”", (far, 0), (6, 6), textcoords="offset points", color="black")
axis.set(xlabel="toward the nearest mistake, L2", ylabel="a random direction, L2")

# %%
# In the random direction nothing happens for a long way. That is why a little noise changes
# nothing, and a small step in the right direction everything.
