"""ODIN: how sure a network is, far from being sure of everything, after a step that helps it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import checks
from fooljax.defenses.scores import Score
from fooljax.types import Bound, Classifier, Images, Logits, Params


def odin(classifier: Classifier, epsilon: float = 0.0014, temperature: float = 1000.0) -> Score:
    """Score by the softmax probability of an image that has been moved toward its own answer.

    Every pixel is moved by ``epsilon`` the way in which the probability of the answer grows;
    that helps known images more than others. The probability ``p`` is that of the likeliest
    real class at a temperature, as ``T log((m - 1) p / (1 - p))`` of ``m`` logits: 0 where it
    is as likely as the others in the mean, in logits. At a high temperature it is how far the
    logit is above the mean of the others. It orders images as the probability does, which
    there hardly differs from ``1 / m``. Moved images are not cut off at 0 and 1.

    An adversary's slope goes through the moved image, its step taken as it is: the step itself
    has no slope but at jumps.

    Args:
        classifier: the network.
        epsilon: size of the step, in units of [0, 1]; 0 for none.
        temperature: ``T``, in logits.

    Raises:
        ValueError: if ``epsilon`` is negative, the temperature is not positive, or the network
            reads texts, of which there are no steps.

    Source:
        Liang et al., 2018, arXiv:1706.02690; both numbers are among its own, to be chosen anew
        on images held out.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> _, scores = fj.defenses.judge(network, fj.defenses.odin(network), images)
        >>> scores.shape
        (5,)
    """
    checks.classifier(classifier)
    epsilon = checks.radius(epsilon)
    temperature = checks.positive("temperature", temperature)
    if classifier.tokens is not None:
        raise ValueError("odin moves an image by a small step, and this network reads texts")
    parts = (classifier.apply, classifier.num_classes, epsilon, temperature)
    return Score(jnp.float32(temperature), _read, Bound(_look, parts))


def _look(
    network: Callable[[Params, Images], Logits],
    num_classes: int,
    epsilon: float,
    temperature: float,
    params: Params,
    images: Images,
) -> tuple[Logits, Logits]:
    """Return the logits of images, and of the same moved toward their answers."""
    logits = network(params, images)
    answers = jnp.argmax(logits[:, :num_classes], axis=1)[:, None]

    def sureness(images: Images) -> Array:
        chances = jax.nn.log_softmax(network(params, images) / temperature)
        return jnp.sum(jnp.take_along_axis(chances, answers, axis=1))

    step = epsilon * jnp.sign(jax.grad(sureness)(jax.lax.stop_gradient(images)))
    return logits, network(params, images + jax.lax.stop_gradient(step))


def _read(temperature: Array, logits: Logits, moved: Logits, num_classes: int) -> Array:
    answer = jnp.argmax(moved[:, :num_classes], axis=1)[:, None]
    behind = (moved - jnp.take_along_axis(moved, answer, axis=1)) / temperature
    others = jnp.arange(moved.shape[1])[None] != answer
    # log mean exp over the others, from the nearest: exact where all are near 0, or far below
    nearest = jnp.max(jnp.where(others, behind, -jnp.inf), axis=1, keepdims=True)
    rest = jnp.where(others, jnp.expm1(jnp.where(others, behind - nearest, 0.0)), 0.0)
    mean = jnp.sum(rest, axis=1) / (moved.shape[1] - 1)
    return -temperature * (nearest[:, 0] + jnp.log1p(mean))
