"""Scores by which a network says "I do not know this": pytorch-ood; the AUROC: scikit-learn.

Images of the test set against the same with their patches shuffled. Work is to learn from
training images, where a score learns, and to score both sets, starting at the pixels. Both
scores are judged by one AUROC.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

import fooljax as fj
from benchmarks.peers.networks import as_tensor, twin
from benchmarks.peers.pairs import Numbers, Pair, Side, Victim

_PATCH = 7
_TAIL = 20
_STEP, _TEMPERATURE = 0.0014, 1000.0  # of ODIN


def strange(images: np.ndarray) -> np.ndarray:
    """Shuffle the patches of each image, all in the same way."""
    count, height, width, channels = images.shape
    rows, columns = height // _PATCH, width // _PATCH
    patches = images.reshape(count, rows, _PATCH, columns, _PATCH, channels)
    patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(count, rows * columns, -1)
    patches = patches[:, np.random.default_rng(0).permutation(rows * columns)]
    patches = patches.reshape(count, rows, columns, _PATCH, _PATCH, channels)
    return np.ascontiguousarray(patches.transpose(0, 1, 3, 2, 4, 5).reshape(images.shape))


def _found(scores: tuple[Any, Any]) -> Numbers:
    """Judge scores that are higher where an image is known."""
    known, unknown = (np.float64(one) for one in scores)
    return {"AUROC": float(fj.metrics.auroc(known, unknown))}


def _sides(
    learn: Callable[[Victim], Callable[[], Any]],
    make: Callable[..., Any],
    fit: Callable[[Any, Any, Any, Any], None] | None = None,
    features: bool = False,
    pixels: bool = False,
) -> Callable[[Victim], tuple[Side, Side]]:
    """Return the sides of a score.

    Args:
        learn: ``victim -> (() -> score)``, of fooljax.
        make: pytorch-ood's detector.
        fit: ``(detector, logits, features, labels)``, lets it learn.
        features: whether it reads features instead of logits.
        pixels: whether it asks the network itself, which ``make`` is then given.
    """

    def sides(victim: Victim) -> tuple[Side, Side]:
        import torch

        both = victim.unseen, strange(victim.unseen)
        learned, arrays = learn(victim), [jnp.asarray(one) for one in both]

        def mine(repeat: int) -> Any:
            score = learned()
            return tuple(fj.defenses.judge(victim.classifier, score, one)[1] for one in arrays)

        network = twin(victim.classifier)
        body, head = network[:-1], network[-1]
        tensors = [as_tensor(one) for one in both]
        known = as_tensor(np.asarray(fj.data.as_float(victim.known.images)))
        labels = torch.from_numpy(np.int64(victim.known.labels))

        def from_pixels(repeat: int) -> Any:
            detector = make(network)
            return tuple(-detector.predict(one).numpy() for one in tensors)

        @torch.no_grad()
        def theirs(repeat: int) -> Any:
            detector = make()
            if fit is not None:
                seen = body(known)
                fit(detector, head(seen), seen, labels)
            scores = []
            for images in tensors:
                seen = body(images)
                predict = detector.predict_features if features else detector.predict_logits
                scores.append(-predict(seen if features else head(seen)))
            return tuple(one.numpy() for one in scores)

        return Side(mine, _found), Side(from_pixels if pixels else theirs, _found)

    return sides


def _detector(name: str, **settings: Any) -> Callable[..., Any]:
    def make(network: Any = None) -> Any:
        from pytorch_ood import detector

        return getattr(detector, name)(network, **settings)

    return make


def _mahalanobis(victim: Victim) -> Callable[[], Any]:
    features, known = fj.models.penultimate(victim.classifier), victim.known
    images, labels = known.images, known.labels
    return lambda: fj.defenses.mahalanobis(victim.classifier, images, labels, features)


def _openmax(victim: Victim) -> Callable[[], Any]:
    known = victim.known
    return lambda: fj.defenses.openmax(
        victim.classifier, known.images, known.labels, tail=_TAIL, revised=1
    )


def _sklearn_auroc(victim: Victim) -> tuple[Side, Side]:
    """The measure itself, with ties."""
    from sklearn.metrics import roc_auc_score

    del victim
    known, unknown = (np.random.default_rng(seed).normal(size=50_000) for seed in (1, 2))
    known, unknown = np.round(known + 1.0, 2), np.round(unknown, 2)
    labels = np.repeat([1, 0], [len(known), len(unknown)])
    scores = np.concatenate([known, unknown])
    same = lambda area: {"AUROC": float(area)}
    return (
        Side(lambda repeat: fj.metrics.auroc(known, unknown), same),
        Side(lambda repeat: roc_auc_score(labels, scores), same),
    )


def _pair(name: str, work: str, sides: Callable[[Victim], tuple[Side, Side]]) -> Pair:
    return Pair("scores", f"pytorch-ood {name}", "pytorch-ood", "pytorch_ood", work, sides)


_SCORE = "500 images known, 500 not"
_LEARN = f"learned from 2000 images; {_SCORE}"

PAIRS = [
    _pair(
        "maximum softmax",
        _SCORE,
        _sides(
            lambda victim: fj.defenses.maximum_probability,
            _detector("MaxSoftmax"),
        ),
    ),
    _pair(
        "maximum logit",
        _SCORE,
        _sides(lambda victim: fj.defenses.maximum_logit, _detector("MaxLogit")),
    ),
    _pair(
        "energy",
        _SCORE,
        _sides(lambda victim: fj.defenses.energy, _detector("EnergyBased")),
    ),
    _pair(
        "ODIN",
        f"{_SCORE}; a step of {_STEP}, temperature {_TEMPERATURE:g}",
        _sides(
            lambda victim: lambda: fj.defenses.odin(victim.classifier, _STEP, _TEMPERATURE),
            _detector("ODIN", eps=_STEP, temperature=_TEMPERATURE),
            pixels=True,
        ),
    ),
    _pair(
        "Mahalanobis",
        f"{_LEARN}; penultimate features",
        _sides(
            _mahalanobis,
            _detector("Mahalanobis"),
            lambda detector, logits, features, labels: detector.fit_features(features, labels),
            features=True,
        ),
    ),
    _pair(
        "OpenMax",
        f"{_LEARN}; tails of {_TAIL}, one class revised",
        _sides(
            _openmax,
            _detector("OpenMax", tailsize=_TAIL, alpha=1),
            lambda detector, logits, features, labels: detector.fit_logits(logits, labels),
        ),
    ),
    Pair(
        "scores",
        "scikit-learn AUROC",
        "scikit-learn",
        "sklearn",
        "100,000 scores with ties",
        _sklearn_auroc,
        bare=True,
    ),
]
