"""Recipes of plain stochastic gradient descent with momentum."""

import jax
import optax

from fooljax import checks
from fooljax.training.recipe import Recipe, check_recipe
from fooljax.training.samplers import minibatches
from fooljax.types import Params


@checks.cache
def caffe_lenet(steps: int = 10_000, batch_size: int = 64, learning_rate: float = 0.01) -> Recipe:
    """Train as Caffe trained its LeNet on MNIST, apart from the order of the data.

    Stochastic gradient descent with momentum 0.9; step ``t`` has the rate
    ``learning_rate * (1 + t / 10,000) ** -0.75``; 0.0005 of every weight and bias
    is added to its gradient; biases learn at twice the rate. As in Caffe, what
    momentum accumulates is already multiplied by the learning rate. On MNIST the
    defaults reach 99.2 % on the test images, in 190 s on two CPU cores.

    Args:
        steps: number of updates.
        batch_size: samples per update.
        learning_rate: at the first step.

    Raises:
        ValueError: if a number is not positive.

    Source:
        Caffe, examples/mnist/lenet_solver.prototxt and lenet_train_test.prototxt;
        the victim of Nguyen et al., 2015, arXiv:1412.1897.

    Example:
        >>> from fooljax import training
        >>> recipe = training.caffe_lenet(steps=3)  # for training.fit
    """
    check_recipe(steps, learning_rate)
    optimizer = optax.chain(
        optax.add_decayed_weights(5e-4),
        optax.masked(optax.scale(2.0), _biases),
        optax.scale_by_schedule(lambda t: -learning_rate * (1 + 1e-4 * t) ** -0.75),
        optax.trace(decay=0.9),
    )
    return Recipe(optimizer, minibatches(batch_size), steps)


@checks.cache
def fine_tune(steps: int = 100, batch_size: int = 32, learning_rate: float = 3e-4) -> Recipe:
    """Change weights that are there a little: descent with momentum 0.9, the rate falling to 0.

    For weights that are good already. Classes without an image in the data are unlearned
    all the same, step by step: look at held-out images of them, too. At 1e-3 the last layer
    of SqueezeNet, whose features are large, overshoots.

    Args:
        steps: number of updates.
        batch_size: samples per update.
        learning_rate: at the first step; it falls along half a cosine.

    Raises:
        ValueError: if a number is not positive.

    Example:
        >>> from fooljax import training
        >>> recipe = training.fine_tune(steps=3)  # for training.fit, of a published network
    """
    check_recipe(steps, learning_rate)
    schedule = optax.cosine_decay_schedule(learning_rate, steps)
    return Recipe(optax.sgd(schedule, momentum=0.9), minibatches(batch_size), steps)


def _biases(params: Params) -> Params:
    """Mark the leaves called ``bias``."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: getattr(path[-1], "key", None) == "bias", params
    )
