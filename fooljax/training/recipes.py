"""Optimizer, batches, number of steps and loss that are known to work together.

A recipe unpacks into ``fit``::

    classifier, losses = fit(key, classifier, dataset, **quick()._asdict())
"""

from collections.abc import Callable

import optax

from fooljax import checks
from fooljax.attacks import pgd
from fooljax.training import losses
from fooljax.training.descents import caffe_lenet, fine_tune
from fooljax.training.outliers import minibatches_and_changed, minibatches_with_noise
from fooljax.training.recipe import Recipe, check_recipe
from fooljax.training.samplers import adversarial_minibatches, minibatches


@checks.cache  # optimizers compare by identity; the same recipe is compiled once
def quick(steps: int = 1200, batch_size: int = 64, learning_rate: float = 3e-3) -> Recipe:
    """Adam with one cycle of the learning rate: good accuracy in little time.

    The defaults bring LeNet to 99.0 % on MNIST's test images in 12 to 20 s on two
    CPU cores; 800 steps reach 98.8 to 99.0 %.

    Args:
        steps: number of updates.
        batch_size: samples per update.
        learning_rate: the highest of the cycle.

    Raises:
        ValueError: if a number is not positive.

    Source:
        Smith and Topin, 2019, arXiv:1708.07120 (one cycle).

    Example:
        >>> from fooljax import training
        >>> recipe = training.quick(steps=3)  # for training.fit
    """
    check_recipe(steps, learning_rate)
    schedule = optax.cosine_onecycle_schedule(steps, learning_rate)
    return Recipe(optax.adam(schedule), minibatches(batch_size), steps)


@checks.cache
def adversarial(
    steps: int = 2000,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    epsilon: float = 0.3,
    attack_steps: int = 3,
) -> Recipe:
    """Adam with one cycle of the learning rate, on what PGD makes of each batch.

    PGD starts at random and steps half of epsilon along the sign of the gradient. A
    sample is shown as it is while the network gets it wrong, which replaces the
    usual schedule of a growing epsilon. The defaults bring LeNet to 98.2 % on
    MNIST's test images; of the first 200, half resist PGD of 100 steps at 0.3.

    Args:
        steps: number of updates.
        batch_size: samples per update.
        learning_rate: the highest of the cycle.
        epsilon: largest change of a pixel, in units of [0, 1].
        attack_steps: steps of PGD; each costs about as much as half an update.

    Raises:
        ValueError: if a number is not positive, or epsilon is negative.

    Source:
        Madry et al., 2018, arXiv:1706.06083; see ``adversarial_minibatches``.

    Example:
        >>> from fooljax import training
        >>> recipe = training.adversarial(steps=3, epsilon=0.1)  # for training.fit
    """
    check_recipe(steps, learning_rate)
    epsilon = checks.radius(epsilon)
    attack_steps = checks.count("attack_steps", attack_steps)
    attack = pgd(epsilon, 0.5 * epsilon, attack_steps, random_start=True)
    schedule = optax.cosine_onecycle_schedule(steps, learning_rate)
    return Recipe(optax.adam(schedule), adversarial_minibatches(batch_size, attack), steps)


@checks.cache
def outlier_exposure(
    steps: int = 1200,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    weight: float = 0.5,
    noise: bool = True,
) -> Recipe:
    """As ``quick``, and equally unsure of every class on outliers.

    Args:
        steps: number of updates.
        batch_size: samples per update, and as many images of noise.
        learning_rate: the highest of the cycle.
        weight: of the outliers, see ``losses.outlier_exposure``.
        noise: the outliers are noise; otherwise the images that the data set labels
            ``num_classes``, as ``with_fooling_class`` does.

    Raises:
        ValueError: if a number is not positive.

    Source:
        Hendrycks, Mazeika and Dietterich, 2019, arXiv:1812.04606 (its outliers are
        another data set's images).

    Example:
        >>> from fooljax import training
        >>> recipe = training.outlier_exposure(steps=3)  # for training.fit
    """
    recipe = quick(steps, batch_size, learning_rate)
    sampler = minibatches_with_noise(batch_size) if noise else recipe.sampler
    return recipe._replace(sampler=sampler, loss=losses.outlier_exposure(weight))


