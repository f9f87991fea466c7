"""A temperature: it changes how sure a network says to be, and no answer."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.defenses.reads import answered
from fooljax.types import Classifier, Logits, Params


class Tempered(NamedTuple):
    """Params of a network whose logits are divided by a temperature.

    Attributes:
        params: the network's own.
        temperature: above 0.
    """

    params: Params
    temperature: Float[Array, ""]


def tempered(classifier: Classifier, temperature: float) -> Classifier:
    """Divide a network's logits by a temperature, so that its confidences are true.

    Answers stay what they are, and so does the success of every attack that wants another
    answer.

    Args:
        classifier: the network.
        temperature: above 1 the network is less sure; ``metrics.temperature`` finds it.

    Returns:
        A classifier whose params are ``Tempered``: other temperatures compile nothing.

    Raises:
        ValueError: if ``temperature`` is not positive.

    Source:
        Guo et al., 2017, arXiv:1706.04599, section 4.2.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (5, 4, 4, 1))
        >>> cool = fj.defenses.tempered(network, temperature=2.0)
        >>> bool((cool(images) == network(images) / 2.0).all())
        True
    """
    temperature = checks.positive("temperature", temperature)
    checks.classifier(classifier)
    return answered(classifier, Tempered(classifier.params, jnp.float32(temperature)), _divide)


def _divide(given: Tempered, logits: Logits) -> Logits:
    return logits / given.temperature
