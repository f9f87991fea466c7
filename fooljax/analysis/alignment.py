"""Whether several networks are fooled in the same direction."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import Goal, goals, margin
from fooljax.attacks.attack import Loss, gradient_of
from fooljax.data import as_float
from fooljax.types import Classifier, Images


def gradient_alignment(
    classifiers: Sequence[Classifier], images: Images, goal: Goal, loss: Loss = margin
) -> Float[Array, "n n b"]:
    """Return the cosines between the directions in which networks come nearer to a goal.

    At 1 whatever fools one network a little fools the other too; at 0 progress with
    one is, to first order, no progress with the other; below 0 it undoes it.

    Args:
        classifiers: networks of equal classes; architectures may differ.
        images: ``[b, h, w, c]`` in [0, 1].
        goal: of every image, the same on all networks.
        loss: what is raised, see ``attacks``; the margin unless given.

    Returns:
        For each pair of networks and each image the cosine of their input gradients,
        in [-1, 1]; NaN where a gradient is 0.

    Raises:
        ValueError: if there is no classifier or their numbers of classes differ.

    Source:
        Kariyappa and Qureshi, 2019, arXiv:1901.09981 (gradient alignment).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> goal = fj.attacks.leave(labels)
        >>> fj.analysis.gradient_alignment([network, network], images, goal).round(4).min().item()
        1.0
    """
    classifiers = checks.classifiers(classifiers)
    images = as_float(checks.images(images, classifiers[0].input_shape))
    goal = goals.checked(goal, classifiers[0], len(images))
    slopes = jnp.stack(
        [gradient_of(loss, one, goal, images)[0].reshape(len(images), -1) for one in classifiers]
    )
    slopes = slopes / jnp.max(jnp.abs(slopes), axis=2, keepdims=True)  # squares of 1e-30 are 0
    directions = slopes / jnp.linalg.norm(slopes, axis=2, keepdims=True)
    return jnp.clip(jnp.einsum("ibp,jbp->ijb", directions, directions), -1.0, 1.0)
