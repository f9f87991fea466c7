"""Certificates of randomized smoothing, put to the test by attacks."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Bool, Float, Int

from fooljax import attacks, checks, printing
from fooljax.data import as_float
from fooljax.defenses import certify, predict_smoothed
from fooljax.types import Classifier, Images, RandomKey

BEYOND = 3.0  # times the certified radius, where attacks may succeed
_INSIDE = 1.0 - 1e-4  # of the certified radius
_UNTRIED = -2
_UNLIKELY = 0.01


class Trial(NamedTuple):
    """Certificates, and what attacks made of the certified answers.

    Attributes:
        answers: certified ones, ``[n]``; ``ABSTAIN`` where nothing is certain.
        radii: of the certificates; 0 where there is none.
        inside: answers to the images as attacked inside their radius; -2 without one.
        beyond: the same at ``BEYOND`` times the radius.
    """

    answers: Int[np.ndarray, " n"]
    radii: Float[np.ndarray, " n"]
    inside: Int[np.ndarray, " n"]
    beyond: Int[np.ndarray, " n"]

    def __repr__(self) -> str:
        """Name the fields; arrays by type and shape."""
        return printing.shapes(self)

    @property
    def certain(self) -> Bool[np.ndarray, " n"]:
        """Whether there is a certificate."""
        return self.radii > 0.0

    @property
    def broken(self) -> Bool[np.ndarray, " n"]:
        """Whether an attack inside the radius led to another answer."""
        return (self.inside != self.answers) & (self.inside >= 0)

    @property
    def broken_beyond(self) -> Bool[np.ndarray, " n"]:
        """The same outside, where it is allowed."""
        return (self.beyond != self.answers) & (self.beyond >= 0)

    def numbers(self, alpha: float) -> dict[str, float]:
        """Count certificates and failures.

        Args:
            alpha: probability, in (0, 1), that a certificate fails.

        Returns:
            ``median_radius``; ``abstained``, a share; ``attacked`` and ``broken``, numbers of
            certificates; ``chance`` of as many failures or more; ``sound``, whether that is
            at least one in a hundred; ``broken_beyond``, a share of those attacked, NaN if
            there are none.

        Raises:
            ValueError: if ``alpha`` is out of its range.
        """
        alpha = checks.between("alpha", alpha, 0.0, 1.0, "()")
        count, broken = int(self.certain.sum()), int(self.broken.sum())
        chance = float(scipy.stats.binom.sf(broken - 1, count, alpha)) if count else 1.0
        return {
            "median_radius": float(np.median(self.radii)),
            "abstained": float(np.mean(~self.certain)),
            "attacked": count,
            "broken": broken,
            "chance": chance,
            "sound": chance >= _UNLIKELY,
            "broken_beyond": float(self.broken_beyond.sum() / count) if count else float("nan"),
        }


def pool(trials: Sequence[Trial]) -> Trial:
    """Put several trials together, such as those of several networks.

    Raises:
        ValueError: if there is none.

    Example:
        >>> import numpy as np
        >>> from fooljax import analysis
        >>> trial = analysis.Trial(*np.zeros((4, 3)))
        >>> len(analysis.pool([trial, trial]).radii)
        6
    """
    if not trials:
        raise ValueError("trials must be at least one, got none")
    return Trial(*(np.concatenate(parts) for parts in zip(*trials, strict=True)))


def try_certificates(
    key: RandomKey,
    classifier: Classifier,
    through: Classifier,
    images: Images,
    sigma: float,
    *,
    steps: int = 30,
    selection: int = 100,
    samples: int = 1000,
    alpha: float = 0.001,
) -> Trial:
    """Certify images, and attack each of them inside its radius and far outside.

    Args:
        key: decides the noise of certificates and answers.
        classifier: the base network.
        through: what the gradients are those of: the mean over some noises.
        images: ``[n, h, w, c]``, floats in [0, 1] or uint8, which is divided by 255.
        sigma: standard deviation of the noise, in units of [0, 1].
        steps: of the gradient attack.
        selection: as for ``defenses.certify``, and so are the others.
        samples: votes behind each certificate and each answer.
        alpha: probability, in (0, 1), that a certificate or an answer is wrong.

    Raises:
        ValueError: if a number is out of its range, or the images suit no network.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("softmax", jax.random.key(0), (4, 4, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (2, 4, 4, 1))
        >>> labels = network(images).argmax(axis=1)
        >>> trial = fj.analysis.try_certificates(
        ...     jax.random.key(2), network, network, images, 0.25, steps=3, samples=50
        ... )
        >>> trial.radii.shape
        (2,)
    """
    steps, through = checks.count("steps", steps), checks.classifier(through, "through")
    key_certify, key_inside, key_beyond = jax.random.split(checks.key(key), 3)
    proof = certify(
        key_certify, classifier, images, sigma, selection=selection, samples=samples, alpha=alpha
    )
    rows = np.flatnonzero(proof.radii > 0.0)
    goal = attacks.leave(jnp.asarray(proof.answers[rows]))
    found = []
    for key_place, times in ((key_inside, _INSIDE), (key_beyond, BEYOND)):
        found.append(np.full(len(images), _UNTRIED))
        if not len(rows):
            continue
        balls = [
            attacks.pgd(times * radius, steps=steps, norm="l2", loss=attacks.margin)
            for radius in proof.radii[rows]
        ]
        budgets = [ball.budget for ball in balls]  # numbers for each image; the steps are one's
        budget = jax.tree.map(lambda *ones: jnp.asarray(ones, jnp.float32), *budgets)
        pgd = dataclasses.replace(balls[0], budget=budget)
        key_run, key_answer = jax.random.split(key_place)
        hit = attacks.run(pgd, key_run, through, as_float(images[rows]), goal).images
        found[-1][rows] = predict_smoothed(
            key_answer, classifier, hit, sigma, samples=samples, alpha=alpha
        )
    return Trial(proof.answers, proof.radii, *found)
