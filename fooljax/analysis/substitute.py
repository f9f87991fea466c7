"""Transfer from a substitute: an attack that asks the victim once for each image."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.attacks import Attack, AttackResult, Goal, on_each, run
from fooljax.data import Dataset, as_float
from fooljax.training import Recipe, fit, predict
from fooljax.types import Classifier, Images, RandomKey


class Substitute(NamedTuple):
    """A network that has learned to answer as another does.

    Attributes:
        classifier: the trained network.
        queries: images that the victim was asked about, each once.
        losses: of every training step.
    """

    classifier: Classifier
    queries: int
    losses: Float[np.ndarray, " steps"]


class Transferred(NamedTuple):
    """What an attack on a substitute does to the victim.

    Attributes:
        on_victim: the found images as the victim scores them: one forward pass
            for each, which is all that it was asked.
        on_substitute: the same images as the attack left them.
        agreement: share of the images given, before the attack, of which the two
            networks say the same, in [0, 1]. Needs one more look at each by the
            victim, which an attacker would not spend.
    """

    on_victim: AttackResult
    on_substitute: AttackResult
    agreement: float


def train_substitute(
    key: RandomKey,
    victim: Classifier,
    untrained: Classifier,
    images: Array,
    recipe: Recipe,
    **options: Any,
) -> Substitute:
    """Train a network on the victim's answers, asking for the label of each image once.

    Args:
        key: decides the batches.
        victim: the network attacked; only its labels are used.
        untrained: the substitute's architecture and starting weights. If the
            victim may reject, it needs a column for that too.
        images: ``[n, h, w, c]``, uint8 or float32 in [0, 1], of the victim's
            kind; their true labels are not needed.
        recipe: optimizer, batches and steps, as ``training.quick()``.
        options: passed on to ``training.fit``, such as ``on_chunk``.

    Raises:
        ValueError: if the victim has no answer to some image, answers a column
            that the substitute does not have, or the images do not suit.

    Source:
        Papernot et al., 2017, arXiv:1602.02697, without its synthetic images:
        the victim is asked about the given ones only.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> untrained = fj.models.build("softmax", jax.random.key(2), (4, 4, 1), 3)
        >>> recipe = fj.training.quick(steps=5, batch_size=2)
        >>> found = fj.analysis.train_substitute(
        ...     jax.random.key(3), network, untrained, images, recipe
        ... )
        >>> found.queries
        2
    """
    checks.kind("recipe", recipe, Recipe)
    checks.classifier(untrained, "untrained")
    checks.classifier(victim, "victim")
    answers = predict(victim, images)
    if np.any(answers < 0):
        count = int(np.sum(answers < 0))
        raise ValueError(
            f"the victim answers NaN to {count} of {len(answers)} images; leave them out"
        )
    columns = max(int(answers.max()) + 1, untrained.num_classes)
    dataset = Dataset(
        jnp.asarray(images), jnp.asarray(answers), tuple(str(label) for label in range(columns))
    )
    classifier, losses = fit(key, untrained, dataset, **recipe._asdict(), **options)
    return Substitute(classifier, len(answers), losses)


def attack_through(
    attack: Attack,
    key: RandomKey,
    substitute: Classifier,
    victim: Classifier,
    images: Images,
    goal: Goal,
    **options: Any,
) -> Transferred:
    """Attack the substitute, and show what was found to the victim.

    Args:
        attack: any attack; it sees the substitute only. One that stops at the
            first success, or seeks the nearest, ends too close to the
            substitute's boundary to transfer well: prefer a large margin.
        key: sample ``i`` draws from ``fold_in(key, i)``.
        substitute: the network attacked.
        victim: the network meant.
        images: ``[n, h, w, c]`` in [0, 1].
        goal: of every image.
        options: passed on to ``attacks.run``, such as ``batch_size``; it also
            decides how many images the victim is shown at a time.

    Raises:
        ValueError: as ``attacks.run``; also if the victim takes other images.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> other = fj.models.build("softmax", jax.random.key(2), (4, 4, 1), 3)
        >>> attack, goal = fj.attacks.pgd(0.3, steps=5), fj.attacks.leave(labels)
        >>> found = fj.analysis.attack_through(
        ...     attack, jax.random.key(3), other, network, images, goal
        ... )
        >>> found.on_victim.success.shape
        (2,)
    """
    checks.classifier(victim, "victim")
    checks.classifier(substitute, "substitute")
    if victim.input_shape != substitute.input_shape:
        raise ValueError(
            f"the victim takes images {victim.input_shape}, the substitute "
            f"{substitute.input_shape}; train one for the victim's images"
        )
    found = run(attack, key, substitute, images, goal, **options)
    batch_size = options.get("batch_size")
    verdicts = on_each([victim], images, goal, found.images, batch_size=batch_size)
    on_victim = jax.tree.map(lambda leaf: leaf[0], verdicts)._replace(images=found.images)
    images = as_float(checks.images(images, victim.input_shape))
    size = batch_size or len(images)
    agreement = np.mean(predict(victim, images, size) == predict(substitute, images, size))
    return Transferred(on_victim, found, float(agreement))
