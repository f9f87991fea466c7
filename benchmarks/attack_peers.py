"""The same attacks by other libraries on the same network, where they are installed.

Each gets a network that its user has compiled, so that only the library's own
work differs; Foolbox gets one that is not too, as in its documentation. ART's JAX
classifier lacks what its DeepFool needs.
"""

import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax

from benchmarks.timing import say
from fooljax.attacks import Goal
from fooljax.types import Classifier, Images

Tasks = dict[str, Callable[[], Any]]


def tasks(
    config: Any, classifier: Classifier, images: Images, goal: Goal, deepfool_steps: int
) -> Tasks:
    """Return what each library has to do, by name."""
    return {
        **_foolbox(config, classifier, images, goal, deepfool_steps),
        **_art(config, classifier, images, goal),
    }


def _foolbox(
    config: Any, classifier: Classifier, images: Images, goal: Goal, deepfool_steps: int
) -> Tasks:
    try:
        import foolbox
    except ImportError:
        say("foolbox is not installed")
        return {}
    plain = foolbox.models.JAXModel(classifier.__call__, bounds=(0, 1))
    model = foolbox.models.JAXModel(jax.jit(classifier.__call__), bounds=(0, 1))
    pgd = foolbox.attacks.LinfPGD(abs_stepsize=0.01, steps=config.steps, random_start=False)
    deepfool = foolbox.attacks.L2DeepFoolAttack(steps=deepfool_steps)
    return {
        "foolbox pgd": lambda: pgd(model, images, goal.labels, epsilons=config.epsilon)[0],
        "foolbox pgd, not compiled": lambda: pgd(
            plain, images, goal.labels, epsilons=config.epsilon
        )[0],
        # it stops once every image is done, so a step may cost more than this says
        "foolbox deepfool": lambda: deepfool(model, images, goal.labels, epsilons=None)[0],
        "foolbox deepfool, not compiled": lambda: deepfool(
            plain, images, goal.labels, epsilons=None
        )[0],
    }


def _art(config: Any, classifier: Classifier, images: Images, goal: Goal) -> Tasks:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that PyTorch is missing
        try:
            from art.attacks.evasion import ProjectedGradientDescentNumpy
            from art.experimental.estimators.classification import JaxClassifier
        except ImportError:
            say("adversarial-robustness-toolbox is not installed")
            return {}

    @jax.jit
    def loss(params, images, one_hot):
        return optax.softmax_cross_entropy(classifier.apply(params, images), one_hot).sum()

    k = classifier.num_classes
    network = JaxClassifier(
        model=classifier.params,
        predict_func=jax.jit(classifier.apply),
        loss_func=loss,
        update_func=None,
        input_shape=classifier.input_shape,
        nb_classes=k,
        clip_values=(0.0, 1.0),
    )
    pgd = ProjectedGradientDescentNumpy(
        network,
        eps=config.epsilon,
        eps_step=0.01,
        max_iter=config.steps,
        batch_size=len(images),
        verbose=False,
    )
    pixels, one_hot = np.asarray(images), np.eye(k, dtype=np.float32)[np.asarray(goal.labels)]
    return {"art pgd": lambda: pgd.generate(pixels, one_hot)}
