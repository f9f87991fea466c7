"""What a recipe is."""

from typing import NamedTuple

import optax

from fooljax import checks
from fooljax.training import losses
from fooljax.training.losses import Loss
from fooljax.training.samplers import Sampler


class Recipe(NamedTuple):
    """How to train.

    Attributes:
        optimizer: an optax optimizer.
        sampler: draws a step's batch.
        steps: number of updates.
        loss: what is lowered.
    """

    optimizer: optax.GradientTransformation
    sampler: Sampler
    steps: int
    loss: Loss = losses.cross_entropy


def check_recipe(steps: int, learning_rate: float) -> None:
    """Refuse numbers that no recipe can have.

    Raises:
        ValueError: naming the number.
    """
    checks.count("steps", steps)
    checks.positive("learning_rate", learning_rate)
