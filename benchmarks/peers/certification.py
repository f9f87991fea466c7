"""Randomized smoothing, as the published PyTorch code goes about it.

One image after the other: noisy copies by the batch, the answers counted, the first counts
choose the answer, the second bound its probability by Clopper and Pearson. Written anew here;
procedure and batch size are those of Cohen et al., 2019, arXiv:1902.02918.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

import fooljax as fj
from benchmarks.peers.networks import as_tensor, twin
from benchmarks.peers.pairs import Numbers, Pair, Side, Victim

SIGMA, ALPHA = 0.25, 0.001
SELECTION, SAMPLES = 100, 1000
IMAGES = 20
_BATCH = 400


def _found(certificate: tuple[Any, Any]) -> Numbers:
    answers, radii = (np.asarray(one) for one in certificate)
    return {"mean radius": float(np.mean(radii)), "certified": float(np.mean(answers >= 0))}


def certify_in_torch(network: Any, images: Any, num_classes: int) -> tuple[Any, Any]:
    """Return answers (-1 to abstain) and radii of images ``[n, c, h, w]``."""
    import torch

    def count(image: torch.Tensor, samples: int) -> np.ndarray:
        votes = np.zeros(num_classes, np.int64)
        for first in range(0, samples, _BATCH):
            size = min(_BATCH, samples - first)
            noisy = image.expand(size, -1, -1, -1)
            noisy = noisy + SIGMA * torch.randn_like(noisy)
            votes += np.bincount(network(noisy).argmax(1).numpy(), minlength=num_classes)
        return votes

    answers, radii = [], []
    with torch.no_grad():
        for image in images:
            answer = int(count(image[None], SELECTION).argmax())
            agree = int(count(image[None], SAMPLES)[answer])
            bound = scipy.stats.beta.ppf(ALPHA, agree, SAMPLES - agree + 1) if agree else 0.0
            answers.append(answer if bound > 0.5 else -1)
            radii.append(SIGMA * scipy.stats.norm.ppf(bound) if bound > 0.5 else 0.0)
    return np.array(answers), np.array(radii)


def _sides(victim: Victim) -> tuple[Side, Side]:
    import torch

    victim = victim.some(IMAGES)
    classifier, key = victim.classifier, jax.random.key(7)
    network, images = twin(classifier), as_tensor(victim.images)
    array = jnp.asarray(victim.images)

    def mine(repeat: int) -> Any:
        own = jax.random.fold_in(key, repeat)
        made = fj.defenses.certify(
            own,
            classifier,
            array,
            SIGMA,
            selection=SELECTION,
            samples=SAMPLES,
            alpha=ALPHA,
        )
        return made.answers, made.radii

    def theirs(repeat: int) -> Any:
        torch.manual_seed(repeat)
        return certify_in_torch(network, images, classifier.num_classes)

    return Side(mine, _found), Side(theirs, _found)


PAIRS = [
    Pair(
        "certification",
        "PyTorch randomized smoothing",
        "torch",
        "torch",
        f"{IMAGES} images, {SELECTION} and {SAMPLES} noisy copies, sigma {SIGMA}",
        _sides,
    )
]