@checks.cache
def energy_bounded(
    steps: int = 1200,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    weight: float = 0.1,
    noise: bool = True,
) -> Recipe:
    """As ``quick``, with a low energy of real images and a high one of outliers.

    Args:
        steps: number of updates.
        batch_size: samples per update, and as many images of noise.
        learning_rate: the highest of the cycle.
        weight: of the bounds, see ``losses.energy_bounded``.
        noise: as in ``outlier_exposure``.

    Raises:
        ValueError: if a number is not positive.

    Source:
        Liu et al., 2020, arXiv:2010.03759 (which fine-tunes a trained network).

    Example:
        >>> from fooljax import training
        >>> recipe = training.energy_bounded(steps=3)  # for training.fit
    """
    recipe = quick(steps, batch_size, learning_rate)
    sampler = minibatches_with_noise(batch_size) if noise else recipe.sampler
    return recipe._replace(sampler=sampler, loss=losses.energy_bounded(weight))


@checks.cache
def acet(
    steps: int = 1200,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    epsilon: float = 0.3,
    attack_steps: int = 5,
    weight: float = 1.0,
) -> Recipe:
    """As ``quick``, and unsure where noise can be changed to be taken for something.

    Args:
        steps: number of updates.
        batch_size: samples per update, and as many images of noise.
        learning_rate: the highest of the cycle.
        epsilon: how far noise may climb, in units of [0, 1].
        attack_steps: steps of the climb (the paper: 40); each costs about as much as
            half an update.
        weight: of the noise, see ``losses.low_confidence``.

    Raises:
        ValueError: if a number is not positive, or epsilon is negative.

    Source:
        Hein, Andriushchenko and Bitterwolf, 2019, arXiv:1812.05720 (ACET; without
        ``attack_steps`` CEDA).

    Example:
        >>> from fooljax import training
        >>> recipe = training.acet(steps=3)  # for training.fit
    """
    recipe = quick(steps, batch_size, learning_rate)
    sampler = minibatches_with_noise(batch_size, epsilon, attack_steps)
    return recipe._replace(sampler=sampler, loss=losses.low_confidence(weight))


@checks.cache
def trades(
    steps: int = 2000,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    epsilon: float = 0.3,
    attack_steps: int = 5,
    beta: float = 1.0,
) -> Recipe:
    """Right on images as they are, and the same answers in a ball around them.

    Args:
        steps: number of updates.
        batch_size: samples per update, and as many changed ones.
        learning_rate: the highest of the cycle.
        epsilon: largest change of a pixel, in units of [0, 1].
        attack_steps: steps that change an image (the paper: 40 for MNIST).
        beta: weight of the same answers, see ``losses.trades``.

    Raises:
        ValueError: if a number is not positive, or epsilon is negative.

    Source:
        Zhang et al., 2019, arXiv:1901.08573 (epsilon and beta as for MNIST there).

    Example:
        >>> from fooljax import training
        >>> recipe = training.trades(steps=3, epsilon=0.1)  # for training.fit
    """
    recipe = quick(steps, batch_size, learning_rate)
    sampler = minibatches_and_changed(batch_size, epsilon, attack_steps)
    return recipe._replace(sampler=sampler, loss=losses.trades(beta))


# For command lines; code says ``quick(steps=...)``.
RECIPES: dict[str, Callable[..., Recipe]] = {
    "quick": quick,
    "caffe_lenet": caffe_lenet,
    "fine_tune": fine_tune,
    "adversarial": adversarial,
    "trades": trades,
    "outlier_exposure": outlier_exposure,
    "energy_bounded": energy_bounded,
    "acet": acet,
}
